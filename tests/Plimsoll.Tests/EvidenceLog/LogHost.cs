using System.Text;
using Plimsoll.EvidenceLog;
using Plimsoll.Keys;

namespace Plimsoll.Tests.EvidenceLog;

/// <summary>A folder with a log, its key, and a clock that a test moves.</summary>
internal sealed class LogHost : IDisposable
{
    /// <summary>Of memory where there is such: some of these tests open a log hundreds of times, and each opening waits for the disk.</summary>
    private readonly string _temp = Directory.Exists(Memory) ? Directory.CreateDirectory(Path.Combine(Memory, $"plimsoll-test-{Guid.NewGuid():n}")).FullName : Directory.CreateTempSubdirectory("plimsoll-test-").FullName;

    private const string Memory = "/dev/shm";

    public LogHost()
    {
        Clock = new MovedClock();
        Options = new EvidenceLogOptions
        {
            Folder = Folder,
            KeyFile = KeyPath,
            Origin = "host-1",
            Time = Clock,
            Patience = TimeSpan.Zero,
            CheckpointLines = 6,
            // None of these tests waits for a timer.
            CheckpointInterval = TimeSpan.FromHours(10),
        };
    }

    public sealed class MovedClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 11, 21, 8, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now += TimeSpan.FromMilliseconds(1);
    }

    public MovedClock Clock { get; }
    public EvidenceLogOptions Options { get; set; }
    public string Folder => this["log"];
    public string KeyPath => this["log-key"];
    public string FirstKey { get; private set; } = "";
    public string this[string name] => Path.Combine(_temp, name);

    public EvidenceLogWriter Open()
    {
        EvidenceLogWriter log = EvidenceLogWriter.Open(Options);
        FirstKey = log.FirstKeyPem;
        return log;
    }

    /// <summary>Opens the log, appends so many lines, and closes it.</summary>
    public LogHost With(int lines)
    {
        using EvidenceLogWriter log = Open();
        for (int i = 0; i < lines; i++)
            log.Append("start-allowed", LogField.Text("image", $"app-{i}"), LogField.Number("uid", i));
        return this;
    }

    public LogVerdict Verify(LogCheckpoint? exported = null, string? key = null, bool mayBeOlder = false)
    {
        using PublicKey first = KeyFile.ReadPublic(key ?? FirstKey, "first");
        return EvidenceLogVerifier.Verify(Folder, first, exported, mayBeOlder, null, CancellationToken.None);
    }

    public void Good(LogCheckpoint? exported = null)
    {
        LogVerdict verdict = Verify(exported);
        Assert.True(verdict.IsGood, string.Join('\n', verdict.Findings));
    }

    public IReadOnlyList<string> FileNames => [.. Directory.EnumerateFiles(Folder, "evidence-*.jsonl").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    public List<string> Lines(string name) => [.. File.ReadAllText(Path.Combine(Folder, name)).Split('\n')[..^1]];

    public void Write(string name, IEnumerable<string> lines) => File.WriteAllText(Path.Combine(Folder, name), string.Concat(lines.Select(l => l + "\n")));

    public IReadOnlyList<LogLine> All => [.. EvidenceLogReader.Read(Folder, CancellationToken.None)];

    /// <summary>A copy of the files, so that each attack of a test begins with what was written.</summary>
    public Dictionary<string, byte[]> Keep() => Directory.EnumerateFiles(Folder).ToDictionary(f => f, File.ReadAllBytes, StringComparer.Ordinal);

    public void Restore(Dictionary<string, byte[]> kept)
    {
        foreach (string path in Directory.EnumerateFiles(Folder))
            File.Delete(path);
        foreach ((string path, byte[] bytes) in kept)
            File.WriteAllBytes(path, bytes);
    }

    public static LogLine Parse(string line) => LogLine.Parse(Encoding.UTF8.GetBytes(line));

    public static string Text(LogLine line) => Encoding.UTF8.GetString(line.ToBytes());

    public void Dispose() => Directory.Delete(_temp, recursive: true);
}
