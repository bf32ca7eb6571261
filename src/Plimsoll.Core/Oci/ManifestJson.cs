using System.Text.Json;

namespace Plimsoll.Oci;

/// <summary>Reads one value; the reader stands on its first token and afterwards on its last.</summary>
internal delegate T ReadJson<out T>(ref Utf8JsonReader reader);

/// <summary>Reads index, manifest and config by hand.</summary>
/// <remarks>
/// A warm scan reads three small documents; the serialiser's machinery for them took a tenth of its time. Members that are
/// not known are passed over, a value of another kind than the specification's is a <see cref="JsonException"/>.
/// </remarks>
internal static class ManifestJson
{
    public const int MaxDepth = 32;

    /// <exception cref="JsonException">With the line and byte where it is not as expected.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> json, ReadJson<T?> read) where T : class
    {
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            reader.Read();
            T value = read(ref reader) ?? throw new JsonException("the JSON is null");
            // Text after the value is an error of the reader's own.
            reader.Read();
            return value;
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or JsonException { LineNumber: null })
        {
            ReadOnlySpan<byte> before = json[..(int)reader.TokenStartIndex];
            throw new JsonException(e.Message, null, before.Count((byte)'\n'), before.Length - 1 - before.LastIndexOf((byte)'\n'), e);
        }
    }

    public static ImageIndex? Index(ref Utf8JsonReader reader)
    {
        int version = 0;
        string? mediaType = null;
        IReadOnlyList<Descriptor>? manifests = null;
        Descriptor? subject = null;
        string? artifactType = null;
        IReadOnlyDictionary<string, string>? annotations = null;
        if (!Object(ref reader))
            return null;
        while (Member(ref reader))
            if (Is(ref reader, "schemaVersion"u8))
                version = reader.GetInt32();
            else if (Is(ref reader, "mediaType"u8))
                mediaType = reader.GetString();
            else if (Is(ref reader, "manifests"u8))
                manifests = List(ref reader, Descriptor);
            else if (Is(ref reader, "subject"u8))
                subject = Descriptor(ref reader);
            else if (Is(ref reader, "artifactType"u8))
                artifactType = reader.GetString();
            else if (Is(ref reader, "annotations"u8))
                annotations = Map(ref reader);
            else
                Pass(ref reader);
        return new ImageIndex { SchemaVersion = version, MediaType = mediaType, Manifests = manifests, Subject = subject, ArtifactType = artifactType, Annotations = annotations };
    }

    public static ImageManifest? Manifest(ref Utf8JsonReader reader)
    {
        int version = 0;
        string? mediaType = null;
        Descriptor? config = null, subject = null;
        string? artifactType = null;
        IReadOnlyList<Descriptor>? layers = null;
        IReadOnlyDictionary<string, string>? annotations = null;
        if (!Object(ref reader))
            return null;
        while (Member(ref reader))
            if (Is(ref reader, "schemaVersion"u8))
                version = reader.GetInt32();
            else if (Is(ref reader, "mediaType"u8))
                mediaType = reader.GetString();
            else if (Is(ref reader, "config"u8))
                config = Descriptor(ref reader);
            else if (Is(ref reader, "layers"u8))
                layers = List(ref reader, Descriptor);
            else if (Is(ref reader, "subject"u8))
                subject = Descriptor(ref reader);
            else if (Is(ref reader, "artifactType"u8))
                artifactType = reader.GetString();
            else if (Is(ref reader, "annotations"u8))
                annotations = Map(ref reader);
            else
                Pass(ref reader);
        return new ImageManifest { SchemaVersion = version, MediaType = mediaType, Config = config, Layers = layers, Subject = subject, ArtifactType = artifactType, Annotations = annotations };
    }

    public static IReadOnlyList<ArchiveManifest>? Archive(ref Utf8JsonReader reader) => List(ref reader, ArchiveOne);

    public static ImageConfig? Config(ref Utf8JsonReader reader)
    {
        string? created = null, architecture = null, os = null, variant = null;
        ProcessConfig? process = null;
        RootFs? rootfs = null;
        IReadOnlyList<HistoryEntry>? history = null;
        if (!Object(ref reader))
            return null;
        while (Member(ref reader))
            if (Is(ref reader, "created"u8))
                created = reader.GetString();
            else if (Is(ref reader, "architecture"u8))
                architecture = reader.GetString();
            else if (Is(ref reader, "os"u8))
                os = reader.GetString();
            else if (Is(ref reader, "variant"u8))
                variant = reader.GetString();
            else if (Is(ref reader, "config"u8))
                process = Process(ref reader);
            else if (Is(ref reader, "rootfs"u8))
                rootfs = Root(ref reader);
            else if (Is(ref reader, "history"u8))
                history = List(ref reader, History);
            else
                Pass(ref reader);
        return new ImageConfig { Created = created, Architecture = architecture, Os = os, Variant = variant, Config = process, Rootfs = rootfs, History = history };
    }

    private static Descriptor? Descriptor(ref Utf8JsonReader reader)
    {
        string? mediaType = null, digest = null, artifactType = null;
        long size = -1;
        DescriptorPlatform? platform = null;
        IReadOnlyDictionary<string, string>? annotations = null;
        if (!Object(ref reader))
            return null;
        while (Member(ref reader))
            if (Is(ref reader, "mediaType"u8))
                mediaType = reader.GetString();
            else if (Is(ref reader, "digest"u8))
                digest = reader.GetString();
            else if (Is(ref reader, "size"u8))
                size = reader.GetInt64();
            else if (Is(ref reader, "artifactType"u8))
                artifactType = reader.GetString();
            else if (Is(ref reader, "platform"u8))
                platform = Platform(ref reader);
            else if (Is(ref reader, "annotations"u8))
                annotations = Map(ref reader);
            else
                Pass(ref reader);
        return new Descriptor { MediaType = mediaType, Digest = digest, Size = size, Platform = platform, Annotations = annotations, ArtifactType = artifactType };
    }

    private static DescriptorPlatform? Platform(ref Utf8JsonReader reader)
    {
        string? os = null, architecture = null, variant = null;
        if (!Object(ref reader))
            return null;
        while (Member(ref reader))
            if (Is(ref reader, "os"u8))
                os = reader.GetString();
            else if (Is(ref reader, "architecture"u8))
                architecture = reader.GetString();
            else if (Is(ref reader, "variant"u8))
                variant = reader.GetString();
            else
                Pass(ref reader);
        return new DescriptorPlatform { Os = os, Architecture = architecture, Variant = variant };
    }

    private static ArchiveManifest? ArchiveOne(ref Utf8JsonReader reader)
    {
        string? config = null;
        IReadOnlyList<string>? tags = null, layers = null;
        if (!Object(ref reader))
            return null;
        while (Member(ref reader))
            if (Is(ref reader, "Config"u8))
                config = reader.GetString();
            else if (Is(ref reader, "RepoTags"u8))
                tags = Texts(ref reader);
            else if (Is(ref reader, "Layers"u8))
                layers = Texts(ref reader);
            else
                Pass(ref reader);
        return new ArchiveManifest { Config = config, RepoTags = tags, Layers = layers };
    }

    private static ProcessConfig? Process(ref Utf8JsonReader reader)
    {
        string? user = null, folder = null, stopSignal = null;
        IReadOnlyList<string>? environment = null, entrypoint = null, command = null, ports = null, volumes = null, onBuild = null, shell = null;
        IReadOnlyDictionary<string, string>? labels = null;
        HealthCheckConfig? health = null;
        bool escaped = false;
        if (!Object(ref reader))
            return null;
        while (Member(ref reader))
            if (Is(ref reader, "User"u8))
                user = reader.GetString();
            else if (Is(ref reader, "Env"u8))
                environment = Texts(ref reader);
            else if (Is(ref reader, "Entrypoint"u8))
                entrypoint = Texts(ref reader);
            else if (Is(ref reader, "Cmd"u8))
                command = Texts(ref reader);
            else if (Is(ref reader, "WorkingDir"u8))
                folder = reader.GetString();
            else if (Is(ref reader, "Labels"u8))
                labels = Map(ref reader);
            else if (Is(ref reader, "ExposedPorts"u8))
                ports = Names(ref reader);
            else if (Is(ref reader, "Volumes"u8))
                volumes = Names(ref reader);
            else if (Is(ref reader, "Healthcheck"u8))
                health = HealthCheck(ref reader);
            else if (Is(ref reader, "StopSignal"u8))
                stopSignal = reader.GetString();
            else if (Is(ref reader, "OnBuild"u8))
                onBuild = Texts(ref reader);
            else if (Is(ref reader, "Shell"u8))
                shell = Texts(ref reader);
            else if (Is(ref reader, "ArgsEscaped"u8))
                escaped = reader.TokenType != JsonTokenType.Null && reader.GetBoolean();
            else
                Pass(ref reader);
        return new ProcessConfig
        {
            User = user,
            Env = environment,
            Entrypoint = entrypoint,
            Cmd = command,
            WorkingDir = folder,
            Labels = labels,
            ExposedPorts = ports,
            Volumes = volumes,
            Healthcheck = health,
            StopSignal = stopSignal,
            OnBuild = onBuild,
            Shell = shell,
            ArgsEscaped = escaped,
        };
    }

    private static HealthCheckConfig? HealthCheck(ref Utf8JsonReader reader)
    {
        IReadOnlyList<string>? test = null;
        if (!Object(ref reader))
            return null;
        while (Member(ref reader))
            if (Is(ref reader, "Test"u8))
                test = Texts(ref reader);
            else
                Pass(ref reader);
        return new HealthCheckConfig { Test = test };
    }

    /// <summary>The names of a set, which Go writes as an object of empty objects.</summary>
    private static IReadOnlyList<string>? Names(ref Utf8JsonReader reader)
    {
        if (!Object(ref reader))
            return null;
        List<string> names = [];
        while (Member(ref reader))
        {
            names.Add(reader.GetString()!);
            reader.Read();
            _ = Object(ref reader);
            reader.Skip();
        }
        return names;
    }

    private static RootFs? Root(ref Utf8JsonReader reader)
    {
        string? type = null;
        IReadOnlyList<string>? diffIds = null;
        if (!Object(ref reader))
            return null;
        while (Member(ref reader))
            if (Is(ref reader, "type"u8))
                type = reader.GetString();
            else if (Is(ref reader, "diff_ids"u8))
                diffIds = Texts(ref reader);
            else
                Pass(ref reader);
        return new RootFs { Type = type, DiffIds = diffIds };
    }

    private static HistoryEntry? History(ref Utf8JsonReader reader)
    {
        string? created = null, createdBy = null, author = null, comment = null;
        bool empty = false;
        if (!Object(ref reader))
            return null;
        while (Member(ref reader))
            if (Is(ref reader, "created"u8))
                created = reader.GetString();
            else if (Is(ref reader, "created_by"u8))
                createdBy = reader.GetString();
            else if (Is(ref reader, "author"u8))
                author = reader.GetString();
            else if (Is(ref reader, "comment"u8))
                comment = reader.GetString();
            else if (Is(ref reader, "empty_layer"u8))
                empty = reader.GetBoolean();
            else
                Pass(ref reader);
        return new HistoryEntry { Created = created, CreatedBy = createdBy, Author = author, Comment = comment, EmptyLayer = empty };
    }

    /// <returns>False for null.</returns>
    private static bool Object(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => true,
        JsonTokenType.Null => false,
        _ => throw new JsonException($"{reader.TokenType} where an object is expected"),
    };

    private static bool Member(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    /// <summary>Whether the member has this name; if so the reader goes on to its value.</summary>
    private static bool Is(ref Utf8JsonReader reader, ReadOnlySpan<byte> name) => reader.ValueTextEquals(name) && reader.Read();

    private static void Pass(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    private static IReadOnlyList<string>? Texts(ref Utf8JsonReader reader) => List(ref reader, (ref Utf8JsonReader r) => r.GetString());

    private static IReadOnlyList<T>? List<T>(ref Utf8JsonReader reader, ReadJson<T?> read) where T : class
    {
        if (reader.TokenType == JsonTokenType.Null)
            return null;
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException($"{reader.TokenType} where a list is expected");
        List<T> list = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            list.Add(read(ref reader) ?? throw new JsonException("a list holds null"));
        return list;
    }

    private static IReadOnlyDictionary<string, string>? Map(ref Utf8JsonReader reader)
    {
        if (!Object(ref reader))
            return null;
        Dictionary<string, string> map = new(StringComparer.Ordinal);
        while (Member(ref reader))
        {
            string name = reader.GetString()!;
            reader.Read();
            map[name] = reader.GetString()!;
        }
        return map;
    }
}
