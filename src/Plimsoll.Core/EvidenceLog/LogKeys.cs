using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.EvidenceLog;

/// <summary>
/// The private keys of now, in one file. Each key serves once and announces its successor: an epoch's key signs one checkpoint, a file's
/// key one first line. Used keys are overwritten, so that who takes the host later cannot sign its past anew.
/// </summary>
/// <remarks>
/// The file holds the next key as well as the one after it. A line that announces a key is on the disk before the key it was signed with is
/// given up; a crash in between is seen by the line, whose announced key is the next one of the file. Overwriting reaches the blocks of
/// the old file where the file system writes in place; docs/formats/evidence-log.md says where it does not.
/// </remarks>
internal sealed class LogKeys : IDisposable
{
    private const string Magic = "plimsoll-log-key 1";
    private const int MaxFileBytes = 32 * 1024;

    private readonly string _path;
    private readonly KeyAlgorithm _algorithm;

    private LogKeys(string path, KeyAlgorithm algorithm) => (_path, _algorithm) = (path, algorithm);

    /// <summary>Signed the first line of all; its public half is what verifiers hold.</summary>
    public byte[] FirstKey { get; private init; } = [];

    /// <summary>Number of the file that is written.</summary>
    public long File { get; private set; } = 1;

    /// <summary>Of the next checkpoint.</summary>
    public long Epoch { get; private set; }

    /// <summary>The last checkpoint; 0 before the first.</summary>
    public long Sequence { get; private set; }
    public string Digest { get; private set; } = LogLine.NoLine;

    public ISigner EpochKey { get; private set; } = null!;
    public ISigner NextEpochKey { get; private set; } = null!;

    /// <summary>Signs the first line of the file after <see cref="File"/>.</summary>
    public ISigner FileKey { get; private set; } = null!;
    public ISigner NextFileKey { get; private set; } = null!;

    /// <summary>Whether the file does not hold what is in memory, because the disk was full.</summary>
    public bool IsDirty { get; private set; }

    /// <summary>Keys of a new log, not yet stored.</summary>
    /// <param name="firstKey">The public half of what signs the first line.</param>
    public static LogKeys Create(string path, KeyAlgorithm algorithm, PublicKey firstKey) => new(path, algorithm)
    {
        FirstKey = firstKey.Spki.ToArray(),
        EpochKey = KeyFile.Generate(algorithm),
        NextEpochKey = KeyFile.Generate(algorithm),
        FileKey = KeyFile.Generate(algorithm),
        NextFileKey = KeyFile.Generate(algorithm),
        IsDirty = true,
    };

    /// <returns>Null when there is no such file.</returns>
    /// <exception cref="EvidenceLogException">It holds something else, or cannot be read.</exception>
    public static LogKeys? Open(string path, KeyAlgorithm algorithm)
    {
        if (!System.IO.File.Exists(path))
            return null;
        byte[]? bytes = null;
        try
        {
            bytes = SmallFile.ReadRegular(path, MaxFileBytes) ?? throw new FormatException($"no file of at most {MaxFileBytes} bytes");
            return Parse(bytes, path, algorithm);
        }
        catch (Exception e) when (e is FormatException or KeyException)
        {
            throw new EvidenceLogException(EvidenceLogFault.Damaged, $"{path}: {Escape.ForTerminal(e.Message)}", inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EvidenceLogException(EvidenceLogFault.Unreadable, $"{path} cannot be read: {Escape.ForTerminal(e.Message)}", inner: e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>After a checkpoint is on the disk: its key goes, the one that it announced comes.</summary>
    public void AdvanceEpoch(long sequence, string digest)
    {
        EpochKey.Dispose();
        (EpochKey, NextEpochKey) = (NextEpochKey, KeyFile.Generate(_algorithm));
        (Epoch, Sequence, Digest, IsDirty) = (Epoch + 1, sequence, digest, true);
    }

    /// <summary>After a file's first line is on the disk.</summary>
    public void AdvanceFile()
    {
        FileKey.Dispose();
        (FileKey, NextFileKey) = (NextFileKey, KeyFile.Generate(_algorithm));
        (File, IsDirty) = (File + 1, true);
    }

    /// <summary>Stores what is in memory and overwrites what was stored before.</summary>
    /// <exception cref="EvidenceLogException">The operating system refused; it may be tried again.</exception>
    public void Save()
    {
        if (!IsDirty)
            return;
        byte[] bytes = ToBytes();
        try
        {
            using SafeFileHandle? former = System.IO.File.Exists(_path) ? System.IO.File.OpenHandle(_path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete) : null;
            DurableFile.Write(_path, bytes, DurableFile.OwnerOnly);
            IsDirty = false;
            if (former is null)
                return;
            RandomAccess.Write(former, new byte[RandomAccess.GetLength(former)], 0);
            RandomAccess.FlushToDisk(former);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw EvidenceLogException.OfWrite(_path, e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    public void Dispose()
    {
        EpochKey?.Dispose();
        NextEpochKey?.Dispose();
        FileKey?.Dispose();
        NextFileKey?.Dispose();
    }

    /// <summary>Bytes and no texts: what holds a key is overwritten after use, and a text cannot be.</summary>
    private byte[] ToBytes()
    {
        byte[] made = new byte[MaxFileBytes];
        int length = 0;
        Ascii(string.Create(CultureInfo.InvariantCulture, $"{Magic}\nfirst {Convert.ToBase64String(FirstKey)}\nfile {File}\nepoch {Epoch}\nsequence {Sequence}\ndigest {Digest}\n"));
        Key("epoch-key ", EpochKey);
        Key("next-epoch-key ", NextEpochKey);
        Key("file-key ", FileKey);
        Key("next-file-key ", NextFileKey);
        byte[] whole = made[..length];
        CryptographicOperations.ZeroMemory(made);
        return whole;

        void Ascii(string text) => length += Encoding.ASCII.GetBytes(text, made.AsSpan(length));

        void Key(string name, ISigner signer)
        {
            Ascii(name);
            byte[] pkcs8 = KeyFile.ExportPkcs8(signer);
            Base64.EncodeToUtf8(pkcs8, made.AsSpan(length), out _, out int written);
            CryptographicOperations.ZeroMemory(pkcs8);
            length += written;
            made[length++] = (byte)'\n';
        }
    }

    private static LogKeys Parse(byte[] bytes, string path, KeyAlgorithm algorithm)
    {
        Dictionary<string, Range> values = [];
        int at = 0;
        bool first = true;
        while (at < bytes.Length)
        {
            int end = Array.IndexOf(bytes, (byte)'\n', at);
            if (end < 0)
                throw new FormatException("it was cut off");
            ReadOnlySpan<byte> line = bytes.AsSpan(at, end - at);
            int space = line.IndexOf((byte)' ');
            if (first ? !line.SequenceEqual(Encoding.ASCII.GetBytes(Magic)) : space <= 0 || !values.TryAdd(Encoding.ASCII.GetString(line[..space]), (at + space + 1)..end))
                throw new FormatException("no keys of an evidence log");
            first = false;
            at = end + 1;
        }
        LogKeys keys = new(path, algorithm)
        {
            FirstKey = Convert.FromBase64String(Text("first")),
            File = Number("file", 1),
            Epoch = Number("epoch", 0),
            Sequence = Number("sequence", 0),
            Digest = LogLine.IsDigest(Text("digest")) ? Text("digest") : throw new FormatException("digest is none"),
        };
        try
        {
            keys.EpochKey = Key("epoch-key");
            keys.NextEpochKey = Key("next-epoch-key");
            keys.FileKey = Key("file-key");
            keys.NextFileKey = Key("next-file-key");
            return keys;
        }
        catch (Exception)
        {
            keys.Dispose();
            throw;
        }

        Range At(string name) => values.TryGetValue(name, out Range range) ? range : throw new FormatException($"{name} is missing");

        string Text(string name) => Encoding.ASCII.GetString(bytes.AsSpan(At(name)));

        long Number(string name, long least) => long.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least ? number : throw new FormatException($"{name} is no number");

        ISigner Key(string name)
        {
            byte[] pkcs8 = new byte[4096];
            try
            {
                return Base64.DecodeFromUtf8(bytes.AsSpan(At(name)), pkcs8, out _, out int written) == System.Buffers.OperationStatus.Done
                    ? KeyFile.ReadPkcs8(pkcs8.AsMemory(0, written), name) : throw new FormatException($"{name} is no base64");
            }
            finally
            {
                CryptographicOperations.ZeroMemory(pkcs8);
            }
        }
    }
}
