using System.Security.Cryptography;
using System.Text;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Tpm;

/// <summary>Attacks on evidence. Each starts from evidence that passes, and changes one thing.</summary>
public sealed class QuoteCheckTests : IDisposable
{
    private readonly QuoteBuilder _host = new();

    public void Dispose() => _host.Dispose();

    /// <summary>A host whose boot log and list of measured files lead to its PCRs.</summary>
    private QuoteBuilder Booted(string machine = "host")
    {
        _host.Boot = BootLogBuilder.Machine(machine).Build();
        _host.With(BootLog.Parse(_host.Boot).Replay(TpmAlgorithm.Sha256));
        _host.Ima = Encoding.UTF8.GetBytes(ImaLogTests.Line("ima-ng", "/usr/bin/a", "a").Line + "\n" + ImaLogTests.Line("ima-ng", "/usr/bin/b", "b").Line + "\n");
        _host.Values.Set(TpmAlgorithm.Sha256, 10, ImaLog.Parse(_host.Ima).Replay(TpmAlgorithm.Sha256, 10, padded: false)!.Value.Value);
        return _host;
    }

    private static void Refused(QuoteReason reason, QuoteFile file, QuoteDemand demand)
    {
        QuoteVerdict verdict = QuoteCheck.Judge(file, demand, QuoteBuilder.Now);
        Assert.False(verdict.IsGood);
        Assert.Contains(reason, verdict.Faults.Select(f => f.Reason));
    }

    [Fact]
    public void Judge_EvidenceOfABootedHost_IsGoodAndExplained()
    {
        QuoteVerdict verdict = QuoteCheck.Judge(Booted().Build(), _host.Demand with { NeedsBootLog = true }, QuoteBuilder.Now);

        Assert.Empty(verdict.Faults);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 10], verdict.Explained.Select(e => e.Index));
        Assert.Equal(2, verdict.ImaLines);
    }

    [Fact]
    public void Judge_ReplayedNonce_IsRefused()
    {
        QuoteFile file = Booted().Build();
        Refused(QuoteReason.WrongNonce, file, _host.Demand with { Nonce = new byte[] { 1, 2, 3, 5 } });
        Refused(QuoteReason.Undecided, file, _host.Demand with { Nonce = null });
        Refused(QuoteReason.Undecided, file, _host.Demand with { Nonce = ReadOnlyMemory<byte>.Empty });
    }

    [Fact]
    public void Judge_OlderThanAQuoteSeenBefore_IsRefused()
    {
        QuoteFile old = _host.Build();
        _host.ResetCount++;
        _host.Clock = 5;
        QuoteFile later = _host.Build();

        Assert.Empty(QuoteCheck.Judge(later, _host.Demand with { Previous = old }, QuoteBuilder.Now).Faults);
        Refused(QuoteReason.RolledBack, old, _host.Demand with { Previous = later });
    }

    [Fact]
    public void Judge_BootLogWithAnEditedEvent_IsRefused()
    {
        QuoteFile file = Booted().Build();
        byte[] edited = file.BootLog!.Value.ToArray();
        // The digest of the first event, which the header's 69 bytes and the event's own 14 stand before.
        int at = edited.AsSpan().IndexOf(SHA256.HashData("host firmware 1"u8));
        edited[at] ^= 1;
        Refused(QuoteReason.BootLogDiffers, file with { BootLog = edited }, _host.Demand);
    }

    [Fact]
    public void Judge_BootLogOfAnotherBoot_IsRefused() =>
        Refused(QuoteReason.BootLogDiffers, Booted().Build() with { BootLog = BootLogBuilder.Machine("other").Build() }, _host.Demand);

    [Fact]
    public void Judge_BootLogLeftOutOrEmptyOfAPcr_IsRefusedWhereItIsWanted()
    {
        QuoteFile file = Booted().Build();
        Refused(QuoteReason.BootLogDiffers, file with { BootLog = null }, _host.Demand with { NeedsBootLog = true });
        Refused(QuoteReason.BootLogDiffers, file with { BootLog = new BootLogBuilder().Build() }, _host.Demand with { NeedsBootLog = true });
    }

    [Fact]
    public void Judge_ImaLogWithALineTakenOut_IsRefused()
    {
        QuoteFile file = Booted().Build();
        string[] lines = Encoding.UTF8.GetString(file.ImaLog!.Value.Span).Split('\n');
        Refused(QuoteReason.ImaLogDiffers, file with { ImaLog = Encoding.UTF8.GetBytes(lines[1] + "\n") }, _host.Demand);
        // Lines that the kernel added after the quote change nothing, and do not count.
        QuoteVerdict more = QuoteCheck.Judge(file with { ImaLog = Encoding.UTF8.GetBytes(string.Join('\n', [.. lines[..2], ImaLogTests.Line("ima-ng", "/c", "c").Line])) }, _host.Demand, QuoteBuilder.Now);
        Assert.Empty(more.Faults);
        Assert.Equal(2, more.ImaLines);
    }

    [Fact]
    public void Judge_QuoteByAnotherKey_IsRefused()
    {
        using QuoteBuilder other = new();
        QuoteFile file = _host.Build();
        Refused(QuoteReason.OtherKey, other.Build(), _host.Demand);
        Refused(QuoteReason.WrongSignature, file with { Signature = other.Sign(file.Attest.ToArray()) }, _host.Demand);
        Refused(QuoteReason.WrongSignature, file with { AttestationKey = other.Key }, other.Demand);
    }

    [Fact]
    public void Judge_KeyThatNothingBindsToATpm_IsRefused() => Refused(QuoteReason.NotBound, _host.Build(), _host.Demand with { KnownKeys = [] });

    [Theory]
    [InlineData(TpmObjectAttributes.FixedTpm | TpmObjectAttributes.Sign)]
    [InlineData(TpmObjectAttributes.Restricted | TpmObjectAttributes.Sign)]
    [InlineData(TpmObjectAttributes.FixedTpm | TpmObjectAttributes.Restricted | TpmObjectAttributes.Sign | TpmObjectAttributes.Decrypt)]
    public void Judge_KeyThatSignsWhatNoTpmMade_IsRefused(TpmObjectAttributes attributes)
    {
        _host.Attributes = attributes;
        Refused(QuoteReason.WeakKey, _host.Build(), _host.Demand);
    }

    [Fact]
    public void Judge_StatementWithoutTheTpmsMagic_IsRefused()
    {
        _host.Magic = 0xFF544346;
        Refused(QuoteReason.Malformed, _host.Build(), _host.Demand);
    }

    [Theory]
    [InlineData("sha256:0,16")]
    [InlineData("sha256:0,17")]
    [InlineData("sha256:0,23")]
    public void Judge_ResettablePcr_IsNoEvidence(string selection)
    {
        _host.Selection = PcrSelection.Parse(selection);
        Refused(QuoteReason.ResettablePcr, _host.Build(), _host.Demand);
    }

    [Fact]
    public void Judge_RuleForAResettablePcr_IsRefused() => Refused(QuoteReason.ResettablePcr, _host.Build(), _host.Demand with { Rules = [PcrRule.Parse("sha256:23=" + new string('0', 64))] });

    [Fact]
    public void Judge_ValueBesideTheQuoteChanged_IsRefusedAndExplainsNothing()
    {
        QuoteFile file = Booted().Build();
        PcrValues changed = new();
        foreach ((TpmAlgorithm bank, int index, ReadOnlyMemory<byte> value) in file.Pcrs.All)
            changed.Set(bank, index, index == 3 ? new byte[32] : value.Span);
        QuoteVerdict verdict = QuoteCheck.Judge(file with { Pcrs = changed }, _host.Demand, QuoteBuilder.Now);

        Assert.Equal(QuoteReason.PcrsDiffer, Assert.Single(verdict.Faults).Reason);
        Assert.Empty(verdict.Explained);
        Refused(QuoteReason.PcrsDiffer, file with { Pcrs = new PcrValues() }, _host.Demand);
    }

    [Fact]
    public void Judge_RulesOnPcrs_HoldOrRefuse()
    {
        QuoteFile file = Booted().Build();
        string right = Convert.ToHexStringLower(file.Pcrs.Find(TpmAlgorithm.Sha256, 4)!), wrong = new('1', 64);

        Assert.Empty(QuoteCheck.Judge(file, _host.Demand with { Rules = [PcrRule.Parse($"sha256:4={wrong},{right}")] }, QuoteBuilder.Now).Faults);
        Refused(QuoteReason.PcrRefused, file, _host.Demand with { Rules = [PcrRule.Parse($"sha256:4={wrong}")] });
        // A PCR that was not quoted holds nothing, though its value may stand in the file.
        Refused(QuoteReason.PcrRefused, file, _host.Demand with { Rules = [PcrRule.Parse($"sha256:9={new string('0', 64)}")] });
    }

    [Fact]
    public void Word_OfAFault_IsItsNameInKebabCase() => Assert.Equal("ima-log-differs", new QuoteFault(QuoteReason.ImaLogDiffers, "").Word);

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"type":"application/vnd.plimsoll.quote.v2+json"}""")]
    [InlineData("[")]
    public void Parse_OtherThanAQuoteFile_IsMalformed(string json) =>
        Assert.Equal(TpmError.Malformed, Assert.Throws<TpmException>(() => QuoteFile.Parse(Encoding.UTF8.GetBytes(json), "q")).Error);
}
