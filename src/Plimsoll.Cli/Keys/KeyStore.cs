using System.Text;
using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>
/// Opens keys by the name a user gives them: <c>NAME</c> or <c>NAME@vN</c> of the user's own store, the name of a device's key, or a path. Every verb that signs or checks a
/// signature uses it. Source: docs/formats/keys.md, "Key store".
/// </summary>
internal sealed partial class KeyStore(CliContext context)
{
    private readonly string _folder = context.Home.Keys;

    /// <summary>The public keys behind a name: of a stored key every version that was not revoked, of a file every key in it.</summary>
    /// <exception cref="CommandException">There is no such key, or it cannot be used; refused when it was revoked.</exception>
    public KeyRing OpenPublic(string nameOrPath)
    {
        if (TpmKeys.IsOne(nameOrPath))
            return TpmKeys.OpenPublic(context, nameOrPath);
        if (HardwareKey.Find(nameOrPath, context) is { } device)
            return device.OpenPublic();
        if (FindNamed(nameOrPath) is var (key, wanted))
        {
            List<StoredVersion> versions = [.. key.Versions.Reverse().Where(v => wanted.Version is null ? v.Revoked is null : v.Number == wanted.Version)];
            if (versions is [{ Revoked: { } revoked } only])
                throw new CommandException(ExitCode.Refused, $"{key.Name}@v{only.Number} was revoked on {StoredKey.Written(revoked)}");
            if (versions.Count == 0)
                throw wanted.Version is null ? new CommandException(ExitCode.Refused, $"every version of {key.Name} was revoked", $"make a new one: plimsoll key rotate {key.Name}") : NoVersion(key, wanted);
            return new KeyRing(wanted.ToString(), [.. versions.Select(v => ReadPublic(key, v))]);
        }
        string name = Escape.ForTerminal(nameOrPath);
        return Named(() => new KeyRing(name, KeyFile.ReadPublicKeys(ReadFile(nameOrPath), name)), MakeOne);
    }

    /// <summary>The private key behind a name: of a stored key the newest version that was not revoked. Asks for its passphrase.</summary>
    /// <exception cref="CommandException">There is no such key, it cannot be used, or the passphrase is not right.</exception>
    public ISigner OpenSigner(string nameOrPath, PassphraseSource passphrases, CancellationToken cancellationToken)
    {
        if (TpmKeys.IsOne(nameOrPath))
            return TpmKeys.OpenSigner(context, nameOrPath);
        if (HardwareKey.Find(nameOrPath, context) is { } device)
            return device.OpenSigner(passphrases, cancellationToken);
        if (FindNamed(nameOrPath) is var (key, wanted))
        {
            StoredVersion version = wanted.Version is { } number ? key.Versions.FirstOrDefault(v => v.Number == number) ?? throw NoVersion(key, wanted)
                : key.Current ?? throw new CommandException(ExitCode.Refused, $"every version of {key.Name} was revoked", $"make a new one: plimsoll key rotate {key.Name}");
            if (version.Revoked is { } revoked)
                throw new CommandException(ExitCode.Refused, $"{key.Name}@v{version.Number} was revoked on {StoredKey.Written(revoked)}");
            if (key.IsDue(context.Time.GetUtcNow()) && version == key.Current)
                foreach (string remark in Commands.KeyCommand.Remarks(key with { Versions = [version] }, context))
                    context.Error.WriteLine($"plimsoll: note: {remark}");
            return OpenVersion(key, version, name => passphrases.Get(name, cosign: false, cancellationToken));
        }
        return OpenFile(nameOrPath, (name, cosign) => passphrases.Get(name, cosign, cancellationToken));
    }

    /// <summary>A private key of a file, in any of the forms.</summary>
    /// <param name="passphrase">Name of the key, and whether it is a file of cosign; called when the file needs one.</param>
    public static ISigner OpenFile(string path, Func<string, bool, string> passphrase)
    {
        string pem = ReadFile(path), name = Escape.ForTerminal(path);
        return Named(() => CosignKeyFile.IsOne(pem) ? CosignKeyFile.Read(pem, name, () => passphrase(name, true)) : KeyFile.ReadPrivate(pem, name, () => passphrase(name, false)), MakeOne);
    }

    /// <summary>The public key of a file; null when it holds a private one.</summary>
    public static PublicKey? FindPublicFile(string path)
    {
        string pem = ReadFile(path), name = Escape.ForTerminal(path);
        return pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal) ? null : Named(() => KeyFile.ReadPublic(pem, name));
    }

    /// <summary>Whether it is a file, and holds a private key.</summary>
    public bool IsPrivateFile(string nameOrPath)
    {
        if (HardwareKey.Find(nameOrPath, context) is not null || FindNamed(nameOrPath) is not null)
            return false;
        return ReadFile(nameOrPath).Contains("PRIVATE KEY-----", StringComparison.Ordinal);
    }

    /// <summary>The public half of a private key of a file.</summary>
    public static PublicKey PublicOfPrivate(string path, Func<string, bool, string> passphrase)
    {
        using ISigner signer = OpenFile(path, passphrase);
        return KeyFile.ReadSpki(signer.PublicKey.Spki, Escape.ForTerminal(path));
    }

    /// <summary>The stored key that an argument names, with the version it asks for; null when it is a path, or names nothing that is stored.</summary>
    public (StoredKey Key, KeyName Wanted)? FindNamed(string text) => KeyName.TryParse(text, out KeyName? name) && Find(name.Name) is { } key ? (key, name) : null;

    internal static CommandException NoVersion(StoredKey key, KeyName wanted) =>
        CommandException.Usage($"there is no {wanted}", $"versions of {key.Name}: {string.Join(", ", key.Versions.Select(v => $"v{v.Number}"))}");

    private const string MakeOne = "make one: plimsoll key generate NAME";

    private static T Named<T>(Func<T> open, string? hint = null)
    {
        try
        {
            return open();
        }
        catch (KeyException e) when (e is not KeyUnsupportedException)
        {
            throw CommandException.Usage(e.Message, e.Hint ?? hint);
        }
    }

    private static string ReadFile(string path)
    {
        try
        {
            byte[] pem = SmallFile.Read(path, PublicKey.MaxPemBytes) ?? throw CommandException.Usage($"{Escape.Quote(path)} has more than {PublicKey.MaxPemBytes} bytes (MaxPemBytes); it is no key");
            return Encoding.UTF8.GetString(pem);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.Usage($"there is no key {Escape.Quote(path)}, neither stored nor as a file", "plimsoll key list shows those that are stored; plimsoll key generate NAME makes one");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read the key {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }
}
