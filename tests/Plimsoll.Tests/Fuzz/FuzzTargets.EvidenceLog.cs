using Plimsoll.EvidenceLog;
using Plimsoll.Keys;
using Plimsoll.Tests.EvidenceLog;

namespace Plimsoll.Tests.Fuzz;

/// <content>What lies in the folder of an evidence log.</content>
internal static partial class FuzzTargets
{
    private sealed class KeptLog
    {
        public KeptLog()
        {
            using LogHost host = new();
            host.Options = host.Options with { CheckpointLines = 3 };
            host.With(6);
            (Bytes, Key) = (File.ReadAllBytes(Path.Combine(host.Folder, host.FileNames[0])), KeyFile.ReadPublic(host.FirstKey, "first"));
            Last = host.Verify().Checkpoint!;
        }

        public byte[] Bytes { get; }

        /// <summary>The list of targets lives as long as the process.</summary>
        public PublicKey Key { get; }
        public LogCheckpoint Last { get; }

        /// <summary>Bytes of so many lines.</summary>
        public int LengthOf(long lines)
        {
            int at = 0;
            for (; lines > 0; lines--)
                at = Array.IndexOf(Bytes, (byte)'\n', at) + 1;
            return at;
        }
    }

    private static FuzzTarget EvidenceLogFile
    {
        get
        {
            Lazy<KeptLog> log = new(() => new KeptLog());
            Lazy<InputFile> file = new(() => new InputFile(LogFiles.Name(1)));
            return new FuzzTarget
            {
                Name = "evidence-log",
                Seeds = () => [log.Value.Bytes],
                Words = ["\"sequence\":", "\"kind\":\"checkpoint\"", "\"previous\":\"", LogLine.NoLine, "\n", "\"closes\":\"file\"", "\"epoch\":-1", "rotated", "log-started"],
                Refusal = e => e is EvidenceLogException,
                Run = bytes =>
                {
                    file.Value.Write(bytes);
                    LogVerdict verdict = EvidenceLogVerifier.Verify(file.Value.Folder, log.Value.Key, null, CancellationToken.None);
                    int signed = log.Value.LengthOf(verdict.Checkpoint?.Sequence ?? 0);
                    WrongAnswerException.Unless(bytes.AsSpan(0, Math.Min(signed, bytes.Length)).SequenceEqual(log.Value.Bytes.AsSpan(0, signed)), "a checkpoint is good, and lines before it are not those that were signed");
                    verdict = EvidenceLogVerifier.Verify(file.Value.Folder, log.Value.Key, log.Value.Last, CancellationToken.None);
                    WrongAnswerException.Unless(!verdict.IsGood || bytes.AsSpan().StartsWith(log.Value.Bytes), "a log that was cut or changed is good beside the exported checkpoint");
                },
            };
        }
    }

    private static FuzzTarget ExportedCheckpoint
    {
        get
        {
            Lazy<KeptLog> log = new(() => new KeptLog());
            return new FuzzTarget
            {
                Name = "log-checkpoint",
                Seeds = () => [log.Value.Last.ToJson()],
                Words = ["\"sequence\":1", "\"line\":\"\"", "\"publicKey\":\"\"", "null"],
                Refusal = e => e is FormatException,
                Run = bytes => WrongAnswerException.Unless(LogCheckpoint.Parse(bytes, "c").Digest == log.Value.Last.Digest, "a checkpoint that nobody signed"),
            };
        }
    }
}
