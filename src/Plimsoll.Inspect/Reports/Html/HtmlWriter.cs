namespace Plimsoll.Inspect.Reports.Html;

/// <summary>
/// Writes elements, so that what is text stays text: names of elements and attributes come from our code alone, everything else
/// passes <see cref="HtmlText.Write"/>, and each element that was opened is closed in order.
/// </summary>
internal sealed class HtmlWriter(TextWriter output)
{
    private readonly Stack<string> _open = new();

    public int Depth => _open.Count;

    /// <param name="attributes">A null value leaves the attribute out, an empty one writes its name alone.</param>
    public HtmlWriter Open(string element, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Start(element, attributes);
        _open.Push(element);
        return this;
    }

    /// <summary>An element that has no end tag: <c>meta</c>, <c>input</c>, <c>br</c>.</summary>
    public HtmlWriter Void(string element, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Start(element, attributes);
        return this;
    }

    public HtmlWriter Close()
    {
        string element = _open.Pop();
        output.Write("</");
        output.Write(element);
        output.Write('>');
        return this;
    }

    public HtmlWriter CloseTo(int depth)
    {
        while (_open.Count > depth)
            Close();
        return this;
    }

    public HtmlWriter Text(string text)
    {
        HtmlText.Write(output, text);
        return this;
    }

    public HtmlWriter Element(string element, string text, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Open(element, attributes).Text(text);
        return Close();
    }

    /// <summary>A line break in the source, for people who read that.</summary>
    public HtmlWriter Line()
    {
        output.Write('\n');
        return this;
    }

    /// <summary>Our own style and script, and nothing else, for it is not escaped.</summary>
    public HtmlWriter Own(string element, string content)
    {
        output.Write($"<{element}>{content}</{element}>");
        return this;
    }

    private void Start(string element, ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        output.Write('<');
        output.Write(element);
        foreach ((string name, string? value) in attributes)
        {
            if (value is null)
                continue;
            output.Write(' ');
            output.Write(name);
            if (value.Length == 0)
                continue;
            output.Write("=\"");
            HtmlText.Write(output, value);
            output.Write('"');
        }
        output.Write('>');
    }
}
