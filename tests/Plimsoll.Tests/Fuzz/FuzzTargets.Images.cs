using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Plimsoll.Docker;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <content>Images: tars, archives, layouts, streams, and what describes them.</content>
internal static partial class FuzzTargets
{
    private static readonly OciLimits Tight = OciLimits.Default with { MaxLayerBytes = 8 << 20, FreeInflatedBytes = 4 << 20, MaxEntries = 20_000 };

    private static readonly string[] PaxWords = ["GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.realsize", "GNU.sparse.name", "GNU.sparse.major", "GNU.sparse.offset", "path=", "linkpath=", "size=", "ustar\0", "ustar  \0"];

    private static readonly string[] ImageWords =
    [
        "\"manifests\":", "\"layers\":", "\"config\":", "\"digest\":", "\"size\":", "\"mediaType\":", "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}", "\"annotations\":{\"org.opencontainers.image.ref.name\":\"a\"}",
        "\"rootfs\":{\"diff_ids\":[]}", "\"history\":[null]", "\"Layers\":", "\"RepoTags\":", "\"Config\":", "[null]", MediaTypes.OciIndex, MediaTypes.OciManifest, "sha256:", "sha512:", "blobs/sha256/",
    ];

    private static FuzzTarget Tar => new()
    {
        Name = "tar",
        Seeds = TarSeeds,
        Words = PaxWords,
        Refusal = IsImageError,
        Make = (mutator, seeds, target) => Repaired(mutator, mutator.Mutate(seeds, target.Words)),
        Run = bytes =>
        {
            using TarReader tar = new(new ChunkFeed(new MemoryStream(bytes), null, ahead: false), Tight);
            long stored = 0;
            while (tar.MoveNext(CancellationToken.None))
            {
                WrongAnswerException.Unless(stored <= bytes.Length, $"entries of {stored} bytes were read from {bytes.Length}");
                CheckEntry(tar);
                stored = checked(stored + tar.StoredBytes);
            }
            WrongAnswerException.Unless(stored <= bytes.Length, $"entries of {stored} bytes were read from {bytes.Length}");
        },
    };

    private static FuzzTarget Gzip => Inflating("gzip", Compression.Gzip, () =>
        [ImageBuilder.Gzip("hello, hello, hello"u8.ToArray()), ImageBuilder.Gzip(new byte[100_000]), [.. ImageBuilder.Gzip("a"u8.ToArray()), .. ImageBuilder.Gzip(TarSeeds()[0])]]);

    private static FuzzTarget Zstd => Inflating("zstd", Compression.Zstd, () =>
        [ZstdFrame("hello, hello"u8.ToArray()), ZstdFrame(TarSeeds()[0]), [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3, .. ZstdFrame("a"u8.ToArray())], ZstdRun]);

    private static FuzzTarget DockerArchive
    {
        get
        {
            InputFile file = new("image.tar");
            return OfImages("docker-archive", file, bytes => ImageSource.Open($"docker-archive:{file.Write(bytes)}", Options(bytes), CancellationToken.None), layout: false, pack: null);
        }
    }

    private static FuzzTarget OciArchive
    {
        get
        {
            InputFile file = new("image.tar");
            return OfImages("oci-archive", file, bytes => ImageSource.Open($"oci-archive:{file.Write(bytes)}", Options(bytes), CancellationToken.None), layout: true, pack: null);
        }
    }

    private static FuzzTarget StandardInput =>
        OfImages("stdin", null, bytes => ImageSource.Open("-", Options(bytes), CancellationToken.None), layout: null, pack: (mutator, tar) => mutator.Next(3) switch
        {
            0 => ImageBuilder.Gzip(tar),
            1 => ZstdFrame(tar),
            _ => tar,
        });

    private static FuzzTarget ImageJson => new()
    {
        Name = "image-json",
        Seeds = () =>
        [
            .. Utf8("""{"schemaVersion":2,"manifests":[{"mediaType":"m","digest":"sha256:00","size":7,"platform":{"os":"linux","architecture":"amd64","variant":"v8"}},{"digest":"sha256:11","size":8,"artifactType":"x","annotations":{"a":"b"}}]}""",
                """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"digest":"sha256:00","size":1},"layers":[{"mediaType":"m","digest":"d","size":9223372036854775807}]}""",
                """[{"Config":"abc.json","RepoTags":["a:1","b:2"],"Layers":["x/layer.tar","y/layer.tar"]}]"""),
            .. Utf8("""{"os":"linux","config":{"User":"a","ExposedPorts":{"80/tcp":{}},"Volumes":{"/d":{},"/e":null},"Healthcheck":{"Test":["CMD","x"],"Interval":3},"OnBuild":["RUN x"],"StopSignal":"9","Shell":["sh"],"ArgsEscaped":true},"rootfs":{"type":"layers","diff_ids":[]}}"""),
            ImageOf(1).Config(),
        ],
        Words = ImageWords,
        Refusal = IsImageError,
        Run = bytes =>
        {
            List<ImageException> refusals = [];
            Attempt(() => ImageConfigs.ChoosePlatform(ImageConfigs.Manifests(ImageConfigs.Parse(bytes, "x", ManifestJson.Index), "x"), new Platform("linux", "amd64"), "x"));
            Attempt(() => _ = ImageConfigs.Parse(bytes, "x", ManifestJson.Manifest).Layers?.Count);
            Attempt(() => ImageConfigs.DiffIds(ImageConfigs.Parse(bytes, "x", ManifestJson.Config), "x", Tight));
            Attempt(() =>
            {
                ArchiveManifest manifest = ArchiveImage.Choose(ImageConfigs.Parse(bytes, "x", ManifestJson.Archive), null, "x");
                ArchiveImage.LayersOf(manifest, new ImageConfig { Rootfs = new RootFs { DiffIds = [.. Enumerable.Repeat($"sha256:{new string('0', 64)}", manifest.Layers?.Count ?? 0)] } }, "x", Tight, _ => 1);
            });
            if (refusals.Count == 4)
                throw refusals[0];

            void Attempt(Action action)
            {
                try
                {
                    action();
                }
                catch (ImageException e)
                {
                    refusals.Add(e);
                }
            }
        },
    };

    private static FuzzTarget Reference => new()
    {
        Name = "image-reference",
        Seeds = () => Utf8("docker:alpine:3.18", "docker-archive:-", "oci:.", "archive:README.md:tag", "registry:localhost:5000/a@sha256:00", "host:", "dir:/", "-", "debian:bookworm-slim"),
        Words = ["docker:", "docker-archive:", "oci:", "dir:", "host:", "archive:", "@sha256:", "~/", "./", ".tar.gz"],
        Refusal = IsImageError,
        Run = bytes =>
        {
            string text = Encoding.UTF8.GetString(bytes);
            ImageReference reference = ImageReference.Parse(text.Length > 4096 ? text[..4096] : text);
            WrongAnswerException.Unless(reference.Scheme == ImageScheme.Host || reference.Location.Length > 0, "a reference to nothing");
        },
    };

    private static FuzzTarget TarSplit => new()
    {
        Name = "tar-split",
        Seeds = () =>
        [
            ImageBuilder.Gzip("{\"type\":2,\"payload\":\"aGVhZA==\",\"position\":0}\n{\"type\":1,\"name\":\"etc/motd\",\"size\":5,\"payload\":\"AAAAAAAAAAE=\",\"position\":1}\n{\"type\":1,\"name_raw\":\"/2E=\",\"size\":1,\"payload\":\"AAAAAAAAAAE=\"}\n{\"type\":2,\"payload\":\"dGFpbA==\"}\n"u8.ToArray()),
            ImageBuilder.Gzip("{\"type\":2,\"payload\":\"\\u0061GVhZA==\"}\n\n{\"type\":1,\"name\":\"\\u00e9\",\"size\":0,\"payload\":null}"u8.ToArray()),
        ],
        Words = ["\"type\":1", "\"type\":2", "\"payload\":", "\"name\":\"../x\"", "\"name_raw\":", "\"size\":", "\\u0000", "\\ud800"],
        Refusal = e => e is ImageException or InvalidDataException,
        Make = (mutator, seeds, target) => mutator.OneIn(4)
            ? mutator.Mutate(seeds, target.Words)
            : ImageBuilder.Gzip(mutator.Mutate([.. seeds.Select(Unzip)], target.Words)),
        Run = bytes =>
        {
            using TarSplitReader reader = new(new MemoryStream(bytes), "the layer", Tight);
            byte[] piece = new byte[1 << 20];
            while (reader.MoveNext())
                if (reader.IsFile)
                {
                    WrongAnswerException.Unless(reader.NameWithZero[^1] == 0 && reader.NameWithZero.IndexOf((byte)0) == reader.NameWithZero.Length - 1, "a name with a zero byte inside");
                    CheckPath(reader.Name);
                }
                else
                    reader.DecodePiece(reader.MaxPieceBytes <= piece.Length ? piece : new byte[reader.MaxPieceBytes]);
        },
    };

    private static FuzzTarget Inflating(string name, Compression form, Func<IReadOnlyList<byte[]>> seeds) => new()
    {
        Name = name,
        Seeds = seeds,
        Refusal = e => e is ImageException or InvalidDataException or EndOfStreamException,
        Run = bytes =>
        {
            HashingStream stored = new(new MemoryStream(bytes), null);
            using LayerReader.InflateGuard inflated = new(Compressions.Inflate(form, stored), stored, Tight);
            byte[] buffer = new byte[32 * 1024];
            long all = 0;
            int got;
            while ((got = inflated.Read(buffer)) > 0)
                all += got;
            WrongAnswerException.Unless(all <= Tight.MaxLayerBytes, "more came out than the limit allows");
        },
    };

    /// <summary>What was read of each image that the seeds hold, by its config's digest.</summary>
    private sealed class Originals : Dictionary<string, IReadOnlyList<string>>;

    /// <param name="layout">An OCI layout or a docker save archive; null for either.</param>
    private static FuzzTarget OfImages(string name, InputFile? file, Func<byte[], Image> open, bool? layout, Func<Mutator, byte[], byte[]>? pack)
    {
        Originals originals = [];
        IReadOnlyList<ImageBuilder> images = [ImageOf(1), ImageOf(2), ImageOf(3, wantedLink: file is not null)];
        byte[][] seeds = [.. images.SelectMany(i => Forms(layout).Select(form => Assemble([.. i.Tars], form, (_, b) => b)))];
        return new FuzzTarget
        {
            Name = name,
            Seeds = () => seeds,
            Words = ImageWords,
            Refusal = IsImageError,
            Make = (mutator, _, target) =>
            {
                byte[] tar = Changed(mutator, images, seeds, mutator.Pick(Forms(layout)), target);
                byte[] packed = pack?.Invoke(mutator, tar) ?? tar;
                return pack is not null && mutator.OneIn(6) ? mutator.Mutate([packed], target.Words) : packed;
            },
            Run = bytes =>
            {
                GC.KeepAlive(file);
                if (originals.Count == 0)
                    foreach (byte[] seed in seeds)
                        ReadWhole(open(seed), originals, learn: true);
                ReadWhole(open(bytes), originals, learn: false);
                // A stream can be read once, so what a scan does with it starts anew.
                using Image scanned = open(bytes);
                (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> cached) = new LayerScanner([Analysers.Group], null, Verification.Full, null).Read(scanned, 2, CancellationToken.None);
                Composer.Compose(scanned, facts, cached);
            },
        };
    }

    private static IReadOnlyList<bool> Forms(bool? layout) => layout is { } one ? [one] : [false, true];

    private static void ReadWhole(Image opened, Originals originals, bool learn)
    {
        using Image image = opened;
        RecordingVisitor visitor = new();
        image.ReadLayers(visitor, 1, CancellationToken.None);
        WrongAnswerException.Unless(image.Config is not null && image.ConfigDigest == Digest.Of(image.ConfigBytes.Span), "the config does not have the digest that is stated");
        using JsonDocument config = JsonDocument.Parse(image.ConfigBytes);
        List<string?> stated = config.RootElement.TryGetProperty("rootfs", out JsonElement rootfs) && rootfs.ValueKind == JsonValueKind.Object
            && rootfs.TryGetProperty("diff_ids", out JsonElement ids) && ids.ValueKind == JsonValueKind.Array ? [.. ids.EnumerateArray().Select(id => id.GetString())] : [];
        WrongAnswerException.Unless(stated.SequenceEqual(image.Layers.Select(l => visitor.DiffIds[l.Key]?.ToString())), "a layer was taken whose diffID is not the config's");
        IReadOnlyList<string> read = [.. image.Layers.SelectMany(l => visitor.Layers[l.Key].Prepend($"layer {l.DiffId}"))];
        if (learn)
            originals[image.ConfigDigest!.ToString()] = read;
        else if (originals.TryGetValue(image.ConfigDigest!.ToString(), out IReadOnlyList<string>? right))
            WrongAnswerException.Unless(right.SequenceEqual(read), "other content was taken for the original image");
    }

    private static ImageOptions Options(byte[] input) => new() { Limits = Tight, OpenStandardInput = () => new MemoryStream(input, writable: false) };

    /// <summary>Changes one part of an image and makes the rest agree with it, so that the change is reached; or leaves the rest as it was.</summary>
    private static byte[] Changed(Mutator mutator, IReadOnlyList<ImageBuilder> images, byte[][] seeds, bool layout, FuzzTarget target)
    {
        string part = mutator.Pick(["outer", "tar", "tar", "config", "manifest", "index", "blob", "late-tar", "late-config"]);
        if (part == "outer")
            return Repaired(mutator, mutator.Mutate(seeds, target.Words));
        byte[][] tars = [.. mutator.Pick(images).Tars];
        int chosen = mutator.Next(tars.Length);
        int at = 0;
        return Assemble(tars, layout, (name, bytes) =>
        {
            if (name != part || (name is "tar" or "blob" or "late-tar" && at++ != chosen))
                return bytes;
            byte[] changed = mutator.Mutate([bytes], name is "tar" or "late-tar" ? PaxWords : target.Words);
            return name is "tar" or "late-tar" ? Repaired(mutator, changed) : changed;
        });
    }

    /// <param name="change">Gets each part's name and bytes before what states its digest is made; names with "late" after it.</param>
    private static byte[] Assemble(byte[][] tars, bool layout, Func<string, byte[], byte[]> change)
    {
        tars = [.. tars.Select(t => change("tar", t))];
        ImageBuilder image = new();
        foreach (byte[] tar in tars)
            image.Layer(tar);
        byte[] config = change("config", image.Config());
        Dictionary<string, byte[]> files = [];
        string Hex(byte[] bytes) => ImageBuilder.Hex(bytes);
        if (!layout)
        {
            files[$"{Hex(config)}.json"] = change("late-config", config);
            string names = string.Join(',', tars.Select((_, i) => $"\"{i}/layer.tar\""));
            for (int i = 0; i < tars.Length; i++)
                files[$"{i}/layer.tar"] = change("late-tar", tars[i]);
            files["manifest.json"] = change("manifest", Encoding.UTF8.GetBytes($$"""[{"Config":"{{Hex(config)}}.json","RepoTags":["a:1"],"Layers":[{{names}}]}]"""));
            return ImageBuilder.Tar(files);
        }
        string Descriptor(byte[] bytes, string type) => $$"""{"mediaType":"{{type}}","digest":"sha256:{{Hex(bytes)}}","size":{{bytes.Length}}}""";
        byte[][] blobs = [.. tars.Select((t, i) => change("blob", i % 3 == 0 ? ImageBuilder.Gzip(t) : i % 3 == 1 ? t : ZstdFrame(t)))];
        byte[] manifest = change("manifest", Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{Descriptor(config, MediaTypes.OciConfig)}},"layers":[{{string.Join(',', blobs.Select(b => Descriptor(b, MediaTypes.OciLayerGzip)))}}]}"""));
        files["oci-layout"] = "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray();
        files[$"blobs/sha256/{Hex(config)}"] = change("late-config", config);
        foreach (byte[] blob in blobs)
            files[$"blobs/sha256/{Hex(blob)}"] = change("late-tar", blob);
        files[$"blobs/sha256/{Hex(manifest)}"] = manifest;
        files["index.json"] = change("index", Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{{Descriptor(manifest, MediaTypes.OciManifest)}}]}"""));
        return ImageBuilder.Tar(files);
    }

    /// <param name="wantedLink">A stream cannot be read again for what a hard link stands for.</param>
    private static ImageBuilder ImageOf(int layers, bool wantedLink = true)
    {
        ImageBuilder image = new();
        image.Layer(t => t.Folder("etc").File("etc/os-release", "ID=debian\nVERSION_ID=\"11\"\n").File("var/lib/dpkg/status", DpkgText).File("usr/share/doc/bash/copyright", CopyrightText));
        if (layers > 1)
            image.Layer(t => t.Whiteout("var/lib/dpkg/status").File("var/lib/dpkg/status.d/base", DpkgText).HardLink("etc/again", "var/lib/dpkg/status.d/base").Symlink("lib", "usr/lib"));
        if (layers > 2)
            image.Layer(t => t.Opaque("etc").File("lib/apk/db/installed", ApkText).HardLink(wantedLink ? "usr/lib/apk/db/installed" : "again", "lib/apk/db/installed"));
        return image;
    }

    private static void CheckEntry(TarReader tar)
    {
        CheckPath(tar.Path);
        if (tar.Type == EntryType.HardLink)
            CheckPath(EntryPath.Decode(tar.LinkTarget));
        WrongAnswerException.Unless(tar.Size >= 0 && tar.StoredBytes >= 0 && tar.Uid >= 0 && tar.Gid >= 0 && tar.Device is { Major: >= 0, Minor: >= 0 }, "a negative number");
        if (tar.TryReadContent(1 << 20, out byte[] content))
            WrongAnswerException.Unless(content.Length == tar.Size, $"content of {content.Length} bytes for a file of {tar.Size}");
    }

    private static void CheckPath(string path) =>
        WrongAnswerException.Unless(path.Length == 0 || !path.Split('/').Any(part => part is "" or "." or ".."), $"the path {path} is not in normal form");

    /// <summary>Mostly with right checksums again, or nothing behind a changed header would be reached.</summary>
    private static byte[] Repaired(Mutator mutator, byte[] tar)
    {
        if (mutator.OneIn(5))
            return tar;
        byte[] repaired = [.. tar];
        for (int at = 0; at + TarReader.BlockBytes <= repaired.Length; at += TarReader.BlockBytes)
            if (repaired.AsSpan(at + 257, 5).SequenceEqual("ustar"u8))
            {
                byte[] header = repaired[at..(at + TarReader.BlockBytes)];
                TarBuilder.Sum(header);
                header.CopyTo(repaired, at);
            }
        return repaired;
    }

    private static byte[][] TarSeeds()
    {
        byte[] sparseData = new byte[512 + 4];
        Encoding.ASCII.GetBytes("2\n2\n2\n6\n2\n").CopyTo(sparseData, 0);
        return
        [
            new TarBuilder().Folder("etc").File("./etc/motd", "hello").Symlink("etc/link", "../x").HardLink("etc/again", "./etc/motd")
                .Entry("dev/null", '3', []).Entry("run/pipe", '6', []).Entry("odd", 'Z', []).Whiteout("a/b").Opaque("c").Build(),
            new TarBuilder().Pax(("path", string.Join('/', Enumerable.Repeat("folder", 60))), ("mtime", "1.5"), ("size", "1"), ("uid", "7")).File("short", "1").Pax(("linkpath", "elsewhere")).Symlink("l", "x").Build(),
            new TarBuilder().Pax(("SCHILY.xattr.security.capability", "\u0001\0\0\u0002\0 \0\0\0\0\0\0\0\0\0\0\0\0\0\0")).File("ping", "1").Entry("disk", '4', [], edit: h => TarBuilder.Ascii(h, 329, "0000010\00000001")).Build(),
            new TarBuilder().GnuLongName(new string('n', 300)).File("nnn", "1").Entry("g", 'g', "14 path=other\n"u8.ToArray()).File("a", "1").Build(),
            new TarBuilder().Entry("s", 'S', "abcd"u8.ToArray(), magic: "ustar  \0", edit: h =>
            {
                TarBuilder.Ascii(h, 386, "00000000002\000000000002\000000000006\000000000002\0");
                TarBuilder.Ascii(h, 483, "00000000011\0");
            }).File("b", "1").Build(),
            new TarBuilder().Pax(("GNU.sparse.size", "9"), ("GNU.sparse.name", "real/name"), ("GNU.sparse.map", "2,2,6,2")).File("GNUSparseFile.0/x", "abcd").Build(),
            new TarBuilder().Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "s"), ("GNU.sparse.realsize", "9")).File("x", sparseData).File("b", "1").Build(),
            new TarBuilder().Entry("a", '0', "12345"u8.ToArray(), edit: h =>
            {
                h.AsSpan(124, 12).Clear();
                (h[124], h[135]) = (0x80, 5);
            }).Entry("old", '\0', "1"u8.ToArray(), magic: "").Entry("name", '0', "1"u8.ToArray(), edit: h => TarBuilder.Ascii(h, 345, "deep/down")).Build(),
        ];
    }

    /// <summary>A frame of one run-length block: 100 000 times the letter a.</summary>
    private static byte[] ZstdRun => [0x28, 0xb5, 0x2f, 0xfd, 0, 0x50, .. ZstdBlock(1, 100_000, last: true), (byte)'a'];

    /// <summary>A zstd frame of raw blocks; this platform has no zstd writer. Source: RFC 8878, 3.1.1.</summary>
    private static byte[] ZstdFrame(byte[] content)
    {
        const int maxBlock = 128 * 1024;
        List<byte> frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x50];
        for (int at = 0; at == 0 || at < content.Length; at += maxBlock)
        {
            int length = Math.Min(maxBlock, content.Length - at);
            frame.AddRange(ZstdBlock(0, length, last: at + length == content.Length));
            frame.AddRange(content.AsSpan(at, length));
        }
        return [.. frame];
    }

    private static byte[] ZstdBlock(int type, int size, bool last)
    {
        int header = (size << 3) | (type << 1) | (last ? 1 : 0);
        return [(byte)header, (byte)(header >> 8), (byte)(header >> 16)];
    }

    private static byte[] Unzip(byte[] packed)
    {
        using GZipStream gzip = new(new MemoryStream(packed), CompressionMode.Decompress);
        using MemoryStream plain = new();
        gzip.CopyTo(plain);
        return plain.ToArray();
    }
}
