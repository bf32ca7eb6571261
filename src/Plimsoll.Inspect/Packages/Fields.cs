using System.Text;
using System.Text.Unicode;

namespace Plimsoll.Inspect.Packages;

/// <summary>Lines and values of package databases, over bytes.</summary>
static class Fields
{
    /// <summary>Characters of a package name, a version or an architecture; the longest real ones have about 100.</summary>
    public const int MaxNameLength = 1024;

    /// <summary>Characters kept of a value that is only shown.</summary>
    public const int MaxShownLength = 512;

    /// <summary>Packages of one database file; the whole of Debian has about 70 000.</summary>
    public const int MaxPackages = 500_000;

    /// <summary>Takes the next line off, without its end (LF or CRLF).</summary>
    public static ReadOnlySpan<byte> NextLine(ref ReadOnlySpan<byte> rest)
    {
        int end = rest.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return line is [.., (byte)'\r'] ? line[..^1] : line;
    }

    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> value) => value.Trim(" \t\r"u8);

    /// <summary>A value that takes part in matching: printable ASCII without blanks, as every package manager demands.</summary>
    /// <returns>Null when it is empty, too long or anything else.</returns>
    public static string? Word(ReadOnlySpan<byte> value)
    {
        value = Trim(value);
        return value.IsEmpty || value.Length > MaxNameLength || value.ContainsAnyExceptInRange((byte)'!', (byte)'~')
            ? null
            : Encoding.ASCII.GetString(value);
    }

    /// <summary>A value that is only shown: shortened, with U+FFFD for what is no UTF-8.</summary>
    public static string Shown(ReadOnlySpan<byte> value)
    {
        value = Trim(value);
        if (value.Length <= MaxShownLength && Utf8.IsValid(value))
            return Encoding.UTF8.GetString(value);
        return Encoding.UTF8.GetString(value[..Math.Min(value.Length, MaxShownLength)]);
    }

    /// <summary>For a message.</summary>
    public static string Quote(ReadOnlySpan<byte> value) => Texts.Escape.Quote(Shown(value));
}
