using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Agent.Install;
using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Gate;

/// <summary>A running container that would not be allowed to start now.</summary>
/// <param name="Own">Its folder below <c>overlay2/</c>.</param>
/// <param name="Container">Its id; null for one that Docker does not know.</param>
/// <param name="Pid">One of its processes.</param>
/// <param name="Certain">Something is wrong; false where it could only not be told.</param>
internal sealed record RunningTrouble(string Own, string? Container, int Pid, Digest? Image, string Code, string Text, bool Certain)
{
    /// <summary>What only a look at processes finds.</summary>
    public const string ForeignCode = "foreign-code";

    /// <summary>It runs, and the gate has not started it. Whatever else is wrong with a container is told of beside it.</summary>
    public const string PastGate = "past-gate";

    /// <summary>The least look that finds it.</summary>
    public LookDepth Depth => Code switch { PastGate => LookDepth.Start, ForeignCode => LookDepth.Whole, _ => LookDepth.Images };
}

/// <summary>How much a look at running containers looks at; each holds those before it.</summary>
internal enum LookDepth
{
    /// <summary>Whether the gate started them. Reads no layer.</summary>
    Start = 0,

    /// <summary>What is said about their images, by the last measurement of each layer, however old.</summary>
    Images,

    /// <summary>Every layer that was not measured of late, and the processes.</summary>
    Whole,
}

/// <param name="Own">Folders of all containers that ran.</param>
internal sealed record RunningLook(IReadOnlyList<RunningTrouble> Troubles, IReadOnlySet<string> Own, LookDepth Depth);

/// <summary>
/// Looks again at what runs: the layers below each container, what speaks for its image, and the programs and libraries that its processes
/// have mapped. Which containers there are is read from the processes, so that the daemon need not answer.
/// </summary>
/// <remarks>For one thread.</remarks>
internal sealed class RunningContainers(HostStore store, HeldPolicy policy, ImageJudge judge, MeasuredLayers layers, StartedContainers started, HostClock clock)
{
    /// <summary>Mapped files of one container; more are not looked at, and that is trouble of its own.</summary>
    private const int MaxMapped = 20_000;

    /// <summary>Programs of the host that run inside a container by the engine's doing: a runtime until it becomes the container's process, gVisor's gofer, docker's init.</summary>
    private static readonly string[] HostPrograms = [.. InstallOptions.RuntimeFolders.SelectMany(f => (string[])[$"{f}/runc", $"{f}/runsc", $"{f}/crun", $"{f}/docker-init"]), "/usr/libexec/docker/docker-init"];

    /// <summary>Where launchers are installed, and how a line of their configuration begins.</summary>
    private static readonly string Library = new InstallOptions().Library;
    private const string RuntimeWord = "runtime ";

    private readonly FileHashes _hashes = new();

    /// <summary>Whether a content is a file of an image; an image's files never change without its id.</summary>
    private readonly Recent<(Digest Image, string Content), bool> _known = new();

    /// <summary>What is remembered, in entries; for tests.</summary>
    internal int Remembered => _hashes.Count + _known.Count;

    /// <summary>Whether Docker keeps a container that the gate has not started. Where it keeps none, <see cref="LookDepth.Start"/> finds nothing.</summary>
    public bool MayBePastGate() => RunningProcesses.Containers(store).Any(c => !started.Contains(c.Container, c.Own));

    /// <summary>Everything that is wrong now, by container.</summary>
    public RunningLook Look(LookDepth depth, CancellationToken cancellationToken)
    {
        bool whole = depth == LookDepth.Whole;
        List<RunningTrouble> troubles = [];
        IReadOnlyList<RunningContainer> running = RunningProcesses.Find(store, cancellationToken);
        HashSet<string>? host = null;
        foreach (RunningContainer container in running)
        {
            if (container.Id is { } id && !started.HasAllowed(id, container.Own, FirstOf(container)) && StillRuns(container))
                troubles.Add(Trouble(container, null, RunningTrouble.PastGate, "it runs and the gate has not started it: it ran before the gate was there, or was started past it", certain: true));
            if (depth == LookDepth.Start)
                continue;
            _hashes.Begin();
            host ??= whole ? [.. HostPrograms.Concat(Configured()).Select(p => _hashes.Of(p, cancellationToken)).OfType<string>()] : [];
            // A container that ended meanwhile is no trouble any more, and neither is what its end took away.
            if (TryLook(container, whole, host, cancellationToken) is { } trouble && StillRuns(container))
                troubles.Add(trouble);
        }
        if (whole)
        {
            _hashes.EndRound();
            _known.EndRound();
        }
        return new RunningLook(troubles, running.Select(c => c.Own).ToHashSet(StringComparer.Ordinal), depth);
    }

    private static (int, long)? FirstOf(RunningContainer container) =>
        container.Pids.Select(p => (p, HostProcesses.StartOf(p))).Where(p => p.Item2 is not null).Select(p => ((int, long)?)(p.p, p.Item2!.Value)).MinBy(p => p!.Value.Item2);

    /// <summary>The runtimes that the launchers were installed for, which may lie anywhere.</summary>
    private static IEnumerable<string> Configured()
    {
        foreach (string launcher in (string[])[InstallOptions.Launcher, InstallOptions.SecureLauncher])
        {
            string[] lines;
            try
            {
                lines = File.ReadAllLines(Path.Combine(Library, $"{launcher}.conf"));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue;
            }
            foreach (string line in lines)
                if (line.StartsWith(RuntimeWord, StringComparison.Ordinal))
                    yield return line[RuntimeWord.Length..];
        }
    }

    private RunningTrouble? TryLook(RunningContainer container, bool whole, HashSet<string> host, CancellationToken cancellationToken)
    {
        try
        {
            return container.Root is { } root ? Look(container, root, whole, host, cancellationToken) : Trouble(container, null, "not-proved", "none of its processes shows what its root is made of", certain: false);
        }
        catch (Exception e) when (e is ImageException or IOException)
        {
            return Trouble(container, null, "not-proved", Escape.ForTerminal(e.Message), certain: false);
        }
    }

    private bool StillRuns(RunningContainer container) =>
        container.Pids.Any(p => RunningProcesses.OwnOf(store, MountedRoot.FindRoot(p, store.Root)) == container.Own)
        || RunningProcesses.Find(store, CancellationToken.None).Any(c => c.Own == container.Own);

    private static RunningTrouble Trouble(RunningContainer container, Digest? image, string code, string text, bool certain) =>
        new(container.Own, container.Id, container.Pids[0], image, code, text, certain);

    private RunningTrouble? Look(RunningContainer container, MountedRoot root, bool whole, HashSet<string> host, CancellationToken cancellationToken)
    {
        StackedRoot stack = store.Read(root);
        IReadOnlyList<UnpackedImage> images = store.OpenImagesOn(stack, cancellationToken);
        try
        {
            if (images.Count == 0)
                return Trouble(container, null, "no-image", "its layers belong to no image of this host", certain: true);
            PolicyState state = policy.Now();
            if (state.Signed is not { } signed)
                return Trouble(container, images[0].Id, "no-policy", state.Trouble!.ToString(), certain: false);
            (Answer Answer, bool Certain)? refusal = null;
            // What is wrong by every image that it may be of.
            RunningTrouble? foreign = null, broken = null;
            bool clean = false;
            (UnpackedImage Image, MeasureResult Result)? last = null;
            foreach (UnpackedImage image in images)
            {
                MeasureResult measured = layers.Measure(image, last, cancellationToken, whole ? null : TimeSpan.MaxValue);
                last = (image, measured);
                if (!measured.Intact)
                {
                    broken ??= Trouble(container, image.Id, "not-intact", ImageJudge.Describe(measured), certain: true);
                    continue;
                }
                if (judge.FindImage(image.Id) is not { } known)
                    continue;
                Verdict verdict = judge.JudgeMeasured(signed.Policy, known, measured, cancellationToken).ForStart();
                if (verdict.Untrusted && StartJudge.OfRuntime(signed.Policy, known.Names, container.Id is { } id ? started.RuntimeOf(id, container.Own) : null) is { Outcome: Outcome.Refused } runtime)
                    verdict = runtime;
                if (verdict.Outcome is Outcome.Passed or Outcome.Warned && verdict.Dated && clock.Trouble is not null)
                    return Trouble(container, image.Id, "undecided", $"{HostClock.SetBack}: what is said of its image depends on the time, and the host's clock is behind", certain: false);
                if (verdict.Outcome is Outcome.Passed or Outcome.Warned)
                    return whole ? Foreign() : null;
                bool unread = verdict.Outcome == Outcome.Refused && verdict.Reasons.Where(r => r.Outcome == Outcome.Refused).All(IsOfAListUnread);
                refusal ??= (RuntimeGate.Refusal(verdict), verdict.Outcome == Outcome.Refused && !unread);
                // Nothing but the list keeps it from being looked at as any other.
                clean |= !unread || !whole || (foreign ??= Foreign()) is not { Certain: true };

                RunningTrouble? Foreign() => FindForeign(container, image, (path, content) => IsAllowedOwn(signed.Policy, known, container.Own, path, content, cancellationToken), host, cancellationToken);
            }
            if (foreign is not null && !clean)
                return foreign;
            return refusal is { } said ? Trouble(container, images[0].Id, said.Certain ? "refused" : "undecided", said.Answer.Text, said.Certain)
                : broken ?? Trouble(container, images[0].Id, "no-image", "its image went away", certain: false);
        }
        finally
        {
            foreach (UnpackedImage image in images)
                image.Dispose();
        }
    }

    /// <summary>A revocation list that is not there or cannot be read, as one that is just being written, revokes nothing: starts wait for it, and what runs is not ended by it.</summary>
    private static bool IsOfAListUnread(Reason reason) =>
        reason is { Component: TrustComponents.Revocations, Code: "revocations-missing" or "revocations-malformed" or "revocations-unsigned" or "revocations-unsupported" };

    /// <summary>Whether the container's own layer holds these very bytes at a path that policy lists. What a process calls so may also lie in a volume, or in a root of its own.</summary>
    private bool IsAllowedOwn(Policy held, StartImage image, string own, string path, string content, CancellationToken cancellationToken)
    {
        if (!StartJudge.AllowsOwn(held, image, path, clock.GetUtcNow()))
            return false;
        using SafeFileHandle folder = store.OpenFolder(own);
        using SafeFileHandle? file = ContainerFolder.OpenPlain(folder, path);
        return file is not null && _hashes.Of(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file.DangerousGetHandle()}"), cancellationToken) == content;
    }

    /// <summary>The first program or library that a process has mapped and that the image has not.</summary>
    /// <param name="allowed">Whether policy lets a file of this path and content be the container's own.</param>
    private RunningTrouble? FindForeign(RunningContainer container, UnpackedImage image, Func<string, string, bool> allowed, HashSet<string> host, CancellationToken cancellationToken)
    {
        HashSet<(string, bool)> seen = [];
        List<(int Pid, MappedFile File, string Content, bool Host)> mapped = [];
        foreach (int pid in container.Pids)
        {
            bool isHost = _hashes.Of($"/proc/{pid}/exe", cancellationToken) is { } program && host.Contains(program);
            foreach (MappedFile file in MappedFiles.Of(pid, MaxMapped))
                // Code that a program makes for itself, as runtimes with compilers do, has no form of a file and no name in an image.
                if (seen.Add((file.Identity, isHost)) && !(file.IsMemory && !FileHashes.IsElf(file.Open)) && _hashes.Of(file.Open, cancellationToken) is { } content)
                    mapped.Add((pid, file, content, isHost));
            if (seen.Count > MaxMapped)
                return Trouble(container, image.Id, "not-proved", $"process {pid} and others have more than {MaxMapped} mapped files (MaxMapped)", certain: false);
        }
        if (mapped.Exists(m => !_known.TryGet((image.Id, m.Content), out _)))
        {
            // Its layers were proved a moment ago; which files they hold is asked for only now, since it takes longer.
            HashSet<string> signed = ImageFiles.Contents(image, cancellationToken);
            foreach ((_, _, string content, _) in mapped)
                _known.Set((image.Id, content), signed.Contains(content));
        }
        foreach ((int pid, MappedFile file, string content, bool isHost) in mapped)
            if (_known.TryGet((image.Id, content), out bool isSigned) && !isSigned
                && !IsEngines(isHost, content, host, () => _hashes.Of(file.Path, cancellationToken))
                && !allowed(file.Path, content)
                && MappedFiles.Of(pid, MaxMapped).Any(f => f.Identity == file.Identity))
                return Trouble(container, image.Id, RunningTrouble.ForeignCode, $"process {pid} runs {Escape.ForTerminal(file.Path)}, which is no file of the image", certain: true);
        return _hashes.LeftOut ? Trouble(container, image.Id, "not-proved", $"its processes have more than {FileHashes.MaxBytes >> 30} GiB of mapped files that were not read before (MaxBytes); the rest is read at the next look", certain: false) : null;
    }

    /// <summary>
    /// Whether a mapped file that the image has not is the engine's doing: a runtime that has not yet become the container's process is a program of the host, and brings
    /// the host's libraries.
    /// </summary>
    /// <param name="isHost">The process runs one of the engine's programs.</param>
    /// <param name="host">Contents of these programs.</param>
    /// <param name="atPath">The content that the host has by the file's path; null for none.</param>
    internal static bool IsEngines(bool isHost, string content, IReadOnlySet<string> host, Func<string?> atPath) => isHost && (host.Contains(content) || atPath() == content);
}
