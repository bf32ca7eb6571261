using Plimsoll.Docker;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Docker;

/// <summary>Lists of mounts as kernels write them, and as somebody would like them to be read.</summary>
public sealed class MountedRootTests
{
    private const string Data = "/var/lib/docker", Place = $"{Data}/overlay2/x/merged", Upper = "upperdir=/u/diff,workdir=/u/work";

    private const string Others = """
        22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
        23 22 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 master:3 - proc proc rw

        """;

    private static string Line(string options, string place = Place, string type = "overlay", string root = "/", int id = 40, int on = 22) => $"{id} {on} 0:45 {root} {place} rw,relatime shared:7 - {type} overlay rw,{options}\n";

    private static MountedRoot Parse(params string[] lines) => MountedRoot.Parse(Others + string.Concat(lines), Place, Data);

    private static ImageException Refused(params string[] lines) => Assert.Throws<ImageException>(() => Parse(lines));

    [Fact]
    public void Parse_AsDockerMountsIt_FoldersTopmostFirst()
    {
        MountedRoot root = Parse(Line($"lowerdir={Data}/overlay2/l/INIT:{Data}/overlay2/l/TOP:{Data}/overlay2/l/BASE,{Upper},xino=off"), Line("lowerdir=/a:/b,upperdir=/c", $"{Place}-other"));

        Assert.Equal((Place, "/u/diff"), (root.Path, root.Upper));
        Assert.Equal([$"{Data}/overlay2/l/INIT", $"{Data}/overlay2/l/TOP", $"{Data}/overlay2/l/BASE"], root.Lower);
    }

    [Fact]
    public void Parse_NamesThatAreRelative_AreOfTheStore()
    {
        MountedRoot root = Parse(Line("lowerdir=l/INIT:l/TOP,upperdir=x/diff,workdir=x/work"));

        Assert.Equal($"{Data}/overlay2/x/diff", root.Upper);
        Assert.Equal([$"{Data}/overlay2/l/INIT", $"{Data}/overlay2/l/TOP"], root.Lower);
    }

    [Theory]
    [InlineData(@"lowerdir=/a\054b:/c", "/a,b|/c")]
    // A comma that is part of a name begins no option.
    [InlineData(@"lowerdir=/a\054upperdir=/evil:/c", "/a,upperdir=/evil|/c")]
    [InlineData(@"lowerdir=/a\040b\011c\012d:/c", "/a b\tc\nd|/c")]
    // A colon that is part of a name has a backslash, which is written as a number.
    [InlineData(@"lowerdir=/a\134:b:/c", "/a:b|/c")]
    [InlineData(@"lowerdir=/a\134\134b:/c", @"/a\b|/c")]
    // What looks like a number once it was read is read no second time.
    [InlineData(@"lowerdir=/a\134\134054b:/c", @"/a\054b|/c")]
    // Linux 6.8 and newer.
    [InlineData("lowerdir+=/a,lowerdir+=/b:c,lowerdir+=l/D", $"/a|/b:c|{Data}/overlay2/l/D")]
    [InlineData(@"lowerdir+=/a\054upperdir=/evil,lowerdir+=/b\134:c", @"/a,upperdir=/evil|/b\:c")]
    public void Parse_FoldersOfOddNames_AreTheFoldersThatAreMounted(string lower, string wanted)
    {
        foreach (string options in (string[])[$"{lower},{Upper}", $"{Upper},{lower}"])
        {
            MountedRoot root = Parse(Line(options));

            Assert.Equal("/u/diff", root.Upper);
            Assert.Equal(wanted.Split('|'), root.Lower);
        }
    }

    [Fact]
    public void Parse_UpperFolderOfAnOddName_IsTheFolderThatIsMounted() =>
        Assert.Equal("/u:v,lowerdir=/evil w", Parse(Line(@"lowerdir=/a:/b,upperdir=/u:v\054lowerdir=/evil\040w")).Upper);

    [Theory]
    [InlineData($"{Place}/etc/hosts", "")]
    [InlineData($"{Place}/a\\040b", "a b")]
    [InlineData($"{Place}//deleted", "")]
    public void Parse_SomethingMountedInside_IsRefusedByName(string inside, string name)
    {
        string own = Line($"lowerdir=/a:/b,{Upper}"), other = Line("size=1k", inside, "tmpfs");

        // In whichever order they come.
        foreach (ImageException e in (ImageException[])[Refused(own, other), Refused(other, own)])
        {
            Assert.Equal(ImageError.Malformed, e.Error);
            Assert.Contains(name.Length > 0 ? $"{Place}/{name}: something is mounted inside" : $"{inside}: something is mounted inside", e.Message, StringComparison.Ordinal);
        }
        Assert.Equal("/u/diff", Parse(own, Line("size=1k", $"{Place}2", "tmpfs")).Upper);
    }

    [Fact]
    public void Parse_PlaceOfAnOddName_IsFoundAndSoIsWhatIsInside()
    {
        const string place = @"/srv/a b\c/merged", written = @"/srv/a\040b\134c/merged";

        Assert.Equal("/u/diff", MountedRoot.Parse(Line($"lowerdir=/a:/b,{Upper}", written), place, Data).Upper);
        Assert.Contains("mounted inside", Assert.Throws<ImageException>(() => MountedRoot.Parse(Line($"lowerdir=/a:/b,{Upper}", written) + Line("x", written + "/etc", "tmpfs"), place, Data)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_OneMountOverAnother_TheLastCounts()
    {
        string first = Line($"lowerdir=/a:/b,{Upper}"), over = Line("lowerdir=/c:/d,upperdir=/e", id: 41, on: 40), memory = Line("size=1k", type: "tmpfs", id: 41, on: 40);

        Assert.Equal(["/c", "/d"], Parse(first, over).Lower);
        Assert.Equal(ImageError.Unsupported, Refused(first, memory).Error);
        // One that lies on top whatever the order says.
        Assert.Contains($"{Place}: something is mounted over", Refused(over, first).Message, StringComparison.Ordinal);
        Assert.Contains($"{Place}: something is mounted over", Refused(memory, first).Message, StringComparison.Ordinal);
    }

    /// <summary>The list still has the container's root, and its path leads elsewhere.</summary>
    [Theory]
    [InlineData($"{Data}/overlay2/x")]
    [InlineData($"{Data}/overlay2")]
    [InlineData("/var")]
    [InlineData("/")]
    public void Parse_SomethingMountedOverAFolderAbove_IsRefusedByName(string above)
    {
        string own = Line($"lowerdir=/a:/b,{Upper}"), other = Line("size=1k", above, "tmpfs", id: 41);

        foreach (ImageException e in (ImageException[])[Refused(own, other), Refused(other, own)])
        {
            Assert.Equal(ImageError.Malformed, e.Error);
            Assert.Contains($"{above}: something is mounted over", e.Message, StringComparison.Ordinal);
        }
        // The same mount, where the root was mounted on it.
        Assert.Equal("/u/diff", Parse(other, Line($"lowerdir=/a:/b,{Upper}", on: 41)).Upper);
        // Beside the way.
        Assert.Equal("/u/diff", Parse(own, Line("size=1k", $"{Data}/overlay2/x2", "tmpfs", id: 41)).Upper);
    }

    [Fact]
    public void Parse_WayOverSeveralMounts_IsFollowedToItsEnd()
    {
        string disk = Line("", "/var", "ext4", id: 30), data = Line("", Data, "ext4", id: 31, on: 30), own = Line($"lowerdir=/a:/b,{Upper}", on: 31);

        Assert.Equal("/u/diff", Parse(disk, data, own).Upper);
        Assert.Contains($"{Data}/overlay2: something is mounted over", Refused(disk, data, own, Line("", $"{Data}/overlay2", "tmpfs", id: 41, on: 31)).Message, StringComparison.Ordinal);
        Assert.Contains("/var/lib: something is mounted over", Refused(disk, data, own, Line("", "/var/lib", "tmpfs", id: 41, on: 30)).Message, StringComparison.Ordinal);
        // Hidden before, by what the way goes over: nobody comes there.
        Assert.Equal("/u/diff", Parse(disk, Line("", "/var/lib", "tmpfs", id: 41), data, own).Upper);
        // A first root, which is its own parent.
        Assert.Equal("/u/diff", MountedRoot.Parse("1 1 0:1 / / rw - rootfs rootfs rw\n22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + own.Replace(" 31 ", " 22 ", StringComparison.Ordinal), Place, Data).Upper);
        // A ring, which no kernel tells of.
        Assert.Contains("/var: something is mounted over", Refused(Line("", "/var", "ext4", id: 50, on: 51), Line("", Data, "ext4", id: 51, on: 50), Line($"lowerdir=/a:/b,{Upper}", on: 51)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lowerdir=/a:/b", ImageError.Malformed, "names no upper folder")]
    [InlineData("upperdir=/u", ImageError.Malformed, "names no lower folder")]
    [InlineData(@"lowerdir=/a:/b\054upperdir=/u", ImageError.Malformed, "names no upper folder")]
    [InlineData($"lowerdir+=/a,datadir+=/b,{Upper}", ImageError.Unsupported, "datadir+=/b")]
    [InlineData($"lowerdir=/a:/b,userxattr,{Upper}", ImageError.Unsupported, "with userxattr,")]
    [InlineData($"lowerdir=/a:/b,index=on,{Upper}", ImageError.Unsupported, "with index=on,")]
    [InlineData($"lowerdir=/a:/b,{Upper},nfs_export=on", ImageError.Unsupported, "with nfs_export=on,")]
    [InlineData($"lowerdir=/a:/b,{Upper},metacopy=on", ImageError.Unsupported, "with metacopy=on,")]
    [InlineData($"redirect_dir=on,lowerdir=/a:/b,{Upper}", ImageError.Unsupported, "with redirect_dir=on,")]
    [InlineData($"lowerdir=/a:/b,{Upper},verity=require", ImageError.Unsupported, "with verity=require,")]
    [InlineData($"lowerdir=/a:/b,{Upper},what-comes-next", ImageError.Unsupported, "with what-comes-next,")]
    [InlineData($"context=\"a,index=on\",index=on,lowerdir=/a:/b,{Upper}", ImageError.Unsupported, "with index=on,")]
    [InlineData($"context=\"a,lowerdir=/a:/b,{Upper}", ImageError.Malformed, "names no upper folder")]
    [InlineData($@"lowerdir=/a\072b:/c,{Upper}", ImageError.Unsupported, "with a colon in its name")]
    public void Parse_MountThatDockerNeverMakes_IsRefused(string options, ImageError error, string reason)
    {
        ImageException e = Refused(Line(options));

        Assert.Equal(error, e.Error);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("index=off,nfs_export=off,redirect_dir=off,metacopy=off")]
    [InlineData("xino=auto,uuid=null,volatile,default_permissions,seclabel")]
    [InlineData("context=\"system_u:object_r:container_file_t:s0:c17,c723\"")]
    [InlineData("context=system_u:object_r:container_file_t:s0,fscontext=\"a,b\"")]
    public void Parse_OptionsThatChangeNoContent_AreRead(string options)
    {
        Assert.Equal(["/a", "/b"], Parse(Line($"{options},lowerdir=/a:/b,{Upper}")).Lower);
        Assert.Equal("/u/diff", Parse(Line($"lowerdir=/a:/b,{Upper},{options}")).Upper);
    }

    /// <summary>A folder of a signed image, bound to where the image should be: every layer is as it was signed, and another root starts.</summary>
    [Fact]
    public void Parse_FolderOfAnOverlayBoundThere_IsRefused()
    {
        string whole = Line($"lowerdir=/a:/b,{Upper}"), part = Line($"lowerdir=/a:/b,{Upper}", root: "/srv/a\\040b");

        foreach (ImageException e in (ImageException[])[Refused(part), Refused(whole, part)])
        {
            Assert.Equal(ImageError.Malformed, e.Error);
            Assert.Contains("only /srv/a b of an overlay is mounted", e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("x\n")]
    [InlineData("40 22 0:45 / /mnt rw,relatime\n")]
    [InlineData("40 22 0:45 / /mnt rw,relatime shared:7 overlay overlay rw extra\n")]
    [InlineData("- - - - - - x x x x\n")]
    [InlineData("40 22 0:45 / /mnt rw,relatime shared:7 master:1 - overlay overlay\n")]
    [InlineData("40 22 0:45 / /mnt rw,relatime shared:7 master:1 propagate_from:2 x -\n")]
    public void Parse_LineOfAnotherForm_RefusesTheWholeList(string line)
    {
        ImageException e = Refused(Line($"lowerdir=/a:/b,{Upper}"), line);

        Assert.Equal(ImageError.Malformed, e.Error);
        Assert.Contains("the list of mounts has a line of", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_OptionalFields_AreAsManyAsThereAre()
    {
        foreach (string fields in (string[])["", "shared:1 ", "shared:1 master:2 propagate_from:3 unbindable "])
            Assert.Equal("/u/diff", Parse($"40 22 0:45 / {Place} rw,relatime {fields}- overlay overlay rw,lowerdir=/a:/b,{Upper}\n").Upper);
    }

    [Fact]
    public void Parse_NothingMountedThere_IsRefused()
    {
        Assert.Equal(ImageError.NotFound, Refused().Error);
        Assert.Equal(ImageError.NotFound, Refused(Line($"lowerdir=/a:/b,{Upper}", $"{Data}/overlay2/y/merged")).Error);
        Assert.Equal(ImageError.NotFound, Assert.Throws<ImageException>(() => MountedRoot.Parse("", Place, Data)).Error);
    }
}
