using System.Diagnostics;
using Plimsoll.Agent.Gate;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Agent;

/// <summary>What the look at running containers remembers and reads.</summary>
public sealed class RunningTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Recent_WhatTwoRoundsDidNotAskFor_IsForgotten()
    {
        Recent<string, int> recent = new();
        recent.Set("a", 1);
        recent.Set("b", 2);
        recent.EndRound();
        Assert.True(recent.TryGet("a", out int value));
        Assert.Equal(1, value);
        recent.EndRound();

        Assert.True(recent.TryGet("a", out _));
        Assert.False(recent.TryGet("b", out _));
        Assert.Equal(1, recent.Count);
    }

    [Fact]
    public void Hashes_FileWrittenInPlaceWithItsTimeSetBack_IsReadAgain()
    {
        FileHashes hashes = new();
        hashes.Begin();
        string path = _folder.Write("program", "one"u8.ToArray());
        DateTime time = File.GetLastWriteTimeUtc(path);
        string? first = hashes.Of(path, Token);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA384.HashData("one"u8)), first);
        Assert.Equal(first, hashes.Of(path, Token));

        // The time of change is the kernel's and cannot be set; it moves on with the clock's ticks.
        while (hashes.Of(path, Token) == first)
        {
            File.WriteAllBytes(path, "two"u8.ToArray());
            File.SetLastWriteTimeUtc(path, time);
        }

        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA384.HashData("two"u8)), hashes.Of(path, Token));
    }

    [Fact]
    public void Hashes_WhatIsNoFileOrTooLong_IsLeftOut()
    {
        FileHashes hashes = new();
        hashes.Begin();
        Assert.Null(hashes.Of("/dev/zero", Token));
        Assert.Null(hashes.Of(_folder["nowhere"], Token));
        Assert.False(hashes.LeftOut);

        using (FileStream sparse = File.Create(_folder["sparse"]))
            sparse.SetLength(FileHashes.MaxBytes + 1);
        Assert.Null(hashes.Of(_folder["sparse"], Token));
        Assert.True(hashes.LeftOut);
        hashes.Begin();
        Assert.False(hashes.LeftOut);
    }

    [Fact]
    public void IsElf_ProgramsAndTexts_AreTold()
    {
        Assert.True(FileHashes.IsElf("/proc/self/exe"));
        Assert.False(FileHashes.IsElf(_folder.Write("text", "\u007fEL"u8.ToArray())));
        Assert.False(FileHashes.IsElf(_folder["nowhere"]));
    }

    /// <summary>runc is the host's until it becomes the container's process, and brings the host's libraries with it.</summary>
    [Theory]
    [InlineData(true, "runc", null, true)]
    [InlineData(true, "library", "library", true)]
    [InlineData(true, "evil", "library", false)]
    [InlineData(true, "evil", null, false)]
    // The engine's programs and the host's libraries are no files of an image, when a program of the container's runs them.
    [InlineData(false, "runc", null, false)]
    [InlineData(false, "library", "library", false)]
    public void IsEngines_MappedFile_CountsInAProgramOfTheEngineAndAsTheHostHasItAlone(bool isHost, string content, string? atHost, bool wanted) =>
        Assert.Equal(wanted, RunningContainers.IsEngines(isHost, content, new HashSet<string> { "runc", "docker-init" }, () => atHost));

    [Fact]
    public void Mapped_OfThisProcess_HasItsProgramAndNoMoreThanAsked()
    {
        Assert.Contains(MappedFiles.Of(Environment.ProcessId, 20_000), f => f.Path.Contains("libcoreclr", StringComparison.Ordinal));
        Assert.Equal(2, MappedFiles.Of(Environment.ProcessId, 2).Count);
        using Process ended = Process.Start("true");
        ended.WaitForExit();
        Assert.Empty(MappedFiles.Of(ended.Id, 10));
    }

    [Theory]
    [InlineData("00401000-00585000", "401000-585000")]
    [InlineData("7f5588eb4000-7f5588eb6000", "7f5588eb4000-7f5588eb6000")]
    [InlineData("00000000-00001000", "0-1000")]
    public void NameOf_RangeOfSmallAddresses_HasNoZerosBeforeIt(string range, string name) => Assert.Equal(name, MappedFiles.NameOf(range));

    [Theory]
    [InlineData("0::/docker/{0}\n", true)]
    [InlineData("0::/system.slice/docker-{0}.scope\n", true)]
    [InlineData("12:pids:/docker/0000000000000000000000000000000000000000000000000000000000000001/docker/{0}\n", true)]
    [InlineData("0::/docker/{0}f\n", false)]
    [InlineData("0::/user.slice\n", false)]
    [InlineData("", false)]
    public void LastId_OfCgroups_IsTheInnermostContainer(string cgroup, bool found)
    {
        string id = string.Concat(Enumerable.Repeat("0123456789abcdef", 4));
        Assert.Equal(found ? id : null, RunningProcesses.LastId(string.Format(System.Globalization.CultureInfo.InvariantCulture, cgroup, id)));
    }
}
