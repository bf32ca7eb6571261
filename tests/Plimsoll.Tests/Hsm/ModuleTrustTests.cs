using Plimsoll.Hsm;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Hsm;

/// <summary>A module runs with the user's rights: who could have written it decides whether it is loaded.</summary>
public sealed class ModuleTrustTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Module()
    {
        Directory.CreateDirectory(_folder["lib"]);
        return _folder.Write("lib/m.so", "no library"u8.ToArray());
    }

    private static string Libc => Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu").Select(f => Path.Combine(f, "libc.so.6")).FirstOrDefault(File.Exists) ?? "/lib64/libc.so.6";

    private static HsmError Of(string path) => Assert.Throws<HsmException>(() => HsmModule.Open(path)).Error;

    [Fact]
    public void Open_FileOrFolderThatOthersCanWrite_IsNotLoaded()
    {
        string module = Module();
        // The twin gets as far as the loader, which finds no library in it.
        Assert.Equal(HsmError.NoModule, Of(module));

        File.SetUnixFileMode(module, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
        Assert.Equal(HsmError.UntrustedModule, Of(module));
        File.SetUnixFileMode(module, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);
        Assert.Equal(HsmError.UntrustedModule, Of(module));
        File.SetUnixFileMode(module, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal(HsmError.NoModule, Of(module));
        File.SetUnixFileMode(_folder["lib"], (UnixFileMode)0b111_111_101);
        Assert.Equal(HsmError.UntrustedModule, Of(module));
        // As /tmp: all may write, and only remove their own.
        File.SetUnixFileMode(_folder["lib"], (UnixFileMode)0b001_111_111_111);
        Assert.Equal(HsmError.NoModule, Of(module));
    }

    [Fact]
    public void Open_LinkIntoAFolderThatOthersCanWrite_IsNotLoaded()
    {
        string module = Module();
        Directory.CreateDirectory(_folder["own"]);
        File.CreateSymbolicLink(_folder["own/m.so"], module);
        Assert.Equal(HsmError.NoModule, Of(_folder["own/m.so"]));

        File.SetUnixFileMode(_folder["lib"], (UnixFileMode)0b111_111_111);

        Assert.Equal(HsmError.UntrustedModule, Of(_folder["own/m.so"]));
    }

    [Theory]
    [InlineData("libsofthsm2.so", HsmError.UntrustedModule)]
    [InlineData("./m.so", HsmError.UntrustedModule)]
    [InlineData("/nowhere/m.so", HsmError.NoModule)]
    [InlineData("/usr", HsmError.NoModule)]
    [InlineData("/dev/null", HsmError.UntrustedModule)]
    public void Open_WhatIsNoAbsolutePathOfAFile_IsNamed(string path, HsmError error) => Assert.Equal(error, Of(path));

    [Fact]
    public void Open_LibraryWithoutTheFunction_IsNoModule() =>
        Assert.Contains("C_GetFunctionList", Assert.Throws<HsmException>(() => HsmModule.Open(Libc)).Message, StringComparison.Ordinal);

    [Fact]
    public void PathOf_UriBeforeEnvironmentBeforeUsualPlaces()
    {
        Assert.Equal("/a.so", HsmModule.PathOf(Pkcs11Uri.Parse("pkcs11:?module-path=/a.so"), "/b.so"));
        Assert.Equal("/b.so", HsmModule.PathOf(Pkcs11Uri.Parse("pkcs11:"), "/b.so"));
    }
}
