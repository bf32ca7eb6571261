using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.TestKit;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Tpm;

public sealed class BootLogTests
{
    [Theory]
    [Trait("needs", "shared")]
    [InlineData("rhel8-uefi.bin", "sha1 sha256 sha384", 0)]
    [InlineData("debian-10.bin", "sha1", 0)]
    [InlineData("ubuntu-2104-no-dbx.bin", "sha1 sha256 sha384", 0)]
    [InlineData("cos-85-amd-sev.bin", "sha1 sha256 sha384", 0)]
    [InlineData("arch-linux-workstation.bin", "sha1 sha256", 0)]
    [InlineData("attest_crypto_agile_eventlog", "sha256", 0)]
    [InlineData("attest_sb_cert_eventlog", "sha1 sha256 sha384", 0)]
    public void Parse_LogOfARealMachine_HasItsEventsAndSeparators(string name, string banks, int locality)
    {
        BootLog log = BootLog.Parse(File.ReadAllBytes(SharedData.At("trust", "tpm", "eventlog", name)));

        Assert.Equal(banks, string.Join(' ', log.Banks.Select(b => b.Word())));
        Assert.Equal(locality, log.StartupLocality);
        // Each PCR of 0 to 7 ends the firmware's part with a separator, whose digest is over its own data.
        foreach (BootEvent separator in log.Events.Where(e => e.Type == 4))
            foreach ((TpmAlgorithm bank, ReadOnlyMemory<byte> digest) in separator.Digests.Where(d => d.Bank.Size() > 0))
                Assert.Equal(bank.Of(separator.Data.Span), digest.ToArray());
        Assert.Contains(log.Events, e => e.Type == 4);
        foreach (TpmAlgorithm bank in log.Banks)
            Assert.NotNull(log.Replay(bank).Find(bank, 0));
    }

    /// <summary>A machine whose PCRs were read with the log.</summary>
    [Fact]
    [Trait("needs", "shared")]
    public void Replay_LogOfAGcpMachine_LeadsToItsPcrs()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedData.At("trust", "tpm", "eventlog-quote", "windows_gcp_shielded_vm.json")));
        JsonElement machine = document.RootElement.GetProperty("Log");
        BootLog log = BootLog.Parse(machine.GetProperty("Raw").GetBytesFromBase64());
        PcrValues replayed = log.Replay(TpmAlgorithm.Sha1);
        int same = 0;
        foreach (JsonElement pcr in machine.GetProperty("PCRs").EnumerateArray())
            if (pcr.GetProperty("Index").GetInt32() is < 8 and var index)
            {
                Assert.Equal(pcr.GetProperty("Digest").GetString(), Convert.ToBase64String(replayed.Find(TpmAlgorithm.Sha1, index) ?? new byte[20]));
                same++;
            }
        Assert.Equal(8, same);
    }

    [Fact]
    public void Replay_TwoBanks_FoldsEachEventInItsOwnHash()
    {
        BootLog log = BootLog.Parse(new BootLogBuilder().Event(4, 5, "a"u8.ToArray()).Event(4, 5, "b"u8.ToArray()).Event(4, 3, "never extended"u8.ToArray()).Build());

        byte[] one = SHA384.HashData([.. new byte[48], .. SHA384.HashData("a"u8)]);
        Assert.Equal(SHA384.HashData([.. one, .. SHA384.HashData("b"u8)]), log.Replay(TpmAlgorithm.Sha384).Find(TpmAlgorithm.Sha384, 4));
        Assert.Null(log.Replay(TpmAlgorithm.Sha384).Find(TpmAlgorithm.Sha384, 5));
        Assert.Equal(TpmError.Unsupported, Assert.Throws<TpmException>(() => log.Replay(TpmAlgorithm.Sha1)).Error);
    }

    [Fact]
    public void Replay_StartupLocality_IsTheStartOfPcr0Alone()
    {
        BootLog log = BootLog.Parse(new BootLogBuilder().Locality(3).Event(0, 4, [0, 0, 0, 0]).Event(1, 4, [0, 0, 0, 0]).Build());

        byte[] start = new byte[32];
        byte[] separator = SHA256.HashData([0, 0, 0, 0]);
        Assert.Equal(SHA256.HashData([.. start, .. separator]), log.Replay(TpmAlgorithm.Sha256).Find(TpmAlgorithm.Sha256, 1));
        start[^1] = 3;
        Assert.Equal(SHA256.HashData([.. start, .. separator]), log.Replay(TpmAlgorithm.Sha256).Find(TpmAlgorithm.Sha256, 0));
    }

    [Fact]
    public void Parse_StartupLocalitySaidLate_IsRefused() =>
        Refused(new BootLogBuilder().Event(0, 4, [0, 0, 0, 0]).Locality(3).Build(), "startup locality");

    [Fact]
    public void Parse_DynamicLaunchPcr_StartsWithAllBitsSet()
    {
        BootLog log = BootLog.Parse(new BootLogBuilder().Event(17, 5, [1]).Build());

        byte[] start = new byte[32];
        Array.Fill(start, (byte)0xFF);
        Assert.Equal(SHA256.HashData([.. start, .. SHA256.HashData([1])]), log.Replay(TpmAlgorithm.Sha256).Find(TpmAlgorithm.Sha256, 17));
    }

    [Fact]
    public void Parse_CutShortAnywhere_IsRefusedOrEndsAtAnEvent()
    {
        byte[] log = BootLogBuilder.Machine("m").Build();
        int whole = 0;
        for (int length = 0; length < log.Length; length++)
            try
            {
                BootLog.Parse(log.AsSpan(0, length));
                whole++;
            }
            catch (TpmException e)
            {
                Assert.Equal(TpmError.Malformed, e.Error);
            }
        // After the header and after each event but the last.
        Assert.Equal(BootLog.Parse(log).Events.Count, whole);
    }

    [Fact]
    public void Parse_PcrOutOfRange_IsRefused() => Refused(new BootLogBuilder().Event(24, 5, [1]).Build(), "PCR 24");

    [Fact]
    public void Parse_EventOneByteOverTheLimit_IsRefused()
    {
        BootLog.Parse(new BootLogBuilder().Event(1, 5, new byte[BootLog.MaxEventBytes]).Build());
        Refused(new BootLogBuilder().Event(1, 5, new byte[BootLog.MaxEventBytes + 1]).Build(), "at most 1048576");
    }

    private static void Refused(byte[] log, string part)
    {
        TpmException e = Assert.Throws<TpmException>(() => BootLog.Parse(log));
        Assert.Equal(TpmError.Malformed, e.Error);
        Assert.Contains(part, e.Message, StringComparison.Ordinal);
    }
}
