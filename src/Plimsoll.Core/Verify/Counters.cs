using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>A signed file is older than one that was seen here, or another one has its counter.</summary>
public sealed class CounterException(string message, string hint, Exception? inner = null) : Exception(message, inner)
{
    public string Hint { get; } = hint;
}

/// <summary>
/// The highest counter that was seen of each signed policy or revocation list, by key and name, so that an older one cannot take its place
/// again. One small file for each in a folder of the data folder: counter and digest. May be asked by several threads.
/// </summary>
/// <param name="remark">Told why a counter could not be remembered.</param>
public sealed class Counters(string folder, Action<string> remark)
{
    private const int MaxBytes = 256;
    private const int Attempts = 50;
    private const string RevocationName = "revocations";

    /// <summary>What was seen and could not be written yet, by the file's path: it counts as long as this lives.</summary>
    private readonly ConcurrentDictionary<string, (long Counter, string Digest)> _unwritten = new(StringComparer.Ordinal);

    /// <summary>Refuses what is older than what was seen, or as old and different; remembers it otherwise.</summary>
    /// <param name="name">What it is kept by, beside the key.</param>
    /// <param name="digest">Of the content: two contents must not share a counter.</param>
    /// <param name="file">What the file is called in messages.</param>
    /// <param name="what">What the thing is called in messages: <c>policy NAME</c>.</param>
    /// <param name="family">Ids of the keys that are trusted in place of each other, the versions of one: what one has signed, another must not take back.</param>
    /// <exception cref="CounterException">Refused, with both counters.</exception>
    public void Check(string keyId, IEnumerable<string> family, string name, long counter, string digest, string file, string what)
    {
        ArgumentNullException.ThrowIfNull(family);
        foreach (string other in family.Where(id => id != keyId))
            if (Highest(other, name) is var last && counter <= last)
                throw new CounterException($"{file} has counter {counter}; {what} was seen with {last}, signed by another version of this key",
                    "only a newer one takes its place; versions of a key go on counting");
        string path = PathOf(keyId, name);
        try
        {
            Directory.CreateDirectory(folder);
            using FileStream kept = OpenAlone(path, Attempts);
            (long seen, string seenDigest) = Read(kept);
            if (_unwritten.TryGetValue(path, out (long Counter, string Digest) newer) && newer.Counter > seen)
                (seen, seenDigest) = newer;
            if (counter < seen)
                throw new CounterException($"{file} has counter {counter}; {what} of this key was seen with {seen}",
                    $"only a newer one takes its place; to go back on purpose, remove {Escape.ForTerminal(path)} first");
            if (counter == seen && seenDigest != digest)
                throw new CounterException($"{file} has counter {counter} and other content than {what} of this key had under that counter",
                    "two must not share a counter: sign it again with a higher one");
            if (counter == seen)
                return;
            Write(kept, counter, digest);
            _unwritten.TryRemove(path, out _);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The file itself is right; a home that cannot be written must not keep a pipeline from judging by it. What is remembered there counts all the same.
            if (Math.Max(Remembered(path), Unwritten(path)) is var last && counter < last)
                throw new CounterException($"{file} has counter {counter}; {what} of this key was seen with {last}", "only a newer one takes its place", e);
            _unwritten[path] = (counter, digest);
            remark(Escape.ForTerminal(e.Message));
        }
    }

    /// <summary>Tries once more to write what could not be written when it was seen; for who lives long.</summary>
    public void Settle()
    {
        foreach ((string path, (long counter, string digest)) in _unwritten)
            try
            {
                Directory.CreateDirectory(folder);
                using FileStream kept = OpenAlone(path, 1);
                if (Read(kept).Counter < counter)
                    Write(kept, counter, digest);
                _unwritten.TryRemove(new(path, (counter, digest)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It was said when it came; the next time may fare better.
            }
    }

    /// <summary>As the other form, for a policy: kept by its name.</summary>
    public void Check(SignedPolicy signed, IEnumerable<string> family, string file)
    {
        ArgumentNullException.ThrowIfNull(signed);
        Check(signed.KeyId, family, signed.Policy.Name, signed.Counter, PolicyJson.DigestOf(signed.Policy), file, $"policy {signed.Policy.Name}");
    }

    /// <summary>As the other form, for a revocation list, of which a key has one.</summary>
    public void Check(RevocationList list, IEnumerable<string> family, string file)
    {
        ArgumentNullException.ThrowIfNull(list);
        Check(list.KeyId, family, RevocationName, list.Counter, list.ContentDigest, file, "the revocation list");
    }

    /// <summary>The highest counter that was seen of this key's revocation lists; 0 when none was.</summary>
    public long HighestRevocations(string keyId) => Highest(keyId, RevocationName);

    /// <summary>The highest counter that was seen; 0 when none was.</summary>
    public long Highest(string keyId, string name)
    {
        string path = PathOf(keyId, name);
        try
        {
            if (!File.Exists(path))
                return Unwritten(path);
            using FileStream file = OpenAlone(path, Attempts);
            return Math.Max(Read(file).Counter, Unwritten(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Math.Max(Remembered(path), Unwritten(path));
        }
    }

    /// <summary>As <see cref="Highest"/>, with the digest under that counter; empty when it is not known. Null when nothing was seen.</summary>
    public (long Counter, string Digest)? Find(string keyId, string name)
    {
        string path = PathOf(keyId, name);
        try
        {
            return !File.Exists(path) ? null : SmallFile.ReadRegular(path, MaxBytes) is { } bytes ? Parse(bytes) : (long.MaxValue, "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (long.MaxValue, "");
        }
    }

    private long Unwritten(string path) => _unwritten.TryGetValue(path, out (long Counter, string Digest) seen) ? seen.Counter : 0;

    private static void Write(FileStream file, long counter, string digest)
    {
        byte[] text = Encoding.ASCII.GetBytes($"{counter.ToString(CultureInfo.InvariantCulture)} {digest}\n");
        file.Position = 0;
        file.Write(text);
        file.SetLength(text.Length);
        file.Flush(flushToDisk: true);
    }

    /// <summary>The counter of a file that cannot be opened for writing; the highest there is when it is there and cannot be read either.</summary>
    private static long Remembered(string path)
    {
        try
        {
            return !File.Exists(path) ? 0 : SmallFile.ReadRegular(path, MaxBytes) is { } bytes ? Parse(bytes).Counter : long.MaxValue;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return long.MaxValue;
        }
    }

    private string PathOf(string keyId, string name) => Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{keyId}\n{name}")))[..32]);

    /// <summary>What cannot be read counts as the highest there is: damage must not open the way back.</summary>
    private static (long Counter, string Digest) Read(FileStream file)
    {
        byte[] bytes = new byte[MaxBytes];
        return Parse(bytes.AsSpan(0, file.ReadAtLeast(bytes, MaxBytes, throwOnEndOfStream: false)));
    }

    private static (long Counter, string Digest) Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return (0, "");
        string[] parts = Encoding.ASCII.GetString(bytes).TrimEnd('\n').Split(' ');
        return parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long counter) ? (counter, parts[1]) : (long.MaxValue, "");
    }

    /// <summary>.NET locks a file that is opened for nobody else; two scans at once wait for each other for a second.</summary>
    private static FileStream OpenAlone(string path, int attempts)
    {
        using ManualResetEventSlim never = new(false);
        for (int attempt = 1; ; attempt++)
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            }
            catch (IOException e) when (attempt < attempts && e is not (FileNotFoundException or DirectoryNotFoundException))
            {
                never.Wait(TimeSpan.FromMilliseconds(20));
            }
    }
}
