using System.Security.Cryptography;
using System.Text;
using Plimsoll.Tests.Tpm;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Fuzz;

/// <content>What a TPM, a firmware, a kernel and a host wrote.</content>
internal static partial class FuzzTargets
{
    /// <summary>Answers every command with the same bytes.</summary>
    private sealed class Answering(byte[] response) : ITpmTransport
    {
        public byte[] Submit(ReadOnlySpan<byte> command, int maxResponseBytes, long deadline, CancellationToken cancellationToken) => response;

        public void Dispose()
        {
        }
    }

    private static FuzzTarget TpmResponse => new()
    {
        Name = "tpm-response",
        Seeds = () => [new TpmWriter().U16(0x8001).U32(62).U32(0).U32(1).U32(1).U16(TpmAlgorithm.Sha256).U8(3).U8(1).U8(0).U8(0).U32(1).Sized(new byte[32]).ToArray()],
        Refusal = e => e is TpmException,
        Run = bytes =>
        {
            // A code that says "again" is asked again until the patience ends.
            using TpmClient tpm = new(new Answering(bytes), new TpmOptions { Patience = TimeSpan.FromMilliseconds(1) });
            PcrSelection asked = PcrSelection.Parse("sha256:0");
            WrongAnswerException.Unless(tpm.ReadPcrs(asked, CancellationToken.None).Digest(asked, TpmAlgorithm.Sha256) is not null, "a PCR that was read is not there");
        },
    };

    private static FuzzTarget TpmStatement
    {
        get
        {
            Lazy<QuoteFile> made = new(() =>
            {
                using QuoteBuilder host = new();
                return host.Build();
            });
            return new FuzzTarget
            {
                Name = "tpm-attest",
                Seeds = () => [made.Value.Attest.ToArray()],
                Refusal = e => e is TpmException,
                Run = bytes =>
                {
                    Attestation read = Attestation.Parse(bytes);
                    WrongAnswerException.Unless(read.Kind != AttestationKind.Other, "a statement about nothing");
                    WrongAnswerException.Unless(bytes.AsSpan().SequenceEqual(made.Value.Attest.Span) || !TpmSignature.Parse(made.Value.Signature.Span).Verify(made.Value.AttestationKey, bytes), "changed, and verified");
                },
            };
        }
    }

    private static FuzzTarget TpmPublicArea => new()
    {
        Name = "tpm-public",
        Seeds = () =>
        [
            TpmTemplates.RsaEndorsement2048, TpmTemplates.EccEndorsement256, TpmTemplates.EccEndorsement384, TpmTemplates.Attestation(AttestationAlgorithm.EcdsaP384), TpmTemplates.Sealed(new byte[32], withAuth: false),
        ],
        Refusal = e => e is TpmException,
        Run = bytes =>
        {
            TpmPublic read = TpmPublic.Parse(bytes);
            WrongAnswerException.Unless(read.Name.Length == 2 + read.NameAlgorithm.Size(), "a name of another length than its hash");
            if (read.Type != TpmAlgorithm.Ecc)
                return;
            try
            {
                GC.KeepAlive(read.ToSpki());
            }
            catch (TpmException)
            {
                // A template has no point yet, and one that is not on the curve is refused by name.
            }
        },
    };

    private static FuzzTarget BootLogBytes => new()
    {
        Name = "boot-log",
        Seeds = () => [BootLogBuilder.Machine("m").Build(), new BootLogBuilder().Locality(3).Event(0, 4, [0, 0, 0, 0]).Build()],
        Refusal = e => e is TpmException,
        Run = bytes =>
        {
            BootLog log = BootLog.Parse(bytes);
            foreach (TpmAlgorithm bank in log.Banks)
                foreach ((TpmAlgorithm of, _, ReadOnlyMemory<byte> value) in log.Replay(bank).All)
                    WrongAnswerException.Unless(of == bank && value.Length == bank.Size(), "a value of another bank");
        },
    };

    private static FuzzTarget ImaLines => new()
    {
        Name = "ima-log",
        Seeds = () => Utf8(string.Concat(((string[])["ima", "ima-ng", "ima-sig"]).Select(t => ImaLogTests.Line(t, "/usr/bin/a", "a").Line + "\n")), $"10 {new string('0', 40)} ima-ng sha1:{new string('0', 40)} /a\n"),
        Words = ["ima-ng", "ima-sig", "sha256:", " ", "\n", new string('0', 40)],
        Refusal = e => e is TpmException,
        Run = bytes =>
        {
            ImaLog log = ImaLog.Parse(bytes);
            byte[] end = log.Replay(TpmAlgorithm.Sha256, 10, padded: false)!.Value.Value;
            WrongAnswerException.Unless(log.Replay(TpmAlgorithm.Sha256, 10, padded: false, end) is { } again && again.Value.AsSpan().SequenceEqual(end), "a list does not lead to its own end");
        },
    };

    private static FuzzTarget MeasuredLines => new()
    {
        Name = "measured-list",
        Seeds = () => [MeasuredListTests.ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, MeasuredListTests.One, MeasuredListTests.Two).ToBytes(), MeasuredListTests.ListOf(ExtendTarget.Parse("pcr:14"), TpmAlgorithm.Sha256, MeasuredListTests.Two).ToBytes()],
        Words = ["\"layer\":0", "\"layers\":1025", "\"after\":{}", "pcr:16", "\n", "sha1"],
        Refusal = e => e is TpmException,
        Run = bytes =>
        {
            MeasuredList list = MeasuredList.Parse(bytes, "l");
            (byte[] end, int wrong) = list.Replay(TpmAlgorithm.Sha384);
            WrongAnswerException.Unless(list.UpTo(TpmAlgorithm.Sha384, end)?.Entries.Count == list.Entries.Count, "a list does not lead to its own end");
            WrongAnswerException.Unless(wrong >= 0 && list.Images().Sum(i => i.Layers.Count) == list.Entries.Count, "an entry belongs to no image");
            WrongAnswerException.Unless(MeasuredList.Parse(list.ToBytes(), "l").ToBytes().AsSpan().SequenceEqual(list.ToBytes()), "a list does not read back");
        },
    };

    private static FuzzTarget TpmKey
    {
        get
        {
            PcrSelection selection = PcrSelection.Parse("sha256:7");
            PcrValues values = new();
            values.Set(TpmAlgorithm.Sha256, 7, new byte[32]);
            return new FuzzTarget
            {
                Name = "tpm-key",
                Seeds = () => [new TpmKeyFile(QuoteBuilder.Now, new byte[34], selection, values, new TpmBlob(new byte[64], TpmTemplates.Signing(TpmClient.PcrPolicy(selection, values)))).ToJson()],
                Words = ["\"pcrs\":[]", "sha256:16", "\"private\":\"\"", "null"],
                Refusal = e => e is TpmException,
                Run = bytes => WrongAnswerException.Unless(TpmKeyFile.Parse(bytes, "k").Area.Attributes == TpmTemplates.SigningAttributes, "a key that could do more"),
            };
        }
    }

    private static FuzzTarget QuoteEvidence => new()
    {
        Name = "quote-file",
        Seeds = () =>
        {
            using QuoteBuilder host = new() { Boot = BootLogBuilder.Machine("m").Build(), Ima = Encoding.UTF8.GetBytes(ImaLogTests.Line("ima-ng", "/a", "a").Line) };
            MeasuredList list = MeasuredListTests.ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, MeasuredListTests.Two);
            return [(host.Build(host.Certified(list, list.Replay(TpmAlgorithm.Sha384).Value)) with { Endorsement = new Endorsement(TpmPublic.Parse(TpmTemplates.EccEndorsement256), [new byte[8]]) }).ToJson()];
        },
        Words = ["\"pcrs\":[]", "\"bank\":\"sha384\"", "\"index\":24", "\"index\":-1", "null", "\"answer\":\"\"", "\"certificates\":[]", "\"attest\":\"\"", "\"signature\":\"\""],
        Refusal = e => e is TpmException,
        Run = bytes =>
        {
            QuoteFile file = QuoteFile.Parse(bytes, "q");
            WrongAnswerException.Unless(!QuoteCheck.Judge(file, new QuoteDemand { Nonce = RandomNumberGenerator.GetBytes(16) }, QuoteBuilder.Now).IsGood, "an unasked quote is good");
            WrongAnswerException.Unless(QuoteFile.Parse(file.ToJson(), "q").ToJson().AsSpan().SequenceEqual(file.ToJson()), "a file does not read back");
        },
    };
}
