using System.Globalization;
using Plimsoll.Texts;

namespace Plimsoll.Verify.Start;

/// <summary>Members of one object under the names that Go gives the fields of a structure, whatever casing they were written in.</summary>
internal sealed class GoStruct
{
    private readonly Dictionary<string, (string Written, GoValue Value)> _members = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private readonly string _what;

    /// <param name="what">For errors and lists of what is unknown: <c>HostConfig</c>; empty for the outermost.</param>
    /// <exception cref="StartRequestException">A name stands twice when folded, or it is no object.</exception>
    public GoStruct(GoValue value, string what)
    {
        _what = what;
        if (value.Kind is not (GoKind.Map or GoKind.Null))
            throw Bad(what, value, "an object");
        foreach ((string name, GoValue member) in value.Members)
            if (!_members.TryAdd(Fold(name), (name, member)))
                throw new StartRequestException("duplicate-key", $"{Escape.Quote(name)} and {Escape.Quote(_members[Fold(name)].Written)} are one key of {(what.Length > 0 ? what : "the request")} to the engine");
    }

    /// <summary>A name with its place.</summary>
    public string Inner(string name) => _what.Length > 0 ? $"{_what}.{name}" : name;

    /// <summary>Null where it is left out or null.</summary>
    public GoValue? Find(string name)
    {
        string folded = Fold(name);
        _asked.Add(folded);
        return _members.TryGetValue(folded, out (string, GoValue Value) found) && found.Value.Kind != GoKind.Null ? found.Value : null;
    }

    /// <summary>Fields whose value decides nothing.</summary>
    public void Pass(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
            _asked.Add(Fold(name));
    }

    public bool Flag(string name) => FindFlag(name) ?? false;

    public bool? FindFlag(string name) => Find(name) is not { } value ? null : value.Kind == GoKind.Flag ? value.Text == "true" : throw Bad(Inner(name), value, "true or false");

    public string Text(string name) => Find(name) is not { } value ? "" : value.Kind == GoKind.Text ? value.Text : throw Bad(Inner(name), value, "a text");

    public long Number(string name) => FindNumber(name) ?? 0;

    /// <summary>As Go reads an int64: digits only, no fraction or exponent.</summary>
    public long? FindNumber(string name) => Find(name) is not { } value ? null : NumberOf(value, Inner(name));

    public IReadOnlyList<string> Texts(string name) => Find(name) is { } value ? TextsOf(value, Inner(name)) : [];

    /// <summary>A list of texts, for which one text may stand: Go's <c>strslice</c>. Null: the engine takes what the image says.</summary>
    public IReadOnlyList<string>? FindWords(string name) => Find(name) is not { } value ? null : value.Kind == GoKind.Text ? [value.Text] : TextsOf(value, Inner(name));

    /// <summary>A structure; one without members where it is left out.</summary>
    public GoStruct Struct(string name) => new(Find(name) ?? GoValue.Null, Inner(name));

    public IEnumerable<GoStruct> Structs(string name) => ListOf(name).Select(i => new GoStruct(i, Inner(name)));

    public IReadOnlyList<GoValue> ListOf(string name) => Find(name) is not { } value ? [] : value.Kind == GoKind.List ? value.Items : throw Bad(Inner(name), value, "a list");

    /// <summary>A map, whose names are data and are not folded.</summary>
    public IReadOnlyList<KeyValuePair<string, GoValue>> MapOf(string name) => Find(name) is not { } value ? [] : value.Kind == GoKind.Map ? value.Members : throw Bad(Inner(name), value, "an object");

    /// <summary>A map of texts; null in it is the empty text, as Go reads it.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> TextMap(string name) =>
        [.. MapOf(name).Select(m => KeyValuePair.Create(m.Key, m.Value.Kind is GoKind.Text or GoKind.Null ? m.Value.Text : throw Bad(Inner(name), m.Value, "a text")))];

    /// <summary>Fields that nobody asked for and that say something, with their place.</summary>
    public void TellUnknown(List<string> unknown)
    {
        foreach ((string folded, (string written, GoValue value)) in _members)
            if (!_asked.Contains(folded) && !value.IsZero)
                unknown.Add(Inner(written));
    }

    public static IReadOnlyList<string> TextsOf(GoValue value, string where) =>
        value.Kind == GoKind.Null ? [] : value.Kind != GoKind.List ? throw Bad(where, value, "a list of texts")
        : [.. value.Items.Select(i => i.Kind == GoKind.Text ? i.Text : throw Bad(where, i, "a text"))];

    private static long NumberOf(GoValue value, string where) =>
        value.Kind == GoKind.Number && long.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : throw Bad(where, value, "a whole number of 64 bits");

    private static StartRequestException Bad(string where, GoValue value, string wanted) =>
        new("bad-value", $"{Escape.ForTerminal(where)} is {(value.Kind is GoKind.Text ? Escape.Quote(value.Text) : value.Kind is GoKind.Number ? value.Text[..Math.Min(value.Text.Length, 40)] : value.Kind.ToString().ToLowerInvariant())}; wanted {wanted}");

    /// <summary>As Go folds names that it compares with ASCII ones: letters of ASCII, and the two others that fold to one of them.</summary>
    public static string Fold(string name) => string.Create(name.Length, name, static (folded, text) =>
    {
        for (int i = 0; i < text.Length; i++)
            folded[i] = text[i] switch { '\u017f' => 's', '\u212a' => 'k', var c => char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c };
    });
}
