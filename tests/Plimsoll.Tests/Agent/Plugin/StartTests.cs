using System.Text.Json.Nodes;
using Plimsoll.Agent.Plugin;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Agent.Plugin;

/// <summary>Start, restart, unpause and update are decided by what the daemon says of the container at that moment.</summary>
public sealed class StartTests : IDisposable
{
    private readonly Gated _gated = new();

    private static JsonObject Host(JsonObject inspect) => (JsonObject)inspect["HostConfig"]!;

    [Theory]
    [InlineData("start")]
    [InlineData("restart")]
    [InlineData("unpause")]
    public async Task Start_AContainerThatWasAllowed_IsDecidedAgain(string verb)
    {
        string uri = $"/v1.41/containers/{Gated.Container}/{verb}";

        await _gated.AllowedAsync(DockerdMessage.Post(uri));
        _gated.Inspected(i => Host(i)["Privileged"] = true);
        await _gated.DeniedAsync("process/privileged", DockerdMessage.Post(uri));
        _gated.Inspected(i => Host(i)["Runtime"] = "runc");
        await _gated.DeniedAsync("foreign-runtime", DockerdMessage.Post(uri));
        _gated.Inspected(i => i["Image"] = Gated.Unsigned.ToString());
        await _gated.DeniedAsync("signature/no-signature", DockerdMessage.Post(uri));

        _gated.Inspected(_ => { });
        await _gated.AllowedAsync(DockerdMessage.Post(uri));
        _gated.Policy = _gated.Policy! with { Start = null };
        await _gated.DeniedAsync("rule/no-start-rules", DockerdMessage.Post(uri));
    }

    [Fact]
    public async Task Start_ClockIsBehind_IsDeniedWhereTheVerdictRestsOnTheTime()
    {
        DockerdMessage start = DockerdMessage.Post("/containers/web/start"), volume = DockerdMessage.Post("/volumes/create", """{"Name":"v"}""");
        _gated.ClockTrouble = "the clock says noon";
        await _gated.AllowedAsync(start);

        StartRules rules = new() { Rules = [new StartRule { NotAfter = DateOnly.FromDateTime(DateTime.UtcNow.AddDays(2)) }] };
        _gated.Policy = _gated.Policy! with { Start = rules };
        await _gated.DeniedAsync("clock-set-back", start);
        await _gated.AllowedAsync(volume);
        _gated.ClockTrouble = null;
        await _gated.AllowedAsync(start);
    }

    [Fact]
    public async Task Start_AnImageRetaggedBetweenCreateAndStart_IsJudgedByItsId()
    {
        // The name still means the signed image; the container was made of another.
        _gated.Inspected(i => i["Image"] = Gated.Unsigned.ToString());

        await _gated.DeniedAsync("signature/no-signature", DockerdMessage.Post("/containers/web/start"));
    }

    [Fact]
    public async Task Start_WithABody_IsDenied()
    {
        DockerdMessage plain = new("POST", "/v1.41/containers/web/start") { ContentType = "text/plain" };

        await _gated.AllowedAsync(plain);
        await _gated.AllowedAsync(DockerdMessage.Post(plain.Uri) with { Chunked = true });
        await _gated.DeniedAsync("start-body", DockerdMessage.Post(plain.Uri, """{"Binds":["/:/host"]}"""));
        await _gated.DeniedAsync("start-body", DockerdMessage.Post(plain.Uri, """{"Binds":["/:/host"]}""") with { ContentType = "text/plain" });
        await _gated.DeniedAsync("start-body", DockerdMessage.Post(plain.Uri, """{"Binds":["/:/host"]}""") with { Chunked = true });
        await _gated.DeniedAsync("form-body", DockerdMessage.Post(plain.Uri, "checkpoint=c1") with { ContentType = "application/x-www-form-urlencoded" });
        await _gated.DeniedAsync("api-version", DockerdMessage.Post("/v1.23/containers/web/start", """{"Privileged":true}"""));
        await _gated.DeniedAsync("api-version", DockerdMessage.Post("/v1.23/containers/web/start"));
    }

    [Fact]
    public async Task Start_FromACheckpoint_NeedsTheOperation()
    {
        await _gated.DeniedAsync("operation-checkpoint", DockerdMessage.Post("/containers/web/start?checkpoint=c1"));
        await _gated.DeniedAsync("operation-checkpoint", DockerdMessage.Post("/containers/web/start?checkpoint-dir=/tmp"));
        await _gated.DeniedAsync("bad-query", DockerdMessage.Post("/containers/web/start?checkpoint=&checkpoint=c1"));
        await _gated.AllowedAsync(DockerdMessage.Post("/containers/web/start?checkpoint="));

        _gated.Policy = Gated.Allowing(EngineOperation.Checkpoint);
        await _gated.AllowedAsync(DockerdMessage.Post("/containers/web/start?checkpoint=c1"));
    }

    [Fact]
    public async Task Update_ThatLiftsLimits_IsDeniedAndOneThatKeepsThemIsNot()
    {
        await _gated.AllowedAsync(DockerdMessage.Post("/containers/web/update", """{"Memory":134217728}"""));
        await _gated.DeniedAsync("resources/no-pids-limit", DockerdMessage.Post("/containers/web/update", """{"PidsLimit":-1}"""));
        await _gated.DeniedAsync("resources/no-pids-limit", DockerdMessage.Post("/containers/web/update", """{"pidslimit":-1}"""));
        await _gated.DeniedAsync("body-absent", DockerdMessage.Post("/containers/web/update", """{"PidsLimit":-1}""") with { Chunked = true });

        _gated.Policy = Gated.Without(EngineOperation.Update);
        await _gated.DeniedAsync("operation-update", DockerdMessage.Post("/containers/web/update", """{"Memory":134217728}"""));
    }

    /// <summary>dockerd looks up the name once more after the plugin answered.</summary>
    [Theory]
    [InlineData("start", null)]
    [InlineData("restart", null)]
    [InlineData("unpause", null)]
    [InlineData("update", "{}")]
    public async Task Start_ANameThatMovesWhileItIsDecided_IsDenied(string verb, string? body)
    {
        DockerdMessage Asks(string name) => DockerdMessage.Post($"/v1.41/containers/{name}/{verb}", body);
        string other = new('b', 64);
        _gated.Dockerd.Answers[$"/containers/{new string('a', 64)}/json"] = Gated.Inspect(_ => { }).ToJsonString();
        await _gated.AllowedAsync(Asks(Gated.Container));

        _gated.Judging = _ => _gated.Inspected(i => i["Id"] = other);
        _gated.Inspected(_ => { });
        await _gated.DeniedAsync("name-moved", Asks(Gated.Container));
        // Gone altogether.
        _gated.Judging = _ => _gated.Dockerd.Answers.Remove($"/containers/{Gated.Container}/json", out string? _);
        _gated.Inspected(_ => { });
        await _gated.DeniedAsync("no-such-container", Asks(Gated.Container));
        // A whole id means one container for ever, and is not asked for twice.
        int before = _gated.Dockerd.Requests.Count;
        await _gated.AllowedAsync(Asks(new string('a', 64)));
        Assert.Equal(before + 1, _gated.Dockerd.Requests.Count);
    }

    [Theory]
    [InlineData("start", true)]
    [InlineData("restart", true)]
    [InlineData("update", false)]
    public async Task Start_ThatIsAllowed_NamesTheContainerByItsWholeId(string verb, bool starts)
    {
        DockerdMessage asks = DockerdMessage.Post($"/containers/{Gated.Container}/{verb}", starts ? null : "{}");

        Assert.Equal(starts ? new string('a', 64) : null, (await _gated.DecideAsync(asks)).Starts);
        _gated.Inspected(i => Host(i)["Privileged"] = true);
        Assert.Null((await _gated.DecideAsync(asks)).Starts);
    }

    [Fact]
    public async Task Start_AContainerThatDockerdDoesNotKnow_IsDenied() =>
        await _gated.DeniedAsync("no-such-container", DockerdMessage.Post("/containers/other/start"));

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"Image":"web:1","Config":{}}""")]
    [InlineData("""{"Image":"sha256:0000000000000000000000000000000000000000000000000000000000000000","Config":{}}""")]
    [InlineData("{")]
    public async Task Start_WhenDockerdsAnswerCannotBeRead_IsDenied(string answer)
    {
        _gated.Dockerd.Answers["/containers/web/json"] = answer;

        await _gated.DeniedAsync("docker-answer", DockerdMessage.Post("/containers/web/start"));
    }

    [Fact]
    public async Task Start_WhenDockerdAnswersTooMuch_IsDenied()
    {
        _gated.Inspected(i => i["Pad"] = new string('x', 4 << 20));

        await _gated.DeniedAsync("docker-answer", DockerdMessage.Post("/containers/web/start"));
    }

    [Fact]
    public async Task Start_WhenDockerdIsOutOfReachOrSlow_IsDeniedByName()
    {
        using DaemonClient nobody = new("/nonexistent/docker.sock", TimeSpan.FromSeconds(3));
        using DaemonClient hasty = new(_gated.Dockerd.SocketPath, TimeSpan.FromMilliseconds(50));
        _gated.Dockerd.Delay = TimeSpan.FromSeconds(30);

        foreach ((DaemonClient daemon, string code) in new[] { (nobody, "docker-unreachable"), (hasty, "docker-timeout") })
        {
            Decider decider = new(_gated, daemon, TimeProvider.System, StartHost.None, new PluginOptions());
            Assert.Equal(code, (await decider.DecideAsync(DockerdMessage.Post("/containers/web/start").ToRequest(), TestContext.Current.CancellationToken)).Code);
        }
    }

    [Fact]
    public async Task Start_WithAVolumeThatIsAFolderOfTheHost_IsDenied()
    {
        _gated.Inspected(i => i["Mounts"] = new JsonArray(new JsonObject { ["Type"] = "volume", ["Name"] = "data", ["Source"] = "/var/lib/docker/volumes/data/_data", ["Destination"] = "/data", ["Driver"] = "local", ["RW"] = true }));
        _gated.Dockerd.Answers["/volumes/data"] = """{"Name":"data","Driver":"local","Options":{}}""";
        await _gated.AllowedAsync(DockerdMessage.Post("/containers/web/start"));

        _gated.Dockerd.Answers["/volumes/data"] = """{"Name":"data","Driver":"local","Options":{"type":"none","o":"bind","device":"/etc"}}""";
        Decision decision = await _gated.DecideAsync(DockerdMessage.Post("/containers/web/start"));

        Assert.StartsWith("mounts/", decision.Code, StringComparison.Ordinal);
    }

    public void Dispose() => _gated.Dispose();
}
