using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Gate;

/// <summary>What a token let through: for the evidence log.</summary>
/// <param name="Signers">Names of the policy's keys.</param>
/// <param name="Use">The how manieth, from 1.</param>
/// <param name="Codes">The refusals that were overridden.</param>
internal sealed record BreakGlassUse(BreakGlassToken Token, IReadOnlyList<string> Signers, int Use, IReadOnlyList<string> Codes);

/// <summary>
/// The tokens of this host: files in a folder of the agent's. They are read when something was refused and at no other time; which of them count is
/// decided anew each time, by the policy that holds.
/// </summary>
/// <param name="host">This host's id.</param>
/// <param name="time">What the clock says, right or wrong.</param>
/// <param name="refused">Told once of each file that does not count, with the reason.</param>
internal sealed class BreakGlass(AgentPaths paths, string host, HeldPolicy policy, HeldRevocations revocations, TimeProvider time, HostClock clock, Action<string, BreakGlassRefusal> refused)
{
    /// <summary>Files that are looked at.</summary>
    public const int MaxTokens = 100;

    private sealed record Opened(string State, Judging By, BreakGlassToken? Token, IReadOnlyList<string> Signers, BreakGlassRefusal? Refusal)
    {
        /// <summary>The last reason that was told of.</summary>
        public string Said { get; set; } = "";
    }

    /// <summary>What tokens are judged by.</summary>
    /// <param name="State">Of the list's file.</param>
    /// <param name="Refusal">Why no token counts.</param>
    private sealed record Judging(Policy Policy, string State, RevocationList? Revoked, BreakGlassRefusal? Refusal);

    private readonly BreakGlassLedger _ledger = new(paths.BreakGlassUses);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Opened> _opened = new(StringComparer.Ordinal);
    private Judging? _by;

    /// <summary>This host's id, from the key that its evidence log begins with (PEM).</summary>
    public static string HostIdOf(string firstKeyPem)
    {
        using PublicKey key = KeyFile.ReadPublic(firstKeyPem, "the evidence log's first key");
        return key.Id;
    }

    /// <summary>Whether a token covers all of this now. Nothing is used up.</summary>
    /// <param name="container">Null before it has an id.</param>
    public bool Covers(Digest? image, string? container, IReadOnlyCollection<string> codes) => Counting().Any(t => t.Token!.Scope.Covers(image, container, codes));

    /// <summary>Whether there is a token by whose scope any start may go on though the host was changed.</summary>
    public bool CoversHostChanged => Counting().Any(t => t.Token!.Scope.Codes.Contains(BreakGlassScope.HostChanged, StringComparer.Ordinal));

    /// <summary>Whether any token counts now.</summary>
    public bool Any => Counting().Count > 0;

    /// <summary>Uses the first token that covers all of this; it is on the disk when this returns.</summary>
    /// <returns>Null when none does.</returns>
    /// <exception cref="IOException">The use cannot be written down.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public BreakGlassUse? TryUse(Digest image, string container, IReadOnlyList<string> codes)
    {
        foreach (Opened opened in Counting())
            if (opened.Token!.Scope.Covers(image, container, codes) && _ledger.TryUse(opened.Token) is { } use)
                return new BreakGlassUse(opened.Token, opened.Signers, use, codes);
        return null;
    }

    /// <summary>Those that count now, by name of their files.</summary>
    private List<Opened> Counting()
    {
        List<Opened> counting = [];
        if (policy.Now().Signed?.Policy is not { } held)
            return counting;
        lock (_gate)
        {
            string[] files = Files();
            if (files.Length == 0)
                return counting;
            Judging by = By(held);
            foreach (string path in files)
            {
                if (OwnFiles.StateOf(path) is not { } state)
                    continue;
                // Signatures are proved once for each file, policy and revocation list.
                if (!_opened.TryGetValue(path, out Opened? opened) || opened.State != state || !ReferenceEquals(opened.By, by))
                    _opened[path] = opened = Open(path, state, by);
                if (Refusal(opened) is { } refusal)
                {
                    if (opened.Said != refusal.Code)
                        refused(Path.GetFileName(path), refusal);
                    opened.Said = refusal.Code;
                }
                else
                    counting.Add(opened);
            }
        }
        return counting;
    }

    private Judging By(Policy held)
    {
        string state = revocations.State;
        if (_by is not { } by || !ReferenceEquals(by.Policy, held) || by.State != state)
            _by = by = new Judging(held, state, revocations.Find(held, out BreakGlassRefusal? refusal), refusal);
        return by;
    }

    private BreakGlassRefusal? Refusal(Opened opened)
    {
        if (opened.Token is not { } token || opened.Refusal is not null)
            return opened.Refusal;
        if (token.CheckTime(time.GetUtcNow(), clock.GetUtcNow()) is { } late)
            return late;
        if (clock.Trouble is { } wrong)
            return new(HostClock.SetBack, wrong);
        return _ledger.UsesOf(token.Nonce) is var uses && uses >= token.Uses
            ? new("used-up", uses == int.MaxValue ? $"its uses cannot be read ({paths.BreakGlassUses}/{token.Nonce})" : $"was used {uses} times; it allows {token.Uses}") : null;
    }

    private Opened Open(string path, string state, Judging by)
    {
        string name = Escape.ForTerminal(Path.GetFileName(path));
        try
        {
            (BreakGlassToken token, DsseEnvelope envelope) = BreakGlassToken.Read(SmallFile.ReadRegular(path, BreakGlassToken.MaxBytes) ?? throw new DocumentException(name, "no regular file, or too long"), name);
            return new Opened(state, by, token, BreakGlassToken.SignersOf(envelope, by.Policy, by.Revoked), token.Check(envelope, by.Policy, host, by.Revoked) ?? by.Refusal);
        }
        catch (Exception e) when (e is DocumentException or IOException or UnauthorizedAccessException or KeyException)
        {
            return new Opened(state, by, null, [], new("malformed", Escape.ForTerminal(e.Message)));
        }
    }

    private string[] Files()
    {
        try
        {
            string[] files = [.. Directory.EnumerateFiles(paths.BreakGlass).Where(p => !Path.GetFileName(p).StartsWith('.')).Order(StringComparer.Ordinal).Take(MaxTokens)];
            // What went is forgotten, so that the folder's history does not grow here.
            if (_opened.Count > 2 * MaxTokens)
                _opened.Clear();
            return files;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}

/// <summary>
/// One start that is judged a second time, because it was refused and there is a token: the refusals that a token may override are noted and passed over, and the start goes
/// on to the next question. It is let through only when one token covers all that was noted.
/// </summary>
/// <param name="covers">Whether a token covers these refusals of an image.</param>
internal sealed class Pardon(Func<Digest, IReadOnlyCollection<string>, bool> covers)
{
    private readonly List<string> _codes = [];

    public IReadOnlyList<string> Codes => _codes;

    /// <summary>What the host keeps of a start that is let through; done when it is.</summary>
    public Action? Keep { get; set; }

    public void Note(params IEnumerable<string> codes)
    {
        foreach (string code in codes)
            if (!_codes.Contains(code, StringComparer.Ordinal))
                _codes.Add(code);
    }

    /// <summary>Whether a token covers all that was noted, were it this image. Images that differ in their configs alone lie in the same folders.</summary>
    public bool Fits(Digest image) => covers(image, _codes);

    /// <summary>Forgets what was noted of an image that turned out not to be the one.</summary>
    public void BackTo(int count)
    {
        _codes.RemoveRange(count, _codes.Count - count);
        Keep = null;
    }
}
