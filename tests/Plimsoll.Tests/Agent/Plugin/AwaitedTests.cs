using Plimsoll.Agent.Plugin;

namespace Plimsoll.Tests.Agent.Plugin;

/// <summary>An image whose statements are being fetched: the plugin neither waits nor decides, and lifts nothing else.</summary>
public sealed class AwaitedTests : IDisposable
{
    private readonly Gated _gated = new();

    public void Dispose() => _gated.Dispose();

    private const string Evil = "registry.example/shop/evil:1";

    [Fact]
    public async Task Create_EvidenceAwaited_IsLeftToTheRuntimeGate()
    {
        _gated.Awaited = _gated.Fetchable = true;
        Decision decision = await _gated.CreateAsync(b => b["Image"] = Evil);
        Assert.Equal((true, "evidence-awaited"), (decision.Answer.Allowed, decision.Code));
        Assert.Equal([Gated.Unsigned], _gated.Prepared);
        // What else refuses refuses.
        decision = await _gated.CreateAsync(b => { b["Image"] = Evil; b["HostConfig"]!["Privileged"] = true; });
        Assert.Equal((false, "process/privileged"), (decision.Answer.Allowed, decision.Code));
    }

    [Fact]
    public async Task Update_EvidenceAwaited_IsDenied()
    {
        _gated.Awaited = _gated.Fetchable = true;
        _gated.Inspected(i => i["Image"] = Gated.Unsigned.ToString());
        await _gated.AllowedAsync(DockerdMessage.Post("/containers/web/start"));
        await _gated.DeniedAsync("signature/no-signature", DockerdMessage.Post("/containers/web/update", """{"Memory":1048576}"""));
    }

    /// <summary>docker run --rm waits for ever when a start is refused here, and not when the runtime gate refuses it.</summary>
    [Fact]
    public async Task Start_RegistryHadNothing_IsLeftToTheRuntimeGateAndACreateIsDenied()
    {
        _gated.Fetchable = true;
        _gated.Inspected(i => i["Image"] = Gated.Unsigned.ToString());
        await _gated.AllowedAsync(DockerdMessage.Post("/containers/web/start"));
        Assert.Equal("signature/no-signature", (await _gated.CreateAsync(b => b["Image"] = Evil)).Code);
    }

    [Fact]
    public async Task Create_RegistriesWereAsked_SaysWhatTheySaid()
    {
        _gated.Note = "registry.example/shop/evil holds 0 signatures and statements";
        Decision decision = await _gated.CreateAsync(b => b["Image"] = Evil);
        Assert.EndsWith("; registry.example/shop/evil holds 0 signatures and statements", decision.Answer.Text, StringComparison.Ordinal);
    }
}
