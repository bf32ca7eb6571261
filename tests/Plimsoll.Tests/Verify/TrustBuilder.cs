using System.Text;
using System.Text.Json;
using Plimsoll.ContentTrust;
using Plimsoll.Inspect.Policies;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Verify;

/// <summary>An image with evidence, as good as it can be but for what a test says, and policies to judge it by.</summary>
internal sealed class TrustBuilder
{
    public const string Repository = "registry.example/team/app";

    public static DateTimeOffset Now => Inspections.Now;

    /// <summary>In policies: <c>release</c> (also <c>release-2</c>), <c>ops</c>, <c>ci</c>.</summary>
    public static ISigner Release { get; } = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
    public static ISigner Ops { get; } = KeyFile.Generate(KeyAlgorithm.EcdsaP384);
    public static ISigner Ci { get; } = KeyFile.Generate(KeyAlgorithm.EcdsaP256);

    /// <summary>In no policy.</summary>
    public static ISigner Stranger { get; } = KeyFile.Generate(KeyAlgorithm.EcdsaP256);

    public static Digest Manifest { get; } = Digest.Of("manifest"u8);
    public static Digest Config { get; } = Digest.Of("config"u8);
    public static Digest IndexDigest { get; } = Digest.Of("index"u8);
    public static Digest ArmManifest { get; } = Digest.Of("arm manifest"u8);
    public static Digest Other { get; } = Digest.Of("another image"u8);

    public static Measurement Measured { get; } = new(Config, [new LayerMeasurement(Digest.Of("chain"u8), Digest.Of("diff"u8), null, 10240, Sha384("content"))]);

    public JudgedImage Image { get; set; } = new() { Names = [ImageName.Parse(Repository + ":1.4")], Manifest = Manifest, Config = Config, Created = Now.AddDays(-3) };
    public List<ImageSignature> Signatures { get; } = [];
    public List<Attestation> Attestations { get; } = [];
    public List<EvidenceGap> Gaps { get; } = [];
    public Measurement? Measures { get; set; }
    public IReadOnlyList<string> Differences { get; set; } = [];
    public int DifferencesBeyond { get; set; }
    public bool OnlyExported { get; set; }
    public byte[]? Revocations { get; set; }
    public long SeenRevocations { get; set; }
    public Func<string, DateTimeOffset?, DateTimeOffset>? SeenInspections { get; set; }
    public Func<string, string?, IMetadataSource?>? ContentTrust { get; set; }
    public IContentTrustMemory? Memory { get; set; }

    public static Digest Sha384(string text) => Digest.Parse("sha384:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA384.HashData(Encoding.UTF8.GetBytes(text))));

    /// <summary>A signature by each of these keys over the manifest.</summary>
    public TrustBuilder Signed(params ISigner[] by)
    {
        foreach (ISigner key in by)
            Sign(key);
        return this;
    }

    /// <param name="over">What the payload names; default the manifest.</param>
    /// <param name="attached">Where it was found; default where it belongs.</param>
    public TrustBuilder Sign(ISigner by, Digest? over = null, Digest? attached = null, string repository = Repository, DateTimeOffset? time = null, params (string, string)[] optional) =>
        SignBytes(by, new SimpleSigning
        {
            Reference = repository,
            Manifest = over ?? Manifest,
            Timestamp = time,
            Optional = new SortedDictionary<string, string>(optional.ToDictionary(o => o.Item1, o => o.Item2), StringComparer.Ordinal),
        }.ToJson(), attached ?? over ?? Manifest);

    public TrustBuilder SignBytes(ISigner by, byte[] payload, Digest attached)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> made = by.PublicKey.Split(by.Sign(payload));
        Signatures.Add(new ImageSignature(payload, made[0], attached, $"store: {attached.Short}") { MlDsaSignature = made.Count > 1 ? made[1] : default });
        return this;
    }

    public TrustBuilder Attested(ISigner by, string type, string predicate, params (string Name, Digest Digest)[] subjects) =>
        AttestedBytes(by, new Statement([.. (subjects.Length > 0 ? subjects : [("manifest", Manifest), ("config", Config)]).Select(s => new Subject(s.Name, s.Digest))], type, Encoding.UTF8.GetBytes(predicate)).ToJson());

    public TrustBuilder AttestedBytes(ISigner by, byte[] payload, string payloadType = Statement.PayloadType)
    {
        Attestations.Add(new Attestation(DsseSigning.Sign(payloadType, payload, by), Manifest, "store: statement"));
        return this;
    }

    public TrustBuilder Measurement(ISigner by, Measurement? measurement = null, string? overridden = null, params (string, Digest)[] subjects) =>
        Attested(by, MeasurementPredicate.Type, Encoding.UTF8.GetString(new MeasurementPredicate(measurement ?? Measured, Now, "0.1.0", null, null) { Override = overridden }.ToJson()), subjects);

    public TrustBuilder Inspection(ISigner by, Inspection? inspection = null, Verdict? verdict = null) =>
        Attested(by, InspectionPredicate.Type, Encoding.UTF8.GetString(InspectionPredicate.Of(inspection ?? Inspections.Clean, verdict).ToJson()));

    public TrustBuilder Provenance(ISigner by, string builder = "https://ci.example/runner", string source = "git+https://git.example/team/app", DateTimeOffset? finished = null) =>
        Attested(by, "https://slsa.dev/provenance/v1", $$$"""
            {"buildDefinition":{"buildType":"x","resolvedDependencies":[{"uri":"{{{source}}}"},{"uri":"pkg:docker/debian@12"}]},"runDetails":{"builder":{"id":"{{{builder}}}"},
            "metadata":{"finishedOn":"{{{finished ?? Now.AddDays(-1):yyyy-MM-ddTHH:mm:ssZ}}}"} } }
            """.Trim());

    public TrustBuilder Revoking(ISigner by, long counter = 5, DateTimeOffset? signed = null, IReadOnlyList<RevokedKey>? keys = null, IReadOnlyList<RevokedImage>? images = null)
    {
        Revocations = new RevocationList(counter, signed ?? Now.AddDays(-1), keys ?? [], images ?? []).Sign(by);
        return this;
    }

    public TrustBuilder With(Action<TrustBuilder> change)
    {
        change(this);
        return this;
    }

    /// <summary>A policy whose only rule is for everything below registry.example, with these lines.</summary>
    public static Policy Policy(string rule, string more = "") => PolicyOf($"  - names: [\"registry.example/**\"]\n{string.Join('\n', rule.Trim('\n').Split('\n').Select(l => "    " + l))}\n", more);

    public static Policy PolicyOf(string images, string more = "") => PolicyFile.Parse(Encoding.UTF8.GetBytes($"""
        policy: 1
        name: test
        {more}
        trust:
          keys:
            release: {Pem(Release)}
            release-2: {Pem(Release)}
            ops: {Pem(Ops)}
            ci: {Pem(Ci)}
          images:
        {images}
        """), "p.yaml");

    public static string Pem(ISigner key) => $"{{pem: \"{key.PublicKey.ToPem().Replace("\n", "\\n", StringComparison.Ordinal)}\"}}";

    public Verdict Judge(string rule, string more = "") => Judge(Policy(rule, more));

    public Verdict Judge(Policy policy) => TrustJudge.Of(policy, new TrustCase
    {
        Image = Image,
        Evidence = new Evidence { Signatures = Signatures, Attestations = Attestations, Gaps = Gaps },
        Measured = Measures,
        Differences = Differences,
        DifferencesBeyond = DifferencesBeyond,
        OnlyExported = OnlyExported,
        Revocations = Revocations?.AsMemory(),
        SeenRevocations = _ => SeenRevocations,
        SeenInspections = SeenInspections,
        ContentTrust = ContentTrust,
        ContentTrustMemory = Memory,
    }, Now, TestContext.Current.CancellationToken);
}

internal static class VerdictAssert
{
    public static void Passes(this Verdict verdict) =>
        Assert.True(verdict.Outcome == Outcome.Passed, $"{verdict.Outcome}: {string.Join("; ", verdict.Reasons.Select(r => $"{r.Component}/{r.Code} {r.Outcome} {r.Message}"))}");

    /// <summary>Refused, with at least these reasons of that outcome.</summary>
    public static void Refuses(this Verdict verdict, params string[] codes)
    {
        Assert.Equal(Outcome.Refused, verdict.Outcome);
        Has(verdict, Outcome.Refused, codes);
    }

    public static void Has(this Verdict verdict, Outcome outcome, params string[] codes) => Assert.All(codes, code =>
        Assert.True(verdict.Reasons.Any(r => $"{r.Component}/{r.Code}" == code && r.Outcome == outcome && r.Message.Length > r.Code.Length),
            $"no {code} that is {outcome} in {string.Join(", ", verdict.Reasons.Select(r => $"{r.Component}/{r.Code} {r.Outcome} [{r.Message}]"))}"));
}
