using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Gate;

/// <summary>The revocation list of this host, for what no image is about: which keys count no longer.</summary>
/// <param name="seen">The highest counters that were seen.</param>
internal sealed class HeldRevocations(AgentPaths paths, Counters seen)
{
    /// <summary>Another text whenever the file is another.</summary>
    public string State => OwnFiles.StateOf(paths.Revocations) ?? "";

    /// <summary>Opens the list that any rule of a policy asks for. Its age is not asked: what an old one names is revoked all the same.</summary>
    /// <param name="refusal">Why a list that is asked for cannot be used; null otherwise.</param>
    /// <returns>Null where no rule asks for one, or it cannot be used.</returns>
    public RevocationList? Find(Policy policy, out BreakGlassRefusal? refusal)
    {
        refusal = null;
        TrustKey[] keys = [.. policy.Trust?.Keys.Where(k => policy.Trust.Images.Any(i => i.Revocations?.Keys.Contains(k.Name, StringComparer.Ordinal) == true)) ?? []];
        if (keys.Length == 0)
            return null;
        string names = string.Join(", ", keys.Select(k => k.Name));
        List<PublicKey> opened = [];
        try
        {
            foreach (TrustedHalf version in keys.SelectMany(k => k.Versions))
                opened.AddRange(KeyFile.ReadPublicKeys(version.Pem, $"the key {version.Id}"));
            byte[] content = SmallFile.ReadRegular(paths.Revocations, RevocationList.MaxBytes) ?? throw new IOException($"{paths.Revocations} is no regular file, or longer than a revocation list may be");
            RevocationList list = RevocationList.Open(content, paths.Revocations, opened, names);
            TrustKey[] by = [.. keys.Where(k => k.Versions.Any(v => v.Id == list.KeyId))];
            long least = Math.Max(by.SelectMany(k => k.Versions).Max(v => seen.HighestRevocations(v.Id)),
                policy.Trust!.Images.Select(i => i.Revocations).OfType<RevocationTrust>().Where(r => by.Any(k => r.Keys.Contains(k.Name, StringComparer.Ordinal))).Max(r => r.Counter));
            if (list.Counter >= least)
                return list;
            refusal = new("revocations", $"the revocation list has counter {list.Counter}; wanted {least} or more");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or RevocationListException or KeyException)
        {
            refusal = new("revocations", $"policy {policy.Name} asks for a revocation list by {names}: {Escape.ForTerminal(e.Message)}");
        }
        finally
        {
            opened.ForEach(k => k.Dispose());
        }
        return null;
    }
}
