using System.Text;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Verify.Start;

/// <summary>Bodies that say one thing to a reader of JSON and another to Go's, and what lies one beyond each limit.</summary>
public sealed class GoJsonTests
{
    private static StartRequest Read(string body) => StartRequest.FromCreate(Encoding.UTF8.GetBytes(body));

    private static string CodeOf(byte[] body) => Assert.Throws<StartRequestException>(() => StartRequest.FromCreate(body)).Code;

    [Theory]
    [InlineData("""{"HostConfig":{"Privileged":true}}""")]
    [InlineData("""{"hostconfig":{"privileged":true}}""")]
    [InlineData("""{"HOSTCONFIG":{"PRIVILEGED":true}}""")]
    // U+017F folds to s: ho\u017ftconfig is HostConfig to Go.
    [InlineData("{\"Ho\u017ftConfig\":{\"Privileged\":true}}")]
    [InlineData("""{"Ho\u017ftConfig":{"\u0050rivileged":true}}""")]
    public void FromCreate_NameInAnyCasing_IsTheField(string body) => Assert.True(Read(body).Process.Privileged);

    [Fact]
    public void FromCreate_KelvinSign_IsTheLetterK() =>
        // NetworkMode and Links hold a k.
        Assert.Equal("host", Read("{\"HostConfig\":{\"Networ\u212aMode\":\"host\"}}").Network.Mode);

    [Theory]
    [InlineData("""{"HostConfig":{"Privileged":false,"Privileged":true}}""")]
    [InlineData("""{"HostConfig":{"Privileged":false,"privileged":true}}""")]
    [InlineData("""{"HostConfig":{},"hostConfig":{"Privileged":true}}""")]
    [InlineData("{\"HostConfig\":{\"Links\":[],\"Lin\u212as\":[\"a:b\"]}}")]
    [InlineData("""{"HostConfig":{"Binds":null,"binds":["/:/x"]}}""")]
    [InlineData("""{"HostConfig":{"Sysctls":{"a":"1","a":"2"}}}""")]
    [InlineData("""{"HostConfig":{"Mounts":[{"Type":"volume","type":"bind"}]}}""")]
    public void FromCreate_NameTwice_IsRefusedByName(string body)
    {
        StartRequestException e = Assert.Throws<StartRequestException>(() => Read(body));
        Assert.Equal("duplicate-key", e.Code);
        Assert.Contains('"', e.Message);
    }

    [Fact]
    public void FromCreate_NamesOfLabelsThatDifferInCasing_AreTwo() =>
        Assert.Equal(["a", "A"], Read("""{"Labels":{"a":"1","A":"2"}}""").Labels.Select(l => l.Key));

    [Theory]
    [InlineData("")]
    [InlineData("  \n")]
    public void FromCreate_NoBody_IsSaid(string body) => Assert.Equal("body-absent", CodeOf(Encoding.UTF8.GetBytes(body)));

    [Theory]
    [InlineData("{}{}", "trailing-bytes")]
    [InlineData("{} x", "trailing-bytes")]
    [InlineData("{}\n{\"HostConfig\":{\"Privileged\":true}}", "trailing-bytes")]
    [InlineData("{", "malformed-json")]
    [InlineData("{\"a\":1,}", "malformed-json")]
    [InlineData("{/**/}", "malformed-json")]
    [InlineData("\ufeff{}", "malformed-json")]
    [InlineData("{'a':1}", "malformed-json")]
    [InlineData("{\"a\":NaN}", "malformed-json")]
    [InlineData("{\"a\":01}", "malformed-json")]
    [InlineData("[]", "bad-value")]
    [InlineData("1", "bad-value")]
    [InlineData("{\"HostConfig\":[]}", "bad-value")]
    [InlineData("{\"HostConfig\":{\"Privileged\":\"true\"}}", "bad-value")]
    [InlineData("{\"HostConfig\":{\"Privileged\":1}}", "bad-value")]
    [InlineData("{\"HostConfig\":{\"Memory\":1.5}}", "bad-value")]
    [InlineData("{\"HostConfig\":{\"Memory\":1e3}}", "bad-value")]
    [InlineData("{\"HostConfig\":{\"Memory\":9223372036854775808}}", "bad-value")]
    [InlineData("{\"HostConfig\":{\"Memory\":\"1\"}}", "bad-value")]
    [InlineData("{\"HostConfig\":{\"Binds\":\"/:/x\"}}", "bad-value")]
    [InlineData("{\"HostConfig\":{\"Binds\":[null]}}", "bad-value")]
    [InlineData("{\"HostConfig\":{\"Binds\":[\"a:b:c:d\"]}}", "bad-value")]
    [InlineData("{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":{}}}}", "bad-value")]
    [InlineData("{\"Env\":{}}", "bad-value")]
    [InlineData("{\"Image\":\"\\ud800\"}", "not-unicode")]
    [InlineData("{\"\\udc00\":1}", "not-unicode")]
    public void FromCreate_WhatGoReadsDifferentlyOrNotAtAll_IsRefused(string body, string code) => Assert.Equal(code, CodeOf(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void FromCreate_BytesThatAreNoUtf8_AreRefused() =>
        Assert.Equal("not-unicode", CodeOf([.. "{\"Image\":\""u8, 0xc3, 0x28, .. "\"}"u8]));

    [Fact]
    public void FromCreate_Null_LeavesTheDefault()
    {
        StartRequest request = Read("""{"HostConfig":null,"Cmd":null,"Env":null,"Labels":null,"Healthcheck":null,"NetworkingConfig":null,"User":null}""");
        Assert.Null(request.Process.Command);
        Assert.Empty(request.Unknown);
        Assert.Equal(StartSource.Create, Read("null").Source);
    }

    [Fact]
    public void FromCreate_OneTextForAListOfWords_IsOneWord()
    {
        StartRequest request = Read("""{"Cmd":"ls -l","Entrypoint":"sh","HostConfig":{"CapAdd":"net_admin"}}""");
        Assert.Equal(["ls -l"], request.Process.Command);
        Assert.Equal(["sh"], request.Process.Entrypoint);
        Assert.Equal(["NET_ADMIN"], request.Process.CapabilitiesAdded);
    }

    [Theory]
    [InlineData("""{"New":1}""", "New")]
    [InlineData("""{"HostConfig":{"New":"x"}}""", "HostConfig.New")]
    [InlineData("""{"HostConfig":{"new":{"a":0}}}""", "HostConfig.new")]
    [InlineData("""{"HostConfig":{"Mounts":[{"Type":"tmpfs","New":true}]}}""", "HostConfig.Mounts.New")]
    [InlineData("""{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"Subpath":"../x"}}]}}""", "HostConfig.Mounts.VolumeOptions.Subpath")]
    [InlineData("""{"NetworkingConfig":{"EndpointsConfig":{"a":{"DriverOpts":{"x":"y"}}}}}""", "NetworkingConfig.EndpointsConfig.DriverOpts")]
    // Of old: what stands outside of HostConfig counts where there is no HostConfig.
    [InlineData("""{"Privileged":true}""", "Privileged")]
    [InlineData("""{"Binds":["/:/x"]}""", "Binds")]
    public void FromCreate_FieldThatIsNotKnown_IsKeptUnlessItSaysNothing(string body, string field)
    {
        Assert.Equal([field], Read(body).Unknown);
        Verdict verdict = StartKit.Judge(Encoding.UTF8.GetBytes(body));
        Assert.Contains(verdict.Reasons, r => r.Code == "unknown-field" && r.Outcome == Outcome.Refused);
        Assert.DoesNotContain("unknown-field", StartKit.Codes(StartKit.Judge(Encoding.UTF8.GetBytes(body), StartKit.PolicyOf($"start: {{rules: [{{request: {{fields: [{field}]}}}}]}}\n"))));
    }

    [Theory]
    [InlineData("""{"New":null,"A":0,"B":false,"C":"","D":[],"E":{},"F":0.0,"G":-0,"Memory":0,"HostConfig":{"New":0}}""")]
    public void FromCreate_UnknownFieldsThatSayNothing_AreNoMatter(string body) => Assert.Empty(Read(body).Unknown);

    [Fact]
    public void FromCreate_OneBeyondEachLimit_IsRefusedByTheLimitsName()
    {
        string Padded(int bytes) => "{\"Image\":\"" + new string('a', bytes - 12) + "\"}";
        Assert.Equal(StartLimits.MaxBytes - 12, Read(Padded(StartLimits.MaxBytes)).Image.Length);
        Assert.Equal("body-too-long", CodeOf(Encoding.UTF8.GetBytes(Padded(StartLimits.MaxBytes + 1))));

        string Nested(int depth) => "{\"x\":" + new string('[', depth - 1) + new string(']', depth - 1) + "}";
        Assert.Single(Read(Nested(StartLimits.MaxDepth)).Unknown);
        Assert.Equal("body-too-deep", CodeOf(Encoding.UTF8.GetBytes(Nested(StartLimits.MaxDepth + 1))));

        // The object, its list, and what is in it.
        string Many(int values) => "{\"x\":[" + string.Join(',', Enumerable.Repeat("1", values - 2)) + "]}";
        Assert.Single(Read(Many(StartLimits.MaxValues)).Unknown);
        Assert.Equal("body-too-many-values", CodeOf(Encoding.UTF8.GetBytes(Many(StartLimits.MaxValues + 1))));
    }

    [Fact]
    public void FromCreate_DeepBeyondTheReadersOwnLimit_IsNoCrash() =>
        Assert.True(CodeOf(Encoding.UTF8.GetBytes(new string('[', 100_000))) is "body-too-deep" or "malformed-json");

    /// <summary>Lists as long as a body may hold: each costs its length and not its square.</summary>
    [Theory]
    [InlineData("HostConfig.CapAdd", "\"C{0}\"")]
    [InlineData("HostConfig.Devices", "{{\"PathOnHost\":\"/dev/{0}\"}}")]
    [InlineData("HostConfig.Binds", "\"v{0}:/t{0}\"")]
    [InlineData("Cmd", "\"/t{0}\"")]
    [InlineData("Env", "\"LD_{0}=x\"")]
    public void Of_ListsAsLongAsABodyMayHold_AreJudgedInTheTimeTheyTakeToRead(string place, string item)
    {
        string list = "[" + string.Join(',', Enumerable.Range(0, 60_000).Select(i => string.Format(System.Globalization.CultureInfo.InvariantCulture, item, i))) + "]";
        byte[] body = StartKit.With($"{place}={list}", "Entrypoint=[\"/bin/sh\"]", "HostConfig.CpusetCpus=\"" + string.Join(',', Enumerable.Repeat("0-8191", 1000)) + "\"");
        System.Diagnostics.Stopwatch watch = System.Diagnostics.Stopwatch.StartNew();

        Assert.Equal(Outcome.Refused, StartKit.Judge(body).Outcome);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}");
    }
}
