using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Inspect;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Secrets;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Secrets;

/// <summary>Secrets of whole images: what is said of them, where, and that none of their text leaves the process.</summary>
public sealed class SecretCheckTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Token => Samples.All["github-token"].Secret;

    private Report Scan(ImageBuilder builder, string? cache = null, Action<JsonObject>? config = null)
    {
        string path = _folder["image.tar"];
        File.WriteAllBytes(path, ImageBuilder.Tar(config is null ? builder.ArchiveFiles() : WithConfig(builder, config)));
        using SecretCheck check = SecretCheck.Create(new CheckOptions());
        return Scanner.Scan(path, new MemoryAdvisoryStore(), new ScanOptions { ToolVersion = "0", Vulnerabilities = false, Checks = [check], CacheFolder = cache }, TestContext.Current.CancellationToken);
    }

    private Report ScanWith(string rules, ImageBuilder builder)
    {
        string path = _folder["image.tar"];
        File.WriteAllBytes(path, ImageBuilder.Tar(builder.ArchiveFiles()));
        using SecretCheck check = SecretCheck.Create(new CheckOptions { SecretRules = [rules] });
        return Scanner.Scan(path, new MemoryAdvisoryStore(), new ScanOptions { ToolVersion = "0", Vulnerabilities = false, Checks = [check] }, TestContext.Current.CancellationToken);
    }

    /// <summary>The archive with another config, whose digest nobody states in this form.</summary>
    private static Dictionary<string, byte[]> WithConfig(ImageBuilder builder, Action<JsonObject> change)
    {
        Dictionary<string, byte[]> files = builder.ArchiveFiles();
        JsonArray manifest = JsonNode.Parse(files["manifest.json"])!.AsArray();
        string name = (string)manifest[0]!["Config"]!;
        JsonObject config = JsonNode.Parse(files[name])!.AsObject();
        files.Remove(name);
        change(config);
        byte[] bytes = Encoding.UTF8.GetBytes(config.ToJsonString());
        string renamed = $"{ImageBuilder.Hex(bytes)}.json";
        manifest[0]!["Config"] = renamed;
        files["manifest.json"] = Encoding.UTF8.GetBytes(manifest.ToJsonString());
        files[renamed] = bytes;
        return files;
    }

    [Fact]
    public void Scan_SecretInAFile_SaysWhereAndShowsAMask()
    {
        Problem problem = Scan(new ImageBuilder().Layer(t => t.File("app/.env", $"A=1\nGITHUB_TOKEN={Token}\n"))).Problems.Single();

        Assert.Equal(("github-token", "app/.env", 2, "GITHUB_TOKEN=ghp_****", 0), (problem.Rule, problem.Path, problem.Line, problem.Evidence, problem.Origin!.Layer));
        Assert.Equal(Severity.Critical, problem.Severity);
    }

    [Fact]
    public void Scan_SecretDeletedLater_IsSaidToBeRecoverable()
    {
        Problem problem = Scan(new ImageBuilder().Layer(t => t.File("root/.netrc", "machine a login u password Zq8x9pLm2\n")).Layer(t => t.Whiteout("root/.netrc"))).Problems.Single();

        Assert.Equal((0, 1), (problem.Origin!.Layer, problem.RemovedBy!.Layer));
        Assert.Contains("deleted in layer 1 but recoverable from layer 0", problem.Title.English, StringComparison.Ordinal);
        Assert.Contains("恢复", problem.Title.In(Language.Chinese), StringComparison.Ordinal);
    }

    [Fact]
    public void Scan_ConfigOfTheImage_EachPlaceOnceAndRedactedEverywhere()
    {
        string password = "Zq8x9pLm2Wv", other = Samples.All["gitlab-token"].Secret;
        Report report = Scan(new ImageBuilder().Layer(t => t.File("a", "b"), $"RUN |1 NPM_PASSWORD={password} /bin/sh -c npm ci # buildkit"), null, c =>
        {
            c["config"] = new JsonObject { ["Env"] = new JsonArray("PATH=/bin", $"GITHUB_TOKEN={Token}"), ["Labels"] = new JsonObject { ["ci"] = other } };
        });

        Assert.Equal(["env GITHUB_TOKEN", "history 0", "label ci"], report.Problems.Select(p => p.Place).Order(StringComparer.Ordinal));
        Assert.Equal(0, report.Problems.Single(p => p.Place == "history 0").Origin!.Layer);
        Assert.Contains("NPM_PASSWORD=****", report.Layers[0].CreatedBy, StringComparison.Ordinal);
        string json = Encoding.UTF8.GetString(Json(report));
        Assert.All([password, Token, other], s => Assert.DoesNotContain(s, json, StringComparison.Ordinal));
    }

    private static byte[] Json(Report report)
    {
        using MemoryStream stream = new();
        JsonReport.Write(stream, [new ScanResult { Image = report.Image, Report = report }], ReportFilter.None, "0");
        return stream.ToArray();
    }

    [Fact]
    public void Scan_EverySample_LeavesNoSecretInReportOrCache()
    {
        ImageBuilder builder = new();
        builder.Layer(t =>
        {
            int i = 0;
            foreach ((string path, string text, string secret, string _) in Samples.All.Values)
                t.File($"d{i++}/{path}", $"{text}\nother_password = \"Zq8x9pLm2Wv\" {secret} x={secret}\n");
        });
        string cache = _folder["cache"];
        string json = Encoding.UTF8.GetString(Json(Scan(builder, cache)));

        Assert.True(json.Length > 10_000);
        List<byte[]> kept = [.. Directory.EnumerateFiles(cache, "*", SearchOption.AllDirectories).Select(File.ReadAllBytes)];
        Assert.NotEmpty(kept);
        foreach (string secret in Samples.All.Values.Select(s => s.Secret).Append("Zq8x9pLm2Wv"))
        {
            Assert.DoesNotContain(secret, json, StringComparison.Ordinal);
            Assert.All(kept, file => Assert.True(file.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) < 0, "a secret stands in the cache"));
        }
    }

    /// <summary>The list lies in the image: whoever hides a secret below <c>usr</c> can write it, too.</summary>
    [Fact]
    public void Scan_ListThatClaimsAFileWithASecret_DoesNotHideIt()
    {
        byte[] token = Encoding.UTF8.GetBytes($"T={Token}\n"), key = Encoding.UTF8.GetBytes(Samples.Pem());
        Report report = Scan(new ImageBuilder().Layer(t => t
            .File("var/lib/dpkg/info/x.md5sums", $"{Md5(token)}  usr/lib/x/a.conf\n{Md5(key)}  usr/lib/x/id\n")
            .File("usr/lib/x/a.conf", token).File("usr/lib/x/id", key)));

        Assert.Equal(["github-token Critical deb/x", "private-key High deb/x"], report.Problems.Select(p => $"{p.Rule} {p.Severity} {p.OwnedBy}"));
        Assert.DoesNotContain(report.Notes, n => n.Code == "secrets-of-distribution");
    }

    private static string Md5(byte[] content)
    {
#pragma warning disable CA5351 // dpkg's lists have MD5.
        return Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(content));
#pragma warning restore CA5351
    }

    [Fact]
    public void Scan_UsersRuleInAFileOfADistribution_IsNotListedUnlessItWasChanged()
    {
        _folder.Write("own.toml", "[[rules]]\nid = \"own\"\nregex = '''own-[0-9]{8}'''\nkeywords = [\"own-\"]\n"u8.ToArray());
        byte[] text = "T=own-48210937\n"u8.ToArray(), changed = "T=own-48210937 \n"u8.ToArray();
        string md5 = Md5(text);
        Report report = ScanWith(_folder["own.toml"], new ImageBuilder().Layer(t => t
            .File("var/lib/dpkg/info/x.md5sums", $"{md5}  usr/lib/x/a.conf\n{md5}  usr/lib/x/b.conf\n")
            .File("usr/lib/x/a.conf", text).File("usr/lib/x/b.conf", changed)));

        Assert.Equal("usr/lib/x/b.conf", report.Problems.Single().Path);
        Assert.Equal("1", report.Notes.Single(n => n.Code == "secrets-of-distribution").Arguments.Single());
    }

    [Fact]
    public void Scan_Accounts_WeakOnesAndHashesApart()
    {
        Report report = Scan(new ImageBuilder().Layer(t => t.File("etc/shadow", "root::1:0:::::\ndaemon:*:1::::::\nlocked:!!:1::::::\napp:$6$saltsalt$" + new string('a', 86) + ":1::::::\n")));

        Assert.Equal(["account-without-password 1", "password-hash 4"], report.Problems.Select(p => $"{p.Rule} {p.Line}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Scan_TextOfUtf16_IsRead()
    {
        byte[] text = [0xFF, 0xFE, .. Encoding.Unicode.GetBytes($"x\nT={Token}\n")];

        Assert.Equal(2, Scan(new ImageBuilder().Layer(t => t.File("app/a.txt", text))).Problems.Single().Line);
    }

    [Fact]
    public void Scan_DockerLogin_IsFoundInItsFile()
    {
        string auth = Convert.ToBase64String(Encoding.UTF8.GetBytes("ci:Zq8x9pLm2Wv"));
        Problem problem = Scan(new ImageBuilder().Layer(t => t.File("root/.docker/config.json", $"{{\"auths\":{{\"r.io\":{{\"auth\":\"{auth}\"}}}}}}"))).Problems.Single();

        Assert.Equal(("docker-registry-auth", Severity.Critical), (problem.Rule, problem.Severity));
        Assert.DoesNotContain(auth, problem.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void Scan_TokenPastItsTime_IsLow()
    {
        Problem problem = Scan(new ImageBuilder().Layer(t => t.File("app/t", Samples.Jwt("{\"sub\":\"u\",\"exp\":1000000000}")))).Problems.Single();

        Assert.Equal((Severity.Low, "true"), (problem.Severity, problem.Details["expired"]));
    }

    [Fact]
    public void Scan_SparseFileOf4GiB_IsBounded()
    {
        string root = _folder["root"];
        Directory.CreateDirectory(root);
        using (FileStream file = File.Create(Path.Combine(root, "big")))
        {
            file.Write("text first\n"u8);
            file.SetLength(4L << 30);
        }
        using SecretCheck check = SecretCheck.Create(new CheckOptions());
        Report report = Scanner.Scan($"dir:{root}", new MemoryAdvisoryStore(), new ScanOptions { ToolVersion = "0", Vulnerabilities = false, Checks = [check] }, TestContext.Current.CancellationToken);

        Assert.Empty(report.Problems);
        Assert.All(report.Gaps, g => Assert.Equal("file-too-large", g.Code));
    }
}
