using System.Text;
using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <summary>A template cannot be used, or its output is longer than is made.</summary>
public sealed class TemplateException(string message) : Exception(message);

/// <summary>For what text out of images and advisories is escaped.</summary>
public enum TemplateTarget : byte
{
    /// <summary>For a terminal: control characters become visible.</summary>
    Text = 0,
    /// <summary>HTML and XML.</summary>
    Html,
    /// <summary>The inside of a JSON string.</summary>
    Json,
    /// <summary>A whole CSV field; what a spreadsheet would take for a formula gets an apostrophe.</summary>
    Csv,
    /// <summary>Markdown, also inside a table.</summary>
    Markdown,
}

/// <summary>Logic-less templates over the JSON report: Mustache without partials, lambdas and changed delimiters.</summary>
/// <remarks>Source: mustache(5). The form and what is left out stand in docs/formats/template.md.</remarks>
public sealed class Template
{
    /// <summary>Bytes of a template; people write it by hand.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>Characters of what comes out; sections within sections can multiply without end.</summary>
    public const int MaxOutput = 256 << 20;

    /// <summary>Sections within sections.</summary>
    private const int MaxDepth = 32;

    private abstract record Node;

    private sealed record Literal(string Text) : Node;

    private sealed record Value(string Name, bool Raw) : Node;

    private sealed record Section(string Name, bool Inverted, int Line) : Node
    {
        public List<Node> Body { get; } = [];
    }

    private readonly List<Node> _nodes = [];

    private Template(TemplateTarget target) => Target = target;

    public TemplateTarget Target { get; private set; }

    /// <summary>The target that a file's name asks for, its last ending but <c>.mustache</c>, <c>.tmpl</c> and <c>.tpl</c> left aside.</summary>
    public static TemplateTarget TargetOf(string fileName)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        string ending = Path.GetExtension(fileName);
        if (ending is ".mustache" or ".tmpl" or ".tpl")
            ending = Path.GetExtension(Path.GetFileNameWithoutExtension(fileName));
        return ending.ToLowerInvariant() switch
        {
            ".html" or ".htm" or ".xml" or ".svg" => TemplateTarget.Html,
            ".json" => TemplateTarget.Json,
            ".csv" => TemplateTarget.Csv,
            ".md" or ".markdown" => TemplateTarget.Markdown,
            _ => TemplateTarget.Text,
        };
    }

    /// <exception cref="TemplateException">With line: a tag that is not closed, or one that this form does not have.</exception>
    public static Template Parse(string text, TemplateTarget target)
    {
        ArgumentNullException.ThrowIfNull(text);
        Template template = new(target);
        Stack<Section> open = new();
        List<Node> body = template._nodes;
        int at = 0, line = 1;
        while (at < text.Length)
        {
            int start = text.IndexOf("{{", at, StringComparison.Ordinal);
            if (start < 0)
                break;
            line += text.AsSpan(at, start - at).Count('\n');
            bool triple = start + 2 < text.Length && text[start + 2] == '{';
            string close = triple ? "}}}" : "}}";
            int end = text.IndexOf(close, start + 2, StringComparison.Ordinal);
            if (end < 0)
                throw new TemplateException($"line {line}: {{{{ without {close}");
            string tag = text[(start + (triple ? 3 : 2))..end].Trim();
            int after = end + close.Length;
            char kind = !triple && tag.Length > 0 ? tag[0] : '\0';
            string name = kind is '#' or '^' or '/' or '&' or '%' or '!' or '>' or '=' or '<' or '$' ? tag[1..].Trim() : tag;
            // A tag of structure that stands alone on its line takes the line with it.
            int textEnd = start;
            if (kind is '#' or '^' or '/' or '!' or '%')
                (textEnd, after) = Standalone(text, start, after);
            if (textEnd > at)
                body.Add(new Literal(text[at..textEnd]));
            line += text.AsSpan(start, after - start).Count('\n') - (after > end + close.Length ? 1 : 0);
            switch (kind)
            {
                case '#' or '^':
                    CheckName(name, line);
                    if (open.Count == MaxDepth)
                        throw new TemplateException($"line {line}: sections within sections more than {MaxDepth} deep");
                    Section section = new(name, kind == '^', line);
                    body.Add(section);
                    open.Push(section);
                    body = section.Body;
                    break;
                case '/':
                    if (open.Count == 0 || open.Peek().Name != name)
                        throw new TemplateException($"line {line}: {{{{/{Escape.ForTerminal(name)}}}}} closes nothing{(open.Count > 0 ? $"; {{{{#{open.Peek().Name}}}}} of line {open.Peek().Line} is open" : "")}");
                    open.Pop();
                    body = open.Count > 0 ? open.Peek().Body : template._nodes;
                    break;
                case '!':
                    break;
                case '%':
                    template.Target = name.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["escape", var word] ? word switch
                    {
                        "text" => TemplateTarget.Text,
                        "html" or "xml" => TemplateTarget.Html,
                        "json" => TemplateTarget.Json,
                        "csv" => TemplateTarget.Csv,
                        "markdown" => TemplateTarget.Markdown,
                        _ => throw new TemplateException($"line {line}: unknown escaping {Escape.Quote(word)}; known: text, html, xml, json, csv, markdown"),
                    } : throw new TemplateException($"line {line}: unknown pragma {Escape.Quote(name)}; known: {{{{% escape html}}}}");
                    break;
                case '>' or '=' or '<' or '$':
                    throw new TemplateException($"line {line}: {{{{{kind} …}}}} (partials, parents and other delimiters) is not part of these templates");
                default:
                    CheckName(name, line);
                    body.Add(new Value(name, triple || kind == '&'));
                    break;
            }
            if (after > end + close.Length)
                line++;
            at = after;
        }
        if (open.Count > 0)
            throw new TemplateException($"{{{{#{Escape.ForTerminal(open.Peek().Name)}}}}} of line {open.Peek().Line} is never closed");
        if (at < text.Length)
            body.Add(new Literal(text[at..]));
        return template;
    }

    /// <summary>Where the text before the tag ends and the text behind it begins.</summary>
    private static (int TextEnd, int After) Standalone(string text, int start, int after)
    {
        int lineStart = start;
        while (lineStart > 0 && text[lineStart - 1] is ' ' or '\t')
            lineStart--;
        int lineEnd = after;
        while (lineEnd < text.Length && text[lineEnd] is ' ' or '\t' or '\r')
            lineEnd++;
        bool alone = (lineStart == 0 || text[lineStart - 1] == '\n') && (lineEnd == text.Length || text[lineEnd] == '\n');
        return alone ? (lineStart, Math.Min(lineEnd + 1, text.Length)) : (start, after);
    }

    private static void CheckName(string name, int line)
    {
        if (name.Length == 0 || (name != "." && name.Split('.').Any(p => p.Length == 0 || p.AsSpan().ContainsAny(" {}"))))
            throw new TemplateException($"line {line}: {Escape.Quote(name)} is no name");
    }

    /// <summary>Fills the template in with a JSON document, UTF-8.</summary>
    /// <exception cref="TemplateException">The output is longer than <see cref="MaxOutput"/>.</exception>
    public string Render(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        StringBuilder output = new();
        Render(_nodes, [document.RootElement], output);
        return output.ToString();
    }

    private void Render(List<Node> nodes, List<JsonElement> scopes, StringBuilder output)
    {
        foreach (Node node in nodes)
        {
            if (output.Length > MaxOutput)
                throw new TemplateException($"the output is longer than {MaxOutput} characters");
            switch (node)
            {
                case Literal literal:
                    output.Append(literal.Text);
                    break;
                case Value value:
                    string text = Find(value.Name, scopes) is { } found ? TextOf(found) : "";
                    output.Append(value.Raw ? text : Escaped(text));
                    break;
                case Section section:
                    Render(section, scopes, output);
                    break;
            }
        }
    }

    private void Render(Section section, List<JsonElement> scopes, StringBuilder output)
    {
        JsonElement? found = Find(section.Name, scopes);
        bool empty = found is not { } value || value.ValueKind is JsonValueKind.False or JsonValueKind.Null
            || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0)
            || (value.ValueKind == JsonValueKind.String && value.GetString() is "");
        if (section.Inverted != empty)
            return;
        if (section.Inverted)
        {
            Render(section.Body, scopes, output);
            return;
        }
        IEnumerable<JsonElement> items = found!.Value.ValueKind == JsonValueKind.Array ? found.Value.EnumerateArray() : [found.Value];
        foreach (JsonElement item in items)
        {
            scopes.Add(item);
            Render(section.Body, scopes, output);
            scopes.RemoveAt(scopes.Count - 1);
        }
    }

    /// <summary>The first part of a name is looked for from the innermost section outwards, the others below it.</summary>
    private static JsonElement? Find(string name, List<JsonElement> scopes)
    {
        if (name == ".")
            return scopes[^1];
        string[] parts = name.Split('.');
        for (int i = scopes.Count - 1; i >= 0; i--)
        {
            if (scopes[i].ValueKind != JsonValueKind.Object || !scopes[i].TryGetProperty(parts[0], out JsonElement found))
                continue;
            foreach (string part in parts.AsSpan(1))
                if (found.ValueKind != JsonValueKind.Object || !found.TryGetProperty(part, out found))
                    return null;
            return found;
        }
        return null;
    }

    private static string TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Null => "",
        _ => value.GetRawText(),
    };

    private string Escaped(string text)
    {
        switch (Target)
        {
            case TemplateTarget.Html:
                return Escape.ForTerminal(text).Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
                    .Replace(">", "&gt;", StringComparison.Ordinal).Replace("\"", "&quot;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal)
                    // In an attribute without quotation marks these would end it.
                    .Replace("`", "&#96;", StringComparison.Ordinal).Replace("=", "&#61;", StringComparison.Ordinal);
            case TemplateTarget.Json:
                return JsonEncodedText.Encode(text, ReportJson.Options.Encoder).ToString();
            case TemplateTarget.Csv:
                string shown = Escape.ForTerminal(text);
                return $"\"{(shown.Length > 0 && shown[0] is '=' or '+' or '-' or '@' ? "'" : "")}{shown.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
            case TemplateTarget.Markdown:
                StringBuilder marked = new();
                foreach (char c in Escape.ForTerminal(text))
                    marked.Append(c switch
                    {
                        '<' => "&lt;",
                        '&' => "&amp;",
                        '\\' or '`' or '*' or '_' or '[' or ']' or '|' or '#' or '!' or '~' => $"\\{c}",
                        _ => c.ToString(),
                    });
                return marked.ToString();
            default:
                return Escape.ForTerminal(text);
        }
    }
}
