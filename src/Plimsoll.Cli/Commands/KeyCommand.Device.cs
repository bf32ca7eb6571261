using Plimsoll.Keys;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <content>Keys that a device keeps: made, listed and shown there.</content>
internal static partial class KeyCommand
{
    private static int GenerateIn(IKeyDevice device, KeyAlgorithm kind, string? days, PassphraseSource secrets, CliContext context, CancellationToken cancellationToken)
    {
        if (days is not null)
            throw CommandException.Usage($"{device.Name}: {Catalogue.DeviceNoDays.In(context.Language)}", Catalogue.DeviceDaysHint.In(context.Language));
        DeviceKey made = device.Generate(kind, secrets, cancellationToken);
        context.Out.WriteLine(Catalogue.KeyMade.In(context.Language, made.Name, made.Algorithm, made.Id ?? "-"));
        return ExitCode.Done;
    }

    private static int ListOf(IKeyDevice device, bool json, PassphraseSource secrets, CliContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<DeviceKey> keys = device.List(secrets, cancellationToken);
        if (json)
            context.Out.WriteLine(ToJson(keys));
        else if (keys.Count == 0)
            context.Error.WriteLine($"plimsoll: {Catalogue.KeyNone.In(context.Language)}");
        else
            WriteTable(context, [Catalogue.KeyDeviceColumns.In(context.Language).Split('\t'),
                .. keys.Select(k => (string[])[k.Name, k.Algorithm, k.Id is null ? "-" : k.Id[..16], k.State.In(context.Language)])]);
        return ExitCode.Done;
    }

    private static int ShowIn(IKeyDevice device, bool json, PassphraseSource secrets, CliContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<DeviceKey> keys = device.List(secrets, cancellationToken);
        if (keys.Count == 0)
            throw CommandException.Usage($"{Catalogue.HsmReason("no-object").In(context.Language)}: {device.Name}", "plimsoll key list DEVICE shows what is there");
        if (json)
        {
            context.Out.WriteLine(ToJson(keys));
            return ExitCode.Done;
        }
        foreach ((DeviceKey key, int number) in keys.Select((k, n) => (k, n)))
        {
            if (number > 0)
                context.Out.WriteLine();
            WriteRows(context, [(Catalogue.KeyLabelKey, key.Name), .. key.Id is { } id ? [(Catalogue.KeyLabelAlgorithm, key.Algorithm), (Catalogue.KeyLabelId, id), (Catalogue.KeyLabelFingerprint, FingerprintOf(id))]
                : new[] { (Catalogue.KeyLabelAlgorithm, key.Algorithm) }, (Catalogue.KeyLabelState, key.State.In(context.Language)), .. key.Details.Select(d => (d.Label, d.Value))]);
        }
        return ExitCode.Done;
    }

    private static string ToJson(IReadOnlyList<DeviceKey> keys) => Json(json =>
    {
        json.WriteStartArray("keys");
        foreach (DeviceKey key in keys)
        {
            json.WriteStartObject();
            json.WriteString("name", key.Name);
            json.WriteString("algorithm", key.Algorithm);
            json.WriteString("id", key.Id);
            json.WriteString("fingerprint", key.Id is null ? null : FingerprintOf(key.Id));
            json.WriteString("state", key.StateWord);
            foreach ((_, string name, string value) in key.Details)
                json.WriteString(name, value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
