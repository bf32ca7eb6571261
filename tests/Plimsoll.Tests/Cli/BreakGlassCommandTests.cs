using System.Text.Json;
using Plimsoll.Cli;
using Plimsoll.Keys;
using Plimsoll.TestKit;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Cli;

public sealed class BreakGlassCommandTests : IDisposable
{
    private static readonly string Image = $"sha256:{new string('1', 64)}";

    private readonly TempFolder _folder = new();
    private readonly StringWriter _out = new(), _error = new();
    private readonly Clock _clock = new();

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 11, 22, 8, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    public BreakGlassCommandTests()
    {
        foreach (string name in (string[])["alice", "bob", "host"])
        {
            using ISigner key = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
            File.WriteAllText(_folder[$"{name}.pem"], KeyFile.WritePrivate(key, "words"));
            File.WriteAllText(_folder[$"{name}.pub"], key.PublicKey.ToPem());
        }
        File.WriteAllText(_folder["policy.yaml"], """
            policy: 1
            name: host
            trust:
              keys: {alice: {file: alice.pub}, bob: {file: bob.pub}}
              images: [{names: ["**"], signatures: {keys: [alice], match: any}}]
            start: {break-glass: {keys: [alice, bob], threshold: 2, max-hours: 8}}
            """);
    }

    public void Dispose() => _folder.Dispose();

    private async Task<(int Code, string Out, string Error)> RunAsync(params string[] args)
    {
        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        CliContext context = new() { Out = _out, Error = _error, Time = _clock, Environment = name => name switch { "PLIMSOLL_HOME" => _folder["home"], "PLIMSOLL_PASSPHRASE" => "words", _ => null } };
        int code = await PlimsollApp.RunAsync(["break-glass", .. args], context, Wiring.Services(context), TestContext.Current.CancellationToken);
        return (code, _out.ToString(), _error.ToString());
    }

    private Task<(int Code, string Out, string Error)> CreateAsync(params string[] more) =>
        RunAsync(["create", "--host", _folder["host.pub"], "--reason", "the signing service is down", "-o", _folder["t"], .. more]);

    [Fact]
    public async Task Token_MadeSignedAndShown_CountsFromTheSecondSignatureOn()
    {
        (int code, string text, string error) = await CreateAsync("--image", Image, "--code", "signature/*", "--uses", "2", "--valid", "30m");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("2026-11-22T08:00:00Z to 2026-11-22T08:30:00Z", text, StringComparison.Ordinal);
        (BreakGlassToken token, _) = BreakGlassToken.Read(File.ReadAllBytes(_folder["t"]), "t");
        using (PublicKey host = KeyFile.ReadPublic(File.ReadAllText(_folder["host.pub"]), "h"))
            Assert.Equal((host.Id, 2, "the signing service is down"), (token.Host, token.Uses, token.Reason));

        string[] show = ["show", _folder["t"], "--policy", _folder["policy.yaml"]];
        (code, text, _) = await RunAsync(show);
        Assert.Equal(1, code);
        Assert.Contains("signed by none", text, StringComparison.Ordinal);
        (code, text, error) = await RunAsync("sign", _folder["t"], "--key", _folder["alice.pem"]);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("\"the signing service is down\"", text, StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync(show)).Code);
        Assert.Equal(0, (await RunAsync("sign", _folder["t"], "--key", _folder["bob.pem"], "--lang", "zh")).Code);
        (code, text, _) = await RunAsync(show);
        Assert.Equal(0, code);
        Assert.Contains("alice, bob (2 of 2 wanted)", text, StringComparison.Ordinal);
        Assert.Contains("It counts under policy host", text, StringComparison.Ordinal);
        (code, text, _) = await RunAsync([.. show, "--json"]);
        using JsonDocument json = JsonDocument.Parse(text);
        Assert.Equal((0, true, token.Nonce), (code, json.RootElement.GetProperty("policy").GetProperty("counts").GetBoolean(), json.RootElement.GetProperty("token").GetProperty("nonce").GetString()));

        _clock.Now += TimeSpan.FromHours(1);
        Assert.Equal(1, (await RunAsync(show)).Code);
        Assert.Equal(1, (await RunAsync("sign", _folder["t"], "--key", _folder["alice.pem"])).Code);
    }

    [Theory]
    [InlineData("needs --image or --container")]
    [InlineData("--any stands beside", "--any", "--container", "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc")]
    [InlineData("no image's id", "--image", "registry.example/app:1")]
    [InlineData("no container's whole id", "--container", "abc")]
    [InlineData("no code of a refusal", "--any", "--code", "*")]
    [InlineData("wanted a number from 1", "--any", "--uses", "0")]
    [InlineData("--valid", "--any", "--valid", "tomorrow")]
    [InlineData("the reason holds control", "--any", "--reason", "a\ab")]
    public async Task Create_WhatNoHostWouldRead_IsWrongUsage(string reason, params string[] more)
    {
        (int code, _, string error) = more.Contains("--reason") ? await RunAsync(["create", "--host", new string('a', 64), "-o", _folder["t"], .. more]) : await CreateAsync(more);
        Assert.Equal(2, code);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["t"]));
    }

    [Fact]
    public async Task Token_LongerThanThePolicyAllowsOrJunk_IsSaid()
    {
        Assert.Equal(0, (await CreateAsync("--any", "--valid", "9h")).Code);
        await RunAsync("sign", _folder["t"], "--key", _folder["alice.pem"]);
        await RunAsync("sign", _folder["t"], "--key", _folder["bob.pem"]);
        (int code, string text, _) = await RunAsync("show", _folder["t"], "--policy", _folder["policy.yaml"]);
        Assert.Equal(1, code);
        Assert.Contains("9 hours; policy host allows 8", text, StringComparison.Ordinal);
        File.WriteAllText(_folder["t"], "junk");
        Assert.Equal(2, (await RunAsync("show", _folder["t"])).Code);
        Assert.Equal(2, (await RunAsync("show", _folder["none"])).Code);
        Assert.Equal(2, (await RunAsync("create", "--host", _folder["t"], "--any", "--reason", "r", "-o", _folder["u"])).Code);
    }
}
