using Plimsoll.Agent.Plugin;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Agent.Plugin;

/// <summary>What neither creates nor starts a container.</summary>
public sealed class OperationTests : IDisposable
{
    private readonly Gated _gated = new();

    private static DockerdMessage Exec(string body) => DockerdMessage.Post("/v1.41/containers/web/exec", body);

    [Fact]
    public async Task ExecCreate_Privileged_NeedsItsOwnOperation()
    {
        await _gated.AllowedAsync(Exec("""{"Cmd":["ls"],"Privileged":false}"""));
        await _gated.DeniedAsync("operation-exec-privileged", Exec("""{"Cmd":["ls"],"Privileged":true}"""));
        await _gated.DeniedAsync("operation-exec-privileged", Exec("""{"Cmd":["ls"],"privileged":true}"""));
        await _gated.DeniedAsync("duplicate-key", Exec("""{"Cmd":["ls"],"Privileged":true,"privileged":false}"""));
        await _gated.DeniedAsync("body-absent", Exec("""{"Cmd":["ls"],"Privileged":true}""") with { Chunked = true });
        await _gated.DeniedAsync("bad-body", Exec("""{"Cmd":["ls"],"Privileged":"true"}"""));

        _gated.Policy = Gated.Allowing(EngineOperation.ExecPrivileged);
        await _gated.AllowedAsync(Exec("""{"Cmd":["ls"],"Privileged":true}"""));
    }

    [Theory]
    [InlineData("1000", "1000", null)]
    [InlineData("1000", "", null)]
    [InlineData("", "root", null)]
    [InlineData("0", "root", null)]
    [InlineData("1000", "root", "operation-exec-user")]
    [InlineData("1000", "0", "operation-exec-user")]
    [InlineData("", "1000", "operation-exec-user")]
    [InlineData("1000", "1000:0", "operation-exec-user")]
    public async Task Exec_AsAnotherUser_NeedsItsOwnOperation(string own, string asked, string? code)
    {
        _gated.Inspected(i => i["Config"]!["User"] = own);
        _gated.Dockerd.Answers[$"/exec/{Gated.ExecId}/json"] = Gated.Exec(privileged: false, asked);
        foreach (DockerdMessage message in (DockerdMessage[])[Exec($$"""{"Cmd":["ls"],"User":"{{asked}}"}"""), DockerdMessage.Post($"/exec/{Gated.ExecId}/start", "{}")])
            if (code is null)
                await _gated.AllowedAsync(message);
            else
                await _gated.DeniedAsync(code, message);

        _gated.Policy = Gated.Allowing(EngineOperation.ExecUser);
        await _gated.AllowedAsync(Exec($$"""{"Cmd":["ls"],"User":"{{asked}}"}"""));
    }

    [Fact]
    public async Task ExecCreate_WithAVariableThatLoadsSomething_IsDenied()
    {
        await _gated.DeniedAsync("exec-environment", Exec("""{"Cmd":["ls"],"Env":["A=1","LD_PRELOAD=/tmp/x.so"]}"""));
        await _gated.AllowedAsync(Exec("""{"Cmd":["ls"],"Env":["A=1"]}"""));
    }

    [Fact]
    public async Task ExecStart_OfAnExecMadeUnderAnotherPolicy_IsDecidedAgain()
    {
        await _gated.AllowedAsync(DockerdMessage.Post($"/exec/{Gated.ExecId}/start", """{"Detach":false}"""));
        _gated.Dockerd.Answers[$"/exec/{Gated.ExecId}/json"] = Gated.Exec(privileged: true, "1000");
        await _gated.DeniedAsync("operation-exec-privileged", DockerdMessage.Post($"/exec/{Gated.ExecId}/start", """{"Detach":false}"""));
        await _gated.DeniedAsync("no-such-exec", DockerdMessage.Post("/exec/other/start", "{}"));

        _gated.Policy = Gated.Without(EngineOperation.Exec);
        await _gated.DeniedAsync("operation-exec", DockerdMessage.Post($"/exec/{Gated.ExecId}/start", "{}"));
    }

    [Theory]
    [InlineData("PUT", "/containers/web/archive?path=/usr", EngineOperation.CopyIn, false)]
    [InlineData("GET", "/containers/web/archive?path=/usr", EngineOperation.CopyOut, true)]
    [InlineData("HEAD", "/containers/web/archive?path=/usr", EngineOperation.CopyOut, true)]
    [InlineData("POST", "/commit?container=web", EngineOperation.Commit, false)]
    [InlineData("GET", "/containers/web/export", EngineOperation.Export, false)]
    [InlineData("GET", "/images/get?names=a", EngineOperation.Export, false)]
    [InlineData("POST", "/images/load", EngineOperation.Load, true)]
    [InlineData("POST", "/images/create?fromImage=a&tag=1", EngineOperation.Pull, true)]
    [InlineData("POST", "/images/create?fromSrc=-", EngineOperation.Import, false)]
    [InlineData("POST", "/images/create", EngineOperation.Import, false)]
    [InlineData("POST", "/build?t=a", EngineOperation.Build, false)]
    [InlineData("POST", "/v1.41/build?version=2", EngineOperation.Build, false)]
    [InlineData("POST", "/session", EngineOperation.Build, false)]
    [InlineData("POST", "/grpc", EngineOperation.Build, false)]
    [InlineData("POST", "/plugins/pull?remote=a", EngineOperation.Plugin, false)]
    [InlineData("POST", "/plugins/vieux/sshfs/enable", EngineOperation.Plugin, false)]
    [InlineData("POST", "/swarm/init", EngineOperation.Swarm, false)]
    [InlineData("POST", "/services/create", EngineOperation.Swarm, false)]
    [InlineData("POST", "/containers/web/checkpoints", EngineOperation.Checkpoint, false)]
    [InlineData("POST", "/containers/web/rename?name=b", EngineOperation.Manage, true)]
    [InlineData("DELETE", "/containers/web", EngineOperation.Manage, true)]
    [InlineData("GET", "/containers/json", EngineOperation.Read, true)]
    public async Task Operation_ByDefaultAndWhenPolicySaysTheOpposite(string method, string uri, EngineOperation operation, bool byDefault)
    {
        DockerdMessage message = new(method, uri) { ContentType = null };
        string code = $"operation-{EngineWords.Word(operation)}";

        if (byDefault)
        {
            await _gated.AllowedAsync(message);
            _gated.Policy = Gated.Without(operation);
            await _gated.DeniedAsync(code, message);
        }
        else
        {
            await _gated.DeniedAsync(code, message);
            _gated.Policy = Gated.Allowing(operation);
            await _gated.AllowedAsync(message);
        }
    }

    [Fact]
    public async Task ImageCreate_OfTwoMeanings_IsDenied()
    {
        const string Pull = "/images/create?fromImage=alpine";

        await _gated.AllowedAsync(DockerdMessage.Post(Pull));
        await _gated.AllowedAsync(DockerdMessage.Post(Pull) with { ContentType = "text/plain" });
        await _gated.DeniedAsync("bad-query", DockerdMessage.Post($"{Pull}&fromSrc=http://x/root.tar"));
        await _gated.DeniedAsync("bad-query", DockerdMessage.Post($"{Pull}&fromImage="));
        // A form's fields come before those of the query: fromImage would be empty, and the pull an import.
        await _gated.DeniedAsync("form-body", DockerdMessage.Post(Pull, "fromImage=&fromSrc=http://x/root.tar") with { ContentType = "application/x-www-form-urlencoded" });
        await _gated.DeniedAsync("form-body", DockerdMessage.Post(Pull, "fromImage=&fromSrc=http://x/root.tar") with { ContentType = "application/x-www-form-urlencoded", Chunked = true });
        await _gated.DeniedAsync("unexpected-body", DockerdMessage.Post(Pull, "fromImage=&fromSrc=http://x/root.tar") with { ContentType = "text/plain", Chunked = true });
        await _gated.DeniedAsync("unexpected-body", DockerdMessage.Post(Pull, "fromImage=&fromSrc=http://x/root.tar") with { ContentType = "text/plain" });
    }

    [Fact]
    public async Task Build_ByAClientThatPolicyNames_IsAllowed()
    {
        _gated.Policy = Gated.Make(new EngineRules { Builders = ["ci", "build-*"] });

        await _gated.AllowedAsync(DockerdMessage.Post("/build") with { User = "ci" });
        await _gated.AllowedAsync(DockerdMessage.Post("/build") with { User = "build-7" });
        await _gated.DeniedAsync("operation-build", DockerdMessage.Post("/build") with { User = "ci-1" });
        await _gated.DeniedAsync("operation-build", DockerdMessage.Post("/build") with { User = "dev" });
        await _gated.DeniedAsync("operation-build", DockerdMessage.Post("/build"));
        // A name that no certificate proves.
        foreach (string proof in (string[])["", "Basic", "tls"])
            await _gated.DeniedAsync("operation-build", DockerdMessage.Post("/build") with { User = "ci", Proof = proof });
    }

    [Fact]
    public async Task NoPolicy_OnlyWhatTellsAndStops_GoesThrough()
    {
        _gated.Policy = null;

        foreach (string uri in (string[])["/_ping", "/version", "/info", "/containers/json?all=1", "/containers/web/json", "/containers/web/logs", "/images/json", "/events"])
            await _gated.AllowedAsync(DockerdMessage.Get(uri));
        foreach (string uri in (string[])["/containers/web/stop", "/containers/web/kill", "/containers/web/wait"])
            await _gated.AllowedAsync(DockerdMessage.Post(uri));
        await _gated.AllowedAsync(new DockerdMessage("DELETE", "/containers/web?force=1"));
        foreach (string uri in (string[])["/containers/create", "/containers/web/start", "/containers/web/restart", "/containers/web/unpause", "/containers/web/exec", "/containers/web/update",
            "/images/create?fromImage=a", "/images/load", "/build", "/commit", "/volumes/create", "/networks/create", "/swarm/init", "/containers/web/attach"])
            await _gated.DeniedAsync("no-policy", DockerdMessage.Post(uri));
        Decision decision = await _gated.DecideAsync(DockerdMessage.Post("/build"));
        Assert.Equal("plimsoll: no-policy: policy.json is missing", decision.Answer.Text);
        _gated.NoPolicy = new Denial("host-changed", "runc is another");
        decision = await _gated.DecideAsync(DockerdMessage.Post("/containers/create"));
        Assert.Equal(("host-changed", "plimsoll: host-changed: runc is another"), (decision.Code, decision.Answer.Text));
    }

    [Fact]
    public async Task Callback_WithAForgedHeader_IsDeniedWhereverItGoes()
    {
        foreach (DockerdMessage message in (DockerdMessage[])[DockerdMessage.Get("/containers/web/json"), DockerdMessage.Get("/info"), DockerdMessage.Post("/containers/web/start"), DockerdMessage.Get("//")])
            foreach (string forged in (string[])[new string('0', 64), "", "x"])
                await _gated.DeniedAsync("forged-callback", message with { Headers = new Dictionary<string, string> { [DaemonClient.Header] = forged } });
        await _gated.AllowedAsync(DockerdMessage.Get("/containers/web/json"));
    }

    [Fact]
    public async Task Callback_WithItsSecret_ReadsPausesAndStopsAndDoesNothingElse()
    {
        string? secret = null;
        _gated.Dockerd.Plugin = message =>
        {
            secret = message.Headers[DaemonClient.Header];
            return Task.FromResult(true);
        };
        await _gated.AllowedAsync(DockerdMessage.Post("/containers/web/start"));
        Dictionary<string, string> own = new() { [DaemonClient.Header] = secret! };
        _gated.Policy = null;

        Assert.Matches("^[0-9a-f]{64}$", secret);
        Assert.Equal("call-back", (await _gated.DecideAsync(DockerdMessage.Get("/containers/web/json") with { Headers = own })).Code);
        foreach (string action in (string[])["pause", "stop?t=5"])
            Assert.Equal("call-back", (await _gated.DecideAsync(DockerdMessage.Post($"/containers/web/{action}") with { Headers = own })).Code);
        foreach (string action in (string[])["start", "unpause", "kill", "exec"])
            await _gated.DeniedAsync("forged-callback", DockerdMessage.Post($"/containers/web/{action}") with { Headers = own });
        await _gated.DeniedAsync("forged-callback", DockerdMessage.Get("/system/df") with { Headers = own });
        await _gated.DeniedAsync("forged-callback", DockerdMessage.Get("/containers/web/json") with { Headers = new Dictionary<string, string> { [DaemonClient.Header] = secret!.ToUpperInvariant() } });
    }

    public void Dispose() => _gated.Dispose();
}
