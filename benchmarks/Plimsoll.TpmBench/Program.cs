// Our TPM client beside the same commands sent bare, on one swtpm.
// usage: tpmbench ADDRESS ROUNDS     ADDRESS as plimsoll writes it: swtpm:host=127.0.0.1,port=N
// prints: a line for each case, NAME OURS BARE, medians in microseconds; bare is 0 where there is none
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Tpm;
using Plimsoll.TpmBench;

const int PerRound = 20, ImaLines = 10_000;
string address = args[0];
int rounds = int.Parse(args[1], CultureInfo.InvariantCulture);
PcrSelection selection = PcrSelection.Parse("sha256:0-7,10");
byte[] nonce = RandomNumberGenerator.GetBytes(32), digest = SHA256.HashData("a"u8);

// One quote, recorded: what the bare side sends.
List<byte[]> quoting, extending, asking;
byte[] spki;
// A verifier knows the keys of its hosts: it has each once, as the bare side has.
TpmPublic enrolled;
using (Recorder recorder = new(TpmTransport.Open(address, TimeSpan.FromSeconds(30), default)))
using (TpmClient tpm = new(recorder))
{
    QuoteFile file = Quote(tpm);
    enrolled = file.AttestationKey;
    spki = enrolled.ToSpki();
    quoting = [.. recorder.Commands];
    recorder.Commands.Clear();
    tpm.ExtendPcr(15, [(TpmAlgorithm.Sha256, digest)], default);
    extending = [.. recorder.Commands];
    recorder.Commands.Clear();
    tpm.FindProperty(0x105, default);
    asking = [.. recorder.Commands];
}
using ECDsa key = ECDsa.Create();
key.ImportSubjectPublicKeyInfo(spki, out _);

List<double> quote = [], bareQuote = [], extend = [], bareExtend = [], roundTrip = [];
for (int round = 0; round <= rounds; round++)
{
    List<double>[] to = round == 0 ? [[], [], [], [], []] : [quote, bareQuote, extend, bareExtend, roundTrip];
    using (TpmClient tpm = TpmClient.Open(address))
    {
        for (int i = 0; i < PerRound; i++)
            Time(to[0], () =>
            {
                QuoteFile file = QuoteFile.Parse(Quote(tpm).ToJson(), "q");
                if (!QuoteCheck.Judge(file, new QuoteDemand { Nonce = nonce, KnownKeys = [enrolled] }, TimeProvider.System.GetUtcNow()).IsGood)
                    throw new InvalidOperationException("the quote is not good");
            });
        for (int i = 0; i < 10 * PerRound; i++)
            Time(to[2], () => tpm.ExtendPcr(15, [(TpmAlgorithm.Sha256, digest)], default));
    }
    using (BareTpm bare = new(address))
    {
        for (int i = 0; i < PerRound; i++)
            Time(to[1], () =>
            {
                foreach (byte[] command in quoting)
                {
                    ReadOnlySpan<byte> answer = bare.Send(command);
                    // TPM2_Quote: the parameters begin behind header and size; attest, then scheme, hash, r and s.
                    if (command[8] == 0x01 && command[9] == 0x58)
                        Check(answer[14..]);
                }
            });
        for (int i = 0; i < 10 * PerRound; i++)
            Time(to[3], () => bare.Send(extending[0]));
        for (int i = 0; i < 10 * PerRound; i++)
            Time(to[4], () => bare.Send(asking[0]));
    }
}
Tell("quote", quote, bareQuote);
Tell("extend", extend, bareExtend);
Tell("round-trip", extend, roundTrip);

byte[] log = Log();
List<double> ima = [];
for (int i = 0; i <= rounds; i++)
    Time(i == 0 ? [] : ima, () =>
    {
        if (ImaLog.Parse(log).Replay(TpmAlgorithm.Sha256, 10, padded: false)?.Lines != ImaLines)
            throw new InvalidOperationException("the log was not replayed");
    });
Tell("ima", ima, []);

QuoteFile Quote(TpmClient tpm) =>
    Quoter.Quote(tpm, AttestationAlgorithm.EcdsaP256, null, [], selection, nonce, null, () => (null, null), null, TimeProvider.System.GetUtcNow(), default);

void Check(ReadOnlySpan<byte> parameters)
{
    int length = (parameters[0] << 8) | parameters[1];
    ReadOnlySpan<byte> attest = parameters.Slice(2, length), numbers = parameters[(2 + length + 4)..];
    int r = (numbers[0] << 8) | numbers[1], s = (numbers[2 + r] << 8) | numbers[3 + r];
    byte[] both = new byte[64];
    numbers.Slice(2, r).CopyTo(both.AsSpan(32 - r));
    numbers.Slice(4 + r, s).CopyTo(both.AsSpan(64 - s));
    if (!key.VerifyData(attest, both, HashAlgorithmName.SHA256))
        throw new InvalidOperationException("the signature is not the key's");
}

static void Time(List<double> to, Action action)
{
    long start = Stopwatch.GetTimestamp();
    action();
    to.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
}

static void Tell(string name, List<double> ours, List<double> bare) =>
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {Median(ours):0.0} {Median(bare):0.0}"));

static double Median(List<double> values)
{
    values.Sort();
    return values.Count == 0 ? 0 : values[values.Count / 2];
}

/// <summary>As ascii_runtime_measurements has it: template ima-ng, SHA-256 of each file.</summary>
static byte[] Log()
{
    StringBuilder text = new();
    for (int i = 0; i < ImaLines; i++)
    {
        string path = $"/usr/lib/x86_64-linux-gnu/some/library-{i}.so.1";
        byte[] file = SHA256.HashData(Encoding.ASCII.GetBytes(path)), first = [.. "sha256:\0"u8, .. file], second = [.. Encoding.ASCII.GetBytes(path), 0];
#pragma warning disable CA5350 // The kernel's own lists have SHA-1 here.
        byte[] template = SHA1.HashData([.. BitConverter.GetBytes(first.Length), .. first, .. BitConverter.GetBytes(second.Length), .. second]);
#pragma warning restore CA5350
        text.Append(CultureInfo.InvariantCulture, $"10 {Convert.ToHexStringLower(template)} ima-ng sha256:{Convert.ToHexStringLower(file)} {path}\n");
    }
    return Encoding.ASCII.GetBytes(text.ToString());
}
