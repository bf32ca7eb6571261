using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>A root file system as it lies on disk, as an image of one layer that has no digest: <c>dir:PATH</c> and <c>host:</c>.</summary>
/// <remarks>Nothing states what it should hold, so there is nothing to verify.</remarks>
public sealed class FolderImage : Image
{
    private readonly SafeFileHandle _root;
    private readonly bool _isHost;
    private readonly OciLimits _limits;

    private FolderImage(SafeFileHandle root, bool isHost, OciLimits limits) => (_root, _isHost, _limits) = (root, isHost, limits);

    /// <param name="path">Links in the path itself are followed: the user named it.</param>
    /// <param name="name">What the user called it.</param>
    /// <exception cref="ImageException">NotFound, AccessDenied, Malformed (no folder), Unsupported (a pseudo file system such as /proc).</exception>
    public static FolderImage Open(string path, string name, OciLimits limits) => Open(path, name, isHost: false, limits);

    /// <summary>The file system of the machine this runs on.</summary>
    public static FolderImage OpenHost(string name, OciLimits limits) => Open("/", name, isHost: true, limits);

    private static FolderImage Open(string path, string name, bool isHost, OciLimits limits)
    {
        int root = Native.Open(Native.AtFdCwd, Encoding.UTF8.GetBytes(path + '\0'), Native.ReadOnly | Native.DirectoryOnly | Native.NonBlock, 0);
        if (root == -Errno.ENOTDIR)
            throw new ImageException(ImageError.Malformed, $"{Escape.Quote(path)} is no folder", "an archive is read as archive:FILE");
        if (root == -Errno.ENOENT)
            throw new ImageException(ImageError.NotFound, $"{Escape.Quote(path)} does not exist");
        if (root < 0)
            throw FileError.Of(-root, Escape.Quote(path));
        SafeFileHandle handle = Native.Own(root);
        if (FileSystems.KindOf(Native.FileSystemOf(root)) == FileSystemKind.Pseudo)
        {
            handle.Dispose();
            throw new ImageException(ImageError.Unsupported, $"{Escape.Quote(path)} is a view of the kernel, no root file system");
        }
        return new FolderImage(handle, isHost, limits) { Name = name, Layers = [new ImageLayer(path, null, null, -1)] };
    }

    public override void ReadLayers(ILayerVisitor visitor, int parallelism, CancellationToken cancellationToken)
    {
        ImageLayer layer = Layers[0];
        if (visitor.Skip(layer, proven: false))
            return;
        using FolderReader reader = new(_root, _isHost ? FolderScope.Host : FolderScope.Folder, _limits);
        object? visited = null;
        Unprivileged.Run(() => visited = visitor.Visit(layer, reader, cancellationToken));
        visitor.Accept(layer, null, -1, visited!);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _root.Dispose();
        base.Dispose(disposing);
    }
}
