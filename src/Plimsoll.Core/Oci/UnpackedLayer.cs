using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Oci;

/// <summary>An image whose layers lie unpacked on this host, in the folders that containers run from.</summary>
internal interface IUnpackedImage
{
    /// <summary>Where a layer lies; the caller disposes it. Called from several threads.</summary>
    /// <exception cref="ImageException">A part of it is gone or is not what it should be.</exception>
    IUnpackedLayer OpenUnpacked(ImageLayer layer);

    /// <summary>
    /// Where the engine's notes of which folders lie upon which are not what the image's layers say. Containers are mounted by these
    /// notes: who changes them needs to touch no layer.
    /// </summary>
    /// <exception cref="ImageException">They cannot be read.</exception>
    IReadOnlyList<ChangedNote> FindRestacked();
}

/// <summary>One of an engine's notes that is not as it should be.</summary>
/// <param name="Layer">1 for the base layer.</param>
/// <param name="Place">Relative to the engine's data root.</param>
/// <param name="Seen">Untrusted; empty where nothing is there.</param>
/// <param name="Wanted">Empty where nothing should be there.</param>
internal sealed record ChangedNote(int Layer, string Place, string Seen, string Wanted);

/// <summary>One unpacked layer beside what its engine says it was unpacked from. Nothing of it is proved.</summary>
/// <remarks>Docker's overlay2 folders with tar-split are one kind; a containerd snapshot with the blob it was made of is another.</remarks>
internal interface IUnpackedLayer : IDisposable
{
    /// <summary>For messages: which layer, and where.</summary>
    string Where { get; }

    /// <summary>The folder that overlayfs gets as a lower folder. Names are resolved below it and nowhere else.</summary>
    SafeFileHandle Folder { get; }

    /// <summary>How owners were shifted when it was unpacked.</summary>
    IdShift Ids { get; }

    /// <summary>The headers of the layer's tar in order; contents are not read and come as nothing that means anything.</summary>
    EntryReader ReadHeaders();

    /// <summary>Regular files whose content is not what the engine noted when it unpacked them. Files that are gone or no files any more are left out.</summary>
    IEnumerable<ChangedContent> FindChanged(CancellationToken cancellationToken);
}

/// <summary>A file whose content was changed after it was unpacked.</summary>
/// <param name="Path">As <see cref="EntryReader.Path"/>.</param>
/// <param name="Seen">What it is now, in words: bytes or a checksum.</param>
/// <param name="Wanted">What it should be.</param>
/// <param name="IsSize">Its length differs, which its headers tell as well.</param>
internal readonly record struct ChangedContent(string Path, string Seen, string Wanted, bool IsSize);

/// <summary>Where a user name space puts its ids: id 0 of the image is <c>Base</c> on disk, and so on for <c>Count</c> ids.</summary>
internal readonly record struct IdShift(long UserBase, long GroupBase, long Count)
{
    public static IdShift None => new(0, 0, 1L << 32);

    /// <summary>The image's user for one on disk; null for one that no user of the image can be.</summary>
    public long? User(long onDisk) => onDisk >= UserBase && onDisk < UserBase + Count ? onDisk - UserBase : null;

    public long? Group(long onDisk) => onDisk >= GroupBase && onDisk < GroupBase + Count ? onDisk - GroupBase : null;
}
