using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Install;

/// <summary>What was installed, as it is kept beside the backup of daemon.json.</summary>
/// <param name="Time">To the second, UTC.</param>
/// <param name="Existed">Whether there was a daemon.json before.</param>
/// <param name="After">SHA-256 of daemon.json as it was written, hex.</param>
/// <param name="Files">Paths of the host, each with the SHA-256 of its content.</param>
/// <param name="Folders">That were made, the outermost first.</param>
/// <param name="Runtimes">Names of launchers with their paths.</param>
internal sealed record InstallRecord(DateTimeOffset Time, string Version, bool Existed, string After, IReadOnlyList<(string Path, string Digest)> Files, IReadOnlyList<string> Folders, IReadOnlyList<(string Name, string Path)> Runtimes)
{
    /// <summary>The daemon's configuration; null: not written down, as records of 0.1 have it.</summary>
    public string? DaemonJson { get; init; }

    /// <summary>The folder of the units that were written; null: not written down.</summary>
    public string? Units { get; init; }

    /// <summary>The name under which dockerd asks the front.</summary>
    public string Plugin { get; init; } = InstallOptions.DefaultPlugin;

    /// <summary>The runtimes behind the launchers, each with the SHA-256 of its content.</summary>
    public IReadOnlyList<(string Path, string Digest)> Engines { get; init; } = [];

    /// <summary>Units and drop-ins of dockerd and containerd that others wrote, each with its SHA-256; null: not written down.</summary>
    public IReadOnlyList<(string Path, string Digest)>? DockerUnits { get; init; }

    public const string FileName = "install.json", BackupName = "daemon.json.before";

    private const int MaxBytes = 1 << 20, MaxNoteBytes = 128;

    public static string DigestOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public static string DigestOfFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Of the record that is there; null when there is none.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static string? FindDigest(InstallOptions options) => options.At(Path.Combine(options.Records, FileName)) is var path && File.Exists(path) ? DigestOfFile(path) : null;

    /// <summary>What install notes of a record beside the folder that it lies in, so that a record which somebody takes away or writes anew is missed.</summary>
    public static byte[] NoteOf(string digest) => Encoding.ASCII.GetBytes(digest + "\n");

    /// <summary>The digest that was noted; empty for what is no note, null for none.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static string? FindNote(InstallOptions options)
    {
        string path = options.At(options.Paths.Installed);
        return !Path.Exists(path) ? null : SmallFile.ReadRegular(path, MaxNoteBytes) is { } note ? Encoding.ASCII.GetString(note).TrimEnd('\n') : "";
    }

    /// <summary>Notes a record, on the disk when this returns.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static void Note(InstallOptions options, string digest) => DurableFile.Write(options.At(options.Paths.Installed), NoteOf(digest), DurableFile.OwnerOnly);

    public byte[] ToJson()
    {
        CanonicalJson json = new CanonicalJson().BeginObject().Number("install", 1).Text("time", Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)).Text("version", Version)
            .Flag("existed", Existed).Text("after", After).BeginArray("files");
        foreach ((string path, string digest) in Files)
            json.BeginObject().Text("path", path).Text("digest", digest).EndObject();
        json.EndArray().Texts("folders", Folders).BeginArray("runtimes");
        foreach ((string name, string path) in Runtimes)
            json.BeginObject().Text("name", name).Text("path", path).EndObject();
        Listed(json.EndArray().Optional("daemon-json", DaemonJson).Optional("units", Units).Text("plugin", Plugin), "engines", Engines);
        if (DockerUnits is not null)
            Listed(json, "docker-units", DockerUnits);
        return [.. json.EndObject().ToBytes(), (byte)'\n'];
    }

    private static void Listed(CanonicalJson json, string name, IReadOnlyList<(string Path, string Digest)> files)
    {
        json.BeginArray(name);
        foreach ((string path, string digest) in files)
            json.BeginObject().Text("path", path).Text("digest", digest).EndObject();
        json.EndArray();
    }

    private static (string, string)[]? FilesOf(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement list)
        ? [.. list.EnumerateArray().Select(f => (f.GetProperty("path").GetString()!, f.GetProperty("digest").GetString()!))] : null;

    /// <returns>Null when nothing is installed.</returns>
    /// <exception cref="InstallException">The record is there and cannot be used.</exception>
    public static InstallRecord? Read(InstallOptions options)
    {
        string path = options.At(Path.Combine(options.Records, FileName));
        if (!File.Exists(path))
            return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(SmallFile.ReadRegular(path, MaxBytes) ?? throw new JsonException("too long"));
            JsonElement root = document.RootElement;
            return new InstallRecord(
                Rfc3339.TryParse(root.GetProperty("time").GetString(), out DateTimeOffset time) ? time : throw new JsonException("time is none"),
                root.GetProperty("version").GetString()!, root.GetProperty("existed").GetBoolean(), root.GetProperty("after").GetString()!,
                FilesOf(root, "files") ?? throw new JsonException("files is missing"),
                [.. root.GetProperty("folders").EnumerateArray().Select(f => f.GetString()!)],
                [.. root.GetProperty("runtimes").EnumerateArray().Select(r => (r.GetProperty("name").GetString()!, r.GetProperty("path").GetString()!))])
            {
                DaemonJson = root.TryGetProperty("daemon-json", out JsonElement json) ? json.GetString() : null,
                Units = root.TryGetProperty("units", out JsonElement units) ? units.GetString() : null,
                Plugin = root.TryGetProperty("plugin", out JsonElement plugin) ? plugin.GetString() ?? "" : InstallOptions.DefaultPlugin,
                Engines = FilesOf(root, "engines") ?? [],
                DockerUnits = FilesOf(root, "docker-units"),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new InstallException("record", Catalogue.AgentBadRecord.With(path, Escape.ForTerminal(e.Message)), inner: e);
        }
    }
}
