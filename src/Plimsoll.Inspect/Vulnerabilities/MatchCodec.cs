using System.Globalization;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>The bytes in which the cache keeps what a database said of a composed image, in the form of <see cref="FactWriter"/>.</summary>
/// <remarks>A flaw that several packages have is kept once; packages are numbers in the image's inventory.</remarks>
internal static class MatchCodec
{
    private static ReadOnlySpan<byte> Magic => "PLM1"u8;

    /// <returns>Null when a finding is on a package that the inventory does not list.</returns>
    public static byte[]? Encode(MatchResult result, Inventory inventory)
    {
        Dictionary<object, int> packages = new(ReferenceEqualityComparer.Instance), flaws = new(ReferenceEqualityComparer.Instance);
        for (int i = 0; i < inventory.Packages.Count; i++)
            packages[inventory.Packages[i]] = i;
        List<Finding> distinct = [];
        foreach (Finding finding in result.Findings)
            if (!packages.ContainsKey(finding.Package))
                return null;
            else if (flaws.TryAdd(finding.Matches, distinct.Count))
                distinct.Add(finding);
        FactWriter writer = new();
        writer.List(distinct, WriteFlaw);
        writer.Number(result.Findings.Count);
        foreach (Finding finding in result.Findings)
        {
            int flaw = flaws[finding.Matches];
            // What is shared must be all of the flaw; else it would come back changed.
            if (finding with { Package = distinct[flaw].Package, Fingerprint = distinct[flaw].Fingerprint, Suppressed = distinct[flaw].Suppressed } != distinct[flaw])
                return null;
            writer.Number(flaw);
            writer.Number(packages[finding.Package]);
            writer.Text(finding.Fingerprint);
            Write(writer, finding.Suppressed);
        }
        writer.List(result.Notes, Write);
        writer.List(result.Gaps, LayerFactsCodec.Write);
        return writer.ToArray(Magic, []);
    }

    /// <returns>Null when the bytes are no whole file of this form, or of another inventory.</returns>
    public static MatchResult? Decode(ReadOnlySpan<byte> whole, Inventory inventory)
    {
        if (!FactReader.TryOpen(whole, Magic, out ReadOnlySpan<byte> facts))
            return null;
        try
        {
            FactReader reader = new(facts);
            IReadOnlyList<Flaw> flaws = reader.List(ReadFlaw);
            Finding[] findings = new Finding[reader.Count()];
            for (int i = 0; i < findings.Length; i++)
            {
                Flaw flaw = flaws[(int)reader.Number()];
                InstalledPackage package = inventory.Packages[(int)reader.Number()];
                findings[i] = flaw.Of(package, reader.Must(), ReadSuppression(ref reader));
            }
            return new MatchResult(findings, reader.List(ReadNote), reader.List(LayerFactsCodec.ReadGap));
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static void WriteFlaw(FactWriter writer, Finding finding)
    {
        writer.Text(finding.Id);
        writer.Texts(finding.Aliases);
        writer.Text(finding.FixedVersion);
        writer.Text(finding.Status);
        writer.Number((int)finding.Severity);
        writer.Text(finding.SeverityFrom);
        Write(writer, finding.Score);
        writer.Text(finding.Title);
        writer.Text(finding.Published);
        writer.Texts(finding.References);
        writer.Text(finding.KnownExploited);
        Write(writer, finding.Epss?.Probability);
        Write(writer, finding.Epss?.Percentile);
        writer.Number((finding.Malicious ? 1 : 0) + (finding.FromStarterSet ? 2 : 0));
        writer.List(finding.Matches, Write);
    }

    private static Flaw ReadFlaw(ref FactReader reader)
    {
        string id = reader.Must();
        IReadOnlyList<string> aliases = reader.Texts();
        string? fixedVersion = reader.Text();
        string status = reader.Must();
        SeverityAnswer severity = new((Severity)reader.Number(), reader.Text(), ReadNumber(ref reader));
        string title = reader.Must(), published = reader.Must();
        IReadOnlyList<string> references = reader.Texts();
        string? knownExploited = reader.Text();
        double? probability = ReadNumber(ref reader), percentile = ReadNumber(ref reader);
        long marks = reader.Number();
        return new Flaw
        {
            Id = id,
            Aliases = aliases,
            Fixed = fixedVersion,
            Status = status,
            Severity = severity,
            Title = title,
            Published = published,
            References = references,
            KnownExploited = knownExploited,
            Epss = probability is { } chance && percentile is { } rank ? new Epss(chance, rank) : null,
            Malicious = (marks & 1) != 0,
            FromStarterSet = (marks & 2) != 0,
            Matches = reader.List(ReadMatch),
        };
    }

    private static void Write(FactWriter writer, double? number)
    {
        writer.Number(number is null ? 0 : 1);
        if (number is { } value)
            writer.Number(BitConverter.DoubleToInt64Bits(value));
    }

    private static double? ReadNumber(ref FactReader reader) => reader.Number() == 0 ? null : BitConverter.Int64BitsToDouble(reader.Number());

    private static void Write(FactWriter writer, Match match)
    {
        writer.Text(match.AdvisoryId);
        writer.Text(match.Ecosystem);
        writer.Text(match.Package);
        writer.Text(match.Version);
        writer.Text(match.Range);
        writer.Text(match.FixedVersion);
    }

    private static Match ReadMatch(ref FactReader reader) => new()
    {
        AdvisoryId = reader.Must(),
        Ecosystem = reader.Must(),
        Package = reader.Must(),
        Version = reader.Must(),
        Range = reader.Must(),
        FixedVersion = reader.Text(),
    };

    private static void Write(FactWriter writer, Suppression? suppression)
    {
        writer.Text(suppression?.Id);
        if (suppression is null)
            return;
        writer.Text(suppression.Package);
        writer.Text(suppression.Path);
        writer.Text(suppression.Reason);
        writer.Text(suppression.Owner);
        writer.Text(suppression.Expires?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        writer.Text(suppression.Source);
        writer.Text(suppression.Status);
        writer.Text(suppression.Justification);
    }

    private static Suppression? ReadSuppression(ref FactReader reader) => reader.Text() is not { } id ? null : new Suppression
    {
        Id = id,
        Package = reader.Text(),
        Path = reader.Text(),
        Reason = reader.Must(),
        Owner = reader.Text(),
        Expires = reader.Text() is { } day ? DateOnly.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture) : null,
        Source = reader.Must(),
        Status = reader.Text(),
        Justification = reader.Text(),
    };

    internal static void Write(FactWriter writer, Note note)
    {
        writer.Text(note.Code);
        writer.Number(note.Undecided ? 1 : 0);
        writer.Texts(note.Arguments);
    }

    internal static Note ReadNote(ref FactReader reader) => new(reader.Must(), reader.Number() != 0, reader.Texts());
}
