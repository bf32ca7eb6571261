using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Agent;
using Plimsoll.Agent.Plugin;
using Plimsoll.Oci;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;
using Decision = Plimsoll.Agent.Plugin.Decision;

namespace Plimsoll.Tests.Agent.Plugin;

/// <summary>A host with one signed image, a daemon that knows one container of it, and the decider in between.</summary>
internal sealed class Gated : IImageJudge, IDisposable
{
    public const string Name = "registry.example/shop/web:1";
    public const string Container = "web";
    public const string ExecId = "e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0";

    private static readonly byte[] Config = Encoding.UTF8.GetBytes("""{"architecture":"amd64","os":"linux","config":{"User":"1000","Entrypoint":["/app/web"],"Env":["PATH=/usr/bin:/bin"]},"rootfs":{"type":"layers","diff_ids":[]}}""");

    private readonly Dictionary<string, Digest> _names = new(StringComparer.Ordinal);

    public Gated()
    {
        _names[Name] = Signed;
        _names[ByDigest] = Signed;
        _names["registry.example/shop/evil:1"] = Unsigned;
        Daemon = new DaemonClient(Dockerd.SocketPath, TimeSpan.FromSeconds(3));
        Decider = new Decider(this, Daemon, TimeProvider.System, StartHost.None, new PluginOptions());
        Dockerd.Answers[$"/containers/{Container}/json"] = Inspect(_ => { }).ToJsonString();
        Dockerd.Answers[$"/exec/{ExecId}/json"] = Exec(privileged: false, "1000");
    }

    public static Digest Signed { get; } = Digest.Of(Config);
    public static Digest Unsigned { get; } = Digest.Of("unsigned"u8);
    public static string ByDigest => $"registry.example/shop/web@{Digest.Of("manifest"u8)}";

    public FakeDockerd Dockerd { get; } = new();
    public DaemonClient Daemon { get; }
    public Decider Decider { get; }
    public Policy? Policy { get; set; } = Make(new EngineRules());
    public Denial NoPolicy { get; set; } = new("no-policy", "policy.json is missing");
    public string? ClockTrouble { get; set; }
    public List<Digest> Prepared { get; } = [];

    /// <summary>Whether registries are asked for the unsigned image now, and what they said before.</summary>
    public bool Awaited { get; set; }
    public bool Fetchable { get; set; }
    public string Note { get; set; } = "";

    /// <summary>Whether a token covers whatever refuses.</summary>
    public bool Pardoned { get; set; }

    /// <summary>Called before an image is judged.</summary>
    public Action<CancellationToken> Judging { get; set; } = _ => { };

    /// <summary>The default rules for starts; the resources are left to tests of their own.</summary>
    public static Policy Make(EngineRules engine) => new() { Name = "edge", Start = new StartRules { Engine = engine } };

    public static Policy Allowing(params EngineOperation[] more) => Make(new EngineRules { Allow = new HashSet<EngineOperation>([.. new EngineRules().Allow, .. more]) });

    public static Policy Without(EngineOperation operation) => Make(new EngineRules { Allow = new HashSet<EngineOperation>(new EngineRules().Allow.Where(o => o != operation)) });

    public Digest? Resolve(string reference) => _names.GetValueOrDefault(reference) ?? (Digest.TryParse(reference, out Digest? id) && (id == Signed || id == Unsigned) ? id : null);

    public bool Pardons(Digest image, string? container, IReadOnlyCollection<string> codes) => Pardoned;

    public ImageAnswer Judge(Digest image, CancellationToken cancellationToken)
    {
        Judging(cancellationToken);
        return AnswerOf(image);
    }

    private ImageAnswer AnswerOf(Digest image) => image == Signed
        ? new ImageAnswer(Say(Outcome.Passed), new StartImage { Config = Signed, ConfigJson = Config, Names = [ImageName.Parse(Name)] })
        : new ImageAnswer(Say(Outcome.Refused, new Reason { Code = "no-signature", Component = "signature", Outcome = Outcome.Refused, Rule = "trust[0]", Message = "no trusted key signed it\u001b[2J" }), Fetchable ? new StartImage { Config = Unsigned, ConfigJson = Config, Names = [ImageName.Parse("registry.example/shop/evil:1")] } : null)
        { Awaited = Awaited, Fetchable = Fetchable, Note = Note };

    public void Prepare(Digest image) => Prepared.Add(image);

    private static Verdict Say(Outcome outcome, params Reason[] reasons) => new() { Outcome = outcome, Policy = "edge", PolicyDigest = "sha256:0", Reasons = reasons };

    /// <summary>The body of a web service that the default policy lets start.</summary>
    public static JsonObject Body(Action<JsonObject> change)
    {
        JsonObject body = new()
        {
            ["Image"] = ByDigest,
            ["User"] = "1000",
            ["HostConfig"] = new JsonObject
            {
                ["Memory"] = 256L << 20,
                ["NanoCpus"] = 500_000_000L,
                ["PidsLimit"] = 100,
                ["ReadonlyRootfs"] = true,
                ["CapDrop"] = new JsonArray("ALL"),
                ["SecurityOpt"] = new JsonArray("no-new-privileges:true"),
            },
        };
        change(body);
        return body;
    }

    /// <summary>What inspect says of a container that was made of that body.</summary>
    public static JsonObject Inspect(Action<JsonObject> change)
    {
        JsonObject body = Body(_ => { });
        JsonObject host = (JsonObject)body["HostConfig"]!.DeepClone();
        host["Runtime"] = "plimsoll";
        JsonObject inspect = new()
        {
            ["Id"] = new string('a', 64),
            ["Image"] = Signed.ToString(),
            ["State"] = new JsonObject { ["Status"] = "created" },
            ["Config"] = new JsonObject { ["Image"] = ByDigest, ["User"] = "1000", ["Entrypoint"] = new JsonArray("/app/web"), ["Env"] = new JsonArray("PATH=/usr/bin:/bin") },
            ["HostConfig"] = host,
            ["Mounts"] = new JsonArray(),
            ["NetworkSettings"] = new JsonObject { ["Networks"] = new JsonObject { ["bridge"] = new JsonObject() } },
        };
        change(inspect);
        return inspect;
    }

    public static string Exec(bool privileged, string user) =>
        new JsonObject { ["ID"] = ExecId, ["ContainerID"] = Container, ["ProcessConfig"] = new JsonObject { ["privileged"] = privileged, ["user"] = user } }.ToJsonString();

    public void Inspected(Action<JsonObject> change) => Dockerd.Answers[$"/containers/{Container}/json"] = Inspect(change).ToJsonString();

    public Task<Decision> DecideAsync(DockerdMessage message) => Decider.DecideAsync(message.ToRequest(), TestContext.Current.CancellationToken);

    public Task<Decision> CreateAsync(Action<JsonObject> change, string uri = "/v1.41/containers/create?name=web") => DecideAsync(DockerdMessage.Post(uri, Body(change).ToJsonString()));

    public async Task AllowedAsync(DockerdMessage message)
    {
        Decision decision = await DecideAsync(message);
        Assert.True(decision.Answer.Allowed, decision.Answer.Text);
    }

    public async Task DeniedAsync(string code, DockerdMessage message)
    {
        Decision decision = await DecideAsync(message);
        Assert.False(decision.Answer.Allowed, $"{message.Method} {message.Uri} was allowed");
        Assert.Equal(code, decision.Code);
        Assert.StartsWith("plimsoll: ", decision.Answer.Text, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        Daemon.Dispose();
        Dockerd.Dispose();
    }
}
