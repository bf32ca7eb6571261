using System.Text;
using Plimsoll.Agent.Plugin;
using Plimsoll.Posix;
using Plimsoll.Verify;

namespace Plimsoll.Agent.Gate;

/// <summary>
/// Whose policies this host takes: the ids of the keys that stood in <c>policy.pub</c> when the first policy came into force, a line each. A policy that
/// comes together with another key is refused until somebody removes the file.
/// </summary>
/// <param name="kept">Told of the ids when they are kept; null for who only looks and keeps nothing.</param>
internal sealed class KnownPolicyKeys(string path, Action<IReadOnlyList<string>>? kept)
{
    private const int MaxBytes = 64 * 1024;

    private readonly KeptFile _file = new(path, MaxBytes);

    /// <summary>The file's content; null when there is none.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public byte[]? Read() => !File.Exists(path) ? null : _file.Read() ?? throw new IOException($"{path} is no regular file, or longer than {MaxBytes} bytes (MaxBytes)");

    /// <summary>Whether a policy is of a key that is known.</summary>
    /// <param name="known">As <see cref="Read"/> says.</param>
    /// <returns>Null when it is, and where no key is known yet.</returns>
    public Denial? Check(SignedPolicy signed, byte[]? known) =>
        known is null || Encoding.UTF8.GetString(known).Split('\n').Contains(signed.KeyId, StringComparer.Ordinal) ? null
            : new Denial("policy-key-changed", $"the policy is signed by key {signed.KeyId[..16]}…, and this host takes policies of the keys in {path} alone; to change the key on purpose, remove that file");

    /// <summary>Keeps these keys, on the disk when this returns.</summary>
    /// <returns>The file's content.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public byte[] Keep(IReadOnlyList<string> ids)
    {
        byte[] content = Encoding.UTF8.GetBytes(string.Concat(ids.Select(k => k + "\n")));
        if (kept is null)
            return content;
        DurableFile.Write(path, content, DurableFile.OwnerOnly);
        kept(ids);
        return content;
    }
}
