using Plimsoll.Posix;

namespace Plimsoll.Tests.Posix;

/// <summary>What unprivileged threads have done for them by one that kept its rights.</summary>
[Trait("needs", "host")]
public sealed class OwnRightsTests
{
    private static string User() => File.ReadLines("/proc/thread-self/status").First(l => l.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];

    [Fact]
    public void Run_FromAThreadWithoutRights_HasThoseOfWhoMadeIt()
    {
        using OwnRights rights = new();

        (string without, string with, string task) = Unprivileged.Run(() => (User(), rights.Run(User), rights.Run(() => Task.Run(User)).GetAwaiter().GetResult()));

        Assert.NotEqual("0", without);
        Assert.Equal("0", with);
        Assert.Equal("0", task);
    }

    [Fact]
    public void Run_QuestionThrows_ThrowsTheSameWhereItWasAsked()
    {
        using OwnRights rights = new();

        Assert.Throws<FormatException>(() => Unprivileged.Run(() => rights.Run(() => int.Parse("x"))));
        Assert.Equal(1, rights.Run(() => 1));
    }
}
