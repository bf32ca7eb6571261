using System.Globalization;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Gate;

/// <summary>What a launcher asks.</summary>
/// <param name="Runtime">The launcher's own name, which is the runtime's for Docker.</param>
/// <param name="Pid">Of the launcher, as the kernel says: its mounts are the ones that count.</param>
internal sealed record GateRequest(string Verb, string Runtime, string Container, string Bundle, int Pid);

/// <summary>What was decided of a start, for the evidence log.</summary>
internal sealed record GateRecord(GateRequest Request, Answer Answer, Digest? Image, IReadOnlyList<string> Names, Measurement? Measured, string Policy, TimeSpan Took)
{
    /// <summary>The token that let it through; null: none was needed, or none would.</summary>
    public BreakGlassUse? Glass { get; init; }

    /// <summary>What was said of a start that was allowed all the same.</summary>
    public IReadOnlyList<Reason> Warnings { get; init; } = [];
}

/// <summary>
/// The last question before a container's first process: is what is mounted what somebody signed? Only the mounts, the store's folders and
/// the runtime's bundle are asked; the daemon is not, which does not answer while it restores containers.
/// </summary>
internal sealed class RuntimeGate(HostStore store, HeldPolicy policy, ImageJudge judge, MeasuredLayers layers, StartedContainers started, StartHost host, HostCheck check, StartedMeasurements? measurements, HostClock time, Func<GateRecord, Answer> decided)
{
    /// <summary>Bytes of a bundle's config.json.</summary>
    private const int MaxSpecBytes = 16 * 1024 * 1024;

    /// <summary>Tokens that let a start through which is refused; null for none.</summary>
    public BreakGlass? Glass { get; init; }

    /// <summary>What the plugin let start; null where nobody asks a plugin.</summary>
    public AskedStarts? Asked { get; init; }

    /// <summary>Tells that an older state of this host was put back, which no token outweighs: how often it was used is a part of that state.</summary>
    public CheckpointCounter? Counter { get; init; }

    public Answer Decide(GateRequest request, CancellationToken cancellationToken)
    {
        long begin = time.GetTimestamp();
        Case found = new();
        Answer answer = TryJudge(request, found, cancellationToken);
        BreakGlassUse? use = null;
        if (!answer.Allowed && Glass is { Any: true } glass)
        {
            Case again = new() { Pardon = new Pardon((id, codes) => glass.Covers(id, request.Container, codes)) };
            if (TryJudge(request, again, cancellationToken).Allowed && again.Image is { } image && again.Pardon.Codes.Count > 0 && TryUse(glass, image, request.Container, again.Pardon, ref answer) is { } used)
                (found, answer, use) = (again, Answer.Allow, used);
        }
        answer = decided(new GateRecord(request, answer, found.Image, found.Names, found.Measured, found.Policy, time.GetElapsedTime(begin)) { Glass = use, Warnings = answer.Allowed ? found.Warnings : [] });
        if (answer.Allowed)
            started.Allow(request.Container);
        return answer;
    }

    /// <param name="answer">Becomes the reason, where the use cannot be written down.</param>
    private static BreakGlassUse? TryUse(BreakGlass glass, Digest image, string container, Pardon pardon, ref Answer answer)
    {
        try
        {
            if (glass.TryUse(image, container, pardon.Codes) is not { } use)
                return null;
            pardon.Keep?.Invoke();
            return use;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            answer = Answer.Deny("break-glass-failed", $"the use of a token cannot be written down: {Escape.ForTerminal(e.Message)}");
            return null;
        }
    }

    private Answer TryJudge(GateRequest request, Case found, CancellationToken cancellationToken)
    {
        Answer answer;
        try
        {
            answer = Judge(request, found, cancellationToken);
        }
        catch (ImageException e)
        {
            answer = Answer.Deny(CodeOf(e.Error), Escape.ForTerminal(e.Message));
        }
        catch (StartRequestException e)
        {
            answer = Answer.Deny(e.Code, Escape.ForTerminal(e.Message));
        }
        return answer;
    }

    /// <summary>What came to light on the way to an answer, as far as it got.</summary>
    private sealed class Case
    {
        public Digest? Image { get; set; }

        /// <summary>The container's root, as the agent reaches it.</summary>
        public string Root { get; set; } = "";
        public IReadOnlyList<string> Names { get; set; } = [];
        public Measurement? Measured { get; set; }
        public string Policy { get; set; } = "";
        public IReadOnlyList<Reason> Warnings { get; set; } = [];

        /// <summary>Notes what a token may override; null at first, when everything refuses.</summary>
        public Pardon? Pardon { get; init; }

        /// <summary>Whether to go on although this refuses.</summary>
        public bool GoesOn(params IEnumerable<string> codes)
        {
            Pardon?.Note(codes);
            return Pardon is not null;
        }
    }

    private Answer Judge(GateRequest request, Case found, CancellationToken cancellationToken)
    {
        if (check.Find() is { } changed && !found.GoesOn(BreakGlassScope.HostChanged))
            return Answer.Deny("host-changed", changed);
        if (Counter?.Trouble is { } behind)
            return Answer.Deny(behind.Code, behind.Text);
        // The uses of tokens may be older ones that were put back.
        if (Counter is { IsUnknown: true })
            found.Pardon?.Note(BreakGlassScope.TpmUnavailable);
        PolicyState state = policy.Now();
        if (state.Signed is not { } signed)
            return Answer.Deny(state.Trouble!.Code, state.Trouble.Text);
        found.Policy = $"{signed.Policy.Name} {signed.Counter}";
        if (request.Verb != "create")
            return Answer.Deny("verb", $"{request.Verb} starts a container in a way that cannot be proved; only create is allowed");
        byte[] spec = ReadSpec(request.Bundle);
        MountedRoot root = MountedRoot.Read(request.Pid, RootOf(spec, request.Bundle), store.Root);
        StackedRoot stack = store.Read(root);
        found.Root = string.Create(CultureInfo.InvariantCulture, $"/proc/{request.Pid}/root{root.Path}");

        using (SafeFileHandle init = store.OpenFolder(stack.Init))
            if (ContainerFolder.CheckInit(init, $"overlay2/{stack.Init}", cancellationToken) is [var first, ..] && !found.GoesOn("init-layer"))
                return Answer.Deny("init-layer", $"Docker's own layer of this container holds {first}");

        IReadOnlyList<UnpackedImage> images = store.OpenImagesOn(stack, cancellationToken);
        try
        {
            return images.Count == 0 ? Answer.Deny("no-image", $"the container's root is made of layers that belong to no image of this host{Restacked(stack, cancellationToken)}")
                : Judge(request, found, signed.Policy, spec, stack, images, cancellationToken);
        }
        finally
        {
            foreach (UnpackedImage image in images)
                image.Dispose();
        }
    }

    /// <summary>What of Docker's notes was changed, as far as the store tells.</summary>
    private string Restacked(StackedRoot stack, CancellationToken cancellationToken)
    {
        IReadOnlyList<RestackedNote> notes = store.FindRestacked(stack, cancellationToken);
        return notes.Count == 0 ? "" : $"; not as it was: {string.Join("; ", notes.Take(2).Select(n => Escape.ForTerminal(n.ToString())))}{(notes.Count > 2 ? $" and {notes.Count - 2} more" : "")}";
    }

    private Answer Judge(GateRequest request, Case found, Policy held, byte[] spec, StackedRoot stack, IReadOnlyList<UnpackedImage> images, CancellationToken cancellationToken)
    {
        found.Image = images[0].Id;
        StartRequest start = StartRequest.FromSpec(spec) with { Runtime = request.Runtime };
        start = start with { Mounts = SpecMounts.Look(start.Mounts, request.Pid, found.Root, store.Root, cancellationToken) };
        bool before = started.Contains(request.Container, stack.Own);
        // Between the plugin's look and dockerd's a name may come to mean another container, one that the plugin never saw. What ran before dockerd may start by itself.
        if (!before && Asked is { } asked && !asked.Contains(request.Container) && !StartsByItself(held) && !found.GoesOn("not-asked"))
            return Answer.Deny("not-asked", "the container never ran, and the authorization plugin did not let it start in the last two minutes: its name was given to another meanwhile, or the agent was started anew; start it once more, by its id");
        Answer? refusal = null;
        (UnpackedImage Image, MeasureResult Result)? last = null;
        MeasureResult?[] results = new MeasureResult?[images.Count];
        // One that lacks a signature, which anybody can make of another's layers, has nobody wait for registries before the others were asked.
        for (bool waits = images.Count == 1; ; waits = true)
        {
            // That they lie in the same folders is what the store says. The container must be one that any of them allows, if these are its layers.
            for (int i = 0; i < images.Count; i++)
            {
                UnpackedImage image = images[i];
                if (judge.FindImage(image.Id) is not { } known)
                    continue;
                MeasureResult measured = results[i] ??= layers.Measure(image, last, cancellationToken);
                last = (image, measured);
                int noted = found.Pardon?.Codes.Count ?? 0;
                Answer answer = measured.Intact || found.GoesOn("not-intact") ? Judge(request, found, held, start, stack, image, known, measured, before, waits, cancellationToken)
                    : Answer.Deny("not-intact", ImageJudge.Describe(measured));
                if (answer.Allowed || refusal is null)
                {
                    found.Image = image.Id;
                    found.Names = [.. known.Names.Select(n => n.ToString())];
                    found.Measured = measured.Measurement;
                }
                if (answer.Allowed && found.Pardon?.Fits(image.Id) != false)
                    return answer;
                refusal ??= answer.Allowed ? Answer.Deny("refused", "no token covers all that refuses it") : answer;
                found.Pardon?.BackTo(noted);
            }
            if (waits || judge.Registries is null)
                break;
            refusal = null;
        }
        return refusal ?? Answer.Deny("no-image", "the images of this container's layers went away");
    }

    /// <summary>Tasks of a swarm and steps of a build dockerd makes and starts without a request that a plugin is asked about.</summary>
    private static bool StartsByItself(Policy held) =>
        held.Start?.Engine is { } engine && (engine.Allow.Contains(EngineOperation.Swarm) || engine.Allow.Contains(EngineOperation.Build) || engine.Builders.Count > 0);

    private Answer Judge(GateRequest request, Case found, Policy held, StartRequest start, StackedRoot stack, UnpackedImage opened, StartImage image, MeasureResult measured, bool before, bool waits, CancellationToken cancellationToken)
    {
        Verdict trust = judge.JudgeMeasured(held, image, measured, cancellationToken);
        if (waits && judge.AwaitEvidence(image.Config, trust, cancellationToken))
            trust = judge.JudgeMeasured(held, image, measured, cancellationToken);
        // Of what nobody vouches for, the start's own rules judge the launcher that asks.
        trust = trust.ForStart();
        if (trust.Outcome is Outcome.Refused or Outcome.Undecided && !found.GoesOn(BreakGlassScope.CodesOf(trust)))
            return Refusal(trust, judge.NoteOf(image.Config));
        Verdict allowed = StartJudge.Of(held, start, image, StartClient.Unknown, time.GetUtcNow(), host);
        if (allowed.Outcome is Outcome.Refused or Outcome.Undecided && !found.GoesOn(BreakGlassScope.CodesOf(allowed)))
            return Refusal(allowed);
        // No token counts meanwhile either.
        if ((trust.Dated || allowed.Dated) && time.Trouble is { } wrong)
            return Answer.Deny(HostClock.SetBack, wrong);
        found.Warnings = [.. trust.Warnings, .. allowed.Warnings];
        Func<IReadOnlyList<string>, Verdict>? withOwn = allowed.Outcome is Outcome.Refused or Outcome.Undecided ? null
            : own => StartJudge.Of(held, start with { OwnExecutables = own }, image, StartClient.Unknown, time.GetUtcNow(), host);
        return JudgeOwn(request, found, held, withOwn, [.. start.Mounts.Select(m => m.Target)], stack, opened, image, measured, before, cancellationToken);
    }

    /// <summary>What the container brings along beside its image.</summary>
    /// <param name="withOwn">The start judged again with executables of the container's own, by their paths; null: it is refused without them, and a token must cover them too.</param>
    private Answer JudgeOwn(GateRequest request, Case found, Policy held, Func<IReadOnlyList<string>, Verdict>? withOwn, IReadOnlyList<string> mounts, StackedRoot stack, UnpackedImage opened, StartImage image, MeasureResult measured, bool before, CancellationToken cancellationToken)
    {
        using SafeFileHandle folder = store.OpenFolder(stack.Own);
        OwnContents own = ContainerFolder.Look(folder, $"overlay2/{stack.Own}", !before, cancellationToken);
        if (own.Foreign is [var foreign, ..] && !found.GoesOn("own-layer"))
            return Answer.Deny("own-layer", $"the container's own layer holds {foreign}");
        // docker cp into a created container is the one honest way for files to be there, where policy allows it.
        bool mayBeCopied = held.Start?.Engine.Allow.Contains(EngineOperation.CopyIn) == true;
        if (own.Files > 0 && !before && !mayBeCopied && !found.GoesOn("own-layer"))
            return Answer.Deny("own-layer", $"the container never ran, and its own layer holds {own.Files} files, first /{Escape.ForTerminal(own.FirstFile!)}; docker cp and files planted in a stopped container look so");
        // Docker makes such folders for itself, where the image has none.
        if (!before && own.Opaque.FirstOrDefault(p => store.IsInLayers(stack, p)) is { } hidden && !found.GoesOn("own-layer"))
            return Answer.Deny("own-layer", $"the container never ran, and a folder of its own layer hides what the image has in /{Escape.ForTerminal(hidden)}");
        // A folder that lies over one of the image's for what Docker made in it is its copy.
        if (!before && !mayBeCopied && store.FindExposed(stack, own.Folders) is { } exposed && !found.GoesOn("own-layer"))
            return Answer.Deny("own-layer", $"the container never ran, and its own layer gives /{Escape.ForTerminal(exposed)} other rights, another owner or other attributes than the image's");
        // Files of an image that is not intact say nothing of others.
        if (own.Executables.Count > 0 && (measured.Intact || !found.GoesOn("own-executable")))
        {
            // These were proved a moment ago; which files they hold is asked for only now, since it takes longer.
            (HashSet<string> known, IReadOnlyList<string> links) = ImageFiles.Read(opened, cancellationToken);
            string[] strange = [.. own.Executables.Where(e => !known.Contains(Convert.ToHexStringLower(e.Content))).Select(e => "/" + e.Path)];
            string[] loader = [.. own.LoaderFiles.Where(e => !known.Contains(Convert.ToHexStringLower(e.Content))).Select(e => "/" + e.Path)];
            if (strange.Length > 0 && JudgeExecutables(found, held, withOwn, own, strange, loader, () => OwnLinks.Follow(found.Root, own.Links, links, mounts, strange, cancellationToken)) is { Allowed: false } refused && !found.GoesOn("own-executable"))
                return refused;
        }
        // Last of all that may refuse: what the TPM knows was started.
        Answer extended = measurements is null ? Answer.Allow : measured.Measurement is { } value ? measurements.Extend(value, cancellationToken)
            : Answer.Deny("tpm-unmeasured", "what is not intact has no measurement that the TPM could be told of");
        if (!extended.Allowed && !found.GoesOn(AgentLog.CodeOf(extended)))
            return extended;
        // The first look of all may have come to its end only now.
        if (Counter?.Trouble is { } behind)
            return Answer.Deny(behind.Code, behind.Text);
        if (!before || started.RuntimeOf(request.Container, stack.Own) != request.Runtime)
            if (found.Pardon is { } pardon)
                pardon.Keep = Keep;
            else
                Keep();
        return Answer.Allow;

        void Keep() => started.Add(request.Container, stack.Own, request.Runtime, image.Config, [.. image.Names.Select(n => n.ToString())]);
    }

    /// <summary>Executables that no image has start where policy lists each path by which they can be reached.</summary>
    /// <param name="foreign">Absolute, in the container.</param>
    /// <param name="loader">What tells the loader where libraries lie, which then needs to be listed as well.</param>
    /// <param name="follow">What links of its own lead to.</param>
    private static Answer JudgeExecutables(Case found, Policy held, Func<IReadOnlyList<string>, Verdict>? withOwn, OwnContents own, IReadOnlyList<string> foreign, IReadOnlyList<string> loader, Func<IReadOnlyList<(string Path, string Target)>> follow)
    {
        bool listed = withOwn is not null && held.Start?.Rules.Any(r => r[StartList.OwnExecutables].Count > 0) == true;
        IReadOnlyList<(string Path, string Target)> linked = [];
        if (!listed)
            return Deny(foreign[0], null);
        if (own.LinksBeyond)
            return Answer.Deny("own-executable", $"{Escape.ForTerminal(foreign[0])} can be run and is no file of the image; it may have other names, as the container made more than {ContainerFolder.MaxLinks} links (MaxLinks)");
        linked = follow();
        Verdict verdict = withOwn!([.. foreign, .. loader, .. linked.Select(l => l.Path)]);
        Reason? reason = verdict.Reasons.FirstOrDefault(r => r.Code == "own-executable");
        if (verdict.Outcome is Outcome.Refused or Outcome.Undecided)
            return Deny(reason?.Examples is [var path, ..] ? path : foreign[0], reason?.Rule);
        found.Warnings = [.. found.Warnings, new Reason
        {
            Code = "own-executable-allowed",
            Outcome = Outcome.Warned,
            Count = foreign.Count,
            Examples = [.. foreign.Take(3)],
            Message = $"files of the container's own that no image has may be run, as policy lists them: {foreign.Count}",
        }];
        return Answer.Allow;

        Answer Deny(string path, string? rule)
        {
            string target = linked.FirstOrDefault(l => l.Path == path).Target ?? "", what = loader.Contains(path) ? "tells the loader where libraries lie" : "can be run";
            return Answer.Deny("own-executable", $"{Escape.ForTerminal(path)}{(target.Length > 0 ? $", a link to {Escape.ForTerminal(target)}," : "")} {what} and is no file of the image{(rule is null ? "" : $"; policy {Escape.ForTerminal(held.Name)}, {rule}")}");
        }
    }

    /// <summary>The worst reason in one line.</summary>
    /// <param name="note">What is to be said beside it.</param>
    internal static Answer Refusal(Verdict verdict, string note = "")
    {
        if (verdict.Reasons is not [var worst, ..])
            return Answer.Deny("refused", $"policy {Escape.ForTerminal(verdict.Policy)} refuses");
        string rule = worst.Rule is { } at ? $"; policy {Escape.ForTerminal(verdict.Policy)}, {at}" : "";
        return Answer.Deny(CodeOf(worst), $"{TextOf(worst)}{rule}{(note.Length > 0 ? $"; {note}" : "")}");
    }

    /// <summary>A warning as a line of the log has it.</summary>
    internal static string Said(Reason warning) => $"{CodeOf(warning)}: {TextOf(warning)}{(warning.Rule is { } at ? $"; {at}" : "")}";

    private static string CodeOf(Reason reason) => reason.Component is { } component ? $"{component}/{reason.Code}" : reason.Code;

    private static string TextOf(Reason reason) =>
        Escape.ForTerminal(reason.Message) + (reason.Examples.Count > 0 ? $" ({string.Join(", ", reason.Examples.Take(3).Select(Escape.ForTerminal))})" : "");

    private static string CodeOf(ImageError error) => error switch
    {
        ImageError.DiffIdMismatch or ImageError.DigestMismatch or ImageError.SizeMismatch => "not-intact",
        ImageError.NotFound or ImageError.BlobMissing => "not-found",
        _ => "not-proved",
    };

    private static byte[] ReadSpec(string bundle)
    {
        string path = $"{bundle}/config.json";
        try
        {
            return SmallFile.ReadRegular(path, MaxSpecBytes) ?? throw new ImageException(ImageError.LimitExceeded, $"{path} is no regular file of at most {MaxSpecBytes} bytes (MaxSpecBytes)");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(ImageError.NotFound, $"the runtime's bundle cannot be read: {e.Message}", null, e);
        }
    }

    /// <summary>The root that the runtime will use, with links followed as the mounts are named.</summary>
    private static string RootOf(byte[] spec, string bundle)
    {
        string? path = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(spec);
            path = document.RootElement.TryGetProperty("root", out JsonElement root) && root.TryGetProperty("path", out JsonElement text) ? text.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Told below.
        }
        if (path is not { Length: > 0 })
            throw new ImageException(ImageError.Malformed, $"{bundle}/config.json names no root");
        string full = path.StartsWith('/') ? path : $"{bundle}/{path}";
        return OwnFiles.RealPath(full) ?? throw new ImageException(ImageError.NotFound, $"{full}, the container's root, is not there");
    }
}
