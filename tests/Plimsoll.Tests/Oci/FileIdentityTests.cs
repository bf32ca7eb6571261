using Plimsoll.Oci;

namespace Plimsoll.Tests.Oci;

public sealed class FileIdentityTests
{
    [Theory]
    [InlineData(0xef53, true)] // ext4
    [InlineData(0x01021994, true)] // tmpfs
    [InlineData(0x794c7630, true)] // overlayfs
    [InlineData(0x4d44, false)] // FAT
    [InlineData(0x2011bab0, false)] // exFAT
    [InlineData(0x65735546, false)] // FUSE
    [InlineData(0x6969, false)] // NFS
    [InlineData(0x9fa0, false)] // proc
    public void KeepsChangeTimes_OnlyWhereTheKernelItselfDoes(long fileSystem, bool keeps) =>
        Assert.Equal(keeps, FileIdentity.KeepsChangeTimes((uint)fileSystem));
}
