using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Cli;

/// <summary>Opens revocation lists that a user named.</summary>
internal static class RevocationSource
{
    public static Counters CountersOf(CliContext context) => new(context.Home.Revocations,
        reason => context.Error.WriteLine($"plimsoll: note: {Catalogue.RevocationCounterNotKept.In(context.Language, reason)}"));

    /// <param name="keyName">Key that it must be signed with: a stored one or a file.</param>
    /// <param name="counters">Null: counters are neither compared nor remembered.</param>
    /// <exception cref="CommandException">Usage for a file that cannot be used, refused for a signature or counter that is not right.</exception>
    public static RevocationList Open(string path, string keyName, KeyStore keys, Counters? counters)
    {
        using KeyRing ring = keys.OpenPublic(keyName);
        return Open(path, ring.Keys, ring.Name, counters);
    }

    /// <summary>The same with keys that are open.</summary>
    public static RevocationList Open(string path, IReadOnlyList<PublicKey> keys, string keyName, Counters? counters)
    {
        string name = Escape.ForTerminal(path);
        try
        {
            byte[] content = SmallFile.Read(path, RevocationList.MaxBytes)
                ?? throw CommandException.Usage($"the revocation list {Escape.Quote(path)} is longer than {RevocationList.MaxBytes} bytes (MaxBytes)");
            RevocationList list = RevocationList.Open(content, name, keys, keyName);
            if (counters is not null)
                Remember(counters, list, keys.Select(k => k.Id), path);
            return list;
        }
        catch (RevocationListException e)
        {
            throw new CommandException(e.Error == RevocationListError.BadSignature ? ExitCode.Refused : ExitCode.Usage, e.Message, e.Hint, e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.Usage($"there is no revocation list {Escape.Quote(path)}", "plimsoll key revoke --list FILE --key KEY makes one");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read the revocation list {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }

    /// <param name="family">Ids of the versions of the key that signed it.</param>
    /// <exception cref="CommandException">A newer one was seen, or another one of the same counter.</exception>
    public static void Remember(Counters counters, RevocationList list, IEnumerable<string> family, string path)
    {
        try
        {
            counters.Check(list, family, Escape.ForTerminal(path));
        }
        catch (CounterException e)
        {
            throw new CommandException(ExitCode.Refused, e.Message, e.Hint, e);
        }
    }
}
