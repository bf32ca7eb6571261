using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Docker;

/// <summary>Which folders a container's root is made of, where somebody mounted others than Docker does.</summary>
public sealed class HostStoreTests : IDisposable
{
    private static readonly string Own = new('a', 64), Base = new('b', 64), Top = new('c', 64), Other = new('d', 64);

    private readonly TempFolder _folder = new();
    private readonly HostStore _store;

    public HostStoreTests()
    {
        _store = new HostStore(_folder.Path, OciLimits.Default);
        Directory.CreateDirectory(_folder["image/overlay2"]);
        Directory.CreateDirectory(_folder["overlay2/l"]);
        foreach (string folder in (string[])[Own, $"{Own}-init", Base, Top, Other, $"{Other}-init"])
            Directory.CreateDirectory(_folder[$"overlay2/{folder}/diff/inside"]);
        foreach ((string name, string folder) in (ReadOnlySpan<(string, string)>)[("INIT", $"{Own}-init"), ("TOP", Top), ("BASE", Base), ("OWN", Own), ("OTHERINIT", $"{Other}-init")])
            Link(name, $"../{folder}/diff");
    }

    public void Dispose() => _folder.Dispose();

    private void Link(string name, string target) => File.CreateSymbolicLink(_folder[$"overlay2/l/{name}"], target);

    private string Diff(string folder) => _folder[$"overlay2/{folder}/diff"];

    private string L(string name) => _folder[$"overlay2/l/{name}"];

    private StackedRoot Read(string upper, params string[] lower) => _store.Read(new MountedRoot("/merged", upper, lower));

    private string Refused(string upper, params string[] lower)
    {
        ImageException e = Assert.Throws<ImageException>(() => Read(upper, lower));
        Assert.Equal(ImageError.Malformed, e.Error);
        return e.Message;
    }

    [Fact]
    public void Read_AsDockerMountsIt_NamesTheFolders()
    {
        foreach (StackedRoot root in (StackedRoot[])[Read(Diff(Own), L("INIT"), L("TOP"), L("BASE")), Read(Diff(Own), Diff($"{Own}-init"), Diff(Top), Diff(Base))])
        {
            Assert.Equal((Own, $"{Own}-init"), (root.Own, root.Init));
            Assert.Equal([Top, Base], root.Layers);
        }
    }

    [Fact]
    public void Read_InitFolderOfAnotherContainer_IsRefused()
    {
        string wanted = $"the container's own folder is {Own}, and below it lies {Other}-init; Docker puts {Own}-init there";

        Assert.Contains(wanted, Refused(Diff(Own), L("OTHERINIT"), L("TOP"), L("BASE")), StringComparison.Ordinal);
        Assert.Contains(wanted, Refused(Diff(Own), Diff($"{Other}-init"), L("TOP"), L("BASE")), StringComparison.Ordinal);
        // The name that Docker gave the right one leads elsewhere now.
        File.Delete(L("INIT"));
        Link("INIT", $"../{Other}-init/diff");
        Assert.Contains(wanted, Refused(Diff(Own), L("INIT"), L("TOP"), L("BASE")), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoInitFolder_IsRefused()
    {
        Assert.Contains($"below it lies {Top}", Refused(Diff(Own), L("TOP"), L("BASE")), StringComparison.Ordinal);
        Assert.Contains($"below it lies {Top}", Refused(Diff(Own), L("TOP"), L("INIT"), L("BASE")), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_UpperFolderOfAnotherContainer_IsRefused()
    {
        Assert.Contains($"own folder is {Other}, and below it lies {Own}-init", Refused(Diff(Other), L("INIT"), L("TOP"), L("BASE")), StringComparison.Ordinal);
        Assert.Contains($"own folder is {Top}, ", Refused(L("TOP"), L("INIT"), L("TOP"), L("BASE")), StringComparison.Ordinal);
        Assert.Contains($"own folder is {Own}-init, ", Refused(L("INIT"), L("INIT"), L("TOP"), L("BASE")), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ContainersFolderAmongTheLayers_IsRefused()
    {
        foreach (string folder in (string[])[L("OTHERINIT"), L("INIT"), L("OWN"), Diff(Own)])
            Assert.Contains("another container's folder among its layers", Refused(Diff(Own), L("INIT"), L("TOP"), folder, L("BASE")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/srv/evil")]
    [InlineData("../../evil")]
    [InlineData("../evil/diff")]
    [InlineData("../%/merged")]
    [InlineData("../%/diff/inside")]
    [InlineData("../%/diff/")]
    [InlineData("..//%/diff")]
    [InlineData("../../overlay2/%/diff")]
    [InlineData("./../%/diff")]
    [InlineData("../%")]
    public void Read_LinkThatLeadsElsewhere_IsRefused(string target)
    {
        Directory.CreateDirectory(_folder["overlay2/evil/diff"]);
        Link("EVIL", target.Replace("%", Top, StringComparison.Ordinal));

        Assert.Contains($"/overlay2/l/EVIL\" is mounted into the container's root; wanted a layer's folder below {_folder.Path}/overlay2/", Refused(Diff(Own), L("INIT"), L("EVIL"), L("BASE")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("l/GONE")]
    [InlineData("l/FOLDER")]
    [InlineData("l/")]
    [InlineData("l/../l/TOP")]
    [InlineData("%")]
    [InlineData("%/merged")]
    [InlineData("%/diff/inside")]
    [InlineData("%/../%/diff")]
    [InlineData("%x/diff")]
    [InlineData("")]
    public void Read_NameThatDockerDoesNotMount_IsRefused(string name)
    {
        Directory.CreateDirectory(L("FOLDER"));
        string path = $"{_folder.Path}/overlay2/{name.Replace("%", Top, StringComparison.Ordinal)}";

        foreach (string said in (string[])[Refused(Diff(Own), L("INIT"), path, L("BASE")), Refused(path, L("INIT"), L("TOP"))])
            Assert.Contains("is mounted into the container's root", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FolderOfAnotherStore_IsRefused()
    {
        foreach (string path in (string[])[$"/srv/overlay2/{Top}/diff", $"{_folder.Path}2/overlay2/{Top}/diff", $"overlay2/{Top}/diff", $"{_folder.Path}/overlay2/{Top.ToUpperInvariant()}/diff"])
            Assert.Contains("is mounted into the container's root", Refused(Diff(Own), L("INIT"), path), StringComparison.Ordinal);
    }

    /// <summary>A name that is no UTF-8 is not cut where its text form has a zero.</summary>
    [Fact]
    public void FindExposed_FolderWhoseNameIsNoUtf8_IsLookedAtItself()
    {
        Tool.Run("/bin/bash", ["-ec", $"cd {_folder["overlay2"]}; for f in {Own} {Top}; do mkdir -p $f/diff/in/$'\\xff'; done; chmod 755 {Own}/diff/in {Top}/diff/in {Own}/diff/in/* {Top}/diff/in/*"]);
        StackedRoot stack = new(Own, $"{Own}-init", [Top, Base]);
        string odd = EntryPath.Decode([(byte)'i', (byte)'n', (byte)'/', 0xff]);

        Assert.True(_store.IsInLayers(stack, odd));
        Assert.False(_store.IsInLayers(stack, EntryPath.Decode([(byte)'i', (byte)'n', (byte)'/', 0xfe])));
        Assert.Null(_store.FindExposed(stack, ["in", odd]));
        Tool.Run("/bin/bash", ["-ec", $"chmod 777 {_folder[$"overlay2/{Own}/diff/in"]}/*"]);
        Assert.Equal(odd, _store.FindExposed(stack, ["in", odd]));
    }
}
