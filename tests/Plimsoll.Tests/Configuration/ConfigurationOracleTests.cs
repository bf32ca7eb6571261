using Plimsoll.Inspect.Checks;
using Plimsoll.TestKit;
using static Plimsoll.Tests.Configuration.Configured;

namespace Plimsoll.Tests.Configuration;

/// <summary>What find and getcap say of the same tree; they share no code with us.</summary>
[Trait("needs", "host")]
public sealed class ConfigurationOracleTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string[] Find(string root, params string[] arguments) =>
        [.. Tool.Run("find", [root, "-xdev", .. arguments, "-printf", "%P\n"]).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    [Theory]
    [InlineData("bullseye")]
    [InlineData("bookworm")]
    [InlineData("trixie")]
    public void DebianRoot_HasTheSetuidFilesThatFindNames_AndNoNoise(string suite)
    {
        string root = DebianRoots.Get(suite);
        IReadOnlyList<Problem> problems = OfImage($"dir:{root}", Input(null) with { Config = null, Tags = [] });

        Problem usual = Assert.Single(problems, p => p.Rule == "CIS-4.8");
        string[] theirs = Find(root, "-type", "f", "-perm", "/6000", "-perm", "/0111");
        Assert.Equal(theirs, usual.Evidence.TrimEnd('…', ' ', ',').Split(", ").Select(e => e.Split(' ')[0]));
        Assert.Empty(Find(root, "-type", "f", "-perm", "-0002"));
        Assert.Empty(Find(root, "-type", "d", "-perm", "-0002", "!", "-perm", "-1000"));
        Assert.Equal(["CIS-4.8", "package-manager"], problems.Select(p => p.Rule).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Tree_WithOddRights_HasWhatFindAndGetcapName()
    {
        string[] names = ["a/plain", "a/open", "a/tool", "a/suid", "b/sgid", "b/raw", "b/admin", "b/noexec"];
        string[] modes = ["644", "666", "777", "4755", "2755", "755", "755", "4644"];
        foreach ((string name, string mode) in names.Zip(modes))
        {
            _folder.Write(name, "x"u8.ToArray());
            File.SetUnixFileMode(_folder[name], (UnixFileMode)Octal(mode));
        }
        File.SetUnixFileMode(Directory.CreateDirectory(_folder["c/shared"]).FullName, (UnixFileMode)Octal("1777"));
        File.SetUnixFileMode(Directory.CreateDirectory(_folder["c/open"]).FullName, (UnixFileMode)Octal("777"));
        Tool.Run("setcap", ["cap_net_raw+ep", _folder["b/raw"]]);
        Tool.Run("setcap", ["cap_sys_admin+ep", _folder["b/admin"]]);
        IReadOnlyList<Problem> problems = OfImage($"dir:{_folder.Path}", Input(null) with { Config = null, Tags = [] });

        Assert.Equal(Find(_folder.Path, "-type", "f", "-perm", "/6000", "-perm", "/0111"), Paths("setuid-unusual"));
        Assert.Equal(Find(_folder.Path, "-type", "f", "-perm", "-0002"), Paths("world-writable-file"));
        Assert.Equal(Find(_folder.Path, "-type", "d", "-perm", "-0002", "!", "-perm", "-1000"), Paths("world-writable-folder"));
        Assert.Equal([.. Tool.Run("getcap", ["-r", _folder.Path]).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ')[0][(_folder.Path.Length + 1)..]).Order(StringComparer.Ordinal)],
            Paths("capabilities", "capabilities-everyday"));

        string[] Paths(params string[] rules) => [.. problems.Where(p => rules.Contains(p.Rule)).Select(p => p.Path!).Order(StringComparer.Ordinal)];
    }
}
