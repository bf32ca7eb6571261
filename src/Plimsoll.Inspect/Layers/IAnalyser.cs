using Plimsoll.Oci;

namespace Plimsoll.Inspect.Layers;

/// <summary>Reads facts out of the files it asks for. Stateless; called from several threads at once.</summary>
public interface IAnalyser
{
    /// <summary>Stable, kebab-case; with <see cref="Version"/> part of the layer cache's key.</summary>
    string Id { get; }

    /// <summary>Raised whenever the same bytes would give other facts.</summary>
    int Version { get; }

    /// <summary>A larger file is not handed over and becomes a <see cref="Gap"/> <c>file-too-large</c>.</summary>
    long MaxFileBytes { get; }

    /// <summary>Whether a regular file of this path is wanted. Called for every entry: no allocation.</summary>
    /// <param name="path">Bytes, relative to the image's root, no leading slash.</param>
    bool Wants(ReadOnlySpan<byte> path);

    /// <summary>
    /// Whether <see cref="WantsContent"/> may say yes. What such an analyser says of a content it says of it under every name, so
    /// that a hard link has the facts of the file it is another name of.
    /// </summary>
    bool LooksAtContent => false;

    /// <summary>
    /// As <see cref="LooksAtContent"/>, and into what <see cref="HarmlessNames"/> leaves out as well. Such an analyser finds something in few
    /// files only: what it found nothing in is not remembered.
    /// </summary>
    bool LooksEverywhere => false;

    /// <summary>
    /// Whether a regular file is wanted for what it starts with, wherever it lies: programs and archives under any name.
    /// Called for every file that <see cref="HarmlessNames"/> does not leave out, or for every file (<see cref="LooksEverywhere"/>): no allocation.
    /// </summary>
    /// <param name="path">As for <see cref="Wants"/>.</param>
    /// <param name="mode">Permission bits.</param>
    /// <param name="start">The first bytes of the content, at most <see cref="EntryReader.MaxPeekBytes"/>.</param>
    bool WantsContent(ReadOnlySpan<byte> path, int mode, ReadOnlySpan<byte> start) => false;

    /// <summary>
    /// Whether what was said of a content under one name may be too little for a hard link of it, whose name weighs more: an example that is also a
    /// settings file. It is then read anew under that name. Called for hard links only, of analysers that look everywhere.
    /// </summary>
    bool LooksAnew(ReadOnlySpan<byte> target, ReadOnlySpan<byte> path) => false;

    /// <summary>Whether <see cref="Look"/> may say something.</summary>
    bool LooksAtEntries => false;

    /// <summary>
    /// What an entry's header alone says: mode, owner, type. Called for every entry but whiteouts, hard links with the header they have
    /// themselves: no allocation where there is nothing to say. The content is not read.
    /// </summary>
    Hit? Look(EntryReader entry) => null;

    /// <summary>
    /// The files and folders of package databases among what is wanted. Where one is reached through a symbolic link, the
    /// content that counts lies under another name, which the report must not be silent about.
    /// </summary>
    IReadOnlyList<string> Anchors => [];

    /// <summary>The facts of one wanted file.</summary>
    /// <param name="path">As <see cref="EntryPath.Decode"/> gives it.</param>
    /// <param name="content">The whole file; hostile.</param>
    /// <returns>Null when the file holds nothing of interest. Malformed content gives a <see cref="Gap"/>, not an exception.</returns>
    FileFacts? Analyse(string path, ReadOnlyMemory<byte> content);
}
