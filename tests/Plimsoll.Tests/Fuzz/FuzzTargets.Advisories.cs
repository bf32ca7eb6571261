using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Keys;
using Plimsoll.Sign;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <content>Advisories: records, feeds, the database, and what carries it.</content>
internal static partial class FuzzTargets
{
    private const string OsvText = """
        {"schema_version":"1.7.3","id":"DSA-1-1","modified":"2025-01-01T00:00:00Z","published":"2024-01-01T00:00:00Z","aliases":["CVE-2024-1"],"upstream":["CVE-2024-2"],
        "summary":"A \u00e9 flaw","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"references":[{"type":"WEB","url":"https://example.org"}],
        "affected":[{"package":{"ecosystem":"Debian:11","name":"bash","purl":"pkg:deb/debian/bash"},"ecosystem_specific":{"urgency":"low"},"versions":["5.1-1"],
        "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"5.1-2"},{"introduced":"6"},{"last_affected":"7"},{"limit":"8"}]}]}]}
        """;

    private static readonly string[] OsvWords =
    [
        "\"id\":", "\"withdrawn\":", "\"aliases\":", "\"upstream\":", "\"affected\":", "\"ranges\":", "\"events\":[{\"introduced\":\"0\"},{\"fixed\":\"1\"}]", "\"versions\":", "\"type\":\"GIT\"", "\"type\":\"SEMVER\"",
        "\"database_specific\":{\"severity\":", "\"severity\":", "\"references\":", "\"summary\":", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "{\"a\":{\"a\":{\"a\":", "\\ud83d", "\U0001f600\U0001f600\U0001f600",
    ];

    private static FuzzTarget OsvRecordBytes => new()
    {
        Name = "osv-record",
        Seeds = () => [.. Utf8(OsvText, "\ufeff{\"id\":\"A-1\"}"), Encoding.UTF8.GetBytes("{\"id\":\"B\",\"summary\":\"" + string.Concat(Enumerable.Repeat("a\U0001f600", 150)) + "\"}")],
        Words = OsvWords,
        Refusal = e => e is JsonException,
        Run = bytes =>
        {
            OsvRecord record = OsvReader.Read(bytes);
            Advisory advisory = record.Advisory;
            CheckText([advisory.Id, advisory.Summary, advisory.Published, advisory.Modified, advisory.SeverityWord ?? "", .. advisory.Aliases, .. advisory.Upstream, .. advisory.References, .. advisory.Cvss.Select(c => c.Value)]);
            RowWriter row = new();
            row.Advisory(advisory, "x");
            Advisory again = new RowReader(row.Written, "x").Advisory();
            WrongAnswerException.Unless(again.Id == advisory.Id && again.Summary == advisory.Summary && again.Upstream.SequenceEqual(advisory.Upstream), "the record is another one after a time in the database");
            foreach (Affected affected in record.Affected)
            {
                RangeCheck.Ask(affected, "5.1-2", VersionOrders.Deb);
                RangeCheck.Ask(affected, "1.2_p1-r0", VersionOrders.Apk);
                row.Clear();
                row.Affected(affected);
                Affected kept = new RowReader(row.Written, "x").Affected(() => advisory, affected.Ecosystem, affected.Package);
                WrongAnswerException.Unless(kept.Versions.SequenceEqual(affected.Versions) && kept.Ranges.SelectMany(r => r.Events).SequenceEqual(affected.Ranges.SelectMany(r => r.Events)), "the ranges are others after a time in the database");
            }
        },
    };

    private static FuzzTarget ZipOfRecords
    {
        get
        {
            InputFile file = new("all.zip");
            return new FuzzTarget
            {
                Name = "zip",
                Seeds = () => [ZipOf(("A-1.json", OsvText), ("B-1.json", "{\"id\":\"B-1\"}"), ("note.txt", "x")), ZipOf(("A-1.json", new string(' ', 50_000) + OsvText)), ZipOf()],
                Words = ["PK\u0001\u0002", "PK\u0003\u0004", "PK\u0005\u0006", "PK\u0006\u0006", "PK\u0006\u0007", ".json"],
                Refusal = e => e is AdvisoryException,
                // Mutated records packed anew reach the reader behind the zip as well.
                Make = (mutator, seeds, target) => mutator.OneIn(5) ? ZipOf(("A-1.json", mutator.MutateText([OsvText], OsvWords))) : mutator.Mutate(seeds, target.Words),
                Run = bytes =>
                {
                    using ZipFeed feed = new(file.Write(bytes), new OsvLimits { MaxRecordBytes = 1 << 20, MaxUncompressedBytes = 8 << 20 });
                    FeedBuffer buffer = new();
                    RecordBatch batch = new();
                    for (int i = 0; i < feed.Count; i++)
                    {
                        CheckText([feed.Name(i)]);
                        batch.Add(feed, i, feed.Read(i, buffer), "Debian", null, 0);
                    }
                    WrongAnswerException.Unless(batch.Read == feed.Count, $"{batch.Read} of {feed.Count} records were counted");
                },
            };
        }
    }

    private static FuzzTarget Database
    {
        get
        {
            InputFile file = new("advisories.db");
            Lazy<byte[]> seed = new(() => DatabaseBytes(60));
            return new FuzzTarget
            {
                Name = "database",
                Seeds = () => [seed.Value],
                Refusal = e => e is AdvisoryException,
                Run = bytes =>
                {
                    using AdvisoryDatabase database = AdvisoryDatabase.Open(file.Write(bytes));
                    for (int p = 0; p < 12; p += 5)
                    {
                        // 60 records are about 10 packages, DSA-i about package p(i mod 10).
                        string[] wanted = [.. Enumerable.Range(0, 60).Where(i => i % 10 == p).Select(i => $"DSA-{i}").Order(StringComparer.Ordinal)];
                        string[] found = [.. database.Find("Debian:11", $"p{p}").Select(a => a.Advisory.Id)];
                        WrongAnswerException.Unless(wanted.SequenceEqual(found), $"package p{p}: found {string.Join(' ', found)}");
                        WrongAnswerException.Unless(database.FindById($"CVE-DSA-{p}").Count == 1, $"CVE-DSA-{p} is not found");
                    }
                    foreach (Advisory record in database.FindById("DSA-7"))
                        WrongAnswerException.Unless(database.FindAffected(record) is [{ Ecosystem: "Debian:11", Package: "p7" }], "DSA-7 speaks of another package");
                    WrongAnswerException.Unless(database.Covers("Debian:11"), "its release is not covered");
                    database.Verify(CancellationToken.None);
                },
            };
        }
    }

    private static FuzzTarget DatabaseRow => new()
    {
        Name = "database-row",
        Seeds = () =>
        {
            OsvRecord record = OsvReader.Read(Encoding.UTF8.GetBytes(OsvText));
            RowWriter advisory = new(), affected = new(), kev = new(), meta = new();
            advisory.Advisory(record.Advisory, "Debian");
            affected.Affected(record.Affected[0]);
            KevCatalogue.Parse(Encoding.UTF8.GetBytes(KevText), "x").Write(kev);
            new DatabaseMeta { Counter = 3, Created = DateTimeOffset.UnixEpoch, Records = 5, PackageRows = 2, IdRows = 2, Ecosystems = [new EcosystemInfo("Debian", 5, DateTimeOffset.UnixEpoch, 0, "d")], Releases = [new ReleaseInfo("Debian:11", 5)] }.Write(meta);
            return [advisory.Written.ToArray(), affected.Written.ToArray(), kev.Written.ToArray(), meta.Written.ToArray()];
        },
        Refusal = e => e is AdvisoryException,
        Run = bytes =>
        {
            List<AdvisoryException> refusals = [];
            Attempt(() => new RowReader(bytes, "x").Advisory());
            Attempt(() => new RowReader(bytes, "x").Affected(() => throw new InvalidOperationException("not asked for"), "e", "p"));
            Attempt(() => KevCatalogue.Read(new RowReader(bytes, "x")));
            Attempt(() => DatabaseMeta.Read(new RowReader(bytes, "x"), "x"));
            if (refusals.Count == 4)
                throw refusals[0];

            void Attempt(Action action)
            {
                try
                {
                    action();
                }
                catch (AdvisoryException e)
                {
                    refusals.Add(e);
                }
            }
        },
    };

    // The signature, and only it, is another one in each run: an ECDSA signature holds a random number.
    private static FuzzTarget Envelope
    {
        get
        {
            Lazy<(ISigner Key, byte[] Json)> signed = new(() =>
            {
                ISigner key = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
                return (key, DsseSigning.Sign("text/plain", "hello"u8.ToArray(), key).ToJson());
            });
            return new FuzzTarget
            {
                Name = "dsse",
                Seeds = () => [signed.Value.Json],
                Words = ["\"payload\":", "\"payloadType\":", "\"signatures\":[]", "\"keyid\":", "\"sig\":", "=="],
                Refusal = e => e is FormatException { Message: "no envelope" },
                Run = bytes =>
                {
                    if (!DsseEnvelope.TryParse(bytes, out DsseEnvelope? envelope))
                        throw new FormatException("no envelope");
                    if (DsseSigning.Verify(envelope, signed.Value.Key.PublicKey))
                        WrongAnswerException.Unless(envelope.PayloadType == "text/plain" && envelope.Payload.Span.SequenceEqual("hello"u8), "another content has the signature");
                    WrongAnswerException.Unless(DsseEnvelope.TryParse(envelope.ToJson(), out DsseEnvelope? again) && again.Payload.Span.SequenceEqual(envelope.Payload.Span), "an envelope does not read back");
                },
            };
        }
    }

    private static FuzzTarget ExportFile
    {
        get
        {
            InputFile file = new("one.plimsoll");
            Lazy<ISigner> key = new(() => KeyFile.Generate(KeyAlgorithm.EcdsaP256));
            Lazy<byte[]> export = new(() =>
            {
                string database = Path.Combine(file.Folder, "from.db");
                File.WriteAllBytes(database, DatabaseBytes(5));
                DatabaseTransfer.Export(database, file.Path, key.Value, CancellationToken.None);
                return File.ReadAllBytes(file.Path);
            });
            return new FuzzTarget
            {
                Name = "export-file",
                Seeds = () => [export.Value],
                Words = ["plimsoll-advisories-1\n", "\"payload\":", "\"signatures\":[]", "\n"],
                Refusal = e => e is AdvisoryException,
                Run = bytes =>
                {
                    string folder = Directory.CreateDirectory(Path.Combine(file.Folder, "to")).FullName;
                    try
                    {
                        DatabaseTransfer.Import(Path.Combine(folder, "advisories.db"), file.Write(bytes), [key.Value.PublicKey], "key", OsvLimits.Default, CancellationToken.None);
                        WrongAnswerException.Unless(bytes.AsSpan().SequenceEqual(export.Value), "a changed export was taken");
                    }
                    finally
                    {
                        Directory.Delete(folder, recursive: true);
                    }
                },
            };
        }
    }

    private const string KevText = """{"title":"x","catalogVersion":"2025.08.25","count":2,"vulnerabilities":[{"cveID":"CVE-2021-1","dateAdded":"2021-12-10","notes":""},{"cveID":"CVE-2022-2","dateAdded":"2022-01-01"}]}""";

    private static FuzzTarget Kev => new()
    {
        Name = "kev",
        Seeds = () => Utf8(KevText),
        Words = ["\"catalogVersion\":", "\"vulnerabilities\":", "\"cveID\":", "\"dateAdded\":"],
        Refusal = e => e is AdvisoryException,
        Run = bytes =>
        {
            KevCatalogue kev = KevCatalogue.Parse(bytes, "x");
            RowWriter row = new();
            kev.Write(row);
            WrongAnswerException.Unless(KevCatalogue.Read(new RowReader(row.Written, "x")).Count == kev.Count, "entries are lost in the database");
        },
    };

    private const string EpssText = "#model_version:v2026.06.15,score_date:2026-09-29T12:00:22Z\ncve,epss,percentile\nCVE-1999-0001,0.03351,0.88255\nCVE-2021-44228,0.94,1\n";

    private static readonly string[] EpssWords = ["CVE-", "CVE-2020-1,1e-30,1e0\n", ",", "\n", "\r\n", "0.000000000000000000000000000001", "1.0000000001", "-0", "score_date:", "cve,epss,percentile\n", "\0"];

    private static FuzzTarget EpssCsv => new()
    {
        Name = "epss",
        Seeds = () => [.. Utf8(EpssText, EpssText.ReplaceLineEndings("\r\n")), ImageBuilder.Gzip(Encoding.UTF8.GetBytes(EpssText))],
        Words = EpssWords,
        Refusal = e => e is AdvisoryException,
        // Changed tables packed anew reach the parser behind gzip as well.
        Make = (mutator, seeds, target) => mutator.OneIn(4) ? ImageBuilder.Gzip(Encoding.UTF8.GetBytes(mutator.MutateText([EpssText], EpssWords))) : mutator.Mutate(seeds, target.Words),
        Run = bytes =>
        {
            EpssTable table = EpssTable.Parse(bytes, "x");
            WrongAnswerException.Unless(table.Rows.Count > 0 && table.Date.Length > 0 && table.Digest.Length == 64, "a table of nothing");
            foreach (EpssRow row in table.Rows)
                WrongAnswerException.Unless(EpssTable.ValueOf(row.Probability, row.Percentile) is { Probability: >= 0 and <= 1, Percentile: >= 0 and <= 1 } && FlawIds.IsCve(row.Cve), $"{row.Cve} {row.Probability} {row.Percentile}");
        },
    };

    private static FuzzTarget CvssVector => new()
    {
        Name = "cvss",
        Seeds = () => Utf8("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.0/AV:P/AC:H/PR:H/UI:R/S:C/C:L/I:L/A:N/E:X/RL:O", "AV:N/AC:L/Au:N/C:P/I:P/A:C", "(AV:L/AC:H/Au:M/C:N/I:N/A:N)", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"),
        Words = ["AV:", "/S:C", "/S:U", "CVSS:3.1/", "CVSS:4.0/", "/PR:H", "/C:N/I:N/A:N"],
        Refusal = Never,
        Run = bytes =>
        {
            string vector = Encoding.UTF8.GetString(bytes);
            foreach (double? score in (double?[])[Cvss.ScoreV4(vector), Cvss.ScoreV3(vector), Cvss.ScoreV2(vector)])
            {
                WrongAnswerException.Unless(score is null or (>= 0 and <= 10) && (score is null || Math.Abs((score.Value * 10) - Math.Round(score.Value * 10)) < 1e-9), $"score {score?.ToString(CultureInfo.InvariantCulture)}");
                _ = Cvss.LevelOf(score ?? 0);
            }
        },
    };

    private static void CheckText(IEnumerable<string> texts)
    {
        foreach (string text in texts)
            for (int i = 0; i < text.Length; i++)
                if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                    i++;
                else
                    WrongAnswerException.Unless(!char.IsSurrogate(text[i]), "half a character in a text");
    }

    private static byte[] DatabaseBytes(int records)
    {
        using OsvSource source = new();
        for (int i = 0; i < records; i++)
            source.With("Debian", $"DSA-{i}", $"p{i % 10}", $"{i}");
        source.Build();
        DatabaseUpdate.RunAsync(new UpdateOptions { DatabasePath = source.Database, Source = source.Folder }, null, CancellationToken.None).GetAwaiter().GetResult();
        return File.ReadAllBytes(source.Database);
    }

    private static byte[] ZipOf(params (string Name, string Text)[] entries)
    {
        using MemoryStream bytes = new();
        using (ZipArchive zip = new(bytes, ZipArchiveMode.Create, leaveOpen: true))
            foreach ((string name, string text) in entries)
            {
                ZipArchiveEntry made = zip.CreateEntry(name, text.Length % 2 == 0 ? CompressionLevel.NoCompression : CompressionLevel.Fastest);
                made.LastWriteTime = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
                using Stream entry = made.Open();
                entry.Write(Encoding.UTF8.GetBytes(text));
            }
        return bytes.ToArray();
    }
}
