using System.Text.Json.Nodes;
using Plimsoll.Agent.Gate;
using Plimsoll.Agent.Plugin;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;
using Decision = Plimsoll.Agent.Plugin.Decision;

namespace Plimsoll.Tests.Agent.Plugin;

/// <summary>Attacks at create, each beside its twin that differs in the attack alone and goes through.</summary>
public sealed class CreateTests : IDisposable
{
    private const string Create = "/v1.41/containers/create";

    private readonly Gated _gated = new();

    private static JsonObject Host(JsonObject body) => (JsonObject)body["HostConfig"]!;

    private static string Plain => Gated.Body(_ => { }).ToJsonString();

    [Fact]
    public async Task Create_AnOrdinaryService_IsAllowedAndItsMeasurementBegins()
    {
        Decision decision = await _gated.CreateAsync(_ => { });

        Assert.True(decision.Answer.Allowed, decision.Answer.Text);
        Assert.Equal(("allowed", "POST /containers/create", Gated.Signed), (decision.Code, decision.Endpoint, decision.Image!));
        Assert.Equal([Gated.Signed], _gated.Prepared);
    }

    [Fact]
    public async Task Create_AnUnsignedImage_IsDeniedWithTheImagesOwnReason()
    {
        Decision decision = await _gated.CreateAsync(b => b["Image"] = Gated.Unsigned.ToString());

        Assert.Equal("signature/no-signature", decision.Code);
        Assert.Equal("plimsoll: signature/no-signature: no trusted key signed it\\x1b[2J; policy edge rule trust[0]", decision.Answer.Text);
        Assert.Empty(_gated.Prepared);
    }

    [Fact]
    public async Task Create_PolicyThatLearns_SaysWhatItWouldRefuse()
    {
        _gated.Policy = new Policy { Name = "edge", Start = new StartRules { LearningUntil = DateOnly.MaxValue } };
        Decision decision = await _gated.CreateAsync(b => Host(b).Remove("Memory"));

        Assert.Equal("allowed", decision.Code);
        Assert.Equal(["no-memory-limit", "learning"], decision.Warnings.Select(w => w.Code));
        Assert.Equal("resources/no-memory-limit", RuntimeGate.Said(decision.Warnings[0]).Split(':')[0]);
        Assert.Empty((await _gated.CreateAsync(_ => { })).Warnings);
    }

    [Fact]
    public async Task Create_Privileged_IsDeniedByComponentAndRule()
    {
        Decision decision = await _gated.CreateAsync(b => Host(b)["Privileged"] = true);

        Assert.Equal("process/privileged", decision.Code);
        Assert.StartsWith("plimsoll: process/privileged: ", decision.Answer.Text, StringComparison.Ordinal);
        Assert.Contains("; policy edge rule start.rules[0].process", decision.Answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("privileged")]
    [InlineData("PRIVILEGED")]
    public async Task Create_LowerCaseKeys_AreReadAsGoReadsThem(string key)
    {
        Assert.Equal("process/privileged", (await _gated.CreateAsync(b => Host(b)[key] = true)).Code);
        Assert.Equal("process/privileged", (await _gated.CreateAsync(b => { JsonNode host = Host(b).DeepClone(); host[key] = true; b.Remove("HostConfig"); b["hostconfig"] = host; })).Code);

        Assert.Equal("allowed", (await _gated.CreateAsync(b => Host(b)[key] = false)).Code);
    }

    [Fact]
    public async Task Create_DuplicateKeys_AreDenied()
    {
        string doubled = Plain.Replace("\"Memory\":", "\"Privileged\":true,\"privileged\":false,\"Memory\":", StringComparison.Ordinal);
        string second = Plain[..^1] + ",\"hostConfig\":{\"Privileged\":true}}";

        await _gated.DeniedAsync("request/duplicate-key", DockerdMessage.Post(Create, doubled));
        await _gated.DeniedAsync("request/duplicate-key", DockerdMessage.Post(Create, second));
        await _gated.AllowedAsync(DockerdMessage.Post(Create, Plain));
    }

    [Fact]
    public async Task Create_ABodyThatDockerdDoesNotPassOn_IsDenied()
    {
        string padded = Plain[..^1] + ",\"Labels\":{\"pad\":\"" + new string('x', 1024 * 1024) + "\"}}";
        string justBelow = Plain[..^1] + ",\"Labels\":{\"pad\":\"" + new string('x', (1024 * 1024) - Plain.Length - 40) + "\"}}";

        Decision tooLong = await _gated.DecideAsync(DockerdMessage.Post(Create, padded));
        Assert.Equal("body-absent", tooLong.Code);
        Assert.Contains("below 1048576 bytes, this one has ", tooLong.Answer.Text, StringComparison.Ordinal);
        await _gated.DeniedAsync("body-absent", DockerdMessage.Post(Create, Plain) with { Chunked = true });
        await _gated.DeniedAsync("body-absent", DockerdMessage.Post(Create));
        await _gated.DeniedAsync("body-absent", DockerdMessage.Post($"{Create}?x=/auth", Plain));

        await _gated.AllowedAsync(DockerdMessage.Post(Create, justBelow));
    }

    [Theory]
    [InlineData("application/json; charset=utf-8", "allowed")]
    [InlineData("application/json; charset=\"utf-8\"", "allowed")]
    [InlineData("text/plain", "body-absent")]
    [InlineData("application/x-www-form-urlencoded", "form-body")]
    [InlineData("application/json; charset", "content-type")]
    public async Task Create_ByContentType_IsDecidedByWhatDockerdPassesOn(string type, string code) =>
        Assert.Equal(code, (await _gated.DecideAsync(DockerdMessage.Post(Create, Plain) with { ContentType = type })).Code);

    [Fact]
    public async Task Create_HeadersThatContradictTheBody_AreDenied()
    {
        await _gated.DeniedAsync("body-differs", DockerdMessage.Post(Create, Plain) with { Headers = new Dictionary<string, string> { ["Content-Length"] = "7" } });
        // Of two Content-Types Go's server uses the first, and the plugin is shown the last.
        await _gated.DeniedAsync("content-type", DockerdMessage.Post(Create, Plain) with { Headers = new Dictionary<string, string> { ["Content-Type"] = "text/plain" } });
    }

    [Theory]
    [InlineData("/%63ontainers/%63reate")]
    [InlineData("/v1.24/containers/create?name=x")]
    [InlineData("/containers/create")]
    public async Task Create_ByEachWayToWriteItsPath_IsJudged(string uri)
    {
        Assert.Equal("process/privileged", (await _gated.CreateAsync(b => Host(b)["Privileged"] = true, uri)).Code);
        Assert.Equal("allowed", (await _gated.CreateAsync(_ => { }, uri)).Code);
    }

    [Theory]
    [InlineData("/v1.23/containers/create", "api-version")]
    [InlineData("/v1.99/containers/create", "api-version")]
    [InlineData("/%2563ontainers/create", "double-encoding")]
    [InlineData("/containers/create?name=a&name=b", "bad-query")]
    [InlineData("/containers/create?platform=linux/amd64&platform=linux/arm64", "bad-query")]
    [InlineData("/containers/teleport", "unknown-endpoint")]
    public async Task Create_AtATargetOfTwoMeanings_IsDenied(string uri, string code) => Assert.Equal(code, (await _gated.CreateAsync(_ => { }, uri)).Code);

    [Theory]
    [InlineData("runc", "foreign-runtime")]
    [InlineData("io.containerd.runc.v2", "foreign-runtime")]
    [InlineData("Plimsoll", "foreign-runtime")]
    [InlineData("plimsoll", "allowed")]
    [InlineData("", "allowed")]
    public async Task Create_ByRuntime_OnlyOurLaunchersRun(string runtime, string code) => Assert.Equal(code, (await _gated.CreateAsync(b => Host(b)["Runtime"] = runtime)).Code);

    [Fact]
    public async Task Create_AForeignRuntimeThatPolicyAllows_IsStillDenied()
    {
        _gated.Policy = Gated.Allowing(EngineWords.All.ToArray());

        Assert.Equal("foreign-runtime", (await _gated.CreateAsync(b => Host(b)["runtime"] = "runc")).Code);
    }

    [Theory]
    [InlineData("hyperv", "isolation")]
    [InlineData("default", "allowed")]
    public async Task Create_WithIsolation_OnlyLinuxsOwnRuns(string isolation, string code) => Assert.Equal(code, (await _gated.CreateAsync(b => Host(b)["Isolation"] = isolation)).Code);

    [Fact]
    public async Task Create_AnImageThatNobodyHas_ReachesDockerdSoThatTheClientPulls()
    {
        Assert.Equal("no-such-image", (await _gated.CreateAsync(b => b["Image"] = "registry.example/new:1")).Code);
        Assert.Contains("/images/registry.example/new:1/json", _gated.Dockerd.Requests);

        _gated.Dockerd.Answers["/images/registry.example/new:1/json"] = "{}";
        Assert.Equal("image-unknown", (await _gated.CreateAsync(b => b["Image"] = "registry.example/new:1")).Code);
        Assert.Equal("foreign-runtime", (await _gated.CreateAsync(b => { b["Image"] = "registry.example/other:1"; Host(b)["Runtime"] = "runc"; })).Code);
    }

    /// <summary>Between the answer that there is none and dockerd's own look somebody may give its name to a signed image.</summary>
    [Theory]
    [InlineData("Privileged", "true", "process/privileged")]
    [InlineData("PidMode", "\"host\"", "namespaces/pid-host")]
    [InlineData("NetworkMode", "\"host\"", "network/network-host")]
    [InlineData("Binds", "[\"/srv/x:/data\"]", "mounts/bind-not-allowed")]
    [InlineData("Binds", "[\"disguised:/data\"]", "mounts/bind-not-allowed")]
    [InlineData("Mounts", """[{"Type":"volume","Source":"v","Target":"/data","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"none","o":"bind","device":"/srv/x"}}}}]""", "mounts/bind-not-allowed")]
    [InlineData("Devices", """[{"PathOnHost":"/dev/sda"}]""", "devices/device")]
    [InlineData("Memory", "0", "resources/no-memory-limit")]
    [InlineData("Binds", "[\"plain:/data\"]", "no-such-image")]
    [InlineData("PortBindings", """{"80/tcp":[{"HostPort":"8080"}]}""", "no-such-image")]
    public async Task Create_AnImageThatNobodyHas_IsDecidedByAllThatNeedsNoImage(string key, string value, string code)
    {
        _gated.Dockerd.Answers["/volumes/disguised"] = """{"Name":"disguised","Driver":"local","Options":{"type":"none","o":"bind","device":"/srv/x"}}""";
        _gated.Dockerd.Answers["/volumes/plain"] = """{"Name":"plain","Driver":"local","Options":null}""";

        Decision decision = await _gated.CreateAsync(b => { b["Image"] = "registry.example/new:1"; Host(b)[key] = JsonNode.Parse(value); });

        Assert.Equal((code, code == "no-such-image"), (decision.Code, decision.Answer.Allowed));
    }

    [Theory]
    [InlineData("Cmd", "[\"/bin/sh\",\"-c\",\"id\"]")]
    [InlineData("Entrypoint", "[\"/data/x\"]")]
    [InlineData("User", "null")]
    [InlineData("User", "\"1001\"")]
    [InlineData("Env", "[\"PATH=/app\"]")]
    [InlineData("WorkingDir", "\"/data\"")]
    [InlineData("Healthcheck", """{"Test":["CMD","/app/check"]}""")]
    public async Task Create_AnImageThatNobodyHas_WhatOnlyTheImageDecidesIsLeftToTheSecondCreate(string key, string value)
    {
        Action<JsonObject> asks = b => { b[key] = JsonNode.Parse(value); Host(b)["Binds"] = new JsonArray("plain:/data"); };
        _gated.Policy = new Policy { Name = "edge", Start = new StartRules { Rules = [StartRule.Default.With(StartCheck.Root, PolicyAction.Fail).With(StartCheck.WorkingDirectory, PolicyAction.Fail).With(StartCheck.User, PolicyAction.Fail)] } };

        Assert.Equal("no-such-image", (await _gated.CreateAsync(b => { asks(b); b["Image"] = "registry.example/new:1"; })).Code);
        if (value != "null")
            Assert.False((await _gated.CreateAsync(asks)).Answer.Allowed);
    }

    [Fact]
    public async Task Create_AnImageThatNobodyHas_IsDecidedByTheRuleForItsName()
    {
        StartRule strict = new() { Names = ["registry.example/**"] }, labelled = new StartRule { Names = ["registry.example/labelled"], Labels = [new("tier", "db")] }.With(StartList.Binds, "/srv");
        _gated.Policy = new Policy { Name = "edge", Start = new StartRules { Rules = [new StartRule { Names = ["registry.example/db"] }.With(StartList.Binds, "/srv"), new StartRule { Names = ["registry.example/old"], Deny = "too old" }, labelled, strict] } };
        async Task<string> CodeAsync(string image, bool binds) => (await _gated.CreateAsync(b => { b["Image"] = image; if (binds) Host(b)["Binds"] = new JsonArray("/srv/x:/data"); })).Code;

        Assert.Equal("no-such-image", await CodeAsync("registry.example/db:1", binds: true));
        Assert.Equal("no-such-image", await CodeAsync($"registry.example/db@{Gated.Signed}", binds: true));
        Assert.Equal("no-such-image", await CodeAsync("registry.example/labelled", binds: true));
        Assert.Equal("mounts/bind-not-allowed", await CodeAsync("registry.example/web:1", binds: true));
        Assert.Equal("no-such-image", await CodeAsync("registry.example/web:1", binds: false));
        Assert.Equal("rule/start-denied", await CodeAsync("registry.example/old:1", binds: false));
        Assert.Equal("rule/no-start-rule", await CodeAsync("web", binds: false));

        _gated.Policy = _gated.Policy with { Start = new StartRules { Rules = [strict], LearningUntil = DateOnly.MaxValue } };
        Decision learning = await _gated.CreateAsync(b => { b["Image"] = "registry.example/new:1"; Host(b)["Binds"] = new JsonArray("/srv/x:/data"); });
        Assert.Equal("no-such-image", learning.Code);
        Assert.Equal(["bind-not-allowed", "learning"], learning.Warnings.Select(w => w.Code));

        _gated.Policy = _gated.Policy with { Start = null };
        Assert.Equal("rule/no-start-rules", await CodeAsync("registry.example/web:1", binds: false));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../info?x=")]
    [InlineData("a//b")]
    [InlineData("a b")]
    public async Task Create_WhatIsNoImagesName_IsDenied(string image) => Assert.Equal("image-name", (await _gated.CreateAsync(b => b["Image"] = image)).Code);

    [Fact]
    public async Task Create_WithAVolumeThatIsAFolderOfTheHost_IsDenied()
    {
        _gated.Dockerd.Answers["/volumes/disguised"] = """{"Name":"disguised","Driver":"local","Options":{"type":"none","o":"bind","device":"/etc"}}""";
        _gated.Dockerd.Answers["/volumes/plain"] = """{"Name":"plain","Driver":"local","Options":null}""";

        Decision disguised = await _gated.CreateAsync(b => Host(b)["Binds"] = new JsonArray("disguised:/data"));
        Decision plain = await _gated.CreateAsync(b => Host(b)["Binds"] = new JsonArray("plain:/data"));

        Assert.StartsWith("mounts/", disguised.Code, StringComparison.Ordinal);
        Assert.True(plain.Answer.Allowed, plain.Answer.Text);
    }

    [Fact]
    public async Task VolumeCreate_ALocalVolumeThatIsAFolderOfTheHost_IsDenied()
    {
        Decision disguised = await _gated.DecideAsync(DockerdMessage.Post("/volumes/create", """{"Name":"v","driver":"local","DriverOpts":{"type":"none","o":"bind","device":"/etc"}}"""));

        Assert.StartsWith("mounts/", disguised.Code, StringComparison.Ordinal);
        await _gated.DeniedAsync("body-absent", DockerdMessage.Post("/volumes/create", """{"Name":"v"}""") with { Chunked = true });
        await _gated.AllowedAsync(DockerdMessage.Post("/volumes/create", """{"Name":"v"}"""));
    }

    [Fact]
    public async Task Create_WithoutRulesForStarts_IsDeniedByName()
    {
        _gated.Policy = _gated.Policy! with { Start = null };

        Assert.Equal("rule/no-start-rules", (await _gated.CreateAsync(_ => { })).Code);
    }

    public void Dispose() => _gated.Dispose();
}
