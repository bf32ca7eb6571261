using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Docker;

/// <summary>The notes by which Docker mounts a container's root, put together by hand as moby writes them.</summary>
public sealed class Overlay2StackTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly StoredLayer[] _layers;

    public Overlay2StackTests()
    {
        _layers = [.. "abc".Select(c => new StoredLayer(Digest.Of([(byte)c]), new string(c, 64), 0))];
        Directory.CreateDirectory(_folder["image/overlay2/layerdb/sha256"]);
        Directory.CreateDirectory(_folder["overlay2/l"]);
        for (int i = 0; i < _layers.Length; i++)
        {
            Directory.CreateDirectory(_folder[$"overlay2/{_layers[i].CacheId}/diff"]);
            Directory.CreateDirectory(_folder[$"image/overlay2/layerdb/sha256/{_layers[i].ChainId.Hex}"]);
            _folder.Write($"overlay2/{_layers[i].CacheId}/link", Bytes($"LINK{i}"));
            File.CreateSymbolicLink(_folder[$"overlay2/l/LINK{i}"], $"../{_layers[i].CacheId}/diff");
            if (i == 0)
                continue;
            _folder.Write(Lower(i), Bytes(string.Join(':', Enumerable.Range(0, i).Reverse().Select(n => $"l/LINK{n}"))));
            _folder.Write($"image/overlay2/layerdb/sha256/{_layers[i].ChainId.Hex}/parent", Bytes(_layers[i - 1].ChainId.ToString()));
        }
    }

    public void Dispose() => _folder.Dispose();

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private string Lower(int layer) => $"overlay2/{_layers[layer].CacheId}/lower";

    private string[] Find(string? mounted = null)
    {
        Assert.True(Overlay2Store.TryOpen(_folder.Path, out Overlay2Store? store, out _));
        using (store)
            return [.. store.FindRestacked(_layers, mounted).Select(c => $"{c.Layer} {c.Place}: {c.Seen} -> {c.Wanted}")];
    }

    [Fact]
    public void FindRestacked_AsDockerWritesIt_NothingIsFound()
    {
        Assert.Empty(Find());
        Assert.Empty(Find(_folder[_layers[2].Folder]));
    }

    [Fact]
    public void FindRestacked_LowerChangedAddedOrGone_IsFound()
    {
        _folder.Write(Lower(2), Bytes("l/LINK0:l/LINK1"));
        _folder.Write(Lower(0), Bytes("l/LINK2"));
        File.Delete(_folder[Lower(1)]);

        Assert.Equal([$"1 {Lower(0)}: l/LINK2 -> ", $"2 {Lower(1)}:  -> l/LINK0", $"3 {Lower(2)}: l/LINK0:l/LINK1 -> l/LINK1:l/LINK0"], Find());
    }

    [Fact]
    public void FindRestacked_LinkLedElsewhereOrNone_IsFound()
    {
        File.Delete(_folder["overlay2/l/LINK1"]);
        File.CreateSymbolicLink(_folder["overlay2/l/LINK1"], "/srv/evil");
        File.Delete(_folder["overlay2/l/LINK2"]);
        Directory.CreateDirectory(_folder["overlay2/l/LINK2"]);

        Assert.Equal([$"2 overlay2/l/LINK1: /srv/evil -> ../{_layers[1].CacheId}/diff", $"3 overlay2/l/LINK2:  -> ../{_layers[2].CacheId}/diff"], Find());
    }

    [Theory]
    [InlineData("../../srv/evil")]
    [InlineData("")]
    [InlineData("A:B")]
    public void FindRestacked_NameThatIsNone_IsFound(string name)
    {
        _folder.Write($"overlay2/{_layers[2].CacheId}/link", Bytes(name));

        Assert.Equal([$"3 overlay2/{_layers[2].CacheId}/link: {name} -> the name of a link below overlay2/l"], Find());
    }

    [Fact]
    public void FindRestacked_ParentExchanged_IsFound()
    {
        string place = $"image/overlay2/layerdb/sha256/{_layers[2].ChainId.Hex}/parent";
        _folder.Write(place, Bytes(_layers[0].ChainId.ToString()));

        Assert.Equal([$"3 {place}: {_layers[0].ChainId} -> {_layers[1].ChainId}"], Find());
    }

    [Fact]
    public void FindRestacked_DaemonUsesAnotherFolderThanItsNotesSay_IsFound()
    {
        // cache-id was another when Docker started, and was put back since.
        string used = $"/var/lib/docker/overlay2/{new string('e', 64)}/diff";

        Assert.Equal([$"3 image/overlay2/layerdb/sha256/{_layers[2].ChainId.Hex}/cache-id: {used} -> {_folder[_layers[2].Folder]}"], Find(used));
    }

    [Fact]
    public void FindRestacked_NoteOneByteTooLong_IsRefused()
    {
        _folder.Write(Lower(2), new byte[(16 * 1024) + 1]);

        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => Find()).Error);
    }
}
