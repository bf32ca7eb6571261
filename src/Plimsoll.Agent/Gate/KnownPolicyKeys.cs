using System.Text;
using Plimsoll.Agent.Plugin;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Agent.Gate;

/// <summary>
/// Whose policies this host takes: the ids of the keys that stood in <c>policy.pub</c> when the first policy came into force, a line each, and that policy's name. A policy that
/// comes together with another key is refused until somebody removes the file, and so is one of another name, whose counter begins anew.
/// </summary>
/// <param name="kept">Told of the ids and the name when they are kept; null for who only looks and keeps nothing.</param>
internal sealed class KnownPolicyKeys(string path, Action<IReadOnlyList<string>, string>? kept)
{
    private const int MaxBytes = 64 * 1024;
    private const string NameMark = "name ";

    private readonly KeptFile _file = new(path, MaxBytes);

    /// <summary>The file's content; null when there is none.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public byte[]? Read() => !File.Exists(path) ? null : _file.Read() ?? throw new IOException($"{path} is no regular file, or longer than {MaxBytes} bytes (MaxBytes)");

    /// <summary>Whether a policy is of a key that is known, and goes by the name that is.</summary>
    /// <param name="known">As <see cref="Read"/> says.</param>
    /// <returns>Null when it is, and where nothing is known yet.</returns>
    public Denial? Check(SignedPolicy signed, byte[]? known)
    {
        if (known is null)
            return null;
        string[] lines = LinesOf(known);
        if (!lines.Contains(signed.KeyId, StringComparer.Ordinal))
            return new Denial("policy-key-changed", $"the policy is signed by key {signed.KeyId[..16]}…, and this host takes policies of the keys in {path} alone; to change the key on purpose, remove that file");
        return FindName(lines) is { } name && name != signed.Policy.Name
            ? new Denial("policy-renamed", $"the policy is called {Escape.Quote(signed.Policy.Name)}, and this host takes those called {Escape.Quote(name)}, whose counter it would not go on with; to change the name on purpose, remove {path}") : null;
    }

    /// <summary>The name in a file of this kind; null where it holds none, as 0.1 wrote it.</summary>
    public static string? FindName(IEnumerable<string> lines) => lines.FirstOrDefault(l => l.StartsWith(NameMark, StringComparison.Ordinal))?[NameMark.Length..];

    /// <summary>Keeps these keys and this name where none is kept, on the disk when this returns.</summary>
    /// <param name="known">As <see cref="Read"/> says: keys that are known stay.</param>
    /// <returns>The file's content.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public byte[] Keep(byte[]? known, IReadOnlyList<string> ids, string name)
    {
        if (known is not null && LinesOf(known) is var lines)
        {
            if (FindName(lines) is not null)
                return known;
            ids = [.. lines.Where(l => l.Length > 0)];
        }
        byte[] content = Encoding.UTF8.GetBytes(string.Concat(ids.Append(NameMark + name).Select(l => l + "\n")));
        if (kept is null)
            return content;
        DurableFile.Write(path, content, DurableFile.OwnerOnly);
        kept(ids, name);
        return content;
    }

    private static string[] LinesOf(byte[] content) => Encoding.UTF8.GetString(content).Split('\n');
}
