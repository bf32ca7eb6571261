using Plimsoll.Inspect;
using Plimsoll.Inspect.Policies;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Cli.Commands;

/// <summary>One call of <c>sign</c>: every platform is inspected, judged and measured before anything is signed.</summary>
internal sealed class SignRun(CliContext context, ScanServices services)
{
    public required IReadOnlyList<string> Keys { get; init; }
    public required PassphraseSource Passphrases { get; init; }

    /// <summary>A store, as <c>copy</c> takes it; null: where the image is.</summary>
    public string? To { get; init; }

    /// <summary>A bundle file in its place.</summary>
    public string? Output { get; init; }
    public string? Identity { get; init; }
    public IReadOnlyList<AttachedPredicate> Attached { get; init; } = [];
    public required string Policy { get; init; }
    public string? PolicyKey { get; init; }
    public string? Override { get; init; }
    public string? Database { get; init; }
    public bool NoCache { get; init; }
    public bool Quiet { get; init; }
    public ImageOptions Images { get; init; } = new();

    /// <summary>What one platform's statements are made of.</summary>
    /// <param name="Subject">What the statements hang on.</param>
    private sealed record Prepared(SignImage Image, SubjectDescriptor Subject, ImageDigests Digests, Report Report, MeasurementPredicate Measurement, IReadOnlyList<SideContent> Contents);

    public int Run(string name, CancellationToken cancellationToken)
    {
        CheckArguments();
        Policy policy = PolicySource.Open(Policy, PolicyKey, PolicyCommand.CountersOf(context), new KeyStore(context)).Policy;
        return Told(name, () =>
        {
            using OpenedSource? source = SignSubject.HasManifests(name) ? ArtifactStores.OpenSource(name, Images, cancellationToken) : null;
            if (source is null && To is null && Output is null)
                throw CommandException.Usage($"{Escape.Quote(name)} is kept where no signature can be put beside it", "--output FILE.bundle.tar writes them into a file; --to STORE into a registry or a layout");
            SignSubject subject = source is null ? SignSubject.OfConfig(name) : SignSubject.Of(name, source, Pinned(name, source), RepositoryOf(source), Images.Platform, cancellationToken);
            List<ISigner> signers = [];
            try
            {
                foreach (string key in Keys)
                    signers.Add(new KeyStore(context).OpenSigner(key, Passphrases, cancellationToken));
                if (signers.DistinctBy(s => s.PublicKey.Id).Count() != signers.Count)
                    throw CommandException.Usage("two of the keys are the same key");
                List<Prepared> prepared = [];
                using IAdvisoryStore store = Cli.Commands.Subject.OpenStore(context, services, Database);
                using CheckSet checks = Cli.Commands.Subject.Checks(context, CheckWords.KindsOf(CheckWords.All));
                foreach (SignImage image in subject.Images)
                    prepared.Add(Prepare(image, subject, policy, store, checks, cancellationToken));
                string? overridden = Judge(prepared);
                using OpenedTarget target = OpenTarget(name, cancellationToken);
                Write(subject, prepared, target, signers, overridden, cancellationToken);
            }
            catch (KeyException e)
            {
                throw new CommandException(ExitCode.Undecided, e.Message, e.Hint, e);
            }
            finally
            {
                foreach (ISigner signer in signers)
                    signer.Dispose();
            }
            return ExitCode.Done;
        });
    }

    private void CheckArguments()
    {
        if (To is not null && Output is not null)
            throw CommandException.Usage("--to and --output do not go together");
        if (Override is not null && (Override.Trim() != Override || Override.Length is 0 or > InspectionPredicate.MaxCharacters || Override.Any(char.IsControl)))
            throw CommandException.Usage($"--override: the reason is a line of 1 to {InspectionPredicate.MaxCharacters} characters without spaces around it");
        if (Identity is not null && (Identity.IndexOf('/', StringComparison.Ordinal) <= 0 || Identity.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)) || Identity.Contains('@', StringComparison.Ordinal)))
            throw CommandException.Usage($"--identity: {Escape.Quote(Identity)} is not understood; wanted a repository, for example registry.example/team/app");
        if (Output is not null)
            new OutputTarget("bundle", Output).Check();
    }

    /// <summary>The name under which exactly this manifest is opened as an image.</summary>
    private static Func<Digest, string> Pinned(string name, OpenedSource source)
    {
        ImageReference reference = ImageReference.Parse(name);
        return reference.Scheme switch
        {
            ImageScheme.Oci => digest => $"oci:{reference.Location}:{digest}",
            ImageScheme.OciArchive or ImageScheme.Archive => digest => $"oci-archive:{reference.Location}:{digest}",
            _ => digest => $"registry:{source.Store.Name}@{digest}",
        };
    }

    private static string RepositoryOf(OpenedSource source) => source.Store is IArtifactList ? "" : source.Store.Name;

    private Prepared Prepare(SignImage image, SignSubject subject, Policy policy, IAdvisoryStore store, CheckSet checks, CancellationToken cancellationToken)
    {
        string shown = image.Platform is null ? subject.Name : $"{subject.Name} ({image.Platform})";
        Report report;
        using (ProgressLine? progress = ProgressLine.Start(context, shown, Quiet))
        {
            ScanOptions options = Cli.Commands.Subject.Options(context, image.Subject is null ? Images.Platform : null, progress) with
            {
                Checks = checks.All,
                Registry = Images.Registry,
                Environment = Images.Environment,
                CacheFolder = NoCache ? null : context.Home.Cache,
            };
            report = DatabaseNotes.AddTo(services.Scan(image.Name, store, options, cancellationToken), context.Time.GetUtcNow());
        }
        // By digest it was opened; what it is called, and which index lists it, is known here.
        report = report with { Image = subject.Name, IndexDigest = image.Index?.ToString() ?? report.IndexDigest, Policy = policy };
        report = report with { Verdict = PolicyJudge.Judge(report, policy, context.Time.GetUtcNow()) };
        using Image opened = ImageSource.Open(image.Name, image.Subject is null ? Images : Images with { Platform = null }, cancellationToken);
        MeasureResult measured = Measurer.Measure(opened, new MeasureOptions { Files = true }, cancellationToken);
        if (measured.Measurement is not { } measurement || !measured.Intact)
            throw new CommandException(ExitCode.Refused, $"{Escape.Quote(shown)}: {(measured.Differences is [var first, ..] ? $"{Escape.ForTerminal(first.Path)} is not as its layer says" : "a layer is not the one that the config states")}; nothing was signed", $"plimsoll measure --check {Escape.ForTerminal(subject.Name)} names every difference");
        if (report.ConfigDigest != measurement.Config.ToString() || (image.Subject is { } wanted && (report.ManifestDigest != wanted.Digest.ToString() || opened.ManifestDigest != wanted.Digest)))
            throw new ImageException(ImageError.DigestMismatch, $"{shown}: the image changed while it was looked at: inspected {report.ConfigDigest}, measured {measurement.Config}", "sign it again when nobody writes to it");
        ImageDigests digests = new(image.Index ?? opened.IndexDigest, image.Subject?.Digest ?? opened.ManifestDigest, measurement.Config);
        List<SideContent> contents = [new SideContent(FileList.MediaType, measured.Files!.ToBytes())];
        var format = ReportFormats.Find("cyclonedx")!;
        contents.Add(new SideContent("application/vnd.cyclonedx+json", ReportFormats.Render(format, [ScanResult.Of(subject.Name, report, ReportFilter.None)], ReportFilter.None, AppVersion.Full)!));
        return new Prepared(image, image.Subject ?? new SubjectDescriptor(MediaTypes.DockerConfig, measurement.Config, opened.ConfigBytes.Length), digests, report,
            new MeasurementPredicate(measurement, Seconds(context.Time.GetUtcNow()), AppVersion.Full, Named(contents[0]), Named(contents[1])) { Platform = report.Platform }, contents);
    }

    private static MeasuredContent Named(SideContent content) => new(content.MediaType, content.Digest, content.Bytes.Length);

    private static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    /// <summary>The reason that every signature will state; null when the policy is satisfied.</summary>
    /// <exception cref="CommandException">A platform fails the policy and nothing overrides it: nothing is signed.</exception>
    private string? Judge(IReadOnlyList<Prepared> prepared)
    {
        List<Prepared> failed = [.. prepared.Where(p => p.Report.Verdict!.Outcome is Outcome.Refused or Outcome.Undecided)];
        if (failed.Count == 0)
        {
            if (Override is not null)
                Say(Catalogue.SignOverrideNotNeeded.In(context.Language));
            return null;
        }
        foreach (Prepared one in failed)
        {
            if (one.Image.Platform is { } platform)
                context.Error.WriteLine($"plimsoll: {Escape.ForTerminal(platform)}");
            VerdictText.Write(context.Error, one.Report.Verdict!, Cli.Commands.Subject.TableFor(context, services));
        }
        if (Override is { } reason)
        {
            Say(Catalogue.SignOverridden.In(context.Language, Escape.ForTerminal(reason)));
            return reason;
        }
        throw new CommandException(failed.Exists(p => p.Report.Verdict!.Outcome == Outcome.Refused) ? ExitCode.Refused : ExitCode.Undecided,
            Catalogue.SignRefused.In(context.Language), "--override REASON signs it all the same, and every signature says so");
    }

    private OpenedTarget OpenTarget(string name, CancellationToken cancellationToken) =>
        ArtifactStores.OpenTarget(Output is not null ? $"oci-archive:{Output}" : To ?? name, Images, cancellationToken);

    private void Write(SignSubject subject, IReadOnlyList<Prepared> prepared, OpenedTarget target, IReadOnlyList<ISigner> signers, string? overridden, CancellationToken cancellationToken)
    {
        string identity = Identity ?? (subject.Repository.Length > 0 ? subject.Repository : RepositoryOf(new OpenedSource(target.Store, null)));
        ImageSigner signer = new(target.Store, signers, identity, overridden, context.Time);
        Action<CancellationToken> complete = target.Batch();
        List<string> lines = [];
        foreach (Prepared one in prepared)
        {
            Evidence present = EvidenceReader.Read(target.Store, new ImageDigests(null, one.Subject.Digest, null), EvidenceLimits.Default, cancellationToken);
            signer.AddContents(one.Subject, one.Contents, cancellationToken);
            signer.Attest(one.Subject, (one.Measurement with { Override = overridden }).ToStatement(one.Digests), present, cancellationToken);
            InspectionPredicate inspection = PolicyJudge.PredicateOf(one.Report, one.Report.Policy) with { Override = overridden };
            signer.Attest(one.Subject, new Statement(MeasurementPredicate.SubjectsOf(one.Digests), InspectionPredicate.Type, inspection.ToJson()), present, cancellationToken);
            // Of one platform alone the index is not spoken for.
            IReadOnlyList<Plimsoll.Sign.Subject> alone = MeasurementPredicate.SubjectsOf(one.Digests with { Index = null });
            if (subject.Index is null)
                Attach(one.Subject, alone, present);
            signer.Sign(one.Subject, alone, present, cancellationToken);
            lines.Add(Catalogue.SignDone.In(context.Language, one.Subject.Digest.ToString(), one.Image.Platform ?? one.Report.Platform ?? ""));
        }
        if (subject.Index is { } index)
        {
            Evidence present = EvidenceReader.Read(target.Store, new ImageDigests(index.Digest, null, null), EvidenceLimits.Default, cancellationToken);
            IReadOnlyList<Plimsoll.Sign.Subject> alone = [new Plimsoll.Sign.Subject("index", index.Digest)];
            Attach(index, alone, present);
            signer.Sign(index, alone, present, cancellationToken);
            lines.Add(Catalogue.SignDone.In(context.Language, index.Digest.ToString(), Catalogue.SignIndex.In(context.Language)));
        }
        complete(cancellationToken);
        foreach (string line in lines)
            context.Out.WriteLine(line.TrimEnd());
        context.Out.WriteLine(Catalogue.SignWhere.In(context.Language, Escape.ForTerminal(target.Store.Name), string.Join(", ", signers.Select(s => s.PublicKey.Id[..16] + "…"))));
        if (identity.Length == 0 && prepared.Any(p => p.Image.Subject is not null))
            Say(Catalogue.SignNoIdentity.In(context.Language));

        void Attach(SubjectDescriptor to, IReadOnlyList<Plimsoll.Sign.Subject> subjects, Evidence present)
        {
            foreach (AttachedPredicate predicate in Attached)
                signer.Attest(to, new Statement(subjects, predicate.Type, predicate.Json), present, cancellationToken);
        }
    }

    private void Say(string text)
    {
        if (!Quiet)
            context.Error.WriteLine($"plimsoll: {text}");
    }

    private static int Told(string name, Func<int> run)
    {
        try
        {
            return run();
        }
        catch (ImageException e)
        {
            throw new CommandException(ExitCode.Undecided, ImageFailure.Named(name, Escape.ForTerminal(e.Message)), ImageFailure.HintOf(name, e), e);
        }
    }
}
