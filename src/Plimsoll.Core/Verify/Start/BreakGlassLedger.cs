using System.Globalization;
using System.Text;
using Plimsoll.Posix;

namespace Plimsoll.Verify.Start;

/// <summary>
/// How often each token was used: small files, which are on the disk before a start is let through and outlive tokens, agents and boots. For one process; its methods may be
/// called from several threads.
/// </summary>
/// <param name="folder">0700, made when it is not there.</param>
public sealed class BreakGlassLedger(string folder)
{
    private const int MaxBytes = 64;
    private const UnixFileMode PrivateFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly Lock _gate = new();

    /// <summary>Uses up to now. What cannot be read counts as the most there is: damage must not give uses back.</summary>
    public int UsesOf(string nonce)
    {
        ArgumentNullException.ThrowIfNull(nonce);
        lock (_gate)
            return Read(nonce) is not { } text ? 0 : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int uses) ? uses : int.MaxValue;
    }

    /// <summary>Counts one use, when there is one left.</summary>
    /// <returns>The number of this use, from 1; null when all are used up.</returns>
    /// <exception cref="IOException">It cannot be written down; the start must not be let through.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public int? TryUse(BreakGlassToken token)
    {
        ArgumentNullException.ThrowIfNull(token);
        lock (_gate)
        {
            int uses = UsesOf(token.Nonce);
            if (uses >= token.Uses)
                return null;
            Write(token.Nonce, (uses + 1).ToString(CultureInfo.InvariantCulture));
            return uses + 1;
        }
    }

    /// <returns>Null when there is no such file; what cannot be read is an empty text.</returns>
    private string? Read(string name)
    {
        string path = Path.Combine(folder, name);
        try
        {
            return Path.Exists(path) ? SmallFile.ReadRegular(path, MaxBytes) is { } bytes ? Encoding.ASCII.GetString(bytes).TrimEnd('\n') : "" : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(folder, PrivateFolder);
        DurableFile.Write(Path.Combine(folder, name), Encoding.ASCII.GetBytes(text + "\n"), DurableFile.OwnerOnly);
    }
}
