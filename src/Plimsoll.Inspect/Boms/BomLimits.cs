using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Boms;

/// <summary>What a bill of materials may cost.</summary>
public static class BomLimits
{
    /// <summary>Bytes of the file. An operating system with every package has some 100 MiB.</summary>
    public const int MaxBytes = 256 << 20;

    /// <summary>Components; as many as a package database may list.</summary>
    public const int MaxComponents = 500_000;

    /// <summary>Levels of nesting.</summary>
    public const int MaxDepth = 64;

    /// <summary>Characters of a name, version or address; longer ones are no names.</summary>
    public const int MaxTextCharacters = 8192;

    /// <summary>Properties, licences or references of one component.</summary>
    public const int MaxPerComponent = 1000;

    internal static JsonReaderOptions JsonOptions { get; } = new() { MaxDepth = MaxDepth };

    /// <summary>The whole file.</summary>
    /// <exception cref="ImageException">NotFound, AccessDenied, PeerFailed or LimitExceeded.</exception>
    public static byte[] Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            long length = file.CanSeek ? file.Length : 0;
            if (length > MaxBytes)
                throw TooLong(path);
            using MemoryStream content = new((int)length);
            byte[] buffer = new byte[1 << 16];
            int read;
            while ((read = file.Read(buffer)) > 0)
            {
                // A pipe has no length to trust.
                if (content.Length + read > MaxBytes)
                    throw TooLong(path);
                content.Write(buffer, 0, read);
            }
            return content.Length == content.Capacity ? content.GetBuffer() : content.ToArray();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ImageException(ImageError.NotFound, $"{Escape.Quote(path)} does not exist", inner: e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ImageException(ImageError.AccessDenied, Directory.Exists(path) ? $"{Escape.Quote(path)} is a folder" : $"{Escape.Quote(path)}: {e.Message}", inner: e);
        }
        catch (IOException e)
        {
            throw new ImageException(ImageError.PeerFailed, $"{Escape.Quote(path)}: {e.Message}", inner: e);
        }
    }

    private static ImageException TooLong(string path) => new(ImageError.LimitExceeded, $"{Escape.Quote(path)}: longer than {MaxBytes} bytes (MaxBytes)");
}
