using Plimsoll.Keys;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.EndToEnd;

/// <summary>A gated host whose agent looks by itself once in an hour, and takes a measurement for a minute: what comes sooner comes of a change.</summary>
public sealed class WaitingHost : IDisposable
{
    public GatedHost Host { get; } = new("--look-every", "3600", "--measure-every", "60");

    public void Dispose() => Host.Dispose();
}

/// <summary>What is said about images changes, while containers of them run and between their starts.</summary>
[Trait("needs", "host")]
public sealed class GateChangesTests(WaitingHost waiting) : IClassFixture<WaitingHost>, IDisposable
{
    private readonly ISigner _team = KeyFile.Generate(KeyAlgorithm.EcdsaP256), _ops = KeyFile.Generate(KeyAlgorithm.EcdsaP256);

    private GatedHost Host => waiting.Host;

    public void Dispose()
    {
        _team.Dispose();
        _ops.Dispose();
    }

    private string Policy(string images, string running)
    {
        File.WriteAllText(Path.Combine(Host.State, "team.pub"), _team.PublicKey.ToPem());
        File.WriteAllText(Path.Combine(Host.State, "ops.pub"), _ops.PublicKey.ToPem());
        return $$"""
            policy: 1
            name: host
            trust:
              keys: {release: {file: policy.pub}, team: {file: team.pub}, ops: {file: ops.pub} }
              images:
              - {{images}}
                signatures: {keys: [release, team], match: any}
                measurement: required
            start:
              running:
                trouble: {{running}}
            """;
    }

    /// <summary>A rule of the usual names.</summary>
    private static string Names(string more) => $"names: [\"registry.example/prod/**\"]\n    {more}";

    private void Revoke(long counter, IReadOnlyList<RevokedKey> keys, IReadOnlyList<RevokedImage> images) =>
        GatedHost.Put(Path.Combine(Host.State, "revocations.json"), new RevocationList(counter, DateTimeOffset.UtcNow, keys, images).Sign(_ops));

    private (SavedImage Image, string Container) Serve(string name, ISigner? by = null)
    {
        SavedImage image = Host.Image(name, GatedHost.Serves);
        Host.Daemon.Load(image.Build());
        Host.Sign(image, name, by);
        return (image, Host.Serve(image));
    }

    private void Ends(string container, string twin, string code, string says, string kind, string status)
    {
        Host.AwaitLine("the trouble", l => (string)l["kind"]! == "running-trouble" && GatedHost.Field(l, "container") == container
            && GatedHost.Field(l, "code") == code && GatedHost.Field(l, "reason").Contains(says, StringComparison.Ordinal));
        if (kind.Length > 0)
            Host.AwaitLine("the reaction", l => (string)l["kind"]! == kind && GatedHost.Field(l, "container") == container);
        Assert.Equal(status, Host.Inspect(container, "{{.State.Status}}"));
        Assert.Equal("running", Host.Inspect(twin, "{{.State.Status}}"));
        Assert.DoesNotContain(Host.Log("running-trouble", "container-paused", "container-stopped"), l => GatedHost.Field(l, "container") == twin);
        Host.Docker("rm", "-f", container, twin).Expect(0);
    }

    [Fact]
    public void Key_Revoked_StopsWhatItSigned()
    {
        Revoke(1, [], []);
        Host.Policy(Policy(Names("inspection: none\n    revocations: {keys: [ops]}"), "stop"));
        (_, string container) = Serve("change-key", _team);
        (_, string twin) = Serve("change-key-twin");

        Revoke(2, [new RevokedKey(_team.PublicKey.Id, DateTimeOffset.UtcNow, "lost")], []);

        Ends(container, twin, "refused", "key-revoked", "container-stopped", "exited");
    }

    [Fact]
    public void Image_Revoked_IsPaused()
    {
        Revoke(1, [], []);
        Host.Policy(Policy(Names("inspection: none\n    revocations: {keys: [ops]}"), "pause"));
        (SavedImage image, string container) = Serve("change-image");
        (_, string twin) = Serve("change-image-twin");

        Revoke(2, [], [new RevokedImage(image.Id, DateTimeOffset.UtcNow, "a hole")]);

        Ends(container, twin, "refused", "image-revoked", "container-paused", "paused");
    }

    /// <summary>As it lies there while somebody copies it into its place: empty, half, or not at all.</summary>
    [Theory]
    [InlineData("none", "revocations-malformed")]
    [InlineData("half", "revocations-malformed")]
    [InlineData("gone", "revocations-missing")]
    public void Revocations_NotWhole_RefuseStartsAndStopNothingThatRuns(string what, string code)
    {
        string path = Path.Combine(Host.State, "revocations.json");
        Revoke(1, [], []);
        Host.Policy(Policy(Names("inspection: none\n    revocations: {keys: [ops]}"), "stop"));
        (SavedImage image, string container) = Serve($"change-list-{what}");
        byte[] list = File.ReadAllBytes(path);

        if (what == "gone")
            File.Delete(path);
        else
            File.WriteAllBytes(path, what == "half" ? list[..(list.Length / 2)] : []);

        Host.AwaitLine("that it cannot be told", l => (string)l["kind"]! == "running-trouble" && GatedHost.Field(l, "container") == container
            && GatedHost.Field(l, "code") == "undecided" && GatedHost.Field(l, "reason").Contains(code, StringComparison.Ordinal));
        Assert.Contains(code, Host.Start(image).Error, StringComparison.Ordinal);
        GatedHost.Put(path, list);
        Host.AwaitLine("that all is well", l => (string)l["kind"]! == "running-restored" && GatedHost.Field(l, "container") == container);
        Assert.Equal("running", Host.Inspect(container, "{{.State.Status}}"));
        Assert.DoesNotContain(Host.Log("container-stopped", "reaction-failed"), l => GatedHost.Field(l, "container") == container);

        // The twin: a whole list that names the image.
        Revoke(2, [], [new RevokedImage(image.Id, DateTimeOffset.UtcNow, "a hole")]);
        Host.AwaitLine("the reaction", l => (string)l["kind"]! == "container-stopped" && GatedHost.Field(l, "container") == container);
        Host.Docker("rm", "-f", container).Expect(0);
    }

    /// <summary>Within the minute for which verdicts count.</summary>
    [Fact]
    public void Revocations_PutBackAfterNewerOnesWereSeen_DoNotBringTheOldAnswerBack()
    {
        Revoke(1, [], []);
        Host.Policy(Policy(Names("inspection: none\n    revocations: {keys: [ops]}"), "report"));
        (SavedImage image, string container) = Serve("change-back", _team);
        Host.Docker("rm", "-f", container).Expect(0);
        byte[] first = File.ReadAllBytes(Path.Combine(Host.State, "revocations.json"));

        Revoke(2, [new RevokedKey(_team.PublicKey.Id, DateTimeOffset.UtcNow, "lost")], []);
        Assert.Contains("key-revoked", Host.Start(image).Error, StringComparison.Ordinal);
        GatedHost.Put(Path.Combine(Host.State, "revocations.json"), first);
        Assert.Contains("revocations-rolled-back", Host.Start(image).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Layer_NotIntact_IsNotReadAgainUntilItIsRepaired()
    {
        File.Delete(Path.Combine(Host.State, "revocations.json"));
        Host.Policy(GatedHost.Open);
        SavedImage image = Host.Image("change-layer");
        Host.Daemon.Load(image.Build());
        string passwd = Host.Unpacked(image, 1, "etc/passwd"), ping = Host.Unpacked(image, 2, "srv/ping"), content = File.ReadAllText(passwd), other = File.ReadAllText(ping);
        File.AppendAllText(passwd, "x");
        // The layer was measured when it arrived, and counts for a minute; a new agent knows nothing of that.
        Host.StopAgent();
        Host.StartAgentAgain();
        // Not signed either: what is missing is asked for by the plugin, and counts from the very next start.
        Assert.Contains("signature/unsigned", Host.Start(image).Error, StringComparison.Ordinal);
        Host.Sign(image, "change-layer");
        Assert.Contains("not-intact: layer 2: /etc/passwd (changed)", Host.Start(image).Error, StringComparison.Ordinal);

        // What else is changed meanwhile shows that nothing is read: the answer is the one of before.
        File.AppendAllText(ping, "x");
        string again = Host.Start(image).Error;
        Assert.Contains("not-intact: layer 2: /etc/passwd (changed)", again, StringComparison.Ordinal);
        Assert.DoesNotContain("/srv/ping", again, StringComparison.Ordinal);
        File.WriteAllText(passwd, content);
        Assert.Contains("not-intact: layer 3: /srv/ping (changed)", Host.Start(image).Error, StringComparison.Ordinal);
        File.WriteAllText(ping, other);
        Assert.Equal("it runs\n", Host.Start(image).Expect(0).Out);
    }

    /// <summary>No file of a layer was touched.</summary>
    [Theory]
    [InlineData("cache-id")]
    [InlineData("link")]
    public void Note_OfTheStoreChanged_IsNamedWithItsLayer(string note)
    {
        File.Delete(Path.Combine(Host.State, "revocations.json"));
        Host.Policy(GatedHost.Open);
        SavedImage image = Host.Signed($"change-note-{note}"), good = Host.Signed($"change-note-{note}-twin");
        string created = Host.Docker(["create", .. GatedHost.Limits, image.Tag]).Expect(0).Out.Trim(), twin = Host.Docker(["create", .. GatedHost.Limits, good.Tag]).Expect(0).Out.Trim();
        string overlay = Path.Combine(Host.Daemon.DataRoot, "overlay2"), cacheId = Host.Note(image, 1, "cache-id"), link = Path.Combine("l", File.ReadAllText(Path.Combine(overlay, Host.CacheId(image, 1), "link")));
        string[] ids = [Host.CacheId(image, 1), Host.CacheId(image, 2)];
        string named = note == "link" ? $"layer 2 of {image.Id}: overlay2/{link}" : $"layer 2 of {image.Id}: {Path.GetRelativePath(Host.Daemon.DataRoot, cacheId)}";

        Action restore = note == "link" ? Lead() : Write(cacheId, ids[1]) + Write(Host.Note(image, 2, "cache-id"), ids[0]);
        string error = Host.Docker("start", "-a", created).Error;
        restore();

        Assert.Contains(named, error, StringComparison.Ordinal);
        foreach (string container in (string[])[twin, created])
            Assert.Equal("it runs\n", Host.Docker("start", "-a", container).Expect(0).Out);
        Host.Docker("rm", created, twin).Expect(0);

        Action Write(string file, string content)
        {
            string was = File.ReadAllText(file);
            File.WriteAllText(file, content);
            return () => File.WriteAllText(file, was);
        }

        // To a copy elsewhere.
        Action Lead()
        {
            string path = Path.Combine(overlay, link), copy = Path.Combine(overlay, new string('b', 64)), was = new FileInfo(path).LinkTarget!;
            Directory.CreateDirectory(copy);
            Tool.Run("cp", ["-a", Host.Unpacked(image, 1), Path.Combine(copy, "diff")]);
            File.Delete(path);
            File.CreateSymbolicLink(path, $"../{Path.GetFileName(copy)}/diff");
            return () =>
            {
                File.Delete(path);
                File.CreateSymbolicLink(path, was);
                Directory.Delete(copy, recursive: true);
            };
        }
    }

    /// <summary>Layers that belong to nobody's signed image, and notes of the store by which they belong to one as well: policy asks for no measurement, so that the config alone says which layers are signed.</summary>
    [Fact]
    public void Note_OfASignedImageLeadsToOtherLayers_DoesNotMakeThemSigned()
    {
        File.Delete(Path.Combine(Host.State, "revocations.json"));
        Host.Policy(GatedHost.Open.Replace("measurement: required", "measurement: none", StringComparison.Ordinal));
        SavedImage image = Host.Signed("change-other-layers");
        Assert.Equal("it runs\n", Host.Start(image).Expect(0).Out);
        string[] notes = [.. Enumerable.Range(0, 3).Select(l => Host.Note(image, l, "cache-id"))], own = [.. notes.Select(File.ReadAllText)];
        // Which of two images is found first is up to the file system.
        for (int i = 0; i < 4; i++)
        {
            SavedImage other = Host.Image($"change-other-layers-{i}");
            Host.Daemon.Load(other.Build());
            string created = Host.Docker(["create", .. GatedHost.Limits, image.Tag]).Expect(0).Out.Trim(), lower = Path.Combine(Host.Own(created, ""), "../lower");
            // -init, layer 3, layer 2, layer 1.
            string[] below = File.ReadAllText(lower).Split(':'), ids = [.. Enumerable.Range(0, 3).Select(l => Host.CacheId(other, l))];
            File.WriteAllText(lower, string.Join(':', below[0], Short(ids[2]), Short(ids[1]), Short(ids[0])));
            foreach ((string note, string id) in notes.Zip(ids))
                File.WriteAllText(note, id);

            Outcome start = Host.Docker("start", "-a", created);
            foreach ((string note, string id) in notes.Zip(own))
                File.WriteAllText(note, id);

            Assert.NotEqual(0, start.Code);
            Assert.Contains("plimsoll: ", start.Error, StringComparison.Ordinal);
            Host.Docker("rm", created).Expect(0);
        }
        Assert.Equal("it runs\n", Host.Start(image).Expect(0).Out);

        string Short(string id) => $"l/{File.ReadAllText(Path.Combine(Host.Daemon.DataRoot, "overlay2", id, "link"))}";
    }

    [Fact]
    public void Policy_OfAnotherKeyThatCameWithIt_IsRefusedUntilTheKnownKeysAreRemoved()
    {
        File.Delete(Path.Combine(Host.State, "revocations.json"));
        string pub = Path.Combine(Host.State, "policy.pub"), known = Path.Combine(Host.State, "policy-keys"), own = File.ReadAllText(pub);
        Host.Policy(GatedHost.Open);
        SavedImage image = Host.Signed("change-keys");
        Assert.Equal("it runs\n", Host.Start(image).Expect(0).Out);
        try
        {
            // It says the same of images as the one before.
            Host.Policy(GatedHost.Open, _ops);
            File.WriteAllText(pub, _ops.PublicKey.ToPem());
            Assert.Contains("policy-key-changed", Host.Start(image).Error, StringComparison.Ordinal);
            int kept = Host.Log("policy-keys-kept").Count;
            File.Delete(known);
            Assert.Equal("it runs\n", Host.Start(image).Expect(0).Out);
            Assert.Equal(kept + 1, Host.Log("policy-keys-kept").Count);
        }
        finally
        {
            File.WriteAllText(pub, own);
            Host.Policy(GatedHost.Open);
        }
        Assert.Contains("policy-key-changed", Host.Start(image).Error, StringComparison.Ordinal);
        File.Delete(known);
        Assert.Equal("it runs\n", Host.Start(image).Expect(0).Out);
    }

    [Fact]
    public void Policy_Newer_ReachesWhatRuns()
    {
        File.Delete(Path.Combine(Host.State, "revocations.json"));
        Host.Policy(Policy(Names("inspection: none"), "report"));
        (_, string container) = Serve("change-policy");
        (_, string twin) = Serve("change-policy-twin");

        Host.Policy(Policy("names: [\"registry.example/prod/*-twin\"]\n    inspection: none", "report"));

        Ends(container, twin, "refused", "no-rule", "", "running");
    }

    [Fact]
    public void Inspection_WithANewCriticalFinding_StopsWhatRuns()
    {
        File.Delete(Path.Combine(Host.State, "revocations.json"));
        Host.Policy(Policy(Names("inspection: {keys: [release]}"), "stop"));
        SavedImage bad = Host.Image("change-finding", GatedHost.Serves), good = Host.Image("change-finding-twin", GatedHost.Serves);
        foreach (SavedImage image in (SavedImage[])[bad, good])
        {
            Host.Daemon.Load(image.Build());
            Inspected(image, DateTimeOffset.UtcNow.AddHours(-2));
            Host.Sign(image, Stem(image));
        }
        string container = Host.Serve(bad), twin = Host.Serve(good);

        Inspected(bad, DateTimeOffset.UtcNow.AddHours(-1), new InspectedFinding { Kind = FindingKind.Vulnerability, Id = "CVE-2026-1", Severity = Level.Critical, Fixable = true, Status = "fixed", Package = "libssl3", Version = "3.0.1" });
        Inspected(good, DateTimeOffset.UtcNow.AddHours(-1));

        Ends(container, twin, "refused", "severity", "container-stopped", "exited");
    }

    private static string Stem(SavedImage image) => image.Tag.Split('/')[^1].Split(':')[0];

    private void Inspected(SavedImage image, DateTimeOffset time, params InspectedFinding[] findings)
    {
        Inspection inspection = new()
        {
            Names = [image.Tag],
            ConfigDigest = image.Id.ToString(),
            Verified = true,
            Time = time,
            Tool = "0.1.0",
            Created = time.AddDays(-1),
            Database = new InspectedDatabase(true, 1, time, "d1", "2026.02.27", "2026-03-01"),
            Checks = PolicyWords.Checks,
            Findings = findings,
        };
        Host.Drop($"{Stem(image)}-inspection-{findings.Length}-{time.Hour}", InspectionPredicate.Of(inspection, null).ToStatement());
    }
}
