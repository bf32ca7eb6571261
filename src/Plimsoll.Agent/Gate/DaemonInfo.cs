using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Plimsoll.Agent.Plugin;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Gate;

/// <summary>What a running daemon says of its own settings, whatever its file says now.</summary>
/// <param name="Runtimes">Names of runtimes with their paths.</param>
/// <param name="Plugins">Authorization plugins in their order.</param>
/// <remarks>Source: Docker Engine API, SystemInfo.</remarks>
internal sealed record DaemonInfo(string DefaultRuntime, IReadOnlyDictionary<string, string> Runtimes, IReadOnlyList<string> Plugins)
{
    /// <summary>
    /// Whether the daemon is known to ask our plugin, as it did about the very question that this is the answer to; null when that is not known. It counts more than
    /// <see cref="Plugins"/>: a plugin that came by SIGHUP is asked from then on, and Docker 20.10 lists those that it was started with.
    /// </summary>
    public bool? AsksUs { get; init; }

    public static bool TryRead(ReadOnlyMemory<byte> infoJson, [NotNullWhen(true)] out DaemonInfo? info) => DaemonFacts.TryRead(infoJson, root =>
    {
        Dictionary<string, string> runtimes = new(StringComparer.Ordinal);
        if (root.TryGetProperty(nameof(Runtimes), out JsonElement known) && known.ValueKind == JsonValueKind.Object)
            foreach (JsonProperty runtime in known.EnumerateObject())
                runtimes[runtime.Name] = DaemonFacts.Text(runtime.Value, "path") ?? "";
        string[] plugins = root.TryGetProperty(nameof(Plugins), out JsonElement all) && all.ValueKind == JsonValueKind.Object && all.TryGetProperty("Authorization", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(p => p.GetString() ?? "")] : [];
        return DaemonFacts.Text(root, "DefaultRuntime") is { } named ? new DaemonInfo(named, runtimes, plugins) : null;
    }, out info);

    /// <summary>What is not as it was installed, one text for each; empty when the gate is in force.</summary>
    /// <param name="launchers">Names with paths, the default first.</param>
    public IEnumerable<FilledText> Differences(IReadOnlyList<(string Name, string Path)> launchers, string plugin)
    {
        if (DefaultRuntime != launchers[0].Name)
            yield return Catalogue.AgentDefaultOther.With(Escape.Quote(DefaultRuntime), launchers[0].Name);
        if (!(AsksUs ?? Plugins.Contains(plugin, StringComparer.Ordinal)))
            yield return Catalogue.AgentPluginNotAsked.With(plugin);
        if (launchers.Any(l => Runtimes.GetValueOrDefault(l.Name) != l.Path))
            yield return Catalogue.AgentLaunchersUnknown;
    }
}
