using System.Buffers;
using Plimsoll.Oci;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Plugin;

/// <content>Create, start, restart, unpause, update: an image and what is asked of it.</content>
internal sealed partial class Decider
{
    /// <summary>Volumes that one container may have; each is a call-back.</summary>
    private const int MaxVolumes = 64;

    private static readonly SearchValues<char> ReferenceCharacters =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-/:@");

    private async Task<Decision> CreateAsync(Case asked, CancellationToken cancellationToken)
    {
        if (RequestBody.NeedJson(asked.Request) is { } body)
            return Decision.Deny(body);
        foreach (string parameter in (string[])["name", "platform"])
            if (!asked.Path.Query.TryGet(parameter, out _, out Denial? twice))
                return Decision.Deny(twice);
        StartRequest start;
        try
        {
            start = StartRequest.FromCreate(asked.Request.Body);
        }
        catch (StartRequestException e)
        {
            return Decision.Deny(StartJudge.Of(asked.Policy, e));
        }
        if (Foreign(start) is { } foreign)
            return foreign;
        if (start.Image.Length is 0 or > 1024 || start.Image.AsSpan().ContainsAnyExcept(ReferenceCharacters) || start.Image.Contains("//", StringComparison.Ordinal) || start.Image.Contains("..", StringComparison.Ordinal))
            return Decision.Deny("image-name", $"{Escape.Quote(start.Image)} is no name or id of an image");
        if (images.Resolve(start.Image) is not { } image)
            return await NoImageAsync(asked, start, cancellationToken);
        return await JudgeAsync(asked, image, null, start, cancellationToken);
    }

    /// <summary>
    /// Clients pull when the daemon answers that it has no such image, so they must hear it from the daemon. Before it looks, somebody may give that name to an image that is there: all that needs no image is
    /// decided here.
    /// </summary>
    private async Task<Decision> NoImageAsync(Case asked, StartRequest start, CancellationToken cancellationToken)
    {
        DaemonAnswer answer = await daemon.GetAsync($"/images/{start.Image}/json", cancellationToken);
        if (answer.Problem is { } problem)
            return Decision.Deny(problem);
        if (answer.Status != 404)
            return Decision.Deny("image-unknown", $"the store in place has no image {Escape.Quote(start.Image)}, and dockerd answers {answer.Status} for it");
        (start, Denial? unseen) = await WithVolumesAsync(start, cancellationToken);
        return unseen is not null ? Decision.Deny(unseen) : Of(StartJudge.OfNoImage(asked.Policy, start, asked.Client, clock.GetUtcNow(), host), Decision.AllowAs("no-such-image"));
    }

    /// <summary>By a verdict with which nothing starts yet.</summary>
    private Decision Of(Verdict verdict, Decision allowed)
    {
        if (verdict.Outcome is not (Outcome.Passed or Outcome.Warned))
            return Decision.Deny(verdict);
        return verdict.Dated && images.ClockTrouble is { } wrong ? Decision.Deny(HostClock.SetBack, wrong) with { Verdict = verdict } : allowed with { Verdict = verdict, Warnings = [.. verdict.Warnings] };
    }

    private async Task<Decision> StartAsync(Case asked, CancellationToken cancellationToken)
    {
        if (RequestBody.NeedNone(asked.Request, "start-body") is { } body)
            return Decision.Deny(body);
        if (!asked.Path.Query.TryGet("checkpoint", out string checkpoint, out Denial? denial) || !asked.Path.Query.TryGet("checkpoint-dir", out string folder, out denial))
            return Decision.Deny(denial);
        // Memory that was written elsewhere runs instead of the image's own process.
        if (checkpoint.Length + folder.Length > 0 && Refuse(asked, EngineOperation.Checkpoint) is { } refused)
            return refused;
        return await JudgeContainerAsync(asked, null, cancellationToken);
    }

    private async Task<Decision> UpdateAsync(Case asked, CancellationToken cancellationToken) =>
        RequestBody.NeedJson(asked.Request) is { } body ? Decision.Deny(body) : await JudgeContainerAsync(asked, asked.Request.Body, cancellationToken);

    private async Task<Decision> JudgeContainerAsync(Case asked, ReadOnlyMemory<byte>? update, CancellationToken cancellationToken)
    {
        (ReadOnlyMemory<byte> inspect, ContainerFacts? facts, Decision? none) = await InspectAsync(asked.Name, cancellationToken);
        if (facts is null)
            return none!;
        StartRequest start;
        try
        {
            start = StartRequest.FromInspect(inspect);
            start = update is { } changes ? start.WithUpdate(changes) : start;
        }
        catch (StartRequestException e)
        {
            return Decision.Deny(StartJudge.Of(asked.Policy, e));
        }
        Decision decision = Foreign(start) ?? await JudgeAsync(asked, facts.Image, facts.Id, start, cancellationToken);
        if (!decision.Answer.Allowed)
            return decision;
        if (await MovedAsync(asked.Name, facts.Id, cancellationToken) is { } moved)
            return moved with { Image = facts.Image };
        return asked.Endpoint.Rule == EndpointRule.Start ? decision with { Starts = facts.Id } : decision;
    }

    /// <summary>dockerd looks for itself again: what was a name or a part of an id may mean another container by now. A whole id never does.</summary>
    /// <returns>Null when it means the same.</returns>
    private async Task<Decision?> MovedAsync(string name, string id, CancellationToken cancellationToken)
    {
        if (name == id)
            return null;
        (_, ContainerFacts? now, Decision? none) = await InspectAsync(name, cancellationToken);
        return now is null ? none : now.Id == id ? null
            : Decision.Deny("name-moved", $"{Escape.Quote(name)} meant container {Escape.Quote(id)} when it was judged, and means {Escape.Quote(now.Id)} now");
    }

    private async Task<(ReadOnlyMemory<byte> Json, ContainerFacts? Facts, Decision? None)> InspectAsync(string container, CancellationToken cancellationToken)
    {
        DaemonAnswer answer = await daemon.GetAsync($"/containers/{container}/json", cancellationToken);
        if (answer.Problem is { } problem)
            return (default, null, Decision.Deny(problem));
        if (answer.Status == 404)
            return (default, null, Decision.Deny("no-such-container", $"dockerd has no container {Escape.Quote(container)}"));
        if (answer.Status != 200 || !ContainerFacts.TryRead(answer.Body, out ContainerFacts? facts))
            return (default, null, Decision.Deny("docker-answer", $"dockerd's answer ({answer.Status}) about container {Escape.Quote(container)} names no id or image"));
        return (answer.Body, facts, null);
    }

    /// <summary>A runtime that is not our launcher starts what no gate sees. Policy cannot allow it.</summary>
    private Decision? Foreign(StartRequest start) =>
        start.Runtime is null || !options.Runtimes.Contains(start.Runtime)
            ? Decision.Deny("foreign-runtime", $"runtime {Escape.Quote(start.Runtime)} starts containers past the gate; wanted {string.Join(" or ", options.Runtimes.Where(r => r.Length > 0).Order(StringComparer.Ordinal))}")
            : start.Isolation is not ("" or "default")
                ? Decision.Deny("isolation", $"isolation {Escape.Quote(start.Isolation)} is none of Linux")
                : null;

    /// <param name="container">Its whole id; null while it is made.</param>
    private async Task<Decision> JudgeAsync(Case asked, Digest image, string? container, StartRequest start, CancellationToken cancellationToken)
    {
        if (start.Mounts.Count > 0)
        {
            (start, Denial? unseen) = await WithVolumesAsync(start, cancellationToken);
            if (unseen is not null)
                return Decision.Deny(unseen) with { Image = image };
        }
        ImageAnswer answer = images.Judge(image, cancellationToken);
        // The start's own rules judge the runtime of what nobody vouches for.
        answer = answer with { Verdict = answer.Verdict.ForStart() };
        bool trusted = answer.Verdict.Outcome is Outcome.Passed or Outcome.Warned;
        // Nothing runs by it: the runtime gate, which asks the same of the image and more, waits for what registries are asked for, as this must not.
        // What was let pass when it was created is not refused here when it is started, since docker run --rm would then wait for a container that never ran.
        bool awaited = !trusted && (asked.Endpoint.Rule == EndpointRule.Create && answer.Awaited || asked.Endpoint.Rule == EndpointRule.Start && answer.Fetchable);
        if (!trusted && (answer.Image is null || !MayPardon(asked)))
            return Decision.Deny(answer.Verdict, answer.Note) with { Image = image };
        if (answer.Image is null)
            return Decision.Deny("image-unproved", $"the store has no config whose digest is {image}") with { Image = image };
        Verdict verdict = StartJudge.Of(asked.Policy, start, answer.Image, asked.Client, clock.GetUtcNow(), host);
        bool allowed = verdict.Outcome is Outcome.Passed or Outcome.Warned;
        if (awaited && allowed)
        {
            images.Prepare(image);
            return Decision.AllowAs("evidence-awaited") with { Image = image, Verdict = answer.Verdict };
        }
        if (!trusted || !allowed)
        {
            // The runtime gate counts the use, and judges what nobody can see here.
            string[] codes = [.. trusted ? [] : BreakGlassScope.CodesOf(answer.Verdict), .. allowed ? [] : BreakGlassScope.CodesOf(verdict)];
            if (!MayPardon(asked) || !images.Pardons(image, container, codes))
                return (trusted || awaited ? Decision.Deny(verdict) : Decision.Deny(answer.Verdict, answer.Note)) with { Image = image };
            images.Prepare(image);
            return Decision.AllowAs("break-glass") with { Image = image, Verdict = trusted ? verdict : answer.Verdict };
        }
        if ((answer.Verdict.Dated || verdict.Dated) && images.ClockTrouble is { } wrong)
            return Decision.Deny(HostClock.SetBack, wrong) with { Image = image, Verdict = verdict };
        images.Prepare(image);
        return Decision.Allow with { Image = image, Verdict = verdict, Warnings = [.. answer.Verdict.Warnings, .. verdict.Warnings] };
    }

    /// <summary>A token is for starts: it lifts no limit of a container that runs.</summary>
    private static bool MayPardon(Case asked) => asked.Endpoint.Rule is EndpointRule.Create or EndpointRule.Start;

    /// <summary>A volume made earlier may be a folder of the host under another name; only the daemon knows its options.</summary>
    private async Task<(StartRequest Start, Denial? Problem)> WithVolumesAsync(StartRequest start, CancellationToken cancellationToken)
    {
        List<StartMount> mounts = [.. start.Mounts];
        Dictionary<string, VolumeFacts?> volumes = new(StringComparer.Ordinal);
        for (int i = 0; i < mounts.Count; i++)
        {
            if (mounts[i] is not { Kind: MountKind.Volume, Source.Length: > 0 } mount)
                continue;
            // One mount stands in an inspect answer in two places.
            if (volumes.TryGetValue(mount.Source, out VolumeFacts? known))
            {
                mounts[i] = With(mount, known);
                continue;
            }
            if (volumes.Count == MaxVolumes)
                return (start, new Denial("volumes", $"more than {MaxVolumes} volumes"));
            if (!EndpointTable.IsName(mount.Source))
                return (start, new Denial("bad-name", $"{Escape.Quote(mount.Source)} is no name that dockerd gives to volumes"));
            DaemonAnswer answer = await daemon.GetAsync($"/volumes/{mount.Source}", cancellationToken);
            if (answer.Problem is { } problem)
                return (start, problem);
            // One that is not there yet is made as the request says.
            VolumeFacts? facts = null;
            if (answer.Status != 404 && (answer.Status != 200 || !VolumeFacts.TryRead(answer.Body, out facts)))
                return (start, new Denial("docker-answer", $"dockerd's answer ({answer.Status}) about volume {Escape.Quote(mount.Source)} cannot be read"));
            volumes.Add(mount.Source, facts);
            mounts[i] = With(mount, facts);
        }
        return (volumes.Count == 0 ? start : start with { Mounts = mounts }, null);

        static StartMount With(StartMount mount, VolumeFacts? facts) => facts is null ? mount : mount with { Driver = facts.Driver, DriverOptions = facts.Options };
    }

    private Decision VolumeCreate(Case asked)
    {
        if (RequestBody.NeedJson(asked.Request) is { } body)
            return Decision.Deny(body);
        StartRequest volume;
        try
        {
            volume = StartRequest.FromVolume(asked.Request.Body);
        }
        catch (StartRequestException e)
        {
            return Decision.Deny(StartJudge.Of(asked.Policy, e));
        }
        return Of(StartJudge.OfVolume(asked.Policy, volume, clock.GetUtcNow(), host), Decision.Allow);
    }
}
