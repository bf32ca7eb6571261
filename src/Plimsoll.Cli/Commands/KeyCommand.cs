using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Plimsoll.Inspect.Reports;
using Plimsoll.Keys;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll key</c>: makes, keeps, rotates and revokes the keys that sign. Page: docs/verbs/key.md.</summary>
internal static partial class KeyCommand
{
    public static Command Create(CliContext context) => new("key", Catalogue.KeySummary.In(context.Language))
    {
        Generate(context), List(context), Show(context), Import(context), Export(context), Rotate(context), Revoke(context), Split(context), Combine(context),
    };

    private static Command Generate(CliContext context)
    {
        Argument<string> name = new("NAME") { Description = Catalogue.HelpKeyNewName.In(context.Language) };
        Option<string?> algorithm = new("--algorithm") { HelpName = "ALGORITHM", Description = Catalogue.HelpKeyAlgorithm.In(context.Language) };
        Option<string?> days = RotateAfter(context);
        Option<string?> passphrase = PassphraseSource.Option(context);
        Option<string?> pcrs = TpmKeys.PcrsOption(context);
        Command command = new("generate", Catalogue.KeyGenerateSummary.In(context.Language)) { name, algorithm, days, passphrase, pcrs };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            if (TpmKeys.IsOne(line.GetRequiredValue(name)))
            {
                if (line.GetValue(days) is not null || line.GetValue(passphrase) is not null)
                    throw CommandException.Usage("a key in the TPM has no passphrase and no rotation age: its PCRs say when it signs");
                TpmKeys.Generate(context, line.GetRequiredValue(name), line.GetValue(pcrs), AlgorithmOf(line.GetValue(algorithm)), cancellationToken);
                return ExitCode.Done;
            }
            if (line.GetValue(pcrs) is not null)
                throw CommandException.Usage("--tpm-pcrs is for keys in the TPM", "plimsoll key generate tpm:NAME makes one");
            KeyAlgorithm kind = AlgorithmOf(line.GetValue(algorithm)) ?? KeyAlgorithm.EcdsaP256;
            if (HardwareKey.Find(line.GetRequiredValue(name), context) is { } device)
                return GenerateIn(device, kind, line.GetValue(days), new PassphraseSource(context, line.GetValue(passphrase)), context, cancellationToken);
            string wanted = NameOf(line.GetRequiredValue(name));
            int rotation = DaysOf(line.GetValue(days)) ?? StoredKey.DefaultRotationDays;
            KeyStore store = new(context);
            MustBeNew(store, wanted);
            MustBeSupported(kind);
            string secret = new PassphraseSource(context, line.GetValue(passphrase)).GetNew(wanted, cancellationToken);
            using ISigner signer = KeyFile.Generate(kind);
            Tell(context, store.Create(wanted, rotation, signer.PublicKey, signer, secret));
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Command Import(CliContext context)
    {
        Argument<string> file = new("FILE") { Description = Catalogue.HelpKeyFile.In(context.Language) };
        Option<string> name = new("--name") { HelpName = "NAME", Description = Catalogue.HelpKeyImportName.In(context.Language), Required = true };
        Option<string?> days = RotateAfter(context);
        Option<string?> passphrase = PassphraseSource.Option(context);
        Command command = new("import", Catalogue.KeyImportSummary.In(context.Language)) { file, name, days, passphrase };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            string wanted = NameOf(line.GetRequiredValue(name)), path = line.GetRequiredValue(file);
            HardwareKey.Refuse(path, context, Catalogue.DeviceNoImport, Catalogue.DeviceImportHint);
            int rotation = DaysOf(line.GetValue(days)) ?? StoredKey.DefaultRotationDays;
            KeyStore store = new(context);
            MustBeNew(store, wanted);
            PassphraseSource passphrases = new(context, line.GetValue(passphrase));
            if (KeyStore.FindPublicFile(path) is { } known)
                using (known)
                    Tell(context, store.Create(wanted, rotation, known, null, null));
            else
            {
                string? opened = null;
                using ISigner signer = KeyStore.OpenFile(path, (what, cosign) => opened = passphrases.Get(what, cosign, cancellationToken));
                // What came behind a passphrase stays behind it; cosign alone takes an empty one.
                string secret = string.IsNullOrEmpty(opened) ? passphrases.GetNew(wanted, cancellationToken) : opened;
                Tell(context, store.Create(wanted, rotation, signer.PublicKey, signer, secret));
            }
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Command Export(CliContext context)
    {
        Argument<string> key = new("KEY") { Description = Catalogue.HelpStoredKey.In(context.Language) };
        Option<bool> open = new("--public") { Description = Catalogue.HelpKeyPublic.In(context.Language) };
        Option<bool> cosign = new("--cosign") { Description = Catalogue.HelpKeyCosign.In(context.Language) };
        Option<bool> pkcs8 = new("--pkcs8") { Description = Catalogue.HelpKeyPkcs8.In(context.Language) };
        Option<string?> output = new("--output", "-o") { HelpName = "FILE", Description = Catalogue.HelpKeyOutput.In(context.Language) };
        Option<string?> passphrase = PassphraseSource.Option(context);
        Command command = new("export", Catalogue.KeyExportSummary.In(context.Language)) { key, open, cosign, pkcs8, output, passphrase };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            bool[] forms = [line.GetValue(open), line.GetValue(cosign), line.GetValue(pkcs8)];
            if (forms.Count(f => f) != 1)
                throw CommandException.Usage("one of --public, --cosign and --pkcs8 is wanted");
            string? to = line.GetValue(output) is "-" ? null : line.GetValue(output);
            if (to is not null)
                new OutputTarget("key", to).Check();
            string wanted = line.GetRequiredValue(key);
            KeyStore store = new(context);
            bool inTpm = TpmKeys.IsOne(wanted);
            if (inTpm && !line.GetValue(open))
                throw CommandException.Usage($"{Escape.ForTerminal(wanted)} never leaves its TPM", "--public writes its public half");
            if (!line.GetValue(open))
                HardwareKey.Refuse(wanted, context, Catalogue.DeviceStays, Catalogue.DeviceExportHint);
            if (line.GetValue(open))
            {
                if (!inTpm && HardwareKey.Find(wanted, context) is null && store.FindNamed(wanted) is null)
                    throw NoKey(wanted);
                using KeyRing ring = store.OpenPublic(wanted);
                string pem = string.Concat(ring.Keys.Select(k => k.ToPem()));
                if (to is null)
                    context.Out.Write(pem);
                else
                    new OutputTarget("key", to).WriteFile(Encoding.ASCII.GetBytes(pem));
                return ExitCode.Done;
            }
            (StoredKey stored, KeyName named) = store.FindNamed(wanted) ?? throw NoKey(wanted);
            StoredVersion version = named.Version is { } number ? stored.Versions.FirstOrDefault(v => v.Number == number) ?? throw KeyStore.NoVersion(stored, named)
                : stored.Current ?? stored.Versions[^1];
            string written;
            if (line.GetValue(pkcs8))
                written = store.ReadEncrypted(stored, version);
            else
            {
                PassphraseSource passphrases = new(context, line.GetValue(passphrase));
                string secret = "";
                using ISigner signer = store.OpenVersion(stored, version, what => secret = passphrases.Get(what, cosign: false, cancellationToken));
                written = Wanted(() => CosignKeyFile.Write(signer, passphrases.ForCosign(secret)));
            }
            if (to is null)
                context.Out.Write(written);
            else
                KeyStore.WriteAlone(to, written);
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Command Rotate(CliContext context)
    {
        Argument<string> name = new("NAME") { Description = Catalogue.HelpKeyName.In(context.Language) };
        Option<string?> algorithm = new("--algorithm") { HelpName = "ALGORITHM", Description = Catalogue.HelpKeyAlgorithmRotate.In(context.Language) };
        Option<string?> days = RotateAfter(context);
        Option<string?> passphrase = PassphraseSource.Option(context);
        Command command = new("rotate", Catalogue.KeyRotateSummary.In(context.Language)) { name, algorithm, days, passphrase };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            string wanted = line.GetRequiredValue(name);
            HardwareKey.Refuse(wanted, context, Catalogue.DeviceNoVersions, Catalogue.DeviceRotateHint);
            KeyAlgorithm? kind = AlgorithmOf(line.GetValue(algorithm));
            int? rotation = DaysOf(line.GetValue(days));
            KeyStore store = new(context);
            (StoredKey stored, KeyName named) = store.FindNamed(wanted) ?? throw NoKey(wanted);
            if (named.Version is not null)
                throw CommandException.Usage($"{named} is one version; a rotation makes a new one of {named.Name}", $"plimsoll key rotate {named.Name}");
            PassphraseSource passphrases = new(context, line.GetValue(passphrase));
            MustBeSupported(kind ?? (stored.Current ?? stored.Versions[^1]).Algorithm);
            string secret = "";
            if (stored.Current is { } current && store.HasPrivate(stored, current))
                // Whoever does not know the passphrase of the key has no say in what succeeds it, and it stays one passphrase.
                using (store.OpenVersion(stored, current, what => secret = passphrases.Get(what, cosign: false, cancellationToken)))
                    kind ??= current.Algorithm;
            else
                secret = passphrases.GetNew(wanted, cancellationToken);
            using ISigner signer = KeyFile.Generate(kind ?? stored.Versions[^1].Algorithm);
            Tell(context, store.Rotate(wanted, signer, secret, rotation));
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Command List(CliContext context)
    {
        Argument<string?> device = new("DEVICE") { Description = Catalogue.HelpKeyDevice.In(context.Language), Arity = ArgumentArity.ZeroOrOne };
        Option<bool> json = new("--json") { Description = Catalogue.HelpKeyJson.In(context.Language) };
        Option<string?> passphrase = PassphraseSource.Option(context);
        Command command = new("list", Catalogue.KeyListSummary.In(context.Language)) { device, json, passphrase };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            if (line.GetValue(device) is { } named)
                return ListOf(HardwareKey.Find(named, context) ?? throw CommandException.Usage($"{Escape.Quote(named)} names no device", "pkcs11: names every token of the module; stored keys are listed without an argument"),
                    line.GetValue(json), new PassphraseSource(context, line.GetValue(passphrase)), context, cancellationToken);
            KeyStore store = new(context);
            IReadOnlyList<StoredKey> keys = store.List();
            IReadOnlyList<string> tpm = TpmKeys.Names(context);
            if (line.GetValue(json))
                context.Out.WriteLine(ToJson(keys, store, context.Time.GetUtcNow(), tpm, context));
            else if (keys.Count + tpm.Count == 0)
                context.Error.WriteLine($"plimsoll: {Catalogue.KeyNone.In(context.Language)}");
            else
                WriteTable(context, [Catalogue.KeyColumns.In(context.Language).Split('\t'), .. keys.Select(k => Row(k, store, context)), .. tpm.Select(k => RowTpm(context, k))]);
            foreach (StoredKey key in keys)
                foreach (string remark in Remarks(key, context))
                    context.Error.WriteLine($"plimsoll: note: {remark}");
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Command Show(CliContext context)
    {
        Argument<string> key = new("KEY") { Description = Catalogue.HelpKeyOrFile.In(context.Language) };
        Option<bool> json = new("--json") { Description = Catalogue.HelpKeyJson.In(context.Language) };
        Option<string?> passphrase = PassphraseSource.Option(context);
        Command command = new("show", Catalogue.KeyShowSummary.In(context.Language)) { key, json, passphrase };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            string wanted = line.GetRequiredValue(key);
            KeyStore store = new(context);
            Language language = context.Language;
            if (TpmKeys.IsOne(wanted))
                return ShowTpm(context, wanted, line.GetValue(json));
            if (HardwareKey.Find(wanted, context) is { } device)
                return ShowIn(device, line.GetValue(json), new PassphraseSource(context, line.GetValue(passphrase)), context, cancellationToken);
            if (store.FindNamed(wanted) is not var (stored, named))
            {
                using PublicKey one = KeyStore.FindPublicFile(wanted) ?? KeyStore.PublicOfPrivate(wanted, (what, cosign) => new PassphraseSource(context, line.GetValue(passphrase)).Get(what, cosign, cancellationToken));
                if (line.GetValue(json))
                    context.Out.WriteLine(ToJson(one));
                else
                    WriteRows(context, [(Catalogue.KeyLabelKey, Escape.ForTerminal(wanted)), .. RowsOf(one)]);
                return ExitCode.Done;
            }
            StoredVersion[] versions = [.. stored.Versions.Where(v => named.Version is null || v.Number == named.Version)];
            if (versions.Length == 0)
                throw KeyStore.NoVersion(stored, named);
            // What is shown is what the file holds, not what the list says of it.
            List<PublicKey> shown = [];
            foreach (StoredVersion version in versions)
                shown.Add(store.ReadPublic(stored, version));
            using KeyRing held = new(stored.Name, shown);
            if (line.GetValue(json))
                context.Out.WriteLine(ToJson([stored with { Versions = versions }], store, context.Time.GetUtcNow(), null, context));
            else
            {
                WriteRows(context, [(Catalogue.KeyLabelKey, stored.Name), (Catalogue.KeyLabelRotation, Catalogue.KeyRotationDays.In(language, stored.RotationDays))]);
                foreach ((StoredVersion version, PublicKey one) in versions.Zip(shown))
                {
                    context.Out.WriteLine();
                    WriteRows(context, [(Catalogue.KeyLabelKey, $"{stored.Name}@v{version.Number}"), .. RowsOf(one),
                        (Catalogue.KeyLabelCreated, StoredKey.Written(version.Created)), (Catalogue.KeyLabelState, StateOf(stored, version, store, context))]);
                }
            }
            foreach (string remark in Remarks(stored with { Versions = versions }, context))
                context.Error.WriteLine($"plimsoll: note: {remark}");
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    /// <summary>What a person should know of a key: due, revoked in part, revoked as a whole.</summary>
    internal static IEnumerable<string> Remarks(StoredKey key, CliContext context)
    {
        DateTimeOffset now = context.Time.GetUtcNow();
        foreach (StoredVersion version in key.Versions.Where(v => v.Revoked is not null))
            yield return Catalogue.KeyVersionRevoked.In(context.Language, $"{key.Name}@v{version.Number}", StoredKey.Written(version.Revoked!.Value),
                version.Reason is { } reason ? Escape.ForTerminal(reason) : Catalogue.KeyNoReason.In(context.Language));
        if (key.Current is not { } current)
            yield return Catalogue.KeyAllRevoked.In(context.Language, key.Name);
        else if (key.IsDue(now))
            yield return Catalogue.KeyDue.In(context.Language, $"{key.Name}@v{current.Number}", (long)(now - current.Created).TotalDays, key.RotationDays, key.Name);
    }

    private static (Text, string)[] RowsOf(PublicKey key) =>
    [
        (Catalogue.KeyLabelAlgorithm, key.Algorithm.Word()), (Catalogue.KeyLabelId, key.Id), (Catalogue.KeyLabelFingerprint, FingerprintOf(key.Id)),
        .. key.Parts.Count == 1 ? [] : key.Parts.Select(p => (Catalogue.KeyLabelPart, $"{p.Algorithm.Word(),-10} {p.Id}")),
    ];

    /// <summary>The id as OpenSSH writes fingerprints, which people compare more easily.</summary>
    private static string FingerprintOf(string id) => "SHA256:" + Convert.ToBase64String(Convert.FromHexString(id)).TrimEnd('=');

    private static string StateOf(StoredKey key, StoredVersion version, KeyStore store, CliContext context) => (
        version.Revoked is not null ? Catalogue.KeyStateRevoked
        : version.Algorithm.UnsupportedHere() is not null ? Catalogue.KeyStateUnsupported
        : !store.HasPrivate(key, version) ? Catalogue.KeyStatePublic
        : version == key.Current && key.IsDue(context.Time.GetUtcNow()) ? Catalogue.KeyStateDue : Catalogue.KeyStateReady).In(context.Language);

    private static string[] Row(StoredKey key, KeyStore store, CliContext context)
    {
        StoredVersion shown = key.Current ?? key.Versions[^1];
        return [key.Name, $"v{shown.Number}", shown.Algorithm.Word(), StoredKey.Written(shown.Created)[..10], shown.Id[..16], StateOf(key, shown, store, context)];
    }

    private static void WriteTable(CliContext context, IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(c => rows.Max(r => DisplayWidth.Of(r[c])))];
        foreach (string[] row in rows)
            context.Out.WriteLine(string.Join("  ", row.Select((cell, c) => c == row.Length - 1 ? cell : cell + new string(' ', widths[c] - DisplayWidth.Of(cell)))));
    }

    private static void WriteRows(CliContext context, IReadOnlyList<(Text Label, string Value)> rows)
    {
        foreach ((Text label, string value) in rows)
            context.Out.WriteLine(label.In(context.Language) is var shown ? $"{shown}{new string(' ', Math.Max(1, 13 - DisplayWidth.Of(shown)))}{value}" : "");
    }

    private static string ToJson(IReadOnlyList<StoredKey> keys, KeyStore store, DateTimeOffset now, IReadOnlyList<string>? tpm, CliContext context) => Json(json =>
    {
        json.WriteStartArray("keys");
        foreach (StoredKey key in keys)
        {
            json.WriteStartObject();
            json.WriteString("name", key.Name);
            json.WriteNumber("rotationDays", key.RotationDays);
            json.WriteBoolean("due", key.IsDue(now));
            json.WriteStartArray("versions");
            foreach (StoredVersion version in key.Versions)
            {
                json.WriteStartObject();
                json.WriteNumber("version", version.Number);
                json.WriteString("algorithm", version.Algorithm.Word());
                json.WriteString("id", version.Id);
                json.WriteString("fingerprint", FingerprintOf(version.Id));
                json.WriteString("created", StoredKey.Written(version.Created));
                json.WriteBoolean("private", store.HasPrivate(key, version));
                json.WriteString("revoked", version.Revoked is { } revoked ? StoredKey.Written(revoked) : null);
                json.WriteString("reason", version.Reason);
                // Of a list no file is read; tpm is null for a key that is shown.
                if (tpm is null && version.Algorithm.Classical() is not null)
                    using (PublicKey hybrid = store.ReadPublic(key, version))
                        WriteParts(json, hybrid);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (tpm is not { Count: > 0 })
            return;
        json.WriteStartArray("tpm");
        foreach (string name in tpm)
        {
            TpmKeyFile file = TpmKeys.Read(context, name);
            using PublicKey key = file.ToPublicKey(name);
            json.WriteStartObject();
            WriteTpm(json, name, file, key);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    private static string ToJson(PublicKey key) => Json(json =>
    {
        json.WriteString("algorithm", key.Algorithm.Word());
        json.WriteString("id", key.Id);
        json.WriteString("fingerprint", FingerprintOf(key.Id));
        WriteParts(json, key);
    });

    /// <summary>What envelopes name a hybrid key's two signatures by; nothing for other keys.</summary>
    private static void WriteParts(Utf8JsonWriter json, PublicKey key)
    {
        if (key.Parts.Count == 1)
            return;
        json.WriteStartArray("parts");
        foreach (PublicKey part in key.Parts)
        {
            json.WriteStartObject();
            json.WriteString("algorithm", part.Algorithm.Word());
            json.WriteString("id", part.Id);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static string Json(Action<Utf8JsonWriter> write)
    {
        using MemoryStream memory = new();
        using (Utf8JsonWriter json = new(memory, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            write(json);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(memory.ToArray());
    }

    private static void Tell(CliContext context, StoredKey key)
    {
        StoredVersion made = key.Versions[^1];
        context.Out.WriteLine(Catalogue.KeyMade.In(context.Language, $"{key.Name}@v{made.Number.ToString(CultureInfo.InvariantCulture)}", made.Algorithm.Word(), made.Id));
    }

    private static Option<string?> RotateAfter(CliContext context) =>
        new("--rotate-after") { HelpName = "DAYS", Description = Catalogue.HelpKeyRotateAfter.In(context.Language, StoredKey.DefaultRotationDays) };

    private static string NameOf(string text) => KeyName.TryParse(text, out KeyName? name) && name.Version is null && name.Name != ImageWord ? text
        : throw CommandException.Usage($"{Escape.Quote(text)} is no name of a key; wanted letters, digits, - and _, at most {KeyName.MaxLength}, and not {ImageWord}");

    private static KeyAlgorithm? AlgorithmOf(string? text) => text is null ? null : KeyAlgorithms.TryParse(text, out KeyAlgorithm algorithm) ? algorithm
        : throw CommandException.Usage($"--algorithm: {Escape.Quote(text)} is not understood; wanted {string.Join(", ", KeyAlgorithms.All.Select(a => a.Word()))}");

    /// <summary><c>90</c> or <c>90d</c>.</summary>
    private static int? DaysOf(string? text) => text is null ? null
        : int.TryParse(text.EndsWith('d') ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out int days) && days is >= 1 and <= StoredKey.MaxRotationDays ? days
        : throw CommandException.Usage($"--rotate-after: {Escape.Quote(text)} is not understood; wanted days, 1 to {StoredKey.MaxRotationDays}");

    /// <summary>Before anybody is asked for a passphrase.</summary>
    private static void MustBeSupported(KeyAlgorithm algorithm)
    {
        if (algorithm.UnsupportedHere() is { } why)
            throw new KeyUnsupportedException($"{algorithm.Word()}: {why}");
    }

    /// <summary>Before anybody is asked for a passphrase.</summary>
    private static void MustBeNew(KeyStore store, string name)
    {
        if (store.Find(name) is not null)
            throw CommandException.Usage($"there is a key {name} already", $"plimsoll key rotate {name} makes a new version of it");
    }

    private static CommandException NoKey(string text) => CommandException.Usage($"no key {Escape.Quote(text)} is stored", "plimsoll key list shows those that are");

    private static T Wanted<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (KeyException e) when (e is not KeyUnsupportedException)
        {
            throw CommandException.Usage(e.Message, e.Hint);
        }
    }

    /// <summary>Off the thread that reads signals, since a key may ask for a passphrase and its derivation takes a while.</summary>
    private static Task<int> Run(Func<int> action, CancellationToken cancellationToken) => Task.Run(action, cancellationToken);
}
