using System.Text.Json;
using Plimsoll.Cli;
using Plimsoll.Inspect;
using Plimsoll.TestKit;
using Plimsoll.Tests.Registry;

namespace Plimsoll.Tests.Cli;

/// <summary><c>plimsoll copy</c> as a user meets it.</summary>
public sealed class CopyCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ReferrersRegistry _registry = new();
    private readonly StringWriter _out = new(), _error = new();
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal);

    public CopyCommandTests()
    {
        _environment["PLIMSOLL_HOME"] = _folder["home"];
        _environment["PLIMSOLL_COPY_REGISTRY_HTTP"] = _registry.Host;
        string digest = _registry.Put("a/b", RegistryFixture.Image);
        byte[] layer = "bundle"u8.ToArray(), empty = "{}"u8.ToArray();
        _registry.PutBlob("a/b", layer);
        _registry.PutBlob("a/b", empty);
        _registry.PutManifest("a/b", ArtifactBuilder.Referrer(digest, 1, layer), FakeRepository.OciManifest);
    }

    public void Dispose()
    {
        _registry.Dispose();
        _folder.Dispose();
    }

    private async Task<int> RunAsync(params string[] args)
    {
        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        CliContext context = new() { Out = _out, Error = _error, Environment = n => _environment.GetValueOrDefault(n) };
        return await PlimsollApp.RunAsync(args, context, new ScanServices
        {
            Scan = (_, _, _, _) => throw new InvalidOperationException("nobody asked for a scan"),
            OpenDatabase = _ => throw new InvalidOperationException("nobody asked for a database"),
            OpenStarterSet = () => throw new InvalidOperationException("nobody asked for a database"),
            UpdateDatabase = (_, _) => throw new InvalidOperationException("nobody asked for an update"),
            ReadSuppressions = _ => [],
        }, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("en", "attestations  1")]
    [InlineData("zh", "证明          1")]
    public async Task Copy_Image_SaysWhatCameAlong(string language, string line)
    {
        Assert.Equal(0, await RunAsync("copy", $"{_registry.Host}/a/b:1", $"oci:{_folder["o"]}", "--lang", language));
        Assert.Contains(line, _out.ToString(), StringComparison.Ordinal);
        Assert.Empty(_error.ToString());
    }

    [Fact]
    public async Task Copy_Json_NamesEveryArtifact()
    {
        Assert.Equal(0, await RunAsync("copy", $"{_registry.Host}/a/b:1", $"oci-archive:{_folder["o.tar"]}:2", "--json"));
        JsonElement root = JsonDocument.Parse(_out.ToString()).RootElement;
        Assert.Equal("2", root.GetProperty("tag").GetString());
        Assert.Equal(1, root.GetProperty("attestations").GetInt32());
        JsonElement one = Assert.Single(root.GetProperty("attached").EnumerateArray());
        Assert.Equal(root.GetProperty("image").GetString(), one.GetProperty("subject").GetString());
        Assert.Equal("attestation", one.GetProperty("kind").GetString());
        Assert.Equal(5, root.GetProperty("blobs").GetProperty("copied").GetInt32());
    }

    [Fact]
    public async Task Copy_NoSignatures_SaysThatTheyWereLeft()
    {
        Assert.Equal(0, await RunAsync("copy", $"{_registry.Host}/a/b:1", $"oci:{_folder["o"]}", "--no-signatures"));
        Assert.Contains("left behind", _out.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("copy", $"{_registry.Host}/a/b:1", $"oci:{_folder["o"]}", "--quiet"));
        Assert.Empty(_out.ToString());
    }

    [Theory]
    [InlineData(3, "nothing is called", "REG/a/b:9", "oci:DIR/o")]
    [InlineData(3, "does not exist", "oci:DIR/none", "oci:DIR/o")]
    [InlineData(3, "no image for linux/s390x", "MULTI", "oci:DIR/o", "--platform", "linux/s390x")]
    [InlineData(2, "--platform", "REG/a/b:1", "oci:DIR/o", "--platform", "s390x")]
    [InlineData(2, "copy needs TARGET", "REG/a/b:1")]
    [InlineData(2, "--registry-http", "REG/a/b:1", "oci:DIR/o", "--registry-http", "a b")]
    [InlineData(3, "of the local daemon", "app", "oci:DIR/o")]
    public async Task Copy_WrongInput_IsToldInOneLine(int code, string message, params string[] args)
    {
        if (args[0] == "MULTI")
            _registry.PutManifest("a/b", System.Text.Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{FakeRepository.OciIndex}}","manifests":[{"mediaType":"{{FakeRepository.OciManifest}}","digest":"{{_registry.Tags("a/b")["1"]}}","size":1,"platform":{"os":"linux","architecture":"amd64"} }]}"""), FakeRepository.OciIndex, "multi");

        Assert.Equal(code, await RunAsync(["copy", .. args.Select(a => a.Replace("MULTI", $"{_registry.Host}/a/b:multi", StringComparison.Ordinal).Replace("REG", _registry.Host, StringComparison.Ordinal).Replace("DIR", _folder.Path, StringComparison.Ordinal))]));
        string error = Assert.Single(_error.ToString().Split('\n'), l => l.StartsWith("plimsoll: error: ", StringComparison.Ordinal));
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["o"]));
    }
}
