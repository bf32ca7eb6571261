using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>A policy, its tests or a predicate cannot be used. Nothing of it counts then.</summary>
public sealed class DocumentException(string where, string reason, Exception? inner = null) : Exception($"{where}: {reason}", inner)
{
    /// <summary>File and line, or file and member: <c>policy.yaml:12</c>, <c>policy.json: vulnerabilities.epss</c>.</summary>
    public string Where { get; } = where;
}

/// <summary>One value of a document with its place: a text, a list or a mapping. YAML and JSON both become this, so that one reader judges both.</summary>
public sealed class DocumentNode
{
    /// <summary>For errors; see <see cref="DocumentException.Where"/>.</summary>
    public required string Where { get; init; }

    /// <summary>The scalar as text; null for a list or mapping, and for a value that is not there (YAML's <c>~</c>, JSON's null).</summary>
    public string? Text { get; init; }

    /// <summary>Null for all but a list.</summary>
    public IReadOnlyList<DocumentNode>? Items { get; init; }

    /// <summary>In the order of the document, each name once; null for all but a mapping.</summary>
    public IReadOnlyList<DocumentMember>? Members { get; init; }

    internal string Kind => Text is { } text ? $"the text {Escape.Quote(text)}" : Items is not null ? "a list" : Members is not null ? "a mapping" : "nothing";
}

/// <param name="Where">Of the name.</param>
public sealed record DocumentMember(string Name, string Where, DocumentNode Value);

/// <summary>Reads one mapping and refuses what it does not know.</summary>
public sealed class MapReader
{
    private readonly DocumentNode _node;
    private readonly string _what;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <param name="what">For errors: <c>the policy</c>, <c>vulnerabilities</c>.</param>
    /// <exception cref="DocumentException">It is no mapping.</exception>
    public MapReader(DocumentNode node, string what)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(what);
        _node = node;
        _what = what;
        if (node.Members is null)
            throw Wrong(node, "a mapping");
    }

    /// <summary>Of the mapping.</summary>
    public string Where => _node.Where;

    /// <summary>The value of a key; null when it is not there. The key is known from now on.</summary>
    public DocumentNode? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        _known.Add(name);
        foreach (DocumentMember member in _node.Members!)
            if (member.Name == name)
                return member.Value;
        return null;
    }

    /// <exception cref="DocumentException">The key is not there.</exception>
    public DocumentNode Get(string name) => Find(name) ?? throw new DocumentException(_node.Where, $"{_what} has no {name}");

    public string? FindText(string name, int maxCharacters = DocumentLimits.MaxTextCharacters) => Find(name) is { } node ? TextOf(node, Inner(name), maxCharacters) : null;

    public string GetText(string name, int maxCharacters = DocumentLimits.MaxTextCharacters) => TextOf(Get(name), Inner(name), maxCharacters);

    public IReadOnlyList<string> FindTexts(string name) => Find(name) is { } node ? TextsOf(node, Inner(name)) : [];

    public MapReader? FindMap(string name) => Find(name) is { } node ? new MapReader(node, Inner(name)) : null;

    public IReadOnlyList<DocumentNode> FindItems(string name) => Find(name) is { } node ? node.Items ?? throw Wrong(node, $"a list of {Inner(name)}") : [];

    /// <summary>Every member must have been asked for.</summary>
    /// <exception cref="DocumentException">One was not; the error names those that are known.</exception>
    public void Done()
    {
        foreach (DocumentMember member in _node.Members!)
            if (!_known.Contains(member.Name))
                throw new DocumentException(member.Where, $"unknown key {Escape.Quote(member.Name)} in {_what}; known keys: {string.Join(", ", _known)}");
    }

    /// <summary>A key with the name of its mapping, for errors: <c>vulnerabilities.epss</c>.</summary>
    public string Inner(string name) => _what.StartsWith("the ", StringComparison.Ordinal) ? name : $"{_what}.{name}";

    /// <summary>Something else stands where something was wanted.</summary>
    public static DocumentException Wrong(DocumentNode node, string wanted) => new((node ?? throw new ArgumentNullException(nameof(node))).Where, $"{node.Kind} stands where {wanted} was wanted");

    /// <summary>The value that the document calls by this word.</summary>
    /// <exception cref="DocumentException">It is none of the known words; the message names them all.</exception>
    public static T WordOf<T>(DocumentNode node, Func<T, string> word, IReadOnlyList<T> known)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(word);
        ArgumentNullException.ThrowIfNull(known);
        foreach (T value in known)
            if (word(value) == node.Text)
                return value;
        throw Wrong(node, $"one of {string.Join(", ", known.Select(word))}");
    }

    /// <exception cref="DocumentException">It is neither <c>true</c> nor <c>false</c>.</exception>
    public static bool FlagOf(DocumentNode node) => node?.Text switch
    {
        "true" => true,
        "false" => false,
        _ => throw Wrong(node!, "true or false"),
    };

    /// <summary>Not empty, no longer than a text may be, and Unicode.</summary>
    public static string TextOf(DocumentNode node, string what, int maxCharacters = DocumentLimits.MaxTextCharacters)
    {
        if (node?.Text is not { } text)
            throw Wrong(node!, $"a text for {what}");
        text = text.Trim();
        if (text.Length == 0)
            throw new DocumentException(node.Where, $"{what} is empty");
        if (text.Length > maxCharacters)
            throw new DocumentException(node.Where, $"{what} has {text.Length} characters, at most {maxCharacters}");
        for (int i = 0; i < text.Length; i++)
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else if (char.IsSurrogate(text[i]))
                throw new DocumentException(node.Where, $"{what} is no Unicode text");
        return text;
    }

    /// <summary>Whether a name is made of ASCII letters, digits, dots, underscores and dashes.</summary>
    internal static bool IsPlainName(string name)
    {
        foreach (char c in name)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
                return false;
        return true;
    }

    /// <summary>A list of texts, none twice.</summary>
    public static IReadOnlyList<string> TextsOf(DocumentNode node, string what)
    {
        ArgumentNullException.ThrowIfNull(node);
        List<string> texts = [];
        foreach (DocumentNode item in node.Items ?? throw Wrong(node, $"a list for {what}"))
            texts.Add(TextOf(item, what));
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (int i = 0; i < texts.Count; i++)
            if (!seen.Add(texts[i]))
                throw new DocumentException(node.Items[i].Where, $"{Escape.Quote(texts[i])} stands twice in {what}");
        return texts;
    }
}

/// <summary>What a policy, its tests and a predicate may hold at most.</summary>
public static class DocumentLimits
{
    /// <summary>Bytes of a policy; 10 000 exceptions of 200 bytes.</summary>
    public const int MaxPolicyBytes = 2 * 1024 * 1024;

    /// <summary>Exceptions of one policy.</summary>
    public const int MaxExceptions = 10_000;

    /// <summary>Characters of one text: a reason is a paragraph at most.</summary>
    public const int MaxTextCharacters = 4096;

    /// <summary>Members of any list but the exceptions, and of <c>rules</c>.</summary>
    public const int MaxListed = 1000;

    /// <summary>Structures within structures; a policy has four.</summary>
    public const int MaxDepth = 12;
}
