using System.Buffers.Binary;
using System.Text;

namespace Plimsoll.Oci;

/// <summary>Writes a tar of plain files in which nothing depends on when and by whom: no times, root's, mode 0644.</summary>
/// <remarks>Source: POSIX.1-2024 pax, "ustar Interchange Format"; for files from 8 GiB on GNU tar's binary form of the length.</remarks>
internal sealed class LayoutTar(Stream to)
{
    private const int BlockBytes = 512, NameBytes = 100;
    private const long MaxOctalSize = (1L << 33) - 1;

    public void File(string name, byte[] content)
    {
        Header(name, content.Length);
        to.Write(content);
        Pad(content.Length);
    }

    /// <exception cref="ImageException">Truncated: the stream has another length.</exception>
    public void File(string name, long length, Stream content, CancellationToken cancellationToken)
    {
        Header(name, length);
        byte[] buffer = new byte[256 * 1024];
        long written = 0;
        for (int got; (got = content.Read(buffer, 0, buffer.Length)) > 0; written += got)
        {
            cancellationToken.ThrowIfCancellationRequested();
            to.Write(buffer, 0, got);
        }
        if (written != length)
            throw new ImageException(ImageError.Truncated, $"{Texts.Escape.Quote(name)} has {written} bytes where {length} were");
        Pad(length);
    }

    /// <summary>The two blocks of zeros that every tar ends with.</summary>
    public void End() => to.Write(new byte[2 * BlockBytes]);

    private void Header(string name, long length)
    {
        byte[] text = Encoding.UTF8.GetBytes(name);
        if (text.Length > NameBytes)
            // GNU's long name, an entry of its own before the file.
            LongName(text);
        Block(text.AsSpan(0, Math.Min(text.Length, NameBytes)), (byte)'0', length);
    }

    private void LongName(byte[] text)
    {
        Block("././@LongLink"u8, (byte)'L', text.Length + 1);
        to.Write(text);
        to.WriteByte(0);
        Pad(text.Length + 1);
    }

    private void Block(ReadOnlySpan<byte> name, byte type, long length)
    {
        Span<byte> header = stackalloc byte[BlockBytes];
        header.Clear();
        name.CopyTo(header);
        "0000644\0"u8.CopyTo(header[100..]);
        "0000000\0"u8.CopyTo(header[108..]);
        "0000000\0"u8.CopyTo(header[116..]);
        if (length <= MaxOctalSize)
            Encoding.ASCII.GetBytes(Convert.ToString(length, 8).PadLeft(11, '0'), header.Slice(124, 11));
        else
        {
            header[124] = 0x80;
            BinaryPrimitives.WriteInt64BigEndian(header.Slice(128, 8), length);
        }
        "00000000000\0"u8.CopyTo(header[136..]);
        "        "u8.CopyTo(header[148..]);
        header[156] = type;
        if (type == 'L')
            "ustar  \0"u8.CopyTo(header[257..]);
        else
            "ustar\000"u8.CopyTo(header[257..]);
        int sum = 0;
        foreach (byte b in header)
            sum += b;
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0'), header.Slice(148, 6));
        header[154] = 0;
        to.Write(header);
    }

    private void Pad(long length) => to.Write(new byte[(int)(-length & (BlockBytes - 1))]);
}
