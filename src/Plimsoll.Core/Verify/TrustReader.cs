using System.Globalization;
using System.Text;
using Plimsoll.ContentTrust;
using Plimsoll.Keys;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>Reads the section <c>trust</c> of a policy.</summary>
internal sealed class TrustReader(Func<DocumentNode, string>? readKeyFile)
{
    /// <summary>Rules for images, and names of keys.</summary>
    private const int MaxRules = DocumentLimits.MaxListed;
    private const int MaxKeyNameCharacters = 100;

    private static readonly PolicyAction[] OfOverrides = [PolicyAction.Fail, PolicyAction.Warn, PolicyAction.Ignore];
    private static readonly PolicyAction[] OfTheUnread = [PolicyAction.Fail, PolicyAction.Undecided, PolicyAction.Warn, PolicyAction.Ignore];

    private readonly Dictionary<string, TrustKey> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TrustRoot> _roots = new(StringComparer.Ordinal);
    private Signers? _signers;

    public TrustRules Read(MapReader map)
    {
        if (map.Find("roots") is { } roots)
            foreach (DocumentMember member in MembersOf(roots, "trust.roots"))
                _roots.Add(member.Name, RootOf(member));
        // Content trust may be all that a policy asks for; its keys are not the policy's.
        if (_roots.Count == 0 || map.Find("keys") is not null)
            foreach (DocumentMember member in MembersOf(map.Get("keys"), "trust.keys"))
                _keys.Add(member.Name, KeyOf(member));
        _signers = new Signers(_keys.Values);
        List<ImageTrust> images = [];
        foreach (DocumentNode item in map.FindItems("images"))
            images.Add(images.Count < MaxRules ? RuleOf(item) : throw new DocumentException(item.Where, $"more than {MaxRules} rules in trust.images"));
        if (images.Count == 0)
            throw new DocumentException(map.Where, "trust has no rule in images, and would refuse every image");
        map.Done();
        return new TrustRules { Keys = ByName(_keys.Values, k => k.Name), Roots = ByName(_roots.Values, r => r.Name), Images = images };
    }

    /// <summary>In ordinal order of their names, which differ.</summary>
    private static List<T> ByName<T>(IEnumerable<T> values, Func<T, string> name) where T : class
    {
        List<T> sorted = [.. values];
        sorted.Sort((a, b) => string.CompareOrdinal(name(a), name(b)));
        return sorted;
    }

    private static List<string> Sorted(IReadOnlyList<string> texts)
    {
        List<string> sorted = [.. texts];
        sorted.Sort(StringComparer.Ordinal);
        return sorted;
    }

    private static IReadOnlyList<DocumentMember> MembersOf(DocumentNode node, string what)
    {
        _ = new MapReader(node, what);
        return node.Members!.Count is > 0 and <= DocumentLimits.MaxListed ? node.Members
            : throw new DocumentException(node.Where, $"{what} has {node.Members.Count} entries; wanted 1 to {DocumentLimits.MaxListed}");
    }

    private static void CheckName(DocumentMember member, string what)
    {
        if (member.Name.Length is 0 or > MaxKeyNameCharacters || !MapReader.IsPlainName(member.Name))
            throw new DocumentException(member.Where, $"{Escape.Quote(member.Name)} is no name of a {what}; wanted letters, digits, dots, underscores and dashes");
    }

    private TrustRoot RootOf(DocumentMember member)
    {
        CheckName(member, "root");
        MapReader map = new(member.Value, $"trust.roots.{member.Name}");
        DocumentNode? file = map.Find("file"), json = map.Find("json"), pem = map.Find("pem"), keys = map.Find("keys");
        DocumentNode?[] given = [.. new[] { file, json, pem, keys }.OfType<DocumentNode>()];
        if (given.Length != 1)
            throw new DocumentException(member.Value.Where, $"the root {member.Name} has {given.Length} of file, json, pem and keys; wanted one of them");
        map.Done();
        try
        {
            RootPin pin = keys is not null ? RootPin.OfKeys([.. MapReader.TextsOf(keys, map.Inner("keys")).Order(StringComparer.Ordinal)], $"the root {member.Name}")
                : RootPin.OfFile(Encoding.UTF8.GetBytes(json is not null ? MapReader.TextOf(json, map.Inner("json"), PublicKey.MaxPemBytes)
                    : pem is not null ? MapReader.TextOf(pem, map.Inner("pem"), PublicKey.MaxPemBytes)
                    : readKeyFile is not null ? readKeyFile(file!)
                    : throw new DocumentException(file!.Where, "file stands where json or pem was wanted: this form holds the root itself")), $"the root {member.Name}");
            if ((json is not null && pin.Root.IsEmpty) || (pem is not null && pin.Authorities.Length == 0))
                throw new DocumentException(given[0]!.Where, $"the root {member.Name} is no {(json is not null ? "root.json" : "certificate in PEM")}");
            return new TrustRoot(member.Name, pin);
        }
        catch (ContentTrustException e)
        {
            throw new DocumentException(given[0]!.Where, e.Message, e);
        }
    }

    private ContentTrustRule ContentTrustOf(MapReader map)
    {
        DocumentNode roots = map.Get("roots");
        IReadOnlyList<string> names = MapReader.TextsOf(roots, map.Inner("roots"));
        if (names.Count == 0)
            throw new DocumentException(roots.Where, $"{map.Inner("roots")} is empty: without a pinned root nothing is believed");
        for (int i = 0; i < names.Count; i++)
            if (!_roots.ContainsKey(names[i]))
                throw new DocumentException(roots.Items![i].Where, $"{map.Inner("roots")} holds {Escape.Quote(names[i])}; known roots: {string.Join(", ", _roots.Keys)}");
        IReadOnlyList<string> roles = map.Find("roles") is { } node ? MapReader.TextsOf(node, map.Inner("roles")) : ContentTrustRule.DefaultRoles;
        if (roles.Count is 0 or > DocumentLimits.MaxListed || roles.FirstOrDefault(r => r != TufRole.Targets && !TufRole.IsDelegation(r.Replace('*', 'x').Replace('?', 'x'))) is not null)
            throw new DocumentException(map.Get("roles").Where, $"{map.Inner("roles")} holds no roles, or one that is none; wanted targets, targets/releases or targets/NAME, with * for any name");
        string? server = map.FindText("server") is { } text && text != "none" ? text : null;
        try
        {
            _ = server is null ? null : NotaryServer.Parse(server);
        }
        catch (ContentTrustException e)
        {
            throw new DocumentException(map.Get("server").Where, e.Message, e);
        }
        return new ContentTrustRule([.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)], server, roles,
            map.Find("threshold") is { } number ? (int)NumberOf(number, map.Inner("threshold"), 1, DocumentLimits.MaxListed) : 1,
            WordOf(map, "match", TrustWords.Word, [TargetMatch.Tag, TargetMatch.Any]));
    }

    private TrustKey KeyOf(DocumentMember member)
    {
        CheckName(member, "key");
        MapReader map = new(member.Value, $"trust.keys.{member.Name}");
        DocumentNode? file = map.Find("file"), inline = map.Find("pem");
        if (file is null == inline is null)
            throw new DocumentException(member.Value.Where, $"the key {member.Name} has {(file is null ? "neither" : "both")} pem {(file is null ? "nor" : "and")} file; wanted one of them");
        string pem = inline is not null ? MapReader.TextOf(inline, map.Inner("pem"), PublicKey.MaxPemBytes)
            : readKeyFile is not null ? readKeyFile(file!)
            : throw new DocumentException(file!.Where, "file stands where pem was wanted: this form holds the keys themselves");
        map.Done();
        try
        {
            List<TrustedHalf> versions = [];
            foreach (PublicKey key in KeyFile.ReadPublicKeys(pem, $"the key {member.Name}"))
                using (key)
                    if (versions.TrueForAll(v => v.Id != key.Id))
                        versions.Add(new TrustedHalf(key.Id, key.ToPem()) { Parts = key.Parts.Count > 1 ? [.. key.Parts.Select(p => p.Id)] : [] });
            return new TrustKey(member.Name, versions);
        }
        catch (KeyException e)
        {
            throw new DocumentException((file ?? inline)!.Where, e.Message, e);
        }
    }

    private ImageTrust RuleOf(DocumentNode node)
    {
        MapReader map = new(node, "trust.images");
        bool untrusted = IsUntrusted(map);
        MapReader? signatures = SectionOf(map, "signatures", out _), inspection = SectionOf(map, "inspection", out bool inspectionRequired);
        MapReader? measurement = SectionOf(map, "measurement", out bool measurementRequired), revocations = SectionOf(map, "revocations", out _), contentTrust = SectionOf(map, "content-trust", out _);
        KeyQuorum? signers = signatures is null ? null : QuorumOf(signatures, null);
        ImageTrust rule = new()
        {
            Names = NamesOf(map, "names") is { Count: > 0 } names ? names : throw new DocumentException(node.Where, "the rule has no names"),
            Untrusted = untrusted,
            Repositories = NamesOf(map, "repositories"),
            Signatures = signers,
            Match = signatures is null ? default : WordOf(signatures, "match", TrustWords.Word, TrustWords.SignedNames),
            ContentTrust = contentTrust is null ? null : ContentTrustOf(contentTrust),
            Platforms = WordOf(map, "platforms", TrustWords.Word, TrustWords.Platforms),
            Attestations = AttestationsOf(map, signers),
            Inspection = inspection is not null ? QuorumOf(inspection, signers) : inspectionRequired ? Same(map, "inspection", signers) : null,
            DatabaseCounter = inspection is null ? 0 : CounterOf(inspection, "counter"),
            Measurement = measurement is not null ? QuorumOf(measurement, signers) : measurementRequired ? Same(map, "measurement", signers) : null,
            Revocations = revocations is null ? null : RevocationsOf(revocations),
            Minimum = MinimumOf(map.FindMap("minimum")),
            Overridden = PolicyReader.ActionOf(map, "overridden", PolicyAction.Fail, OfOverrides),
            Unreadable = PolicyReader.ActionOf(map, "unreadable", PolicyAction.Undecided, OfTheUnread),
        };
        foreach (MapReader? section in (MapReader?[])[signatures, inspection, measurement, revocations, contentTrust])
            section?.Done();
        map.Done();
        if (untrusted)
            return Unasked(rule) is not { } idle ? rule : throw new DocumentException(node.Where, $"the rule says signed: none, and {idle} is about what somebody signed; leave one of them out");
        if (rule.Signatures is null && rule.ContentTrust is null && rule.Attestations.Count == 0 && rule.Inspection is null && rule.Measurement is null)
            throw new DocumentException(node.Where, "the rule asks for nothing that somebody signed; wanted signatures, content-trust, attestations, inspection or measurement; or signed: none, by which its images are untrusted and start in a sandbox alone");
        return rule;
    }

    /// <summary>Whether the rule says plainly that nothing signed is asked for; whoever asks for something beside it is told.</summary>
    private static bool IsUntrusted(MapReader map)
    {
        if (map.FindText("signed") is not { } word)
            return false;
        if (word != "none")
            throw new DocumentException(map.Get("signed").Where, $"{map.Inner("signed")} is {Escape.Quote(word)}; wanted none, for images that nobody vouches for; leave it out for all others");
        foreach (string asked in (ReadOnlySpan<string>)["signatures", "content-trust", "attestations", "inspection", "measurement"])
            if (map.Find(asked) is { } node && node.Text != "none" && node.Items is not { Count: 0 })
                throw new DocumentException(node.Where, $"the rule says signed: none, and asks for {asked} all the same; leave one of them out");
        return true;
    }

    /// <summary>A key that would do nothing where nothing signed is asked for; null: none stands there.</summary>
    private static string? Unasked(ImageTrust rule) =>
        rule.Repositories.Count > 0 ? "repositories"
        : rule.Platforms != SignedPlatforms.Each ? "platforms"
        : rule.Minimum.NotBefore is not null ? "minimum.not-before"
        : rule.Minimum.Counter > 0 ? "minimum.counter"
        : rule.Overridden != PolicyAction.Fail ? "overridden"
        : rule.Unreadable != PolicyAction.Undecided ? "unreadable" : null;

    /// <summary>A section's mapping; null where it is left out, or one word stands there.</summary>
    private static MapReader? SectionOf(MapReader map, string name, out bool required)
    {
        required = false;
        if (map.Find(name) is not { } node)
            return null;
        if (node.Text is null)
            return new MapReader(node, map.Inner(name));
        string word = MapReader.TextOf(node, map.Inner(name));
        bool mayBeWord = name is "inspection" or "measurement";
        required = mayBeWord && word == "required";
        return required || word == "none" ? null
            : throw new DocumentException(node.Where, $"{map.Inner(name)} is {Escape.Quote(word)}; wanted its keys, {(mayBeWord ? "required, " : "")}or none");
    }

    private static KeyQuorum Same(MapReader map, string name, KeyQuorum? signers) =>
        signers ?? throw new DocumentException(map.Get(name).Where, $"{map.Inner(name)} is required by the keys of signatures, and there are none; name its keys");

    private KeyQuorum QuorumOf(MapReader map, KeyQuorum? otherwise)
    {
        if (map.Find("keys") is null && map.Find("threshold") is null && otherwise is not null)
            return otherwise;
        IReadOnlyList<string> keys = map.Find("keys") is null && otherwise is not null ? otherwise.Keys : KeysOf(map);
        int different = _signers!.Count(keys);
        int threshold = (int)(map.Find("threshold") is { } node ? NumberOf(node, map.Inner("threshold"), 1, DocumentLimits.MaxListed) : 1);
        if (threshold > different)
            throw new DocumentException(map.Get("threshold").Where, $"{map.Inner("threshold")} is {threshold}, and {string.Join(", ", keys)} {(different == 1 ? "is one key" : $"are {different} different keys")}: nothing could satisfy it");
        return new KeyQuorum(keys, threshold);
    }

    private List<string> KeysOf(MapReader map)
    {
        DocumentNode node = map.Get("keys");
        IReadOnlyList<string> names = MapReader.TextsOf(node, map.Inner("keys"));
        if (names.Count == 0)
            throw new DocumentException(node.Where, $"{map.Inner("keys")} is empty");
        for (int i = 0; i < names.Count; i++)
            if (!_keys.ContainsKey(names[i]))
                throw new DocumentException(node.Items![i].Where, $"{map.Inner("keys")} holds {Escape.Quote(names[i])}; known keys: {string.Join(", ", _keys.Keys)}");
        return Sorted(names);
    }

    private static List<string> NamesOf(MapReader map, string name)
    {
        IReadOnlyList<string> names = map.FindTexts(name);
        return names.Count <= DocumentLimits.MaxListed ? Sorted(names)
            : throw new DocumentException(map.Get(name).Where, $"more than {DocumentLimits.MaxListed} entries in {map.Inner(name)}");
    }

    private List<AttestationTrust> AttestationsOf(MapReader rule, KeyQuorum? signers)
    {
        List<AttestationTrust> wanted = [];
        foreach (DocumentNode item in rule.FindItems("attestations"))
        {
            MapReader map = new(item, rule.Inner("attestations"));
            AttestationTrust one = new()
            {
                Type = TypeOf(map),
                Quorum = QuorumOf(map, signers),
                MaxAgeDays = PolicyReader.LimitOf(map, "max-age", null),
                Builder = map.FindText("builder"),
                Source = map.FindText("source"),
                Materials = NamesOf(map, "materials"),
            };
            map.Done();
            if (!PredicateTypes.IsProvenance(one.Type) && (one.Builder ?? one.Source ?? (one.Materials.Count > 0 ? one.Materials[0] : null)) is not null)
                throw new DocumentException(item.Where, $"builder, source and materials are of provenance; {Escape.Quote(one.Type)} has none");
            wanted.Add(wanted.Count < DocumentLimits.MaxListed ? one : throw new DocumentException(item.Where, $"more than {DocumentLimits.MaxListed} attestations"));
        }
        return wanted;
    }

    private static string TypeOf(MapReader map)
    {
        string type = map.GetText("type");
        return PredicateTypes.Words.Contains(type, StringComparer.Ordinal) || type.Contains(':', StringComparison.Ordinal) ? type
            : throw new DocumentException(map.Get("type").Where, $"type is {Escape.Quote(type)}; wanted {string.Join(", ", PredicateTypes.Words)}, or a predicate type (https://…)");
    }

    private RevocationTrust RevocationsOf(MapReader map) => new(KeysOf(map), PolicyReader.LimitOf(map, "max-age", 7), CounterOf(map, "counter"));

    private static ImageMinimum MinimumOf(MapReader? map)
    {
        if (map is null)
            return new();
        ImageMinimum minimum = new(DayOf(map, "created-after"), DayOf(map, "not-before"), CounterOf(map, "counter"));
        map.Done();
        return minimum;
    }

    private static DateOnly? DayOf(MapReader map, string name) =>
        map.FindText(name) is not { } text || text == "none" ? null
        : DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) ? day
        : throw new DocumentException(map.Get(name).Where, $"{map.Inner(name)} is {Escape.Quote(text)}; wanted a date such as 2027-01-31, or none");

    private static long CounterOf(MapReader map, string name) => map.Find(name) is { } node ? NumberOf(node, map.Inner(name), 0, long.MaxValue) : 0;

    private static long NumberOf(DocumentNode node, string what, long least, long most)
    {
        string text = MapReader.TextOf(node, what);
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most ? number
            : throw new DocumentException(node.Where, $"{what} is {Escape.Quote(text)}; wanted a number from {least}");
    }

    private static T WordOf<T>(MapReader map, string name, Func<T, string> word, T[] known) where T : struct
    {
        if (map.FindText(name) is not { } text)
            return default;
        foreach (T value in known)
            if (word(value) == text)
                return value;
        throw new DocumentException(map.Get(name).Where, $"{map.Inner(name)} is {Escape.Quote(text)}; wanted {string.Join(" or ", known.Select(word))}");
    }
}

/// <summary>The words of the section's enumerations.</summary>
internal static class TrustWords
{
    /// <summary>Named one by one: asking the enumeration goes through reflection.</summary>
    public static SignedName[] SignedNames { get; } = [SignedName.Repository, SignedName.Exact, SignedName.Any];

    public static SignedPlatforms[] Platforms { get; } = [SignedPlatforms.Each, SignedPlatforms.Index];

    public static string Word(this SignedPlatforms platforms) => platforms == SignedPlatforms.Index ? "index" : "each";

    public static string Word(this TargetMatch match) => match == TargetMatch.Any ? "any" : "tag";

    public static string Word(this SignedName name) => name switch
    {
        SignedName.Exact => "exact",
        SignedName.Any => "any",
        _ => "repository",
    };
}
