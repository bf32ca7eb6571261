using System.Globalization;
using System.Text.Json;
using Plimsoll.Inspect.Boms;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Suppressions;

/// <summary>Reads a VEX document: OpenVEX 0.0 to 0.2, or CycloneDX with vulnerabilities.</summary>
/// <remarks>Source: OpenVEX specification 0.2.0. docs/formats/vex.md says how it is applied.</remarks>
public static class VexFile
{
    /// <summary>Statements of one document.</summary>
    public const int MaxStatements = 500_000;

    /// <summary>The statements in the file's order.</summary>
    /// <exception cref="ImageException">The file cannot be read or is not of either form; nothing of it is used.</exception>
    public static IReadOnlyList<VexStatement> Read(string path)
    {
        byte[] content = BomLimits.Read(path);
        return Posix.Unprivileged.Run(() => Read(content, path));
    }

    /// <param name="name">What the document is called in errors and as a source.</param>
    /// <exception cref="ImageException">See <see cref="Read(string)"/>.</exception>
    public static IReadOnlyList<VexStatement> Read(ReadOnlyMemory<byte> content, string name) => JsonTokens.Guard(Escape.Quote(name), () =>
    {
        ReadOnlySpan<byte> json = BomReader.Start(content.Span);
        if (json.IsEmpty || json[0] != (byte)'{')
            throw new ImageException(ImageError.Malformed, $"{Escape.Quote(name)} is no VEX document", "OpenVEX and CycloneDX JSON are read");
        return BomReader.KindOf(json) == "cyclonedx" ? CycloneDxReader.Read(json, name).Vex : new OpenVex(name).Read(json);
    });

    private sealed class OpenVex(string name)
    {
        private readonly List<VexStatement> _statements = [];
        private readonly List<Draft> _drafts = [];

        private sealed class Draft
        {
            public List<string> Ids { get; } = [];
            public List<VexProduct> Products { get; } = [];
            public string? Status { get; set; }
            public string? Justification { get; set; }
            public string? Impact { get; set; }
            public DateTimeOffset? Time { get; set; }
        }

        public List<VexStatement> Read(ReadOnlySpan<byte> content)
        {
            Utf8JsonReader json = new(content, BomLimits.JsonOptions);
            json.Read();
            string? context = null, author = null;
            DateTimeOffset time = default;
            while (json.NextMember(out string member))
                switch (member)
                {
                    case "@context":
                        context = json.Texts().FirstOrDefault();
                        break;
                    case "author":
                        author = json.Text();
                        break;
                    case "timestamp" or "last_updated":
                        time = TimeOf(json.Text()) ?? time;
                        break;
                    case "statements":
                        if (json.IsArray())
                            while (json.NextObject())
                                ReadStatement(ref json);
                        break;
                    default:
                        json.Skip();
                        break;
                }
            if (context?.StartsWith("https://openvex.dev/ns", StringComparison.Ordinal) != true)
                throw new ImageException(ImageError.Unsupported, $"{Escape.Quote(name)}: neither OpenVEX (its @context is {Escape.Quote(context)}) nor CycloneDX", "OpenVEX and CycloneDX JSON are read");
            for (int i = 0; i < _drafts.Count; i++)
                _statements.Add(Checked(_drafts[i], i + 1, author, time));
            return _statements;
        }

        /// <summary>A statement that says less than it must is an error: it would otherwise be taken for more, or for nothing.</summary>
        private VexStatement Checked(Draft draft, int number, string? author, DateTimeOffset time)
        {
            string source = $"{name}, statement {number}";
            if (draft.Ids.Count == 0)
                throw Wrong(source, "names no vulnerability");
            if (draft.Status is not (VexWords.NotAffected or VexWords.Affected or VexWords.Fixed or VexWords.UnderInvestigation))
                throw Wrong(source, $"has the status {Escape.Quote(draft.Status)}; wanted not_affected, affected, fixed or under_investigation");
            if (draft.Justification is { } why && !VexWords.Justifications.Contains(why, StringComparer.Ordinal))
                throw Wrong(source, $"has the justification {Escape.Quote(why)}; wanted one of {string.Join(", ", VexWords.Justifications)}");
            if (draft is { Status: VexWords.NotAffected, Justification: null } && string.IsNullOrWhiteSpace(draft.Impact))
                throw Wrong(source, "says not_affected with neither justification nor impact_statement");
            return new VexStatement
            {
                Ids = draft.Ids,
                Status = draft.Status,
                Justification = draft.Justification,
                Impact = draft.Impact ?? "",
                Author = author,
                Time = draft.Time ?? time,
                Products = draft.Products,
                Source = source,
            };
        }

        private static ImageException Wrong(string source, string what) => new(ImageError.Malformed, $"{Escape.ForTerminal(source)} {what}");

        private static DateTimeOffset? TimeOf(string? text) =>
            DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;

        private void ReadStatement(ref Utf8JsonReader json)
        {
            if (_drafts.Count == MaxStatements)
                throw new ImageException(ImageError.LimitExceeded, $"{Escape.Quote(name)}: more than {MaxStatements} statements (MaxStatements)");
            Draft draft = new();
            _drafts.Add(draft);
            while (json.NextMember(out string member))
                switch (member)
                {
                    case "vulnerability":
                        ReadVulnerability(ref json, draft.Ids);
                        break;
                    case "products":
                        if (json.IsArray())
                            ReadProducts(ref json, draft.Products);
                        break;
                    case "status":
                        draft.Status = json.Text();
                        break;
                    case "justification":
                        draft.Justification = json.Text();
                        break;
                    case "impact_statement":
                        draft.Impact = json.Text();
                        break;
                    case "timestamp" or "last_updated":
                        draft.Time = TimeOf(json.Text()) ?? draft.Time;
                        break;
                    default:
                        json.Skip();
                        break;
                }
        }

        /// <summary>An object since 0.2, a text before.</summary>
        private static void ReadVulnerability(ref Utf8JsonReader json, List<string> ids)
        {
            if (json.TokenType == JsonTokenType.String)
            {
                Add(json.Text());
                return;
            }
            if (!json.IsObject())
                return;
            while (json.NextMember(out string member))
                if (member is "name" or "@id")
                    Add(json.Text());
                else if (member == "aliases")
                    json.Texts().ForEach(Add);
                else
                    json.Skip();

            void Add(string? id)
            {
                // An @id is often the address of a page on the flaw.
                if (id is { Length: > 0 })
                    ids.Add(id.Contains("://", StringComparison.Ordinal) ? id[(id.LastIndexOf('/') + 1)..] : id);
            }
        }

        /// <summary>Objects since 0.2, texts before.</summary>
        private static void ReadProducts(ref Utf8JsonReader json, List<VexProduct> products)
        {
            while (json.Read() && json.TokenType != JsonTokenType.EndArray)
            {
                if (json.TokenType == JsonTokenType.StartObject)
                    products.Add(ReadProduct(ref json));
                else if (json.Text() is { } text)
                    products.Add(new VexProduct([text], []));
            }
        }

        private static VexProduct ReadProduct(ref Utf8JsonReader json)
        {
            List<string> names = [], parts = [];
            while (json.NextMember(out string member))
                switch (member)
                {
                    case "@id":
                        if (json.Text() is { } id)
                            names.Add(id);
                        break;
                    case "identifiers" or "hashes":
                        if (json.IsObject())
                            while (json.NextMember(out string key))
                                if (json.Text() is { } value)
                                    names.Add(member == "identifiers" ? value : $"{key.ToLowerInvariant().Replace("-", "", StringComparison.Ordinal)}:{value.ToLowerInvariant()}");
                        break;
                    case "subcomponents":
                        if (json.IsArray())
                        {
                            List<VexProduct> components = [];
                            ReadProducts(ref json, components);
                            // A part that names nothing must not make the statement one on the whole.
                            parts.AddRange(components.SelectMany(c => c.Names.Count > 0 ? c.Names : [""]));
                        }
                        break;
                    default:
                        json.Skip();
                        break;
                }
            return new VexProduct(names, parts);
        }
    }
}
