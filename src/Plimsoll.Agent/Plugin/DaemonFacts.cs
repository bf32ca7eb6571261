using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Plimsoll.Oci;

namespace Plimsoll.Agent.Plugin;

/// <summary>What a decision takes from the daemon's answer about a container, beside what a start asks for.</summary>
/// <param name="User">The container's own.</param>
internal sealed record ContainerFacts(Digest Image, string User)
{
    /// <summary>The whole id.</summary>
    public required string Id { get; init; }

    public static bool TryRead(ReadOnlyMemory<byte> inspectJson, [NotNullWhen(true)] out ContainerFacts? facts) =>
        DaemonFacts.TryRead(inspectJson, root => Digest.TryParse(DaemonFacts.Text(root, "Image"), out Digest? image) && DaemonFacts.Text(root, "Id") is { Length: > 0 } id && root.TryGetProperty("Config", out JsonElement config)
            ? new ContainerFacts(image, DaemonFacts.Text(config, "User") ?? "") { Id = id } : null, out facts);
}

/// <summary>Whether a container has a process, and whether it is frozen.</summary>
internal sealed record ContainerState(bool Running, bool Paused)
{
    public static bool TryRead(ReadOnlyMemory<byte> inspectJson, [NotNullWhen(true)] out ContainerState? state) =>
        DaemonFacts.TryRead(inspectJson, root => root.TryGetProperty("State", out JsonElement said) && said.ValueKind == JsonValueKind.Object
            && said.TryGetProperty(nameof(Running), out JsonElement running) && said.TryGetProperty(nameof(Paused), out JsonElement paused) ? new ContainerState(running.GetBoolean(), paused.GetBoolean()) : null, out state);
}

/// <summary>What the daemon says of an exec that was made and not yet started.</summary>
/// <param name="User">The container's own where the request named none.</param>
internal sealed record ExecFacts(string Container, bool Privileged, string User)
{
    public static bool TryRead(ReadOnlyMemory<byte> inspectJson, [NotNullWhen(true)] out ExecFacts? facts) =>
        DaemonFacts.TryRead(inspectJson, root => DaemonFacts.Text(root, "ContainerID") is { } container && root.TryGetProperty("ProcessConfig", out JsonElement process) && process.ValueKind == JsonValueKind.Object
            ? new ExecFacts(container, process.TryGetProperty("privileged", out JsonElement privileged) && privileged.ValueKind is not (JsonValueKind.False or JsonValueKind.Null), DaemonFacts.Text(process, "user") ?? "")
            : null, out facts);
}

/// <summary>Options of a volume's driver.</summary>
internal sealed record VolumeFacts(string Driver, IReadOnlyList<KeyValuePair<string, string>> Options)
{
    public static bool TryRead(ReadOnlyMemory<byte> inspectJson, [NotNullWhen(true)] out VolumeFacts? facts) =>
        DaemonFacts.TryRead(inspectJson, root => new VolumeFacts(DaemonFacts.Text(root, "Driver") ?? "",
            root.TryGetProperty(nameof(Options), out JsonElement options) && options.ValueKind == JsonValueKind.Object
                ? [.. options.EnumerateObject().Select(o => KeyValuePair.Create(o.Name, o.Value.GetString() ?? ""))] : []), out facts);
}

/// <summary>The daemon's own JSON, which names each member once and as its documentation does.</summary>
internal static class DaemonFacts
{
    public static bool TryRead<T>(ReadOnlyMemory<byte> json, Func<JsonElement, T?> read, [NotNullWhen(true)] out T? facts) where T : class
    {
        facts = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                facts = read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Answered by false: no JSON, or a value of another kind.
        }
        return facts is not null;
    }

    public static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
