using System.CommandLine;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Cli.Commands;

/// <content><c>plimsoll key revoke</c> and <c>plimsoll key revoke image</c>.</content>
internal static partial class KeyCommand
{
    /// <summary>The word after <c>revoke</c> that is not a key's name.</summary>
    private const string ImageWord = "image";

    private sealed record RevokeOptions(Option<string> List, Option<string> Key, Option<string?> Reason, Option<string?> Passphrase)
    {
        public static RevokeOptions Create(CliContext context) => new(
            new Option<string>("--list") { HelpName = "FILE", Description = Catalogue.HelpKeyRevokeList.In(context.Language), Required = true },
            new Option<string>("--key") { HelpName = "NAME|FILE", Description = Catalogue.HelpKeyRevokeKey.In(context.Language), Required = true },
            new Option<string?>("--reason") { HelpName = "TEXT", Description = Catalogue.HelpKeyRevokeReason.In(context.Language) },
            PassphraseSource.Option(context));
    }

    private static Command Revoke(CliContext context)
    {
        Argument<string?> key = new("KEY") { Description = Catalogue.HelpKeyRevoke.In(context.Language), Arity = ArgumentArity.ZeroOrOne };
        RevokeOptions options = RevokeOptions.Create(context);
        Command command = new("revoke", Catalogue.KeyRevokeSummary.In(context.Language)) { key, options.List, options.Key, options.Reason, options.Passphrase, RevokeImage(context) };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            KeyStore store = new(context);
            string reason = line.GetValue(options.Reason) ?? "";
            DateTimeOffset now = context.Time.GetUtcNow();
            HashSet<string> ids = new(StringComparer.Ordinal);
            StoredKey? stored = null;
            if (line.GetValue(key) is { } wanted)
            {
                if (store.FindNamed(wanted) is var (found, named))
                {
                    stored = found;
                    StoredVersion[] versions = [.. found.Versions.Where(v => named.Version is null || v.Number == named.Version)];
                    if (versions.Length == 0)
                        throw KeyStore.NoVersion(found, named);
                    foreach (StoredVersion version in versions)
                        ids.UnionWith(IdsOf(store, found, version));
                }
                else if (wanted.Length == 64 && wanted.All(char.IsAsciiHexDigitLower))
                    ids.Add(wanted);
                else
                    using (KeyRing ring = store.OpenPublic(wanted))
                        ids.UnionWith(ring.Keys.SelectMany(k => k.Ids));
            }
            int code = Write(context, line, options, store, [.. ids.Select(id => new RevokedKey(id, now, reason))], [], cancellationToken);
            // Last: a key that is marked here and on no list would still count everywhere else.
            if (stored is not null)
                store.MarkRevoked(stored.Name, ids, now, reason.Length > 0 ? reason : null);
            return code;
        }, cancellationToken));
        return command;
    }

    /// <summary>Of a hybrid key those of its parts too: whoever has the key has both, and somebody may trust one of them by itself.</summary>
    private static IReadOnlyList<string> IdsOf(KeyStore store, StoredKey key, StoredVersion version)
    {
        if (version.Algorithm.Classical() is null)
            return [version.Id];
        using PublicKey both = store.ReadPublic(key, version);
        return both.Ids;
    }

    private static Command RevokeImage(CliContext context)
    {
        Argument<string> digest = new("DIGEST") { Description = Catalogue.HelpKeyRevokeDigest.In(context.Language) };
        RevokeOptions options = RevokeOptions.Create(context);
        Command command = new(ImageWord, Catalogue.KeyRevokeImageSummary.In(context.Language)) { digest, options.List, options.Key, options.Reason, options.Passphrase };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            string text = line.GetRequiredValue(digest);
            if (!Digest.TryParse(text[(text.LastIndexOf('@') + 1)..], out Digest? image))
                throw CommandException.Usage($"{Escape.Quote(text)} is no digest; wanted sha256: and 64 lower-case hex digits, since a tag may be another image tomorrow");
            return Write(context, line, options, new KeyStore(context), [], [new RevokedImage(image, context.Time.GetUtcNow(), line.GetValue(options.Reason) ?? "")], cancellationToken);
        }, cancellationToken));
        return command;
    }

    /// <summary>Adds to the list that is there, signs it with the next counter, and puts it in the old one's place.</summary>
    private static int Write(CliContext context, ParseResult line, RevokeOptions options, KeyStore store, IReadOnlyList<RevokedKey> keys, IReadOnlyList<RevokedImage> images, CancellationToken cancellationToken)
    {
        string path = line.GetRequiredValue(options.List), keyName = line.GetRequiredValue(options.Key);
        OutputTarget target = new("list", path);
        target.Check();
        if ((line.GetValue(options.Reason) ?? "") is var reason && (reason.Length > RevocationList.MaxReasonLength || reason.Any(char.IsControl)))
            throw CommandException.Usage($"--reason has {reason.Length} characters, or control characters; wanted at most {RevocationList.MaxReasonLength} (MaxReasonLength)");
        using ISigner signer = store.OpenSigner(keyName, new PassphraseSource(context, line.GetValue(options.Passphrase)), cancellationToken);
        IReadOnlyList<string> own = signer.PublicKey.Ids;
        if (keys.Any(k => own.Contains(k.Id, StringComparer.Ordinal)))
            throw CommandException.Usage("the key that is to be revoked cannot sign the list: whoever has it could sign another one", "name another key: --key NAME|FILE");
        Counters counters = RevocationSource.CountersOf(context);
        RevocationList old = Before(context, path, keyName, signer, store, counters);
        if (own.Any(id => old.FindKey(id) is not null))
            throw new CommandException(ExitCode.Refused, $"{Escape.ForTerminal(path)} revokes the key that is to sign it", "name another key: --key NAME|FILE");
        RevocationList list = old with { Counter = old.Counter + 1, Signed = context.Time.GetUtcNow(), Keys = [.. old.Keys, .. keys], Images = [.. old.Images, .. images] };
        byte[] content;
        try
        {
            content = list.Sign(signer);
            list = RevocationList.Open(content, Escape.ForTerminal(path), [signer.PublicKey], "the key");
        }
        catch (RevocationListException e)
        {
            throw CommandException.Usage(e.Message, e.Hint);
        }
        target.WriteFile(content);
        // Signing is seeing: the next one of this machine gets the next counter.
        RevocationSource.Remember(counters, list, [list.KeyId], path);
        context.Out.WriteLine(Catalogue.RevocationsSigned.In(context.Language, Escape.ForTerminal(path), list.Counter, list.Keys.Count, list.Images.Count, list.KeyId[..16]));
        return ExitCode.Done;
    }

    /// <summary>The list that is there, with the highest counter that is known; an empty one when there is none.</summary>
    private static RevocationList Before(CliContext context, string path, string keyName, ISigner signer, KeyStore store, Counters counters)
    {
        // A stored key has older versions, one of which may have signed the list that is there.
        StoredKey? stored = store.FindNamed(keyName)?.Key;
        string[] ids = stored is null ? [signer.PublicKey.Id] : [.. stored.Versions.Select(v => v.Id)];
        long highest = ids.Max(counters.HighestRevocations);
        if (!File.Exists(path))
            return highest == 0 ? new RevocationList(0, DateTimeOffset.UnixEpoch, [], [])
                : throw new CommandException(ExitCode.Refused, $"there is no {Escape.ForTerminal(path)}, and this key has signed a list with counter {highest}: a new one would forget what that revokes",
                    $"name that list, or remove {Escape.ForTerminal(context.Home.Revocations)} to begin anew");
        RevocationList old = stored is null ? RevocationSource.Open(path, [signer.PublicKey], Escape.ForTerminal(keyName), null) : RevocationSource.Open(path, stored.Name, store, null);
        if (old.Counter < highest)
            throw new CommandException(ExitCode.Refused, $"{Escape.ForTerminal(path)} has counter {old.Counter}; this key has signed {highest}: what the newer one revokes would be forgotten", "begin with the newest list");
        return old;
    }
}
