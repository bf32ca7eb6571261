using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Verify;

public sealed class CountersTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly List<string> _remarks = [];

    public void Dispose() => _folder.Dispose();

    private Counters Counters => new(_folder["counters"], _remarks.Add);

    private void Check(long counter) => Counters.Check("key", ["key"], "list", counter, $"digest-{counter}", "list.json", "the revocation list");

    [Fact]
    public void Check_OlderOrAnotherUnderTheSameCounter_IsRefusedAndWhatWasSeenStays()
    {
        Check(5);
        Check(5);
        Assert.Contains("has counter 4", Assert.Throws<CounterException>(() => Check(4)).Message, StringComparison.Ordinal);
        Assert.Contains("has counter 5 and other content", Assert.Throws<CounterException>(() => Counters.Check("key", ["key"], "list", 5, "another", "list.json", "the revocation list")).Message, StringComparison.Ordinal);
        Assert.Equal((5, "digest-5"), Counters.Find("key", "list"));

        // Of another key, and under another name, nothing was seen.
        Counters.Check("other", ["other"], "list", 1, "digest-1", "list.json", "the revocation list");
        Counters.Check("key", ["key"], "policy", 1, "digest-1", "policy.json", "the policy");
        // A version of the same key may not take back what another signed.
        Assert.Contains("signed by another version", Assert.Throws<CounterException>(() => Counters.Check("next", ["key", "next"], "list", 5, "digest-5", "list.json", "the revocation list")).Message, StringComparison.Ordinal);
        Check(6);
        Assert.Equal(6, Counters.Highest("key", "list"));
        Assert.Empty(_remarks);
    }

    [Fact]
    public void Check_FileThatCannotBeWritten_StillRefusesWhatIsOlder()
    {
        Check(5);
        string file = Assert.Single(Directory.GetFiles(_folder["counters"]));
        // As on a disk that is mounted to be read only: what was seen is there, and cannot be replaced.
        using FileStream held = new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);

        Assert.Contains("has counter 4", Assert.Throws<CounterException>(() => Check(4)).Message, StringComparison.Ordinal);
        Assert.Empty(_remarks);
        Check(6);
        Assert.Single(_remarks);
        Assert.Equal(5, Counters.Highest("key", "list"));
    }

    [Fact]
    public void Settle_CounterThatCouldNotBeWritten_CountsMeanwhileAndIsWrittenOnceItCanBe()
    {
        Check(5);
        string file = Assert.Single(Directory.GetFiles(_folder["counters"]));
        Counters agent = Counters;
        using (new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            CheckBy(agent, 6);
            agent.Settle();
            Assert.Throws<CounterException>(() => CheckBy(agent, 5));
        }
        // The version before, in the moment in which it could be written again.
        Assert.Throws<CounterException>(() => CheckBy(agent, 5));
        Assert.Equal((6, 5), (agent.Highest("key", "list"), Counters.Highest("key", "list")));
        agent.Settle();
        Assert.Equal((6, "digest-6"), Counters.Find("key", "list"));
        Assert.Throws<CounterException>(() => Check(5));
        Assert.Single(_remarks);

        // What another process saw since is not taken back.
        using (new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            CheckBy(agent, 7);
        Check(8);
        agent.Settle();
        Assert.Equal((8, "digest-8"), Counters.Find("key", "list"));
    }

    private static void CheckBy(Counters counters, long counter) => counters.Check("key", ["key"], "list", counter, $"digest-{counter}", "list.json", "the revocation list");
}
