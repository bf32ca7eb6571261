using System.Security.Cryptography;
using Plimsoll.Posix;

namespace Plimsoll.Agent.Gate;

/// <summary>SHA-384 of files, read anew only when device, inode, length or one of their times changed.</summary>
/// <remarks>For one thread. A container chooses which files there are, so that the bytes of one round have a limit.</remarks>
internal sealed class FileHashes
{
    /// <summary>Bytes that one container may have read in one round; the rest is read in the rounds after it.</summary>
    public const long MaxBytes = 8L << 30;

    private readonly Recent<string, string> _hashes = new();
    private readonly byte[] _buffer = new byte[128 * 1024];
    private long _left;

    /// <summary>Whether something was left out since <see cref="Begin"/>.</summary>
    public bool LeftOut { get; private set; }

    /// <summary>How many are remembered.</summary>
    public int Count => _hashes.Count;

    /// <summary>From here on another container's files are read.</summary>
    public void Begin() => (_left, LeftOut) = (MaxBytes, false);

    /// <summary>Forgets what this round did not ask for.</summary>
    public void EndRound() => _hashes.EndRound();

    /// <summary>Hex; null for what is gone, what is no regular file, and what was left out.</summary>
    public string? Of(string path, CancellationToken cancellationToken)
    {
        // The state comes first: a file that changes while it is read has another one next time.
        if (OwnFiles.StateOfRegular(path) is not { } state)
            return null;
        if (_hashes.TryGet(state, out string? known))
            return known;
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            long length = file.Length;
            if (length > _left)
            {
                LeftOut = true;
                return null;
            }
            _left -= length;
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
            // No more than it had: something else may stand there by now.
            for (int got; length > 0 && (got = file.Read(_buffer, 0, (int)Math.Min(_buffer.Length, length))) > 0; length -= got)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.AppendData(_buffer, 0, got);
            }
            string hex = Convert.ToHexStringLower(hash.GetHashAndReset());
            _hashes.Set(state, hex);
            return hex;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Whether it begins as a program or library does.</summary>
    public static bool IsElf(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            Span<byte> head = stackalloc byte[4];
            return file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && head.SequenceEqual("\u007fELF"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
