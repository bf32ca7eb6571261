using System.Text;
using Plimsoll.Texts;
using Plimsoll.Verify;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Plimsoll.Inspect.Policies;

/// <summary>Makes <see cref="DocumentNode"/>s of YAML that has one meaning: no anchors, aliases, tags or second documents, no key twice.</summary>
/// <remarks>The events of YAML's parser are read directly, as in <see cref="Suppressions.SuppressionFile"/>.</remarks>
internal static class YamlDocument
{
    /// <param name="name">What the file is called in errors: <c>policy.yaml:12</c>.</param>
    /// <exception cref="DocumentException">No UTF-8, no YAML, or something of it that is not taken, with its line.</exception>
    public static DocumentNode Parse(ReadOnlySpan<byte> utf8, string name) => PlainYaml.TryParse(utf8, name) ?? ParseWhole(utf8, name);

    /// <summary>As <see cref="Parse"/>, always by the parser of all of YAML.</summary>
    internal static DocumentNode ParseWhole(ReadOnlySpan<byte> utf8, string name)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(utf8);
        }
        catch (DecoderFallbackException e)
        {
            throw new DocumentException(name, "not UTF-8 text", e);
        }
        Parser parser = new(new StringReader(text));
        try
        {
            return Read(parser, name);
        }
        catch (YamlException e)
        {
            throw new DocumentException($"{name}:{e.Start.Line}", $"not YAML: {Escape.ForTerminal(e.Message)}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // What YamlDotNet 16.3 lets out where it forgets to say it as a YamlException: "..." and a token behind it.
            throw new DocumentException($"{name}:{parser.Current?.End.Line ?? 1}", $"not YAML: {Escape.ForTerminal(e.Message)}", e);
        }
    }

    private static DocumentNode Read(Parser parser, string name)
    {
        parser.MoveNext();
        if (!parser.MoveNext() || parser.Current is not DocumentStart)
            throw new DocumentException($"{name}:1", "the file is empty");
        parser.MoveNext();
        DocumentNode root = Node(parser, name, 0);
        if (!parser.MoveNext() || parser.Current is not DocumentEnd || (parser.MoveNext() && parser.Current is not StreamEnd))
            throw new DocumentException(Where(parser, name), "a second document stands where the end of the file was wanted");
        return root;
    }

    private static DocumentNode Node(Parser parser, string name, int depth)
    {
        string where = Where(parser, name);
        string? refused = parser.Current switch
        {
            AnchorAlias => "an alias (*)",
            NodeEvent { Anchor.IsEmpty: false } => "an anchor (&)",
            NodeEvent { Tag.IsEmpty: false } => "a tag (!)",
            _ => null,
        };
        if (refused is not null)
            throw new DocumentException(where, $"{refused} stands here; this form has none");
        if (depth > DocumentLimits.MaxDepth)
            throw new DocumentException(where, $"deeper than {DocumentLimits.MaxDepth} structures (MaxDepth)");
        switch (parser.Current)
        {
            case Scalar scalar:
                bool nothing = scalar is { Style: ScalarStyle.Plain, Value: "" or "~" or "null" };
                return new DocumentNode { Where = where, Text = nothing ? null : scalar.Value };
            case SequenceStart:
                List<DocumentNode> items = [];
                while (parser.MoveNext() && parser.Current is not SequenceEnd)
                    items.Add(Node(parser, name, depth + 1));
                return new DocumentNode { Where = where, Items = items };
            case MappingStart:
                return new DocumentNode { Where = where, Members = Members(parser, name, depth) };
            default:
                throw new DocumentException(where, "the document ends where a value was wanted");
        }
    }

    private static List<DocumentMember> Members(Parser parser, string name, int depth)
    {
        List<DocumentMember> members = [];
        Dictionary<string, string> seen = new(StringComparer.Ordinal);
        while (parser.MoveNext() && parser.Current is not MappingEnd)
        {
            DocumentNode key = Node(parser, name, depth + 1);
            if (key.Text is not { } text)
                throw new DocumentException(key.Where, "the key is no text");
            if (!seen.TryAdd(text, key.Where))
                throw new DocumentException(key.Where, $"key {Escape.Quote(text)} stands already at {seen[text]}");
            parser.MoveNext();
            members.Add(new DocumentMember(text, key.Where, Node(parser, name, depth + 1)));
        }
        return members;
    }

    private static string Where(Parser parser, string name) => $"{name}:{parser.Current?.Start.Line ?? 1}";
}
