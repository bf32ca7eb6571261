using System.Diagnostics;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Tpm;

/// <summary>What the client does with answers that no TPM should give. The live tests are the twins.</summary>
public sealed class TpmClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Gives prepared responses, one a command.</summary>
    private sealed class Scripted(params byte[][] responses) : ITpmTransport
    {
        private int _next;

        public List<byte[]> Commands { get; } = [];

        public byte[] Submit(ReadOnlySpan<byte> command, int maxResponseBytes, long deadline, CancellationToken cancellationToken)
        {
            Commands.Add(command.ToArray());
            return responses[Math.Min(_next++, responses.Length - 1)];
        }

        public void Dispose()
        {
        }
    }

    private static byte[] Response(uint code, ReadOnlySpan<byte> parameters) => new TpmWriter().U16(0x8001).U32((uint)(10 + parameters.Length)).U32(code).Bytes(parameters).ToArray();

    [Fact]
    public void GetRandom_WholeResponse_GivesTheBytes()
    {
        Scripted tpm = new(Response(0, [0, 2, 7, 8]));
        Assert.Equal([7, 8], new TpmClient(tpm).GetRandom(2, Token));
        Assert.Equal("80010000000c0000017b0002", Convert.ToHexStringLower(Assert.Single(tpm.Commands)));
    }

    [Theory]
    [InlineData("", "length")]
    [InlineData("8001", "length")]
    [InlineData("80010000000a", "length")]
    [InlineData("8001000000090000000000", "a response announces 9")]
    [InlineData("8001ffffffff00000000", "a response announces 4294967295")]
    [InlineData("80010000000e000000000002", "length")]
    [InlineData("80010000000c000000000002", "left")]
    [InlineData("80010000000f0000000000020708ff", "left over")]
    [InlineData("80010000000f000000000003070809", "at most 2")]
    [InlineData("80020000000e0000000000020708", "tag")]
    public void GetRandom_TruncatedOversizedOrUntrueResponse_IsMalformed(string response, string part)
    {
        TpmException e = Assert.Throws<TpmException>(() => new TpmClient(new Scripted(Convert.FromHexString(response))).GetRandom(2, Token));
        Assert.Equal(TpmError.Malformed, e.Error);
        Assert.Contains(part, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x922u)]
    [InlineData(0x90Au)]
    [InlineData(0x908u)]
    public void Execute_BusyTpm_IsAskedAgain(uint code)
    {
        Scripted tpm = new(Response(code, []), Response(code, []), Response(0, [0, 1, 9]));
        Assert.Equal([9], new TpmClient(tpm).GetRandom(1, Token));
        Assert.Equal(3, tpm.Commands.Count);
    }

    [Fact]
    public void Execute_TpmThatStaysBusy_TimesOutWithinThePatience()
    {
        long start = Stopwatch.GetTimestamp();
        TpmException e = Assert.Throws<TpmException>(() => new TpmClient(new Scripted(Response(0x922, [])), new TpmOptions { Patience = TimeSpan.FromMilliseconds(200) }).GetRandom(1, Token));
        Assert.Equal(TpmError.Timeout, e.Error);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Execute_Refusal_NamesTheCommandAndTheCode()
    {
        TpmException e = Assert.Throws<TpmException>(() => new TpmClient(new Scripted(Response(0x101, []))).GetRandom(1, Token));
        Assert.Equal((TpmError.Refused, 0x101u), (e.Error, e.Code));
        Assert.Contains("TPM2_GetRandom", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadPcrs_TpmThatAnswersWithOtherPcrs_IsMalformed()
    {
        // Update counter, one bank with PCR 1, one digest.
        byte[] answer = new TpmWriter().U32(1).U32(1).U16(TpmAlgorithm.Sha256).U8(3).U8(2).U8(0).U8(0).U32(1).Sized(new byte[32]).ToArray();
        Assert.Equal(TpmError.Malformed, Assert.Throws<TpmException>(() => new TpmClient(new Scripted(Response(0, answer))).ReadPcrs(PcrSelection.Parse("sha256:0"), Token)).Error);
        Assert.Equal(1, new TpmClient(new Scripted(Response(0, answer))).ReadPcrs(PcrSelection.Parse("sha256:1"), Token).Count);
    }

    [Theory]
    [InlineData("tcp:1")]
    [InlineData("swtpm:port=0")]
    [InlineData("swtpm:port=65536")]
    [InlineData("swtpm:path=/a")]
    [InlineData("")]
    public void Open_AddressOfNoKnownForm_IsUnsupported(string address) =>
        Assert.Equal(TpmError.Unsupported, Assert.Throws<TpmException>(() => TpmClient.Open(address, null, Token)).Error);

    [Fact]
    public void Open_DeviceThatIsNotThere_IsUnreachable() =>
        Assert.Equal(TpmError.Unreachable, Assert.Throws<TpmException>(() => TpmClient.Open("device:/dev/no-such-tpm", null, Token)).Error);

    [Theory]
    [InlineData("sha256:0-3,7+sha384:1", "sha256:0,1,2,3,7+sha384:1")]
    [InlineData("0,23", "sha256:0,23")]
    public void Parse_Selection_IsRead(string text, string same) => Assert.Equal(same, PcrSelection.Parse(text).ToString());

    [Theory]
    [InlineData("sha256:24")]
    [InlineData("sha256:3-1")]
    [InlineData("sha256:")]
    [InlineData("md5:1")]
    [InlineData("sha256:1+sha256:2")]
    [InlineData("sha256:1-2-3")]
    [InlineData("sha256:-1")]
    public void Parse_NoSelection_IsRefused(string text) => Assert.Throws<FormatException>(() => PcrSelection.Parse(text));
}
