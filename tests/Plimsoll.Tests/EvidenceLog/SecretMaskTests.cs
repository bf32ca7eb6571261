using System.Diagnostics;
using Plimsoll.EvidenceLog;

namespace Plimsoll.Tests.EvidenceLog;

public sealed class SecretMaskTests
{
    [Theory]
    [InlineData("password=hunter2", "password=***")]
    [InlineData("DB_PASSWORD=hunter2 next", "DB_PASSWORD=*** next")]
    [InlineData("--api-key=hunter2", "--api-key=***")]
    [InlineData("a=1&access_token=hunter2&b=2", "a=1&access_token=***&b=2")]
    [InlineData("Authorization: Bearer hunter2", "Authorization: Bearer ***")]
    [InlineData("{\"password\": \"hunter2 and more\", \"user\": \"me\"}", "{\"password\": \"***\", \"user\": \"me\"}")]
    [InlineData("{\"password\":\"hunter2\"}", "{\"password\":\"***\"}")]
    [InlineData("client_secret='hunter 2'", "client_secret='***'")]
    [InlineData("https://user:hunter2@host/path", "https://user:***@host/path")]
    [InlineData("https://hunter2@host", "https://***@host")]
    [InlineData("https://host/path@2x.png", "https://host/path@2x.png")]
    [InlineData("ghp_0123456789abcdefABCDEF", "ghp_***")]
    [InlineData("x AKIA0123456789ABCDEF y", "x AKIA*** y")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJ***")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\nhunter2", "-----BEGIN RSA PRIVATE KEY-----***")]
    // Names of images and digests are what the log is for.
    [InlineData("registry.example:5000/token-service:1.2", "registry.example:5000/token-service:1.2")]
    [InlineData("sha256:0123456789abcdef", "sha256:0123456789abcdef")]
    [InlineData("no token here", "no token here")]
    [InlineData("password=", "password=")]
    [InlineData("sk-short", "sk-short")]
    [InlineData("-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----")]
    [InlineData("", "")]
    public void Of_Text_KeepsNamesAndHidesValues(string text, string masked) => Assert.Equal(masked, SecretMask.Of(text));

    [Fact]
    public void OfCommand_ArgumentBehindASecretsName_IsHidden() =>
        Assert.Equal(["mysql", "-u", "root", "--password", "***", "--token", "--verbose", "x"], SecretMask.OfCommand(["mysql", "-u", "root", "--password", "hunter2", "--token", "--verbose", "x"]));

    [Theory]
    [InlineData("PATH=/bin", "PATH=***")]
    [InlineData("EMPTY=", "EMPTY=")]
    [InlineData("NAME", "NAME")]
    public void OfVariable_AnyVariable_KeepsItsNameAlone(string text, string masked) => Assert.Equal(masked, SecretMask.OfVariable(text));

    [Theory]
    [InlineData("a=")]
    [InlineData("://@")]
    [InlineData("-----BEGIN ")]
    [InlineData("eyJ")]
    [InlineData("password=\"")]
    [InlineData("a")]
    [InlineData(": ")]
    public void Of_AMebibyteOfOneThing_TakesAMoment(string unit)
    {
        string text = string.Concat(Enumerable.Repeat(unit, (1 << 20) / unit.Length));
        Stopwatch watch = Stopwatch.StartNew();
        SecretMask.Of(text);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"{watch.Elapsed}");
    }
}
