using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <content>The files: a folder for each key with <c>key.json</c>, <c>vN.pem</c> (encrypted) and <c>vN.pub.pem</c>.</content>
internal sealed partial class KeyStore
{
    /// <summary>Stored keys; what a store of one user never holds.</summary>
    public const int MaxKeys = 1000;

    private const int MaxJsonBytes = 64 * 1024;
    private const int Attempts = 500;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OthersAny = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Every stored key, by name.</summary>
    /// <exception cref="CommandException">The store cannot be read, or is not its user's alone.</exception>
    public IReadOnlyList<StoredKey> List() => Io(() =>
    {
        if (!Directory.Exists(_folder))
            return [];
        string[] names = [.. Directory.EnumerateDirectories(_folder).Select(f => Path.GetFileName(f)).Where(n => KeyName.TryParse(n, out KeyName? name) && name.Version is null).Take(MaxKeys + 1)];
        if (names.Length > MaxKeys)
            throw new CommandException(ExitCode.Undecided, $"{Escape.Quote(_folder)} holds more than {MaxKeys} keys (MaxKeys)");
        return (IReadOnlyList<StoredKey>)[.. names.Order(StringComparer.Ordinal).Select(Find).OfType<StoredKey>()];
    });

    /// <summary>Null when there is no such key.</summary>
    /// <exception cref="CommandException">It cannot be read, or is not its user's alone.</exception>
    public StoredKey? Find(string name) => Io(() =>
    {
        string json = JsonOf(name);
        if (!File.Exists(json))
            return null;
        MustBeOurs(name);
        try
        {
            return StoredKey.Parse(SmallFile.Read(json, MaxJsonBytes) ?? throw new FormatException($"more than {MaxJsonBytes} bytes (MaxJsonBytes)"), name);
        }
        catch (FormatException e)
        {
            throw new CommandException(ExitCode.Undecided, $"{Escape.Quote(json)} is not as it was written: {Escape.ForTerminal(e.Message)}");
        }
    });

    /// <summary>Whether the private half is there as well.</summary>
    public bool HasPrivate(StoredKey key, StoredVersion version) => File.Exists(PrivateOf(key.Name, version.Number));

    public PublicKey ReadPublic(StoredKey key, StoredVersion version)
    {
        string path = PublicOf(key.Name, version.Number);
        PublicKey read = Named(() => KeyFile.ReadPublic(ReadFile(path), Escape.ForTerminal(path)));
        if (read.Id == version.Id)
            return read;
        using (read)
            throw new CommandException(ExitCode.Refused, $"{Escape.Quote(path)} holds key {read.Id[..16]}…; {key.Name}@v{version.Number} is {version.Id[..16]}…");
    }

    /// <summary>The encrypted PEM of a version, as it lies there.</summary>
    public string ReadEncrypted(StoredKey key, StoredVersion version)
    {
        string path = PrivateOf(key.Name, version.Number);
        if (!File.Exists(path))
            throw CommandException.Usage($"{key.Name}@v{version.Number} has a public half only; it cannot sign");
        if (Io(() => File.GetUnixFileMode(path) & OthersAny) != UnixFileMode.None)
            throw CommandException.Usage($"{Escape.Quote(path)} can be read by others than its owner", $"chmod 600 {Escape.ForTerminal(path)}, and think of rotating the key");
        return ReadFile(path);
    }

    /// <param name="passphrase">Called with what the key is called.</param>
    public ISigner OpenVersion(StoredKey key, StoredVersion version, Func<string, string> passphrase)
    {
        string name = $"{key.Name}@v{version.Number.ToString(CultureInfo.InvariantCulture)}", pem = ReadEncrypted(key, version);
        ISigner signer = Named(() => KeyFile.ReadPrivate(pem, name, () => passphrase(name)));
        if (signer.PublicKey.Id == version.Id)
            return signer;
        using (signer)
            throw new CommandException(ExitCode.Refused, $"{name} is {version.Id[..16]}…; its file holds key {signer.PublicKey.Id[..16]}…");
    }

    /// <summary>Stores a first version.</summary>
    /// <param name="signer">Null stores the public half only.</param>
    /// <exception cref="CommandException">There is a key of this name.</exception>
    public StoredKey Create(string name, int rotationDays, PublicKey key, ISigner? signer, string? passphrase) => Locked(() =>
    {
        if (Find(name) is not null)
            throw CommandException.Usage($"there is a key {name} already", $"plimsoll key rotate {name} makes a new version of it");
        return AddVersion(new StoredKey(name, rotationDays, []), key, signer, passphrase);
    });

    /// <summary>Adds a version to what is stored now.</summary>
    public StoredKey Rotate(string name, ISigner signer, string passphrase, int? rotationDays) => Locked(() =>
    {
        StoredKey now = Find(name) ?? throw CommandException.Usage($"there is no key {name}");
        if (now.Versions.Count >= StoredKey.MaxVersions)
            throw CommandException.Usage($"{name} has {now.Versions.Count} versions (MaxVersions)", "make a key of another name");
        return AddVersion(now with { RotationDays = rotationDays ?? now.RotationDays }, signer.PublicKey, signer, passphrase);
    });

    /// <summary>Marks versions as revoked; they neither sign nor verify from now on.</summary>
    public void MarkRevoked(string name, IReadOnlySet<string> ids, DateTimeOffset since, string? reason) => Locked(() =>
    {
        StoredKey now = Find(name) ?? throw CommandException.Usage($"there is no key {name}");
        WriteJson(now with { Versions = [.. now.Versions.Select(v => ids.Contains(v.Id) && v.Revoked is null ? v with { Revoked = since, Reason = reason } : v)] });
        return now;
    });

    private StoredKey AddVersion(StoredKey before, PublicKey key, ISigner? signer, string? passphrase)
    {
        int number = before.Versions.Count == 0 ? 1 : before.Versions[^1].Number + 1;
        StoredKey after = before with { Versions = [.. before.Versions, new StoredVersion(number, context.Time.GetUtcNow(), key.Algorithm, key.Id)] };
        MakeFolder(Path.Combine(_folder, before.Name));
        // The list comes last: a version is there when all of it is.
        if (signer is not null)
            WriteFile(PrivateOf(before.Name, number), KeyFile.WritePrivate(signer, passphrase ?? throw new ArgumentNullException(nameof(passphrase))));
        WriteFile(PublicOf(before.Name, number), key.ToPem());
        WriteJson(after);
        return after;
    }

    private void WriteJson(StoredKey key) => WriteFile(JsonOf(key.Name), Encoding.UTF8.GetString(key.ToJson()));

    private string JsonOf(string name) => Path.Combine(_folder, name, "key.json");
    private string PrivateOf(string name, int version) => Path.Combine(_folder, name, $"v{version.ToString(CultureInfo.InvariantCulture)}.pem");
    private string PublicOf(string name, int version) => Path.Combine(_folder, name, $"v{version.ToString(CultureInfo.InvariantCulture)}.pub.pem");

    /// <summary>Where others may write, they could lay their public key in the place of one that is trusted.</summary>
    private void MustBeOurs(string name)
    {
        foreach (string folder in (string[])[_folder, Path.Combine(_folder, name)])
            if (!OwnFiles.IsPrivateFolder(folder))
                throw CommandException.Usage($"{Escape.Quote(folder)} belongs to another user, is a link, or others may write in it; its keys are not used", $"make it yours: chmod 700 {Escape.ForTerminal(folder)}");
    }

    private T Locked<T>(Func<T> action) => Io(() =>
    {
        MakeFolder(_folder);
        if (!OwnFiles.IsPrivateFolder(_folder))
            throw CommandException.Usage($"{Escape.Quote(_folder)} belongs to another user, is a link, or others may write in it; no key is put there", $"make it yours: chmod 700 {Escape.ForTerminal(_folder)}");
        using FileStream held = TakeLock(Path.Combine(_folder, ".lock"));
        return action();
    });

    private static void MakeFolder(string path)
    {
        if (!Directory.Exists(path))
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>.NET locks a file that is opened for nobody else; two commands at once wait for each other.</summary>
    private static FileStream TakeLock(string path)
    {
        using ManualResetEventSlim never = new(false);
        for (int attempt = 1; ; attempt++)
            try
            {
                return new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = OwnerOnly });
            }
            catch (IOException e) when (attempt < Attempts && e is not (FileNotFoundException or DirectoryNotFoundException))
            {
                never.Wait(TimeSpan.FromMilliseconds(20));
            }
    }

    /// <summary>In place of the old file at once, and for its owner only from its first byte.</summary>
    private static void WriteFile(string path, string text)
    {
        string draft = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp";
        try
        {
            using (FileStream file = new(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
            {
                file.Write(Encoding.UTF8.GetBytes(text));
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, path, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }

    /// <summary>A private key that leaves the store, for its owner only as well.</summary>
    /// <exception cref="CommandException">The operating system refused; the old file is as it was.</exception>
    public static void WriteAlone(string path, string text)
    {
        try
        {
            WriteFile(Path.GetFullPath(path), text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Undecided, $"cannot write {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", inner: e);
        }
    }

    private T Io<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Undecided, $"the key store {Escape.Quote(_folder)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", inner: e);
        }
    }
}
