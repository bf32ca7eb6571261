using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Plimsoll.TestKit;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Tpm;

/// <summary>What other programs kept beside their quotes: values of PCRs, credentials, logs.</summary>
[Trait("needs", "shared")]
public sealed class VectorTests
{
    private static byte[] Read(params ReadOnlySpan<string> parts) => File.ReadAllBytes(SharedData.At(["trust", "tpm", .. parts]));

    /// <summary>tpm2-tools' own file, which is its memory, little-endian: a TPML_PCR_SELECTION with 16 places, then lists of 8 digests.</summary>
    private static PcrValues Values(ReadOnlySpan<byte> file)
    {
        const int SelectionBytes = 4 + (16 * 8), DigestBytes = 66, ListBytes = 4 + (8 * DigestBytes);
        List<(TpmAlgorithm Bank, int Index)> selected = [];
        for (int i = 0; i < BinaryPrimitives.ReadInt32LittleEndian(file); i++)
        {
            ReadOnlySpan<byte> one = file[(4 + (8 * i))..];
            for (int pcr = 0; pcr < 24; pcr++)
                if ((one[3 + (pcr / 8)] >> (pcr % 8) & 1) == 1)
                    selected.Add(((TpmAlgorithm)BinaryPrimitives.ReadUInt16LittleEndian(one), pcr));
        }
        PcrValues values = new();
        int next = 0;
        for (ReadOnlySpan<byte> list = file[(SelectionBytes + 4)..]; !list.IsEmpty; list = list[ListBytes..])
            for (int i = 0; i < BinaryPrimitives.ReadInt32LittleEndian(list); i++)
            {
                ReadOnlySpan<byte> digest = list[(4 + (DigestBytes * i))..];
                (TpmAlgorithm bank, int index) = selected[next++];
                values.Set(bank, index, digest.Slice(2, BinaryPrimitives.ReadUInt16LittleEndian(digest)));
            }
        return values;
    }

    [Theory]
    [InlineData("swtpm", "q.msg", "q.sig", "ak.pub", "q.pcrs")]
    [InlineData("swtpm", "ecc384-sha384.msg", "ecc384-sha384.sig", "ecc384-sha384-ak.pub", "ecc384-sha384.pcrs")]
    [InlineData("swtpm", "rsapss-sha256.msg", "rsapss-sha256.sig", "rsapss-sha256-ak.pub", "rsapss-sha256.pcrs")]
    [InlineData("keylime", "quote.out", "quotesig.out", "ak.pub", "quotepcr.out")]
    public void Judge_QuoteWithTheValuesKeptBesideIt_FindsNothingButResettablePcrs(string folder, string message, string signature, string key, string pcrs)
    {
        TpmPublic ak = TpmPublic.Parse(Read(folder, key).AsSpan(2));
        QuoteFile file = new() { Made = QuoteBuilder.Now, AttestationKey = ak, Attest = Read(folder, message), Signature = Read(folder, signature), Pcrs = Values(Read(folder, pcrs)) };
        QuoteDemand demand = new() { Nonce = Attestation.Parse(file.Attest.Span).ExtraData, KnownKeys = [ak] };

        Assert.DoesNotContain(QuoteCheck.Judge(file, demand, QuoteBuilder.Now).Faults, f => f.Reason != QuoteReason.ResettablePcr);
        byte[] other = file.Pcrs.All.First().Value.ToArray();
        other[0] ^= 1;
        file.Pcrs.Set(file.Pcrs.All.First().Bank, file.Pcrs.All.First().Index, other);
        Assert.Contains(QuoteReason.PcrsDiffer, QuoteCheck.Judge(file, demand, QuoteBuilder.Now).Faults.Select(f => f.Reason));
    }

    [Fact]
    public void Digest_OfRustKeylimesValues_IsWhatItsQuoteSigned()
    {
        string[] parts = Encoding.ASCII.GetString(Read("keylime", "rust-test-quote.txt")).Trim()[1..].Split(':');
        Attestation quote = Attestation.Parse(Convert.FromBase64String(parts[0]));

        Assert.Equal(AttestationKind.Quote, quote.Kind);
        Assert.Equal("TEST", Encoding.ASCII.GetString(quote.ExtraData.Span));
        Assert.Equal(Values(Convert.FromBase64String(parts[2])).Digest(quote.Selection!, TpmAlgorithm.Sha1), quote.PcrDigest.ToArray());
        // It is signed with SHA-1, which is no signature any more.
        Assert.Contains("sha1", Assert.Throws<TpmException>(() => TpmSignature.Parse(Convert.FromBase64String(parts[1]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MakeCredential_ForKeylimesKeys_HasTheShapeOfTpm2Tools()
    {
        // Magic and version of tpm2-tools, then both structures with their lengths.
        ReadOnlySpan<byte> theirs = Read("keylime", "mkcred.out").AsSpan(8);
        int first = BinaryPrimitives.ReadUInt16BigEndian(theirs), second = BinaryPrimitives.ReadUInt16BigEndian(theirs[(2 + first)..]);
        (byte[] credential, byte[] encrypted) = TpmSecrets.MakeCredential(TpmPublic.Parse(Read("keylime", "ek.pub").AsSpan(2)), Read("keylime", "ak.name"), Read("keylime", "actcred.out"));

        Assert.Equal((first, second), (credential.Length, encrypted.Length));
        Assert.Equal(4 + first + second, theirs.Length);
    }

    [Fact]
    public void Parse_SignatureWithSha1_IsRefusedByName()
    {
        using JsonDocument document = JsonDocument.Parse(Read("eventlog-quote", "windows_gcp_shielded_vm.json"));
        JsonElement quote = document.RootElement.GetProperty("Quote");

        Assert.Equal(AttestationKind.Quote, Attestation.Parse(quote.GetProperty("Quote").GetBytesFromBase64()).Kind);
        TpmException e = Assert.Throws<TpmException>(() => TpmSignature.Parse(quote.GetProperty("Signature").GetBytesFromBase64()));
        Assert.Equal(TpmError.Unsupported, e.Error);
        Assert.Contains("sha1", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Replay_LogOfOneEventThatExtendsNothing_IsEmpty()
    {
        BootLog log = BootLog.Parse(Read("eventlog", "attest_short_no_action_eventlog"));
        Assert.Equal("EV_NO_ACTION", Assert.Single(log.Events).TypeName);
        Assert.Equal(0, log.Replay(TpmAlgorithm.Sha1).Count);
    }

    /// <summary>Keylime's log is of another boot than its quote; it reads, and every bank that it has replays.</summary>
    [Fact]
    public void Replay_KeylimesBootLog_LeadsSomewhereInEachBank()
    {
        BootLog log = BootLog.Parse(Read("keylime", "binary_bios_measurements"));
        Assert.NotEmpty(log.Banks);
        Assert.All(log.Banks, bank => Assert.NotNull(log.Replay(bank).Find(bank, 0)));
        Assert.True(log.Events.Count > 20);
    }
}
