using Plimsoll.Agent;
using Plimsoll.EvidenceLog;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Agent;

public sealed class AgentOptionsTests
{
    private static AgentOptions Parse(string line) => AgentOptions.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [Fact]
    public void Parse_Nothing_IsTheDefaults()
    {
        AgentOptions options = Parse("");
        Assert.Null(options.Tpm);
        Assert.Equal((LogDurability.Grouped, 32L << 20, 32), (options.Log.Durability, options.Log.MaxFileBytes, options.Log.MaxFiles));
        Assert.Equal((60, 600, 3600), ((int)options.MeasureEvery.TotalSeconds, (int)options.LookEvery.TotalSeconds, (int)options.AskEvery.TotalSeconds));
        Assert.Equal(TimeSpan.Zero, Parse("--ask-every 0").AskEvery);
    }

    [Fact]
    public void Parse_Tpm_IsTheIndexByDefaultAndRefuses()
    {
        AgentOptions options = Parse("--tpm device:/dev/tpmrm0");
        Assert.Equal(("device:/dev/tpmrm0", ExtendTarget.Default, null, true), (options.Tpm!.Address, options.Tpm.Target, options.Tpm.AuthFile, options.Tpm.Refuse));
        options = Parse("--tpm swtpm:port=2321 --pcr 14 --tpm-auth /etc/auth --tpm-failure report");
        Assert.Equal(("pcr:14", "/etc/auth", false), (options.Tpm!.Target.ToString(), options.Tpm.AuthFile, options.Tpm.Refuse));
        Assert.Equal("nv:0x01805002", Parse("--tpm-nv 0x01805002 --tpm swtpm").Tpm!.Target.ToString());
    }

    [Fact]
    public void Parse_TpmCounter_IsOnByItselfAndCanBeLeftOut()
    {
        Assert.Equal((0x01805101u, 60), (Parse("--tpm swtpm").Tpm!.Counter!.Value, (int)Parse("--tpm swtpm").Tpm!.CountEvery.TotalSeconds));
        Assert.Equal((0x01805102u, 5), (Parse("--tpm swtpm --tpm-counter 0x01805102 --tpm-count-every 5").Tpm!.Counter!.Value, (int)Parse("--tpm swtpm --tpm-count-every 5").Tpm!.CountEvery.TotalSeconds));
        Assert.Null(Parse("--tpm swtpm --tpm-counter none").Tpm!.Counter);
    }

    [Theory]
    [InlineData("--tmp swtpm", "did you mean --tpm?", "您是否想输入 --tpm？")]
    [InlineData("--loog-files", "did you mean --log-files?", "您是否想输入 --log-files？")]
    [InlineData("--something-else", "plimsoll-agent --help shows how it is used", "用 plimsoll-agent --help 查看用法")]
    public void Parse_UnknownOption_HintsAtTheNearest(string line, string hint, string chinese)
    {
        OptionException e = Assert.Throws<OptionException>(() => Parse(line));
        Assert.Equal((hint, chinese), (e.Hint.ToString(), e.Hint.In(Plimsoll.Texts.Language.Chinese)));
    }

    [Fact]
    public void Parse_UnknownOptionOfInstall_HintsAtTheNearest() =>
        Assert.Equal("did you mean --dry-run?", Assert.Throws<OptionException>(() => Plimsoll.Agent.Install.InstallOptions.Parse(["--dryrun"])).Hint.ToString());

    [Fact]
    public void Parse_Log_IsKeptAsAsked()
    {
        LogSettings log = Parse("--log-sync never --log-file-mib 1 --log-files 2").Log;
        Assert.Equal((LogDurability.Never, 1L << 20, 2), (log.Durability, log.MaxFileBytes, log.MaxFiles));
    }

    [Theory]
    [InlineData("--pcr 14", "are for --tpm")]
    [InlineData("--tpm swtpm --pcr 14 --tpm-nv 0x01805001", "do not go together")]
    [InlineData("--tpm swtpm --pcr 16", "no evidence")]
    [InlineData("--tpm swtpm --tpm-failure ignore", "wanted refuse, report")]
    [InlineData("--log-sync sometimes", "wanted grouped, each-line, never")]
    [InlineData("--log-files 1", "from 2 to")]
    [InlineData("--log-file-mib 0", "from 1 to")]
    [InlineData("--tpm", "wants a value")]
    [InlineData("--tpm-counter 0x01805101", "are for --tpm")]
    [InlineData("--tpm swtpm --tpm-counter 0x01805001", "want an index each")]
    [InlineData("--tpm swtpm --tpm-counter 5", "no NV index")]
    [InlineData("--nope", "unknown option \"--nope\"")]
    [InlineData("--state /s --nope --tpm", "unknown option \"--nope\"")]
    public void Parse_WhatIsNotUnderstood_IsSaid(string line, string says) => Assert.Contains(says, Assert.ThrowsAny<FormatException>(() => Parse(line)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("/v1.41/%63ontainers/create?name=a%0Ab", "/v1.41/%63ontainers/create?name=a\nb")]
    [InlineData("/build?buildargs=%7B%22NPM_TOKEN%22%3A%22abc%22%7D", "/build?buildargs={\"NPM_TOKEN\":\"abc\"}")]
    [InlineData("/build?remote=https%3A%2F%2Fme%3Apw%40git%2", "/build?remote=https://me:pw@git%2")]
    [InlineData("/info", "/info")]
    public void Shown_Query_IsDecodedSoThatSecretsAreSeen(string uri, string shown) => Assert.Equal(shown, AgentLog.Shown(uri));

    [Fact]
    public void Shown_BuildArgument_IsMaskedInItsLine() =>
        Assert.Equal("/build?buildargs={\"NPM_TOKEN\":\"***\"}", LogField.Text("uri", AgentLog.Shown("/build?buildargs=%7B%22NPM_TOKEN%22%3A%22abc%22%7D")).AsText);
}
