using Plimsoll.Docker;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Docker;

/// <summary>What lists of mounts say of a volume's folder.</summary>
public sealed class MountTableTests
{
    private const string Volumes = "/var/lib/docker/volumes", Volume = $"{Volumes}/v/_data";

    private const string Host = """
        22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
        23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw
        24 22 0:22 / /run rw,nosuid shared:13 - tmpfs tmpfs rw
        25 22 8:2 /@data /srv\040x rw shared:14 - btrfs /dev/sda2 rw
        26 22 8:1 /etc /var/lib/docker/volumes/other/_data rw - ext4 /dev/sda1 rw
        27 22 8:1 /home/b /mnt rw - ext4 /dev/sda1 rw

        """;

    private static string[] Of(params string[] lines) =>
        [.. MountTable.Parse(Host + string.Concat(lines.Select(l => l + "\n")), Volume, Volumes).Select(o => $"{o.Point[Volumes.Length..]} {o.Path ?? "?"}{(o.IsReadOnly ? " ro" : "")} {o.What}")];

    [Theory]
    [InlineData($"40 22 8:1 /etc {Volume} rw,relatime - ext4 /dev/sda1 rw", "/v/_data /etc ext4 /dev/sda1")]
    [InlineData($"40 22 8:1 / {Volume} rw,relatime - ext4 /dev/sda1 rw", "/v/_data / ext4 /dev/sda1")]
    [InlineData($"40 22 8:1 /a\\040b {Volume} ro,relatime - ext4 /dev/sda1 rw", "/v/_data /a b ro ext4 /dev/sda1")]
    // A part of a file system of which the host sees a part.
    [InlineData($"40 22 8:2 /@data/sub {Volume} rw - btrfs /dev/sda2 rw", "/v/_data /srv x/sub btrfs /dev/sda2")]
    [InlineData($"40 22 8:2 /@other {Volume} rw - btrfs /dev/sda2 rw", "/v/_data ? btrfs /dev/sda2")]
    [InlineData($"40 22 0:50 / {Volume} rw - nfs4 server:/x rw", "/v/_data ? nfs4 server:/x")]
    [InlineData($"40 22 0:22 /docker {Volume} rw - tmpfs tmpfs rw", "/v/_data /run/docker tmpfs tmpfs")]
    [InlineData($"40 22 8:1 /etc {Volume}/below/it rw - ext4 /dev/sda1 rw", "/v/_data/below/it /etc ext4 /dev/sda1")]
    public void Parse_SomethingMountedAtAVolume_IsWhatItBringsIn(string line, string wanted) => Assert.Equal([wanted], Of(line));

    [Theory]
    [InlineData($"40 22 0:51 / {Volume} rw - tmpfs tmpfs rw")]
    [InlineData($"40 22 8:1 /etc {Volume}2 rw - ext4 /dev/sda1 rw")]
    [InlineData($"40 22 8:3 / {Volumes} rw - ext4 /dev/sdb rw")]
    public void Parse_NothingOfTheHost_IsNothing(string line) => Assert.Empty(Of(line));

    [Fact]
    public void Parse_VolumesOnADiskOfTheirOwn_AreKnownByIt() =>
        Assert.Equal([$"/v/_data {Volumes}/w ext4 /dev/sdb"], Of($"40 22 8:3 / {Volumes} rw - ext4 /dev/sdb rw", $"41 40 8:3 /w {Volume} rw - ext4 /dev/sdb rw"));

    [Fact]
    public void Parse_TwoAtAVolume_AreBothTold() =>
        Assert.Equal(["/v/_data ? nfs4 s:/x", "/v/_data /etc ext4 /dev/sda1"], Of($"40 22 0:50 / {Volume} rw - nfs4 s:/x rw", $"41 40 8:1 /etc {Volume} rw - ext4 /dev/sda1 rw"));

    [Fact]
    public void Parse_LineOfAnotherForm_IsAnError() => Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => Of("40 22 8:1 /")).Error);
}
