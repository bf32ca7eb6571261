using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Install;

/// <summary>Our members of the daemon's configuration: put in, and taken out again. All others keep their meaning and their order.</summary>
/// <param name="Runtimes">Names of our launchers with their paths; the first is the default.</param>
internal sealed record DaemonJson(IReadOnlyList<(string Name, string Path)> Runtimes, string Plugin)
{
    /// <summary>Of the file; the longest that are in use have some kilobytes.</summary>
    public const int MaxBytes = 1 << 20;

    private const string RuntimesKey = "runtimes", DefaultKey = "default-runtime", PluginsKey = "authorization-plugins";

    /// <summary>What Docker calls its own, none of which is lost when ours comes in front of it.</summary>
    private static readonly string[] OwnDefaults = ["runc", "io.containerd.runc.v2", "io.containerd.runtime.v1.linux"];

    /// <summary>The file with the gate in it.</summary>
    /// <param name="before">Null when there is none.</param>
    /// <param name="notes">Gets what a person should know.</param>
    /// <exception cref="InstallException">No JSON that dockerd would take, or a setting of somebody else is in the way.</exception>
    public byte[] Merge(ReadOnlyMemory<byte>? before, bool replaceDefault, string path, List<FilledText> notes)
    {
        JsonObject root = Read(before, path);
        foreach ((string key, _) in root)
            foreach (string own in (string[])[RuntimesKey, DefaultKey, PluginsKey])
                if (key != own && string.Equals(key, own, StringComparison.OrdinalIgnoreCase))
                    throw new InstallException("daemon-json", Catalogue.AgentJsonCasing.With(path, Escape.Quote(key), own), Catalogue.AgentJsonCasingHint);
        JsonObject runtimes = Child<JsonObject>(root, RuntimesKey, path, Catalogue.AgentNoObject) ?? new JsonObject();
        foreach ((string name, string to) in Runtimes)
        {
            if (runtimes[name] is { } there && !IsOurs(there, to))
                throw new InstallException("runtime-taken", Catalogue.AgentRuntimeTaken.With(path, name, Escape.Quote(there.ToJsonString())), Catalogue.AgentRuntimeTakenHint);
            runtimes[name] = new JsonObject { ["path"] = to };
        }
        root[RuntimesKey] = Detached(root, RuntimesKey, runtimes);
        string launcher = Runtimes[0].Name;
        string? former = TextOf(root, DefaultKey, path);
        if (former is not null && former != launcher && !OwnDefaults.Contains(former))
        {
            if (!replaceDefault)
                throw new InstallException("default-runtime", Catalogue.AgentDefaultTaken.With(path, Escape.Quote(former)), Catalogue.AgentDefaultTakenHint.With(launcher, Escape.ForTerminal(former)));
            notes.Add(Catalogue.AgentDefaultWas.With(Escape.Quote(former)));
        }
        root[DefaultKey] = launcher;
        JsonArray plugins = Child<JsonArray>(root, PluginsKey, path, Catalogue.AgentNoList) ?? new JsonArray();
        if (!plugins.Any(p => IsText(p, Plugin)))
        {
            if (plugins.Count > 0)
                notes.Add(Catalogue.AgentPluginLast.With(Plugin));
            plugins.Add((JsonNode)JsonValue.Create(Plugin));
        }
        root[PluginsKey] = Detached(root, PluginsKey, plugins);
        return Written(root);
    }

    /// <summary>The file without the gate, when it was changed after the gate was put in.</summary>
    /// <param name="before">As it was before; null when there was none.</param>
    /// <returns>Null: the file goes, because nothing is left in it and there was none.</returns>
    /// <exception cref="InstallException">No JSON.</exception>
    public byte[]? Without(ReadOnlyMemory<byte> now, ReadOnlyMemory<byte>? before, string path)
    {
        JsonObject root = Read(now, path), former = Read(before, Catalogue.AgentAsItWas.With(path));
        if (Child<JsonObject>(root, RuntimesKey, path, Catalogue.AgentNoObject) is { } runtimes)
        {
            foreach ((string name, string to) in Runtimes)
                if (runtimes[name] is { } there && IsOurs(there, to))
                    runtimes.Remove(name);
            if (runtimes.Count == 0 && !former.ContainsKey(RuntimesKey))
                root.Remove(RuntimesKey);
        }
        if (TextOf(root, DefaultKey, path) == Runtimes[0].Name)
        {
            root.Remove(DefaultKey);
            if (TextOf(former, DefaultKey, path) is { } name && name != Runtimes[0].Name)
                root[DefaultKey] = name;
        }
        if (Child<JsonArray>(root, PluginsKey, path, Catalogue.AgentNoList) is { } plugins)
        {
            for (int i = plugins.Count - 1; i >= 0; i--)
                if (IsText(plugins[i], Plugin))
                    plugins.RemoveAt(i);
            if (plugins.Count == 0 && !former.ContainsKey(PluginsKey))
                root.Remove(PluginsKey);
        }
        return root.Count == 0 && before is null ? null : Written(root);
    }

    /// <summary>Whether the gate is in the file as <see cref="Merge"/> puts it there.</summary>
    public bool IsIn(ReadOnlyMemory<byte> now, string path)
    {
        JsonObject root = Read(now, path);
        return Child<JsonObject>(root, RuntimesKey, path, Catalogue.AgentNoObject) is { } runtimes && Runtimes.All(r => runtimes[r.Name] is { } there && IsOurs(there, r.Path))
            && TextOf(root, DefaultKey, path) == Runtimes[0].Name && Child<JsonArray>(root, PluginsKey, path, Catalogue.AgentNoList)?.Any(p => IsText(p, Plugin)) == true;
    }

    private static bool IsOurs(JsonNode runtime, string path) => runtime is JsonObject { Count: 1 } only && IsText(only["path"], path);

    private static bool IsText(JsonNode? node, string text) => node is JsonValue value && value.TryGetValue(out string? said) && said == text;

    /// <param name="name">What the file is called.</param>
    private static JsonObject Read(ReadOnlyMemory<byte>? json, object name)
    {
        if (json is null || json.Value.Span.TrimStart(" \t\r\n"u8).IsEmpty)
            return new JsonObject();
        try
        {
            return JsonNode.Parse(json.Value.Span, null, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 32 }) as JsonObject
                ?? throw new InstallException("daemon-json", Catalogue.AgentNoJsonObject.With(name), Catalogue.AgentNoJsonHint);
        }
        catch (JsonException e)
        {
            throw new InstallException("daemon-json", Catalogue.AgentNoJson.With(name, Escape.ForTerminal(e.Message)), Catalogue.AgentNoJsonHint, e);
        }
    }

    private static T? Child<T>(JsonObject root, string key, string path, Text otherwise) where T : JsonNode => root[key] switch
    {
        null => null,
        T child => child,
        _ => throw new InstallException("daemon-json", otherwise.With(path, key), Catalogue.AgentNoJsonHint),
    };

    private static string? TextOf(JsonObject root, string key, string path) => root[key] switch
    {
        null => null,
        JsonValue value when value.TryGetValue(out string? text) => text,
        _ => throw new InstallException("daemon-json", Catalogue.AgentNoText.With(path, key), Catalogue.AgentNoJsonHint),
    };

    /// <summary>A node that has a parent cannot be set again; it is where it should be already.</summary>
    private static JsonNode Detached(JsonObject root, string key, JsonNode node)
    {
        if (ReferenceEquals(node.Parent, root))
            root[key] = null;
        return node;
    }

    private static byte[] Written(JsonObject root)
    {
        using MemoryStream bytes = new();
        // What stands in the file is read by dockerd and by people, and by no browser.
        using (Utf8JsonWriter writer = new(bytes, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" }))
            root.WriteTo(writer);
        bytes.WriteByte((byte)'\n');
        return bytes.ToArray();
    }
}
