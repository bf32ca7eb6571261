using Plimsoll.Agent.Plugin;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Agent.Plugin;

/// <summary>What a token of break-glass lifts here, and what it does not.</summary>
public sealed class PardonTests : IDisposable
{
    private readonly Gated _gated = new();

    public void Dispose() => _gated.Dispose();

    [Fact]
    public async Task Update_OfWhatATokenCovers_IsDeniedAllTheSame()
    {
        DockerdMessage start = DockerdMessage.Post("/containers/web/start"), lifted = DockerdMessage.Post("/containers/web/update", """{"PidsLimit":-1}""");
        _gated.Inspected(i => i["HostConfig"]!["Privileged"] = true);
        await _gated.DeniedAsync("process/privileged", start);

        _gated.Pardoned = true;
        Decision decision = await _gated.DecideAsync(start);
        Assert.Equal((true, "break-glass"), (decision.Answer.Allowed, decision.Code));
        Assert.Equal((true, "break-glass"), ((decision = await _gated.CreateAsync(b => b["HostConfig"]!["Privileged"] = true)).Answer.Allowed, decision.Code));

        _gated.Inspected(_ => { });
        await _gated.AllowedAsync(DockerdMessage.Post("/containers/web/update", """{"PidsLimit":50}"""));
        await _gated.DeniedAsync("resources/no-pids-limit", lifted);
        // Nor an operation.
        _gated.Policy = Gated.Without(EngineOperation.Update);
        await _gated.DeniedAsync("operation-update", lifted);
    }
}
