using Plimsoll.Oci;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Plugin;

/// <summary>Decides requests to the daemon. Nothing is kept here between them: what was allowed at create is decided again at start.</summary>
internal sealed partial class Decider(IImageJudge images, DaemonClient daemon, TimeProvider clock, StartHost host, PluginOptions options)
{
    private static readonly EngineRules DefaultRules = new();

    /// <summary>One request while it is decided.</summary>
    private sealed record Case(AuthzRequest Request, RequestPath Path, Endpoint Endpoint, string Name, Policy Policy, EngineRules Rules, StartClient Client);

    public async Task<Decision> DecideAsync(AuthzRequest request, CancellationToken cancellationToken)
    {
        bool own = false;
        if (request.Header(DaemonClient.Header) is { } secret)
        {
            own = daemon.IsOwn(secret);
            if (!own)
                return Decision.Deny("forged-callback", $"the header {DaemonClient.Header} does not hold this agent's secret");
        }
        if (!RequestPath.TryParse(request.Uri, out RequestPath? path, out Denial? denial)
            || !EndpointTable.TryFind(request.Method, path, out Endpoint? endpoint, out string name, out denial))
            return Decision.Deny(denial);
        Decision decision = own
            ? endpoint.CalledBack ? Decision.AllowAs("call-back") : Decision.Deny("forged-callback", "this agent calls back to read, to pause and to stop only")
            : await DecideAsync(request, path, endpoint, name, cancellationToken);
        return decision with { Endpoint = endpoint.ToString(), Subject = name, OnlyReads = endpoint.OnlyReads };
    }

    private ValueTask<Decision> DecideAsync(AuthzRequest request, RequestPath path, Endpoint endpoint, string name, CancellationToken cancellationToken)
    {
        if (endpoint.Rule == EndpointRule.Always)
            return new(Decision.Allow);
        if (RequestBody.NoForm(request) is { } form)
            return new(Decision.Deny(form));
        if (images.Policy is not { } policy)
            return new(endpoint.WithoutPolicy ? Decision.AllowAs("no-policy") : Decision.Deny(images.NoPolicy));
        Case asked = new(request, path, endpoint, name, policy, policy.Start?.Engine ?? DefaultRules, new StartClient(request.User, request.UserAuthMethod));
        if (endpoint.Rule == EndpointRule.Build)
            return new(Build(asked));
        if (endpoint.Operation is { } operation && Refuse(asked, operation) is { } refused)
            return new(refused);
        return endpoint.Rule switch
        {
            EndpointRule.Operation => new(Decision.Allow),
            EndpointRule.Create => new(CreateAsync(asked, cancellationToken)),
            EndpointRule.Start => new(StartAsync(asked, cancellationToken)),
            EndpointRule.Update => new(UpdateAsync(asked, cancellationToken)),
            EndpointRule.ExecCreate => new(ExecCreateAsync(asked, cancellationToken)),
            EndpointRule.ExecStart => new(ExecStartAsync(asked, cancellationToken)),
            EndpointRule.ImageCreate => new(ImageCreate(asked)),
            EndpointRule.VolumeCreate => new(VolumeCreate(asked)),
            _ => new(Decision.Deny("unknown-endpoint", $"nothing here decides {endpoint}")),
        };
    }

    /// <returns>Null when policy allows the operation.</returns>
    private static Decision? Refuse(Case asked, EngineOperation operation) =>
        asked.Rules.Allow.Contains(operation) ? null
        : Decision.Deny("operation", $"{EngineWords.Word(operation)} is not among the operations that policy {asked.Policy.Name} allows (start.engine.allow)") with { Code = $"operation-{EngineWords.Word(operation)}" };

    /// <summary>A build's steps run outside the gate, so it needs leave of its own, or a client who has it.</summary>
    private static Decision Build(Case asked) =>
        asked.Rules.Allow.Contains(EngineOperation.Build) || (asked.Client.Method == "TLS" && asked.Client.User.Length > 0 && asked.Rules.Builders.Any(b => Glob.Matches(b, asked.Client.User)))
            ? Decision.Allow
            : Decision.Deny("operation", $"a build runs its steps where no gate sees them, and policy {asked.Policy.Name} neither allows it nor names client {Escape.Quote(asked.Client.User)} (start.engine.builders)") with { Code = "operation-build" };

    private static Decision ImageCreate(Case asked)
    {
        if (!asked.Path.Query.TryGet("fromImage", out string image, out Denial? denial) || !asked.Path.Query.TryGet("fromSrc", out string source, out denial))
            return Decision.Deny(denial);
        if (image.Length > 0 && source.Length > 0)
            return Decision.Deny("bad-query", "fromImage and fromSrc stand in one query: a pull to one reader, an import to another");
        // dockerd imports whenever no image is named.
        if (image.Length == 0)
            return Refuse(asked, EngineOperation.Import) ?? Decision.Allow;
        return Refuse(asked, EngineOperation.Pull) ?? (RequestBody.NeedNone(asked.Request, "unexpected-body") is { } body ? Decision.Deny(body) : Decision.Allow);
    }
}
