using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <summary>Everything of an unpacked layer as <see cref="WriteEvents"/> names it.</summary>
public static class LayerKeys
{
    /// <param name="where">What the folder is called in errors.</param>
    /// <param name="device">The watched file system.</param>
    /// <param name="most">Files and folders at most.</param>
    /// <returns>Ascending; null when there are more, or some lie on another file system, which nobody watches.</returns>
    /// <remarks>A folder is looked at before it is listed: what is made in it afterwards is told of as a write to it.</remarks>
    /// <exception cref="ImageException">It cannot be walked, or changed meanwhile.</exception>
    public static ulong[]? Find(SafeFileHandle folder, string where, ulong device, int most, CancellationToken cancellationToken)
    {
        List<ulong> keys = [];
        bool whole = true;
        byte[] handle = new byte[Native.HandleHeadBytes + Native.MaxHandleBytes];
        new UnpackedTree(folder, where, (in UnpackedFile file) =>
        {
            whole &= keys.Count < most && !file.IsMount && file.Stat.Device == device;
            if (!whole)
                return;
            int error = Native.GetHandle(file.Parent, file.Name, handle);
            if (error < 0)
                throw FileError.Of(-error, $"{where}: {Escape.Quote(file.Path.ToString())}");
            keys.Add(WriteEvents.KeyOf(handle));
        }).Walk(cancellationToken);
        if (!whole)
            return null;
        ulong[] sorted = [.. keys];
        Array.Sort(sorted);
        return sorted;
    }
}
