using System.Text.Json;
using Plimsoll.Agent.Plugin;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Gate;

/// <summary>A container that was made for a runtime that is not one of our launchers, or that runs and never asked the gate.</summary>
/// <param name="Name">Untrusted text.</param>
/// <param name="Runtime">As the daemon wrote it down; untrusted text.</param>
/// <param name="Past">It runs, and the gate has not started it.</param>
internal sealed record ForeignContainer(string Id, string Name, string Runtime, bool Runs, bool Past)
{
    /// <summary>What is wrong with it.</summary>
    public FilledText What => (Past ? Catalogue.AgentForeignPast : Runs ? Catalogue.AgentForeignRuns : Catalogue.AgentForeign).With(Escape.Quote(Runtime));
}

/// <summary>Reads what the daemon wrote down of its containers, so that the daemon need not answer.</summary>
internal static class ForeignContainers
{
    private const int MaxBytes = 4 * 1024 * 1024, MaxContainers = 20_000;

    /// <summary>In ordinal order of ids. What cannot be read is left out: the runtime gate asks nobody what these files say.</summary>
    /// <param name="launchers">Names of our launchers.</param>
    /// <param name="state">Of the agent, for the containers that it started.</param>
    public static IReadOnlyList<ForeignContainer> Find(string dataRoot, IReadOnlyCollection<string> launchers, string state)
    {
        List<ForeignContainer> found = [];
        StartedContainers started = new(Path.Combine(state, "started"));
        try
        {
            foreach (string folder in Directory.EnumerateDirectories(Path.Combine(dataRoot, "containers")).Order(StringComparer.Ordinal).Take(MaxContainers))
            {
                string id = Path.GetFileName(folder);
                if (Read($"{folder}/hostconfig.json", r => DaemonFacts.Text(r, "Runtime") ?? "") is not { } runtime || Read($"{folder}/config.v2.json", StateOf) is not { } container)
                    continue;
                bool past = container.Runs && OwnOf(dataRoot, id) is { } own && !started.Contains(id, own), foreign = runtime.Length > 0 && !launchers.Contains(runtime, StringComparer.Ordinal);
                if (past || foreign)
                    found.Add(new ForeignContainer(id, container.Name, runtime, container.Runs, past));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A daemon that never ran has no such folder.
        }
        return found;
    }

    private sealed record Kept(string Name, bool Runs);

    private static Kept StateOf(JsonElement root) =>
        new((DaemonFacts.Text(root, "Name") ?? "").TrimStart('/'), root.TryGetProperty("State", out JsonElement state) && state.ValueKind == JsonValueKind.Object && state.TryGetProperty("Running", out JsonElement runs) && runs.ValueKind == JsonValueKind.True);

    private static T? Read<T>(string path, Func<JsonElement, T> read) where T : class
    {
        try
        {
            return SmallFile.ReadRegular(path, MaxBytes) is { } bytes && DaemonFacts.TryRead(bytes, read, out T? value) ? value : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string? OwnOf(string dataRoot, string id)
    {
        try
        {
            return SmallFile.ReadRegular($"{dataRoot}/image/overlay2/layerdb/mounts/{id}/mount-id", 1024) is { } bytes ? System.Text.Encoding.ASCII.GetString(bytes).Trim() : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
