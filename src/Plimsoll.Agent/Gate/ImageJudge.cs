using System.Collections.Concurrent;
using Plimsoll.Agent.Plugin;
using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Gate;

/// <summary>Judges the images of this host by its policy: what speaks for them, and what they measure to.</summary>
/// <param name="remembered">How long a verdict counts while nothing that it rests on changed; ages and last days move on meanwhile.</param>
/// <param name="time">A <see cref="HostClock"/> where starts are judged.</param>
internal sealed class ImageJudge(AgentPaths paths, HostStore store, HeldPolicy policy, Counters revocations, MeasuredLayers layers, StartedContainers started, HostCheck host, TimeSpan remembered, TimeProvider time) : IImageJudge
{
    private const int MaxVerdicts = 4096, MaxFound = 256, MaxIdChars = 64;

    /// <summary>Bytes of a list of files that is read to name what changed; some 250 a file. Without it the layer alone is named, or what tar-split says.</summary>
    private const int MaxListBytes = 64 * 1024 * 1024;

    private readonly DropFolder _evidence = new(paths.Evidence);
    private readonly FetchedFolder _fetched = new(paths.Fetched);
    private readonly ConcurrentDictionary<string, (Verdict Verdict, long At, DateTimeOffset Time)> _verdicts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Digest, bool> _preparing = new();

    /// <summary>Images by the names that they have here, and all names of the store when that was looked for.</summary>
    private readonly ConcurrentDictionary<Digest, (IReadOnlyList<(string, Digest)> Names, StartImage Image)> _found = new();

    /// <summary>The revocation list by which the verdicts that are kept were found.</summary>
    private string _revoked = "";

    /// <summary>Tokens that let a start through which is refused; null for none.</summary>
    public BreakGlass? Glass { get; init; }

    /// <summary>Asks registries for what the drop folder lacks; null: nobody is asked, and what was fetched before counts.</summary>
    public RegistryEvidence? Registries { get; init; }

    public Policy? Policy => host.Find() is null || Glass is { CoversHostChanged: true } ? policy.Now().Signed?.Policy : null;

    public bool Pardons(Digest image, string? container, IReadOnlyCollection<string> codes) => Glass is { } glass && glass.Covers(image, container, codes);

    public string? ClockTrouble => time is HostClock clock ? clock.Trouble : null;

    public Denial NoPolicy => host.Find() is { } changed ? new Denial(BreakGlassScope.HostChanged, changed) : policy.Now().Trouble ?? new Denial("no-policy", "the policy came into force just now; ask again");

    public Digest? Resolve(string reference)
    {
        ArgumentNullException.ThrowIfNull(reference);
        // Whole ids first, then names, then parts of ids: Docker's own order.
        string hex = reference.StartsWith("sha256:", StringComparison.Ordinal) ? reference[7..] : reference;
        if (Digest.TryParse($"sha256:{hex}", out Digest? id) && store.FindConfig(id) is not null)
            return id;
        ImageName asked = Named(reference);
        string digest = reference.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at ? reference[at..] : "";
        foreach ((string name, Digest named) in store.ReadNames())
            if (digest.Length > 0 ? name.EndsWith(digest, StringComparison.Ordinal) && Named(name).Repository == asked.Repository
                : !name.Contains('@', StringComparison.Ordinal) && Named(name) == asked)
                return named;
        if (hex.Length is 0 or >= MaxIdChars || !hex.All(char.IsAsciiHexDigitLower))
            return null;
        Digest[] found = [.. store.ListImages().Where(i => i.Hex.StartsWith(hex, StringComparison.Ordinal)).Take(2)];
        return found.Length == 1 ? found[0] : null;
    }

    public ImageAnswer Judge(Digest image, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        PolicyState state = policy.Now();
        if (state.Judging is not { } judging)
            return new ImageAnswer(Refused(state.Trouble!.Code, state.Trouble.Text), null);
        if (FindImage(image) is not { } found)
            return new ImageAnswer(Refused("no-image", $"the store has no config whose digest is {image}"), null);
        Verdict verdict = BeforeMeasuring(state.Signed!.Policy, judging, found, cancellationToken);
        if (!LacksEvidence(verdict) || Registries is not { } registries)
            return new ImageAnswer(verdict, found);
        if (registries.Begin(image))
            return new ImageAnswer(verdict, found) { Awaited = true, Fetchable = true };
        // Nobody is asked now; what came while this was judged is there.
        return new ImageAnswer(BeforeMeasuring(state.Signed.Policy, judging, found, cancellationToken), found) { Fetchable = registries.Covers(image), Note = registries.NoteOf(image) };
    }

    /// <summary>Where policy asks for a measurement and nothing else, all is left to who measures.</summary>
    private Verdict BeforeMeasuring(Policy held, Policy judging, StartImage image, CancellationToken cancellationToken) =>
        VerdictOf(held, judging, image, null, cancellationToken) is var verdict && verdict.Reasons.Count == 0 && TrustJudge.NeedsOf(held, image.Names).Measurement
            ? verdict with { Outcome = Outcome.Passed } : verdict;

    /// <summary>Has registries asked for what a verdict lacked, and waits for it.</summary>
    /// <returns>True when the image is to be judged again: also what came while it was judged counts.</returns>
    public bool AwaitEvidence(Digest image, Verdict verdict, CancellationToken cancellationToken)
    {
        if (!LacksEvidence(verdict) || Registries is not { } registries)
            return false;
        registries.Await(image, cancellationToken);
        return true;
    }

    /// <summary>What registries said when they were asked for an image last; empty when none was.</summary>
    public string NoteOf(Digest image) => Registries?.NoteOf(image) ?? "";

    /// <summary>Whether more signatures or statements could change a refusal.</summary>
    private static bool LacksEvidence(Verdict verdict) => verdict.ForStart().Reasons.Where(r => r.Outcome is Outcome.Refused or Outcome.Undecided).ToList() is { Count: > 0 } refusals
        && refusals.All(r => r.Component is TrustComponents.Signature or TrustComponents.Attestation or TrustComponents.Inspection or TrustComponents.Measurement or TrustComponents.Evidence && r.Code is not ("not-intact" or "measurement-mismatch"));

    /// <summary>Has registries asked for an image that came by a name of theirs; returns at once.</summary>
    public void Arrived(Digest image)
    {
        if (Registries is null)
            return;
        ThreadPool.QueueUserWorkItem(_ =>
        {
            try
            {
                Judge(image, CancellationToken.None);
            }
            catch (Exception e) when (e is ImageException or IOException or UnauthorizedAccessException)
            {
                // Whoever starts it is told why.
            }
        });
    }

    public void Prepare(Digest image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if ((!layers.IsDue(image) && !AsksRegistries(policy.Now().Signed)) || !_preparing.TryAdd(image, true))
            return;
        ThreadPool.QueueUserWorkItem(_ =>
        {
            try
            {
                layers.Prepare(image);
                FetchMeasurement(image);
            }
            catch (Exception e) when (e is ImageException or IOException or UnauthorizedAccessException)
            {
                // Whoever starts it is told why.
            }
            finally
            {
                _preparing.TryRemove(image, out bool _);
            }
        });
    }

    /// <summary>A signed measurement is all that may be lacking once an image was measured.</summary>
    private void FetchMeasurement(Digest image)
    {
        if (policy.Now().Signed is not { } signed || !AsksRegistries(signed) || FindImage(image) is not { } found || !TrustJudge.NeedsOf(signed.Policy, found.Names).Measurement || store.OpenImage(image) is not { } opened)
            return;
        using (opened)
            if (JudgeMeasured(signed.Policy, found, layers.Measure(opened, CancellationToken.None), CancellationToken.None) is var verdict && LacksEvidence(verdict))
                Registries?.Begin(image);
    }

    private bool AsksRegistries(SignedPolicy? signed) => Registries is not null && signed?.Policy.Start?.Evidence.Registries.Count > 0;

    /// <summary>
    /// The image with its names here; without one those that it had when it was last started, or the repositories that it was pulled from by digest. Null when the store has no such
    /// config.
    /// </summary>
    /// <remarks>A digest's repository is no name beside others: a push leaves one too.</remarks>
    public StartImage? FindImage(Digest image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (store.FindConfig(image) is not { } config)
            return null;
        IReadOnlyList<(string Name, Digest Id)> all = store.ReadNames();
        // The store gives the same objects as long as its files are the same.
        if (_found.TryGetValue(image, out (IReadOnlyList<(string, Digest)> Names, StartImage Image) kept) && kept.Names == all && kept.Image.ConfigJson.Equals(config))
            return kept.Image;
        ILookup<bool, ImageName> here = all.Where(n => n.Id == image).ToLookup(n => n.Name.Contains('@', StringComparison.Ordinal), n => Named(n.Name));
        List<ImageName> names = [.. here[false].Distinct()];
        bool isNamed = names.Count > 0;
        if (names.Count == 0)
            names.AddRange(started.NamesOf(image).Select(ImageName.Parse));
        if (names.Count == 0)
            names.AddRange(here[true].Distinct());
        StartImage found = new() { Config = image, ConfigJson = config, Names = names };
        if (!isNamed)
            return found;
        if (_found.Count >= MaxFound)
            _found.Clear();
        _found[image] = (all, found);
        return found;
    }

    /// <summary>What a signed list says of one layer of an image, to name the files that are others now; null when there is no such list here.</summary>
    public LayerFiles? FindFiles(Digest image, Digest diffId, CancellationToken cancellationToken)
    {
        if (policy.Now().Signed is not { } signed || FindImage(image) is not { } known)
            return null;
        IReadOnlyList<FetchedEvidence> fetched = FetchedOf(signed.Policy, image, _fetched.Stamp(image));
        JudgedImage judged = new() { Names = known.Names, Config = image, Linked = LinksOf(fetched) };
        Evidence evidence = EvidenceReader.Join([_evidence.Collect(judged, _evidence.Stamp(), cancellationToken), .. fetched.Select(f => f.Evidence)]);
        TrustCase trustCase = new() { Image = judged, Evidence = evidence, Revocations = ReadRevocations()?.AsMemory() };
        string[] where = [.. evidence.Attestations.Select(a => a.Where)];
        foreach (MeasuredContent list in TrustJudge.FindMeasurements(signed.Policy, trustCase, time.GetUtcNow(), cancellationToken).Select(m => m.Files).OfType<MeasuredContent>().Distinct())
            if (list.MediaType == FileList.MediaType && (_evidence.FindContent(list, MaxListBytes, where, cancellationToken) ?? _fetched.FindContent(image, list)) is { } bytes)
                try
                {
                    if (Unprivileged.Run(() => FileList.FindLayer(bytes, image, diffId, list.Digest.ToString())) is { } files)
                        return files;
                }
                catch (FormatException)
                {
                    // Whoever signed it wrote another form; the refusal then names what it can without.
                }
        return null;
    }

    /// <summary>The whole verdict: what speaks for the image, and what it measures to.</summary>
    public Verdict JudgeMeasured(Policy held, StartImage image, MeasureResult measured, CancellationToken cancellationToken) =>
        VerdictOf(held, held, image, measured, cancellationToken);

    /// <summary>By the drop folder, and where that does not do by what was fetched as well.</summary>
    private Verdict VerdictOf(Policy held, Policy judging, StartImage image, MeasureResult? measured, CancellationToken cancellationToken)
    {
        Verdict verdict = VerdictOf(held, judging, image, measured, "", cancellationToken);
        return LacksEvidence(verdict) && _fetched.Stamp(image.Config) is { Length: > 0 } fetched && FetchedOf(held, image.Config, fetched).Count > 0
            ? VerdictOf(held, judging, image, measured, fetched, cancellationToken) : verdict;
    }

    /// <summary>What came of repositories that policy still names.</summary>
    private IReadOnlyList<FetchedEvidence> FetchedOf(Policy held, Digest image, string stamp) =>
        held.Start?.Evidence is { Registries.Count: > 0 } rules ? [.. _fetched.Find(image, stamp).Where(f => rules.Covers(f.Source))] : [];

    private static IReadOnlyList<LinkedManifest> LinksOf(IReadOnlyList<FetchedEvidence> fetched) => fetched.Count == 0 ? [] : Unprivileged.Run(() => fetched.Select(f => f.Link()).OfType<LinkedManifest>().ToList());

    /// <param name="fetched">The stamp of what was fetched; empty to judge without it.</param>
    private Verdict VerdictOf(Policy held, Policy judging, StartImage image, MeasureResult? measured, string fetched, CancellationToken cancellationToken)
    {
        string digest = PolicyJson.DigestOf(held), stamp = _evidence.Stamp();
        byte[]? list = ReadRevocations();
        string listed = list is null ? "-" : Digest.Of(list).Hex;
        // One that is put back after a newer one was seen is not what it was: nothing that was said by it counts.
        if (Interlocked.Exchange(ref _revoked, listed) != listed)
            _verdicts.Clear();
        string key = $"{image.Config} {measured?.Measurement?.Value.ToString() ?? (measured is null ? "-" : "!")} {digest} {listed} {string.Join(' ', image.Names)}\n{stamp}\n{fetched}";
        if (measured is null or { Intact: true } && _verdicts.TryGetValue(key, out (Verdict Verdict, long At, DateTimeOffset Time) kept) && time.GetElapsedTime(kept.At) < remembered
            // The clock may have been set since.
            && (!kept.Verdict.Dated || (time.GetUtcNow() - kept.Time).Duration() < remembered))
            return kept.Verdict;
        IReadOnlyList<FetchedEvidence> also = FetchedOf(held, image.Config, fetched);
        DateTimeOffset now = time.GetUtcNow();
        JudgedImage judged = new() { Names = image.Names, Config = image.Config, Created = CreatedOf(image), Linked = LinksOf(also) };
        TrustCase trustCase = new()
        {
            Image = judged,
            Evidence = EvidenceReader.Join([_evidence.Collect(judged, stamp, cancellationToken), .. also.Select(f => f.Evidence)]),
            Measured = measured is { Intact: true } ? measured.Measurement : null,
            Differences = measured is null or { Intact: true } ? [] : [.. measured.Differences.Select(Describe).DefaultIfEmpty("a layer")],
            DifferencesBeyond = measured?.LeftOut ?? 0,
            Revocations = list?.AsMemory(),
            SeenRevocations = revocations.HighestRevocations,
            AcceptedRevocations = Remember,
            // One from the future would outlast its correction.
            SeenInspections = also.Count == 0 ? null : (key, at) => _fetched.SeenInspection(image.Config, key, Registries is not null && at <= now ? at : null),
        };
        Verdict verdict = TrustJudge.Of(judging, trustCase, now, cancellationToken) with { PolicyDigest = digest };
        if (_verdicts.Count > MaxVerdicts)
            _verdicts.Clear();
        _verdicts[key] = (verdict, time.GetTimestamp(), now);
        return verdict;
    }

    private bool Remember(RevocationList list, IReadOnlyList<string> family)
    {
        try
        {
            revocations.Check(list, family, paths.Revocations);
            return true;
        }
        catch (CounterException)
        {
            return false;
        }
    }

    private byte[]? ReadRevocations()
    {
        try
        {
            // Asked first, since most hosts have none, and an exception takes longer than the rest of a look.
            return File.Exists(paths.Revocations) ? SmallFile.ReadRegular(paths.Revocations, RevocationList.MaxBytes) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A policy that asks for one refuses then.
            return null;
        }
    }

    private static DateTimeOffset? CreatedOf(StartImage image)
    {
        try
        {
            using System.Text.Json.JsonDocument config = System.Text.Json.JsonDocument.Parse(image.ConfigJson);
            return config.RootElement.TryGetProperty("created", out System.Text.Json.JsonElement created) && Rfc3339.TryParse(created.GetString(), out DateTimeOffset at) ? at : null;
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private Verdict Refused(string code, string message) => new()
    {
        Outcome = Outcome.Refused,
        Policy = policy.Now().Signed?.Policy.Name ?? "",
        PolicyDigest = "",
        Reasons = [new Reason { Component = TrustComponents.Rule, Code = code, Outcome = Outcome.Refused, Message = message }],
    };

    /// <summary>The first three things in which an image is not as it was signed.</summary>
    internal static string Describe(MeasureResult measured) =>
        $"{string.Join("; ", measured.Differences.Take(3).Select(d => Escape.ForTerminal(Describe(d))).DefaultIfEmpty("a layer"))}{(measured.Differences.Count > 3 ? $" and {measured.Differences.Count - 3 + measured.LeftOut} more" : "")}";

    internal static string Describe(Difference difference) =>
        (difference.Layer > 0 ? $"layer {difference.Layer}: " : "") + (difference.Path.Length > 0 ? $"/{difference.Path} ({difference.KindName})" : difference.KindName);

    private static ImageName Named(string text)
    {
        ImageName name = ImageName.Parse(text);
        return name.Tag is null && !text.Contains('@', StringComparison.Ordinal) ? name with { Tag = "latest" } : name;
    }
}
