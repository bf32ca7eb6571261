using System.Text.Json;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>What one OSV record says, as far as it is kept; <see cref="Advisory.Source"/> is still empty.</summary>
/// <param name="Withdrawn">True when its publisher took it back: it counts for nothing.</param>
internal sealed record OsvRecord(Advisory Advisory, IReadOnlyList<Affected> Affected, bool Withdrawn);

/// <summary>
/// Reads one OSV record. Unknown members are passed over, null stands for absent, a member of the wrong type makes the
/// record malformed. Source: OSV schema 1.7 (https://ossf.github.io/osv-schema/).
/// </summary>
internal ref struct OsvReader
{
    /// <summary>Bytes of an id: the public ones have at most some 40.</summary>
    public const int MaxIdChars = 256;

    /// <summary>Characters of a summary that are kept; a title line needs no more.</summary>
    public const int MaxSummaryChars = 300;

    /// <summary>References that are kept.</summary>
    public const int MaxReferences = 10;

    /// <summary>Characters of a reference; a longer one is left out.</summary>
    public const int MaxReferenceChars = 1024;

    /// <summary>CVSS vectors that are kept.</summary>
    public const int MaxSeverities = 8;

    /// <summary>Depth of nesting; the schema needs 8.</summary>
    public const int MaxDepth = 32;
    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    private Utf8JsonReader _json;

    private OsvReader(ReadOnlySpan<byte> utf8) => _json = new Utf8JsonReader(utf8, Options);

    /// <exception cref="JsonException">The bytes are no JSON, or no OSV record.</exception>
    public static OsvRecord Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.StartsWith("\uFEFF"u8))
            utf8 = utf8[3..];
        OsvReader reader = new(utf8);
        try
        {
            return reader.Record();
        }
        catch (InvalidOperationException e)
        {
            // The JSON reader says this of texts that are not UTF-8.
            throw new JsonException("a text is not valid UTF-8", e);
        }
    }

    private OsvRecord Record()
    {
        string? id = null, summary = null, details = null, published = null, modified = null, word = null;
        bool withdrawn = false;
        IReadOnlyList<string> aliases = [], upstream = [], related = [], references = [];
        List<KeyValuePair<string, string>> cvss = [];
        List<Affected> affected = [];
        Advance();
        Expect(JsonTokenType.StartObject);
        while (NextMember())
        {
            if (Is("id"u8))
                id = Text();
            else if (Is("summary"u8))
                summary = Text();
            else if (Is("details"u8))
                details = Text();
            else if (Is("published"u8))
                published = Text();
            else if (Is("modified"u8))
                modified = Text();
            else if (Is("withdrawn"u8))
                withdrawn = Text() is { Length: > 0 };
            else if (Is("aliases"u8))
                aliases = Texts();
            else if (Is("upstream"u8))
                upstream = Texts();
            else if (Is("related"u8))
                related = Texts();
            else if (Is("severity"u8))
                Severities(cvss);
            else if (Is("references"u8))
                references = References();
            else if (Is("affected"u8))
                AffectedList(affected, cvss);
            else if (Is("database_specific"u8))
                word = Word("severity"u8) ?? word;
            else
                Pass();
        }
        if (_json.Read())
            throw Wrong("one object");
        if (id is not { Length: > 0 and <= MaxIdChars })
            throw new JsonException(id is null ? "no id" : $"the id has {id.Length} characters; wanted 1 to {MaxIdChars}");
        Advisory advisory = new()
        {
            Id = id,
            Source = "",
            Aliases = aliases,
            Upstream = FlawsAmong(related, affected, aliases, upstream),
            Summary = Shorten(string.IsNullOrWhiteSpace(summary) ? FirstLine(details) : summary),
            Published = published ?? "",
            Modified = modified ?? "",
            Cvss = cvss,
            SeverityWord = word,
            References = references,
        };
        for (int i = 0; i < affected.Count; i++)
            affected[i] = affected[i] with { Advisory = advisory };
        return new OsvRecord(advisory, affected, withdrawn);
    }

    /// <summary>Some distributions name the CVEs of a record in its related ids only.</summary>
    private static IReadOnlyList<string> FlawsAmong(
        IReadOnlyList<string> related, List<Affected> affected, IReadOnlyList<string> aliases, IReadOnlyList<string> upstream)
    {
        if (related.Count == 0 || affected.Count == 0 || !OsvEcosystems.NamesFlawsInRelated(affected[0].Ecosystem)
            || aliases.Any(FlawIds.IsCve) || upstream.Any(FlawIds.IsCve))
            return upstream;
        return [.. upstream, .. related.Where(FlawIds.IsCve)];
    }

    private static readonly Advisory None = new() { Id = "", Source = "" };

    /// <param name="cvss">Takes the vectors that stand here instead of at the record.</param>
    private void AffectedList(List<Affected> affected, List<KeyValuePair<string, string>> cvss)
    {
        if (!Enter(JsonTokenType.StartArray))
            return;
        while (NextElement())
        {
            string? ecosystem = null, package = null, urgency = null;
            List<AffectedRange> ranges = [];
            IReadOnlyList<string> versions = [];
            bool onlyGit = false;
            Expect(JsonTokenType.StartObject);
            while (NextMember())
            {
                if (Is("package"u8))
                    (ecosystem, package) = PackageName();
                else if (Is("ranges"u8))
                    onlyGit = Ranges(ranges);
                else if (Is("versions"u8))
                    versions = Texts();
                else if (Is("severity"u8))
                    Severities(cvss);
                else if (Is("ecosystem_specific"u8) || Is("database_specific"u8))
                    urgency = Word("urgency"u8, "severity"u8, "ubuntu_priority"u8) ?? urgency;
                else
                    Pass();
            }
            // A range of commits says nothing about packages, and an element without a package is about a repository.
            if (ecosystem is null || package is null || (onlyGit && versions.Count == 0))
                continue;
            affected.Add(new Affected
            {
                Advisory = None,
                Ecosystem = ecosystem,
                Package = package,
                Ranges = ranges,
                Versions = versions,
                Urgency = urgency,
            });
        }
    }

    private (string? Ecosystem, string? Package) PackageName()
    {
        string? ecosystem = null, name = null;
        if (!Enter(JsonTokenType.StartObject))
            return default;
        while (NextMember())
        {
            if (Is("ecosystem"u8))
                ecosystem = Text();
            else if (Is("name"u8))
                name = Text();
            else
                Pass();
        }
        return ecosystem is { Length: > 0 and <= MaxIdChars } && name is { Length: > 0 and <= 1024 }
            ? (ecosystem, name)
            : throw new JsonException("a package lacks its ecosystem or name, or has one of absurd length");
    }

    /// <returns>True when there are ranges and each is of type GIT.</returns>
    private bool Ranges(List<AffectedRange> ranges)
    {
        if (!Enter(JsonTokenType.StartArray))
            return false;
        int git = 0;
        while (NextElement())
        {
            string? type = null;
            List<RangeEvent> events = [];
            Expect(JsonTokenType.StartObject);
            while (NextMember())
            {
                if (Is("type"u8))
                    type = RangeType();
                else if (Is("events"u8))
                    Events(events);
                else
                    Pass();
            }
            if (type is "GIT")
                git++;
            else if (type is "ECOSYSTEM" or "SEMVER")
                ranges.Add(new AffectedRange(type, events));
            else
                throw new JsonException($"a range of type {Plimsoll.Texts.Escape.Quote(type)}");
        }
        return git > 0 && ranges.Count == 0;
    }

    private string? RangeType()
    {
        Advance();
        return _json.TokenType != JsonTokenType.String ? throw Wrong("a range type")
            : _json.ValueTextEquals("ECOSYSTEM"u8) ? "ECOSYSTEM"
            : _json.ValueTextEquals("SEMVER"u8) ? "SEMVER"
            : _json.ValueTextEquals("GIT"u8) ? "GIT"
            : _json.GetString();
    }

    private void Events(List<RangeEvent> events)
    {
        if (!Enter(JsonTokenType.StartArray))
            return;
        while (NextElement())
        {
            Expect(JsonTokenType.StartObject);
            while (NextMember())
            {
                string? kind = Is("introduced"u8) ? "introduced" : Is("fixed"u8) ? "fixed"
                    : Is("last_affected"u8) ? "last_affected" : Is("limit"u8) ? "limit" : null;
                if (kind is null)
                    Pass();
                else if (Text() is { } version)
                    events.Add(new RangeEvent(kind, version));
            }
        }
    }

    private void Severities(List<KeyValuePair<string, string>> cvss)
    {
        if (!Enter(JsonTokenType.StartArray))
            return;
        while (NextElement())
        {
            string? type = null, score = null;
            Expect(JsonTokenType.StartObject);
            while (NextMember())
            {
                if (Is("type"u8))
                    type = Text();
                else if (Is("score"u8))
                    score = Text();
                else
                    Pass();
            }
            if (type is not null && score is { Length: <= MaxReferenceChars } && cvss.Count < MaxSeverities)
                cvss.Add(new(type, score));
        }
    }

    private List<string> References()
    {
        List<string> urls = [];
        if (!Enter(JsonTokenType.StartArray))
            return urls;
        while (NextElement())
        {
            Expect(JsonTokenType.StartObject);
            while (NextMember())
            {
                if (Is("url"u8) && urls.Count < MaxReferences)
                {
                    if (Text() is { Length: > 0 and <= MaxReferenceChars } url)
                        urls.Add(url);
                }
                else
                    Pass();
            }
        }
        return urls;
    }

    /// <summary>The first of these members that is a text, of an object of free form.</summary>
    private string? Word(ReadOnlySpan<byte> name, ReadOnlySpan<byte> or = default, ReadOnlySpan<byte> orElse = default)
    {
        string? word = null;
        Advance();
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            _json.Skip();
            return null;
        }
        while (NextMember())
        {
            bool wanted = Is(name) || (!or.IsEmpty && Is(or)) || (!orElse.IsEmpty && Is(orElse));
            Advance();
            if (wanted && word is null && _json.TokenType == JsonTokenType.String && _json.GetString() is { Length: > 0 and <= 64 } text)
                word = text;
            _json.Skip();
        }
        return word;
    }

    private IReadOnlyList<string> Texts()
    {
        if (!Enter(JsonTokenType.StartArray))
            return [];
        List<string>? texts = null;
        while (NextElement())
        {
            Expect(JsonTokenType.String);
            (texts ??= []).Add(_json.GetString()!);
        }
        return texts ?? (IReadOnlyList<string>)[];
    }

    private string? Text()
    {
        Advance();
        return _json.TokenType switch
        {
            JsonTokenType.String => _json.GetString(),
            JsonTokenType.Null => null,
            _ => throw Wrong("a text"),
        };
    }

    private readonly bool Is(ReadOnlySpan<byte> name) => _json.ValueTextEquals(name);

    /// <summary>Goes into an object or array; false for null, which stands for absent.</summary>
    private bool Enter(JsonTokenType start)
    {
        Advance();
        if (_json.TokenType == JsonTokenType.Null)
            return false;
        Expect(start);
        return true;
    }

    private bool NextMember()
    {
        Advance();
        return _json.TokenType != JsonTokenType.EndObject;
    }

    private bool NextElement()
    {
        Advance();
        return _json.TokenType != JsonTokenType.EndArray;
    }

    private void Pass()
    {
        Advance();
        _json.Skip();
    }

    private void Advance()
    {
        if (!_json.Read())
            throw new JsonException("the record ends too early");
    }

    private readonly void Expect(JsonTokenType type)
    {
        if (_json.TokenType != type)
            throw Wrong(type.ToString());
    }

    private readonly JsonException Wrong(string wanted) => new($"byte {_json.TokenStartIndex}: {_json.TokenType}; wanted {wanted}");

    /// <summary>What stands for the summary where a record has none (PyPI's): the details' first line, without Markdown's marks.</summary>
    private static string? FirstLine(string? details)
    {
        foreach (ReadOnlySpan<char> line in details.AsSpan().EnumerateLines())
            if (line.Trim(" \t#*-_=>`") is { IsEmpty: false } text)
                return text.ToString();
        return null;
    }

    private static string Shorten(string? summary)
    {
        if (summary is null || summary.Length <= MaxSummaryChars)
            return summary ?? "";
        // A pair of surrogates is one character; half of one is none.
        int end = char.IsHighSurrogate(summary[MaxSummaryChars - 1]) ? MaxSummaryChars - 1 : MaxSummaryChars;
        return summary[..end] + "…";
    }
}
