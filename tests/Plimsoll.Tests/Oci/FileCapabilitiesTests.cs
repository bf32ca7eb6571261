using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Oci;

/// <summary>The values were written by setcap (libcap 2.66) and read with getfattr; the texts are getcap's.</summary>
public sealed class FileCapabilitiesTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("0100000200200000000000000000000000000000", "cap_net_raw=ep")]
    [InlineData("0000000200200000000000000000000000000000", "cap_net_raw=p")]
    [InlineData("0100000200040000000400000000000000000000", "cap_net_bind_service=eip")]
    [InlineData("0000000200000000000400000000000000000000", "cap_net_bind_service=i")]
    [InlineData("0100000201002000000000000001000000000000", "cap_chown,cap_sys_admin,cap_checkpoint_restore=ep")]
    [InlineData("010000010020000000000000", "cap_net_raw=ep")]
    [InlineData("010000030020000000000000000000000000000000e10f00", "cap_net_raw=ep")]
    [InlineData("0100000200000000000000000002000000000000", "cap_41=ep")]
    [InlineData("0100000200000000000000000000000000000000", "")]
    public void TryDecode_ValuesOfTheKernelsForms_AreRead(string hex, string expected)
    {
        Assert.True(FileCapabilities.TryDecode(Convert.FromHexString(hex), out FileCapabilities? read));
        Assert.Equal(expected, read.ToString());
    }

    [Fact]
    public void TryDecode_ThirdRevision_HasTheRootOfItsNameSpace()
    {
        Assert.True(FileCapabilities.TryDecode(Convert.FromHexString("010000030020000000000000000000000000000000e10f00"), out FileCapabilities? read));
        Assert.Equal(0x000fe100u, read.RootUid);
    }

    [Theory]
    [InlineData("")]
    [InlineData("010000")]
    [InlineData("01000002002000000000000000000000000000")]
    [InlineData("010000020020000000000000000000000000000000")]
    [InlineData("010000030020000000000000000000000000000000")]
    [InlineData("01000001002000000000000000")]
    [InlineData("0100000400200000000000000000000000000000")]
    [InlineData("0100000000200000000000000000000000000000")]
    public void TryDecode_AnotherLengthOrRevision_IsRefused(string hex) =>
        Assert.False(FileCapabilities.TryDecode(Convert.FromHexString(hex), out _));

    private static List<string> Walk(EntryReader reader)
    {
        List<string> lines = [];
        while (reader.MoveNext(CancellationToken.None))
            lines.Add($"{reader.Path} {Convert.ToHexStringLower(reader.Capability)} {reader.Device}");
        return lines;
    }

    private static List<string> WalkTar(byte[] tar)
    {
        using TarReader reader = new(new ChunkFeed(new MemoryStream(tar), null, ahead: false), OciLimits.Default);
        return Walk(reader);
    }

    private static TarBuilder WithAttribute(TarBuilder tar, string key, byte[] value)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes($" {key}="), .. value, (byte)'\n'];
        int length = body.Length + 2;
        Assert.InRange(length, 10, 99);
        return tar.Entry("PaxHeaders/x", 'x', [.. Encoding.ASCII.GetBytes($"{length}"), .. body]);
    }

    [Fact]
    public void Capability_InAPaxRecord_IsOfThatEntryAlone()
    {
        byte[] value = Convert.FromHexString("0100000200200000000000000000000000000000");
        TarBuilder tar = WithAttribute(new TarBuilder(), "SCHILY.xattr.security.capability", value).File("ping", "x").File("other", "x");
        WithAttribute(tar, "LIBARCHIVE.xattr.security.capability", value).File("third", "x");

        Assert.Equal([$"ping {Convert.ToHexStringLower(value)} (0, 0)", "other  (0, 0)", "third  (0, 0)"], WalkTar(tar.Build()));
    }

    [Fact]
    public void Device_OfANode_HasBothNumbers()
    {
        byte[] tar = new TarBuilder().Entry("dev/sda1", '4', [], edit: h =>
        {
            TarBuilder.Ascii(h, 329, "0000010\0");
            TarBuilder.Ascii(h, 337, "0000001\0");
        }).Entry("file", '0', [], edit: h => TarBuilder.Ascii(h, 329, "0000010\0")).Build();

        Assert.Equal(["dev/sda1  (8, 1)", "file  (0, 0)"], WalkTar(tar));
    }

    [Fact, Trait("needs", "host")]
    public void Capability_OfFilesOnDisk_IsWhatGetcapSays()
    {
        foreach ((string name, string capability) in new[] { ("raw", "cap_net_raw+ep"), ("admin", "cap_sys_admin,cap_setuid=p"), ("both", "cap_net_bind_service=eip") })
        {
            _folder.Write(name, "x"u8.ToArray());
            File.SetUnixFileMode(_folder[name], (UnixFileMode)0b111_101_101);
            Tool.Run("setcap", [capability, _folder[name]]);
        }
        File.CreateSymbolicLink(_folder["link"], "raw");
        using SafeFileHandle root = Native.Own(Native.Open(Native.AtFdCwd, Encoding.UTF8.GetBytes(_folder.Path + "\0"), Native.ReadOnly | Native.DirectoryOnly, 0));
        using FolderReader reader = new(root, FolderScope.Folder, OciLimits.Default);
        List<string> ours = [];
        while (reader.MoveNext(CancellationToken.None))
            if (FileCapabilities.TryDecode(reader.Capability, out FileCapabilities? read))
                ours.Add($"{reader.Path} {read}");

        // getcap: "PATH CAPABILITIES", one a line.
        string[] theirs = [.. Tool.Run("getcap", ["-r", _folder.Path]).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l[(_folder.Path.Length + 1)..]).Order(StringComparer.Ordinal)];
        Assert.Equal(3, theirs.Length);
        Assert.Equal([.. theirs.Select(Ordered)], ours.Select(Ordered).Order(StringComparer.Ordinal));

        // getcap names capabilities and sets in an order of its own.
        static string Ordered(string line)
        {
            string[] words = line.Split(' ', 2), parts = words[1].Split('=', '+');
            return $"{words[0]} {string.Join(',', parts[0].Split(',').Order(StringComparer.Ordinal))}={new string([.. parts[1].Order()])}";
        }
    }
}
