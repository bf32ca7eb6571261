using System.Diagnostics;
using System.Security.Cryptography;
using Plimsoll.Agent.Gate;
using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Install;

/// <summary>How one thing came out.</summary>
internal enum DoctorResult
{
    /// <summary>Default, so that what was forgotten is not called well.</summary>
    Undecided = 0,
    Good,
    Failed,
}

/// <param name="Name">Kebab-case, stable.</param>
/// <param name="Hint">How to go on; null where all is well.</param>
internal sealed record DoctorItem(string Name, DoctorResult Result, FilledText Text, FilledText? Hint);

/// <summary>
/// <c>plimsoll-agent doctor</c>: proves on the spot that both gates refuse. To the plugin: a container under a runtime that is none of ours, and a request whose body no plugin is
/// shown. To the runtime gate: a container of an image that policy lets through, into whose own folder a file was planted between create and start.
/// </summary>
/// <remarks>
/// No image is touched: the planted file lies in the folder of a container that this makes and removes. So that nothing of the image runs where the gate is broken, what
/// the image would run is covered by a file that cannot be executed. The runtime gate looks at the container's own folder last: that it names the planted file says that it proved
/// everything before.
/// </remarks>
/// <param name="say">Gets a line for people at a time.</param>
internal sealed class Doctor(InstallOptions options, string? wanted, Action<string> say)
{
    private const string Prefix = "plimsoll-doctor-", Planted = ".plimsoll-doctor";
    private const int LabelColumn = 14, MaxCandidates = 5, NonceDigits = 12;
    private const UnixFileMode Program = (UnixFileMode)0b111_101_101, Plain = (UnixFileMode)0b110_000_000;

    private readonly List<DoctorItem> _items = [];
    private readonly string _nonce = RandomNumberGenerator.GetHexString(NonceDigits, lowercase: true);

    public IReadOnlyList<DoctorItem> Items => _items;

    /// <returns>0 both gates refuse and everything is as it was installed, 1 something is not, 3 something could not be proved, or nothing is installed.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        InstallRecord? record = InstallRecord.Read(options);
        if (record is null)
        {
            Tell("installed", DoctorResult.Undecided, Catalogue.DoctorNotInstalled, Catalogue.DoctorNotInstalledHint);
            return Code();
        }
        InstallStatus status = new(options, _ => { });
        status.Run(cancellationToken);
        foreach (StatusLine line in status.Lines)
            Tell(line.Label, line.Good ? DoctorResult.Good : DoctorResult.Failed, line.Text, line.Good ? null : Catalogue.DoctorHint(line.Label));
        if (status.Lines.Any(l => l is { Label: "front", Good: false }))
        {
            // dockerd tries to reach it for half a minute at each request, and then refuses.
            Tell("plugin-gate", DoctorResult.Failed, Catalogue.DoctorFrontSilent, Catalogue.DoctorHint("front"));
            Tell("runtime-gate", DoctorResult.Undecided, Catalogue.DoctorNotStarted.With(await AskLauncherAsync(record, cancellationToken)), Catalogue.DoctorMendFirst);
            return Code();
        }
        using DoctorClient docker = new(options.At(options.Paths.DockerSocket));
        try
        {
            await RemoveLeftAsync(docker, cancellationToken);
            await PluginAsync(docker, cancellationToken);
            // A container that a broken gate lets start would run: where the daemon does not say that it asks the launcher, nothing is started.
            DoctorAnswer said = await docker.GetAsync("info", cancellationToken);
            if (said.Status != 200 || !DaemonInfo.TryRead(said.Body, out DaemonInfo? info))
                Tell("runtime-gate", DoctorResult.Undecided, Catalogue.DoctorDaemonSilent.With(Shown(said), await AskLauncherAsync(record, cancellationToken)), Catalogue.DoctorMendFirst);
            else if ((info with { AsksUs = _items.Exists(i => i is { Name: "plugin-gate", Result: DoctorResult.Good }) ? true : null }).Differences(record.Runtimes, record.Plugin).FirstOrDefault() is { } wrong)
                Tell("runtime-gate", DoctorResult.Failed, Catalogue.DoctorDaemonOther.With(wrong), Catalogue.DoctorHint("dockerd"));
            else
                await RuntimeAsync(docker, record, cancellationToken);
        }
        finally
        {
            // Also when somebody pressed Ctrl-C.
            await RemoveLeftAsync(docker, CancellationToken.None);
        }
        return Code();
    }

    private int Code() => _items.Exists(i => i.Result == DoctorResult.Failed) ? 1 : _items.Exists(i => i.Result == DoctorResult.Undecided) ? 3 : 0;

    /// <summary>Described in docs/install-agent.md.</summary>
    public byte[] ToJson()
    {
        CanonicalJson json = new CanonicalJson().BeginObject().Flag("healthy", Code() == 0).BeginArray("checks");
        foreach (DoctorItem item in _items)
            json.BeginObject().Text("name", item.Name).Text("result", WordOf(item.Result)).Text("text", item.Text.ToString()).Optional("hint", item.Hint?.ToString()).EndObject();
        return json.EndArray().EndObject().ToBytes();
    }

    private static string WordOf(DoctorResult result) => result switch
    {
        DoctorResult.Good => "good",
        DoctorResult.Failed => "failed",
        _ => "undecided",
    };

    private async Task PluginAsync(DoctorClient docker, CancellationToken cancellationToken)
    {
        string image = $"{Prefix}{_nonce}.invalid/nothing:none";
        DoctorAnswer foreign = await docker.PostAsync($"containers/create?name={Prefix}{_nonce}", $$"""{"Image":"{{image}}","HostConfig":{"Runtime":"{{Prefix}}{{_nonce}}"} }""", cancellationToken);
        JudgePlugin("plugin-gate", foreign, "foreign-runtime", Catalogue.DoctorForeignDenied);
        // dockerd shows its plugins no body from a megabyte on; it would carry this one out.
        DoctorAnswer unseen = await docker.PostAsync($"containers/create?name={Prefix}{_nonce}", $$"""{"Image":"{{image}}","Labels":{"filler":"{{new string('x', Plugin.RequestBody.DaemonLimit)}}"} }""", cancellationToken);
        JudgePlugin("plugin-body", unseen, "body-absent", Catalogue.DoctorBodyDenied);
    }

    private void JudgePlugin(string name, DoctorAnswer answer, string code, Text good)
    {
        if (answer.Code == code)
            Tell(name, DoctorResult.Good, good, null);
        else if (answer.Code is { } other)
            Tell(name, DoctorResult.Failed, Catalogue.DoctorDeniedOther.With(other, code, Shown(answer)), Catalogue.DoctorHint(other switch
            {
                "agent-not-ready" => "agent",
                BreakGlassScope.HostChanged => "installed",
                "no-policy" or "policy-rolled-back" or "policy-unsigned" or "policy-malformed" => "policy",
                _ => "",
            }));
        else
            Tell(name, DoctorResult.Failed, answer.Status == 0 ? Catalogue.DoctorDaemonGone.With(Shown(answer)) : Catalogue.DoctorPluginNotAsked.With(answer.Status, Shown(answer)), Catalogue.DoctorHint(answer.Status == 0 ? "dockerd" : "front"));
    }

    private async Task RuntimeAsync(DoctorClient docker, InstallRecord record, CancellationToken cancellationToken)
    {
        (string? container, string image, FilledText why) = await CreateAsync(docker, cancellationToken);
        if (container is null)
        {
            Tell("runtime-gate", DoctorResult.Undecided, Catalogue.DoctorNoPlant.With(why, await AskLauncherAsync(record, cancellationToken)), Catalogue.DoctorNoPlantHint);
            return;
        }
        string own;
        try
        {
            own = OwnFolder(container);
            Plant(own, image);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Tell("runtime-gate", DoctorResult.Undecided, Catalogue.DoctorPlantFailed.With(e is AgentException { Told: var told } ? told : Escape.ForTerminal(e.Message)), Catalogue.DoctorDataRootHint);
            return;
        }
        DoctorAnswer start = await docker.PostAsync($"containers/{container}/start", null, cancellationToken);
        if (start.Code is "own-layer" or "own-executable")
            Tell("runtime-gate", DoctorResult.Good, Catalogue.DoctorPlantRefused.With(Escape.ForTerminal(image), start.Code), null);
        else if (start.Code is { } other)
            Tell("runtime-gate", DoctorResult.Undecided, Catalogue.DoctorRefusedBefore.With(other, Shown(start)), Catalogue.DoctorRefusedBeforeHint);
        else if (start.Status is 204 or 304)
            Tell("runtime-gate", DoctorResult.Failed, Catalogue.DoctorPlantStarted.With(Escape.ForTerminal(image)), Catalogue.DoctorPlantStartedHint);
        else
            Tell("runtime-gate", DoctorResult.Failed, Catalogue.DoctorGateNotAsked.With(start.Status, Shown(start)), Catalogue.DoctorHint("dockerd"));
    }

    /// <summary>Makes a container of the first image that policy lets through, or of the one that was named.</summary>
    private async Task<(string? Container, string Image, FilledText Why)> CreateAsync(DoctorClient docker, CancellationToken cancellationToken)
    {
        string[] candidates = wanted is not null ? [wanted] : [.. (await TrustedAsync(docker, cancellationToken)).Take(MaxCandidates)];
        FilledText why = Catalogue.DoctorNoImage;
        foreach (string image in candidates)
        {
            // As the default policy wants it: no network, and limits.
            byte[] body = new CanonicalJson().BeginObject().Text("Image", image).BeginObject("HostConfig").Text("NetworkMode", "none").Number("Memory", 64L << 20).Number("NanoCpus", 500_000_000L).Number("PidsLimit", 64L).EndObject().EndObject().ToBytes();
            cancellationToken.ThrowIfCancellationRequested();
            // Not interrupted: the daemon would go on making what nobody then knows of.
            DoctorAnswer made = await docker.PostAsync($"containers/create?name={Prefix}{_nonce}", System.Text.Encoding.UTF8.GetString(body), CancellationToken.None);
            if (made.Status == 201 && DoctorClient.TextOf(made, "Id") is { Length: 64 } id && id.All(char.IsAsciiHexDigitLower))
                return (id, image, why);
            why = Catalogue.DoctorNotMade.With(Escape.ForTerminal(image), Shown(made));
        }
        return (null, "", why);
    }

    /// <summary>Ids of images that policy lets through, the smallest first: the gate reads all of it.</summary>
    private async Task<IReadOnlyList<string>> TrustedAsync(DoctorClient docker, CancellationToken cancellationToken)
    {
        DoctorAnswer listed = await docker.GetAsync("images/json", cancellationToken);
        AgentPaths paths = options.Paths with { State = options.At(options.Paths.State), DataRoot = options.At(options.Paths.DataRoot) };
        HeldPolicy policy = new(paths, new Counters(Path.Combine(paths.State, "counters"), _ => { }), new KnownPolicyKeys(paths.PolicyKeysKnown, null), _ => { });
        HostStore store = new(paths.DataRoot, OciLimits.Default);
        ImageJudge judge = new(paths, store, policy, new Counters(Path.Combine(paths.State, "revocations"), _ => { }), new MeasuredLayers(store, TimeSpan.Zero, options.Time),
            new StartedContainers(Path.Combine(paths.State, "started")), HostCheck.Of(paths, _ => { }), TimeSpan.FromMinutes(1), options.Time);
        List<string> trusted = [];
        try
        {
            foreach ((string id, long _) in DoctorClient.ListOf(listed, i => (i.GetProperty("Id").GetString() ?? "", i.GetProperty("Size").GetInt64())).OrderBy(i => i.Item2).ThenBy(i => i.Item1, StringComparer.Ordinal))
                if (trusted.Count < MaxCandidates && Digest.TryParse(id, out Digest? digest) && judge.Judge(digest, cancellationToken).Verdict.Outcome is Outcome.Passed or Outcome.Warned)
                    trusted.Add(id);
        }
        catch (ImageException)
        {
            // A store that cannot be read has no image that could be trusted; the agent says the same at each start.
        }
        return trusted;
    }

    private string OwnFolder(string container)
    {
        string root = options.At(options.Paths.DataRoot), mount = File.ReadAllText($"{root}/image/overlay2/layerdb/mounts/{container}/mount-id").Trim();
        return mount.Length > 0 && mount.All(char.IsAsciiHexDigitLower) ? $"{root}/overlay2/{mount}/diff" : throw new AgentException(Catalogue.DoctorNoFolder.With(Escape.Quote(mount)));
    }

    /// <summary>A program that no image has, and over the image's own program a file that nothing can run.</summary>
    private void Plant(string own, string image)
    {
        File.WriteAllText($"{own}/{Planted}", $"#!/bin/sh\n# planted by plimsoll-agent doctor {_nonce}\n");
        File.SetUnixFileMode($"{own}/{Planted}", Program);
        foreach (string path in ProgramsOf(image))
        {
            string target = Path.GetFullPath("/" + path);
            Directory.CreateDirectory(own + Path.GetDirectoryName(target));
            File.WriteAllText(own + target, "");
            File.SetUnixFileMode(own + target, Plain);
        }
    }

    /// <summary>Where the image's own program may lie: its path, or its name in each folder of PATH.</summary>
    private IEnumerable<string> ProgramsOf(string image)
    {
        string root = options.At(options.Paths.DataRoot);
        if (!Digest.TryParse(image, out Digest? id) || new HostStore(root, OciLimits.Default).FindConfig(id) is not { } json)
            return [];
        return Plugin.DaemonFacts.TryRead(json, r => r.TryGetProperty("config", out System.Text.Json.JsonElement config) ? ProgramsOf(config) : null, out IReadOnlyList<string>? found) ? found : [];
    }

    private static IReadOnlyList<string> ProgramsOf(System.Text.Json.JsonElement config)
    {
        string? program = First("Entrypoint") ?? First("Cmd");
        if (program is not { Length: > 0 })
            return [];
        if (program.StartsWith('/'))
            return [program];
        if (program.Contains('/', StringComparison.Ordinal))
            return [$"{Plugin.DaemonFacts.Text(config, "WorkingDir") ?? ""}/{program}"];
        string path = config.TryGetProperty("Env", out System.Text.Json.JsonElement env) && env.ValueKind == System.Text.Json.JsonValueKind.Array
            ? env.EnumerateArray().Select(v => v.GetString() ?? "").LastOrDefault(v => v.StartsWith("PATH=", StringComparison.Ordinal)) ?? "" : "";
        return [.. (path.Length > 5 ? path[5..] : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries).Select(f => $"{f}/{program}")];

        string? First(string name) => config.TryGetProperty(name, out System.Text.Json.JsonElement list) && list.ValueKind == System.Text.Json.JsonValueKind.Array && list.GetArrayLength() > 0 ? list[0].GetString() : null;
    }

    /// <summary>What the launcher is told of a bundle that belongs to no container: less than a planted change proves, and more than nothing.</summary>
    private async Task<FilledText> AskLauncherAsync(InstallRecord record, CancellationToken cancellationToken)
    {
        DirectoryInfo bundle = Directory.CreateTempSubdirectory(Prefix);
        try
        {
            Directory.CreateDirectory(Path.Combine(bundle.FullName, "rootfs"));
            await File.WriteAllTextAsync(Path.Combine(bundle.FullName, "config.json"), """{"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"args":["/nothing"],"cwd":"/"}}""", cancellationToken);
            string log = Path.Combine(bundle.FullName, "log");
            using Process launcher = Process.Start(new ProcessStartInfo(options.At(record.Runtimes[0].Path), ["--log", log, "create", "--bundle", bundle.FullName, Prefix + _nonce]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
            await launcher.WaitForExitAsync(cancellationToken);
            string said = File.Exists(log) ? await File.ReadAllTextAsync(log, cancellationToken) : "";
            return launcher.ExitCode != 0 && said.Contains("plimsoll: ", StringComparison.Ordinal)
                ? Catalogue.DoctorBundleRefused.With(Escape.ForTerminal(said[said.IndexOf("plimsoll: ", StringComparison.Ordinal)..].Split('"')[0])) : Catalogue.DoctorBundleNotRefused;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            return Catalogue.DoctorLauncherSilent.With(Escape.ForTerminal(e.Message));
        }
        finally
        {
            bundle.Delete(recursive: true);
        }
    }

    /// <summary>Containers of this run, and of one that was killed.</summary>
    private async Task RemoveLeftAsync(DoctorClient docker, CancellationToken cancellationToken)
    {
        DoctorAnswer left = await docker.GetAsync($"containers/json?all=1&filters={Uri.EscapeDataString($$"""{"name":["{{Prefix}}"]}""")}", cancellationToken);
        foreach ((string id, bool own) in DoctorClient.ListOf(left, c => (c.GetProperty("Id").GetString() ?? "", c.GetProperty("Names").EnumerateArray().Any(n => IsOwn(n.GetString() ?? "")))))
            if (own && id.Length == 64 && id.All(char.IsAsciiHexDigitLower) && await docker.DeleteAsync($"containers/{id}?force=1&v=1", cancellationToken) is { Status: not (204 or 404 or 409) } kept)
                Tell("cleanup", DoctorResult.Undecided, Catalogue.DoctorNotRemoved.With(id[..12], Shown(kept)), FilledText.Verbatim($"docker rm -f {id[..12]}"));

        // The daemon's filter finds the word anywhere in a name.
        static bool IsOwn(string name) => name.StartsWith("/" + Prefix, StringComparison.Ordinal) && name.Length == Prefix.Length + 1 + NonceDigits && name.AsSpan(Prefix.Length + 1).ToString().All(char.IsAsciiHexDigitLower);
    }

    private void Tell(string name, DoctorResult result, FilledText text, FilledText? hint)
    {
        _items.Add(new DoctorItem(name, result, text, hint));
        say($"{DisplayWidth.Fit(Catalogue.AgentLabel(name).In(options.Language), LabelColumn)}{result switch { DoctorResult.Good => "✓", DoctorResult.Failed => "✗", _ => "?" }} {text.In(options.Language)}");
        if (hint is not null)
            say($"{"".PadRight(LabelColumn)}  {Catalogue.AgentHint.In(options.Language, hint.In(options.Language))}");
    }

    private static object Shown(DoctorAnswer answer) => answer.Trouble is { } trouble ? trouble : Escape.ForTerminal(answer.Message.Length > 300 ? answer.Message[..300] + "…" : answer.Message);
}
