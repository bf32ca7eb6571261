using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;

namespace Plimsoll.Cli.Demo;

/// <summary>Which build of the demonstration's image.</summary>
internal enum DemoBuild
{
    /// <summary>A Debian 11 that missed its updates, with an application that missed its own.</summary>
    First = 0,

    /// <summary>The same after somebody upgraded some of it.</summary>
    Second,
}

/// <summary>Makes the small images that <c>plimsoll demo</c> works on: three layers of Debian 11 and one with an application.</summary>
/// <remarks>They hold package lists and no programs; the versions are ones that were released.</remarks>
internal static class DemoImage
{
    private const string OsRelease = "ID=debian\nVERSION_ID=\"11\"\nPRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\n";

    private const string Application = "COPY app /srv/app";

    private static readonly (string History, string Name, string Source, string Version)[] Packages =
    [
        ("ADD rootfs.tar /", "libc6", "glibc", "2.31-13+deb11u5"),
        ("ADD rootfs.tar /", "zlib1g", "zlib", "1:1.2.11.dfsg-2+deb11u2"),
        ("ADD rootfs.tar /", "libssl1.1", "openssl", "1.1.1k-1"),
        ("RUN apt-get install -y curl git", "curl", "curl", "7.74.0-1.3+deb11u7"),
        ("RUN apt-get install -y curl git", "git", "git", "1:2.30.2-1"),
        ("RUN apt-get install -y --only-upgrade libssl1.1", "libssl1.1", "openssl", "1.1.1n-0+deb11u5"),
    ];

    /// <summary>Writes an OCI image layout.</summary>
    public static void Write(string folder, DemoBuild build)
    {
        Directory.CreateDirectory(Path.Combine(folder, "blobs", "sha256"));
        JsonArray layers = [], diffIds = [], history = [];
        Dictionary<string, (string Source, string Version)> installed = [];
        foreach (IGrouping<string, (string History, string Name, string Source, string Version)> step in Packages.GroupBy(p => p.History))
        {
            foreach ((_, string name, string source, string version) in step)
                installed[name] = (source, build == DemoBuild.Second && name == "curl" ? "7.74.0-1.3+deb11u11" : version);
            Layer(step.Key, [("etc/os-release", Utf8(OsRelease)), ("var/lib/dpkg/status", Utf8(Status(installed)))]);
        }
        Layer(Application, ApplicationFiles(build));
        history.Add((JsonNode)new JsonObject { ["created_by"] = "CMD [\"curl\"]", ["empty_layer"] = true });
        JsonObject config = new()
        {
            ["architecture"] = Platform.Host.Architecture,
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Cmd"] = new JsonArray((JsonNode)"curl") },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = diffIds },
            ["history"] = history,
        };
        JsonObject manifest = new()
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = MediaTypes.OciManifest,
            ["config"] = Blob(folder, MediaTypes.OciConfig, Bytes(config)),
            ["layers"] = layers,
        };
        JsonObject descriptor = Blob(folder, MediaTypes.OciManifest, Bytes(manifest));
        descriptor["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = "demo" };
        File.WriteAllBytes(Path.Combine(folder, "index.json"), Bytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(descriptor) }));
        File.WriteAllText(Path.Combine(folder, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");

        void Layer(string createdBy, (string Path, byte[] Content)[] files)
        {
            byte[] tar = Tar(files);
            diffIds.Add((JsonNode)Digest.Of(tar).ToString());
            layers.Add((JsonNode)Blob(folder, MediaTypes.OciLayerGzip, Gzip(tar)));
            history.Add((JsonNode)new JsonObject { ["created_by"] = createdBy });
        }
    }

    /// <summary>An npm package, a Python one, and a jar that lies in another jar.</summary>
    private static (string Path, byte[] Content)[] ApplicationFiles(DemoBuild build)
    {
        string minimist = build == DemoBuild.Second ? "1.2.8" : "1.2.5", log4j = build == DemoBuild.Second ? "2.17.1" : "2.14.1";
        byte[] inner = Jar("META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties",
            Utf8($"groupId=org.apache.logging.log4j\nartifactId=log4j-core\nversion={log4j}\n"));
        return
        [
            ("srv/app/app.jar", Jar($"BOOT-INF/lib/log4j-core-{log4j}.jar", inner)),
            ("srv/app/node_modules/minimist/package.json", Utf8($$"""{"name":"minimist","version":"{{minimist}}","license":"MIT"}""")),
            ("usr/local/lib/python3.9/site-packages/PyYAML-5.3.1.dist-info/METADATA", Utf8("Metadata-Version: 2.1\nName: PyYAML\nVersion: 5.3.1\n")),
        ];
    }

    private static byte[] Jar(string path, byte[] content)
    {
        using MemoryStream stream = new();
        using (ZipArchive zip = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            ZipArchiveEntry entry = zip.CreateEntry(path);
            // The first day that a zip can hold: the same image on every day.
            entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
            using Stream part = entry.Open();
            part.Write(content);
        }
        return stream.ToArray();
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Copies a layout and changes one bit in the middle of its largest layer.</summary>
    /// <returns>The changed file, relative to the copy.</returns>
    public static string CopyTampered(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        string layer = new DirectoryInfo(Path.Combine(to, "blobs", "sha256")).EnumerateFiles().Where(IsGzip).MaxBy(f => f.Length)!.FullName;
        byte[] bytes = File.ReadAllBytes(layer);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(layer, bytes);
        return Path.GetRelativePath(to, layer);
    }

    private static bool IsGzip(FileInfo file)
    {
        using FileStream stream = file.OpenRead();
        return stream.ReadByte() == 0x1f && stream.ReadByte() == 0x8b;
    }

    private static string Status(Dictionary<string, (string Source, string Version)> installed)
    {
        StringBuilder text = new();
        foreach ((string name, (string source, string version)) in installed.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            text.Append("Package: ").Append(name).Append("\nStatus: install ok installed\nArchitecture: ").Append(Platform.Host.Architecture);
            if (source != name)
                text.Append("\nSource: ").Append(source);
            text.Append("\nVersion: ").Append(version).Append("\nDescription: part of plimsoll's demonstration\n\n");
        }
        return text.ToString();
    }

    private static byte[] Tar((string Path, byte[] Content)[] files)
    {
        using MemoryStream stream = new();
        using (TarWriter writer = new(stream, TarEntryFormat.Ustar, leaveOpen: true))
            foreach ((string path, byte[] content) in files)
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, path)
                {
                    DataStream = new MemoryStream(content),
                    ModificationTime = DateTimeOffset.UnixEpoch,
                });
        return stream.ToArray();
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(bytes);
        return packed.ToArray();
    }

    private static byte[] Bytes(JsonNode json) => Utf8(json.ToJsonString());

    private static JsonObject Blob(string folder, string mediaType, byte[] bytes)
    {
        string hex = Convert.ToHexStringLower(SHA256.HashData(bytes));
        File.WriteAllBytes(Path.Combine(folder, "blobs", "sha256", hex), bytes);
        return new JsonObject { ["mediaType"] = mediaType, ["digest"] = $"sha256:{hex}", ["size"] = bytes.Length };
    }
}
