using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Tpm;

/// <summary>One file that the kernel measured before it was used.</summary>
/// <param name="Algorithm">As the kernel writes it: <c>sha256</c>; <c>sha1</c> for the oldest template.</param>
/// <param name="Hash">Of the file's content. Empty where the kernel noted a violation: it was written to while it was read.</param>
public readonly record struct ImaEntry(int Pcr, string Template, string Algorithm, ReadOnlyMemory<byte> Hash, ReadOnlyMemory<byte> Path)
{
    public bool IsViolation => Hash.IsEmpty;

    /// <summary>Bytes that are no UTF-8 become U+FFFD.</summary>
    public string PathText => Encoding.UTF8.GetString(Path.Span);
}

/// <summary>
/// The kernel's list of measured files, as <c>ascii_runtime_measurements</c> has it: templates <c>ima</c>, <c>ima-ng</c> and <c>ima-sig</c>.
/// Each line's own digest is recomputed from what the line says, so that no text in it can differ from what was extended.
/// </summary>
/// <remarks>Source: Linux, Documentation/security/IMA-templates.rst and security/integrity/ima/ima_template_lib.c.</remarks>
public sealed class ImaLog
{
    /// <summary>Bytes of a list; a line has some 150.</summary>
    public const int MaxBytes = 64 << 20;

    public const int MaxLines = 500_000, MaxLineBytes = 16 * 1024;

    private const int Sha1Bytes = 20, MaxPathOld = 255;

    private readonly List<(ImaEntry Entry, byte[] Data, byte[] TemplateHash)> _lines = [];
    private List<ImaEntry>? _entries;

    private ImaLog()
    {
    }

    public IReadOnlyList<ImaEntry> Entries => _entries ??= [.. _lines.Select(l => l.Entry)];

    /// <exception cref="TpmException">Malformed, with the line; Unsupported for another template.</exception>
    public static ImaLog Parse(ReadOnlyMemory<byte> text)
    {
        if (text.Length > MaxBytes)
            throw TpmException.Malformed($"IMA log: {text.Length} bytes; at most {MaxBytes} are allowed");
        ImaLog log = new();
        for (int number = 1; !text.IsEmpty; number++)
        {
            int end = text.Span.IndexOf((byte)'\n');
            ReadOnlyMemory<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            if (number > MaxLines || line.Length > MaxLineBytes)
                throw TpmException.Malformed($"IMA log: line {number} is beyond the limit of {MaxLines} lines of {MaxLineBytes} bytes");
            log.Add(line, number);
        }
        return log;
    }

    private void Add(ReadOnlyMemory<byte> line, int number)
    {
        ReadOnlyMemory<byte> rest = line;
        ReadOnlySpan<byte> pcrText = Field(ref rest).Span;
        if (!Utf8Parser.TryParse(pcrText, out int pcr, out int used) || used != pcrText.Length || pcr is < 0 or >= PcrSelection.PcrCount)
            throw Wrong(number, "its PCR");
        byte[] template = Hex(Field(ref rest).Span, number);
        if (template.Length != Sha1Bytes)
            throw new TpmException(TpmError.Unsupported, $"IMA log: line {number} has a template digest of {template.Length} bytes; wanted those of SHA-1, as ascii_runtime_measurements has them");
        ReadOnlySpan<byte> name = Field(ref rest).Span;
        (ImaEntry entry, byte[] data) = name.SequenceEqual("ima-ng"u8) ? Modern("ima-ng", pcr, rest, number)
            : name.SequenceEqual("ima-sig"u8) ? Modern("ima-sig", pcr, rest, number)
            : name.SequenceEqual("ima"u8) ? Old(pcr, rest, number)
            : throw new TpmException(TpmError.Unsupported, $"IMA log: line {number} has template {Escape.Quote(Encoding.UTF8.GetString(name))}; known: ima, ima-ng, ima-sig");
        Span<byte> own = stackalloc byte[Sha1Bytes];
        if (template.AsSpan().ContainsAnyExcept((byte)0))
        {
            TpmAlgorithm.Sha1.Of(data, own);
            if (!own.SequenceEqual(template))
                throw TpmException.Malformed($"IMA log: line {number} is not what its digest {Convert.ToHexStringLower(template)} was made from");
        }
        else
            // All zeros stand for a violation: the PCR was extended with all bits set.
            entry = entry with { Hash = default };
        _lines.Add((entry, data, template));
    }

    /// <summary>Up to the next space.</summary>
    private static ReadOnlyMemory<byte> Field(ref ReadOnlyMemory<byte> rest)
    {
        int space = rest.Span.IndexOf((byte)' ');
        ReadOnlyMemory<byte> field = space < 0 ? rest : rest[..space];
        rest = space < 0 ? default : rest[(space + 1)..];
        return field;
    }

    /// <summary>Fields with a length of 32 bits, little-endian, before each: <c>alg:\0hash</c>, <c>path\0</c>, and the signature.</summary>
    private static (ImaEntry Entry, byte[] Data) Modern(string template, int pcr, ReadOnlyMemory<byte> rest, int number)
    {
        ReadOnlySpan<byte> digest = Field(ref rest).Span;
        int colon = digest.IndexOf((byte)':');
        if (colon is < 1 or > 32)
            throw Wrong(number, "its file's digest");
        byte[] hash = Hex(digest[(colon + 1)..], number);
        // The kernel writes a space in a path as an underscore, so that no path holds one. A signature may be absent.
        ReadOnlyMemory<byte> path = rest;
        byte[] signature = [];
        if (template == "ima-sig")
        {
            int space = rest.Span.LastIndexOf((byte)' ');
            if (space >= 0)
            {
                signature = Hex(rest.Span[(space + 1)..], number);
                path = rest[..space];
            }
        }
        int first = colon + 2 + hash.Length, second = path.Length + 1;
        byte[] data = new byte[8 + first + second + (template == "ima-sig" ? 4 + signature.Length : 0)];
        BinaryPrimitives.WriteInt32LittleEndian(data, first);
        digest[..(colon + 1)].CopyTo(data.AsSpan(4));
        hash.CopyTo(data.AsSpan(4 + colon + 2));
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(4 + first), second);
        path.Span.CopyTo(data.AsSpan(8 + first));
        if (template == "ima-sig")
        {
            BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(8 + first + second), signature.Length);
            signature.CopyTo(data.AsSpan(12 + first + second));
        }
        return (new ImaEntry(pcr, template, Encoding.ASCII.GetString(digest[..colon]), hash, path), data);
    }

    /// <summary>The oldest template: 20 bytes of hash, and the path in 256 bytes with zeros behind.</summary>
    private static (ImaEntry Entry, byte[] Data) Old(int pcr, ReadOnlyMemory<byte> rest, int number)
    {
        byte[] hash = Hex(Field(ref rest).Span, number);
        if (hash.Length != Sha1Bytes || rest.Length > MaxPathOld)
            throw Wrong(number, "its file's digest or path");
        byte[] data = new byte[Sha1Bytes + MaxPathOld + 1];
        hash.CopyTo(data, 0);
        rest.Span.CopyTo(data.AsSpan(Sha1Bytes));
        return (new ImaEntry(pcr, "ima", "sha1", hash, rest), data);
    }

    private static byte[] Hex(ReadOnlySpan<byte> text, int number)
    {
        byte[] bytes = new byte[text.Length / 2];
        return text.Length % 2 == 0 && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done ? bytes : throw Wrong(number, "a hex field");
    }

    private static TpmException Wrong(int number, string what) => TpmException.Malformed($"IMA log: line {number}: {what} is not as the kernel writes it");

    /// <summary>What the kernel's PCR holds after these lines, and after each of them on request.</summary>
    /// <param name="bank">Any; the lines' own digests are of SHA-1, and those of other banks are computed from what the lines say.</param>
    /// <param name="padded">Kernels before 5.8 extended other banks with the SHA-1 digest and zeros behind it.</param>
    /// <param name="wanted">
    /// A PCR's value: the replay ends with the line that gives it, because the kernel goes on adding lines between the quote and the reading.
    /// </param>
    /// <returns>The value and the number of lines that gave it; with <paramref name="wanted"/> null where no line does.</returns>
    public (byte[] Value, int Lines)? Replay(TpmAlgorithm bank, int pcr, bool padded, ReadOnlySpan<byte> wanted = default)
    {
        byte[] value = new byte[bank.Size()];
        Span<byte> digest = stackalloc byte[bank.Size()];
        if (!wanted.IsEmpty && wanted.SequenceEqual(value))
            return (value, 0);
        int number = 0;
        foreach ((ImaEntry entry, byte[] data, byte[] template) in _lines)
        {
            number++;
            if (entry.Pcr != pcr)
                continue;
            if (entry.IsViolation && !template.AsSpan().ContainsAnyExcept((byte)0))
                digest.Fill(0xFF);
            else if (padded || bank == TpmAlgorithm.Sha1)
            {
                digest.Clear();
                template.AsSpan(0, Math.Min(template.Length, digest.Length)).CopyTo(digest);
            }
            else
                bank.Of(data, digest);
            bank.Extend(value, digest);
            if (!wanted.IsEmpty && wanted.SequenceEqual(value))
                return (value, number);
        }
        return wanted.IsEmpty ? (value, number) : null;
    }
}
