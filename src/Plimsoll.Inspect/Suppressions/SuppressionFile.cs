using System.Globalization;
using System.Text;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Plimsoll.Inspect.Suppressions;

/// <summary>Reads the file in which a user says which findings do not count, and why.</summary>
/// <remarks>
/// The form is docs/formats/suppressions.md. The events of YAML's parser are read directly: no reflection, and no document
/// is ever built, so that anchors, aliases and tags, which this form does not have, are refused where they stand.
/// </remarks>
public static class SuppressionFile
{
    /// <summary>Bytes of the file; 10 000 entries of 100 bytes.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Entries of the file.</summary>
    public const int MaxEntries = 10_000;

    private const string Keys = "id, package, path, reason, owner, expires, justification";

    /// <summary>The entries in the file's order.</summary>
    /// <exception cref="SuppressionException">The file is too long, no YAML, or not of the form; nothing of it is used.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IReadOnlyList<Suppression> Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream file = File.OpenRead(path);
        // A device or pipe has no length to trust, so the limit holds for what comes out.
        byte[] bytes = new byte[MaxBytes + 1];
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (length > MaxBytes)
            throw new SuppressionException(path, $"longer than {MaxBytes} bytes");
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, length);
        }
        catch (DecoderFallbackException e)
        {
            throw new SuppressionException(path, "not UTF-8 text", e);
        }
        return Parse(text, path);
    }

    /// <summary>As <see cref="Read"/>, of a text.</summary>
    /// <param name="name">What the file is called in errors and in <see cref="Suppression.Source"/>.</param>
    /// <exception cref="SuppressionException">See <see cref="Read"/>.</exception>
    public static IReadOnlyList<Suppression> Parse(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        Parser parser = new(new StringReader(text));
        try
        {
            return ReadDocument(parser, name);
        }
        catch (YamlException e)
        {
            throw new SuppressionException($"{name}:{e.Start.Line}", $"not YAML: {Escape.ForTerminal(e.Message)}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // What YamlDotNet 16.3 lets out where it forgets to say it as a YamlException: "..." and a token behind it.
            throw new SuppressionException($"{name}:{parser.Current?.End.Line ?? 1}", $"not YAML: {Escape.ForTerminal(e.Message)}", e);
        }
    }

    private static List<Suppression> ReadDocument(Parser parser, string name)
    {
        List<Suppression> entries = [];
        Dictionary<(string, string?, string?), string> seen = [];
        Next<StreamStart>(parser, name, "a YAML stream");
        if (!parser.MoveNext() || parser.Current is StreamEnd)
            return entries;
        parser.MoveNext();
        // An empty document and one of comments alone hold an empty scalar.
        if (parser.Current is Scalar { Value: "", Anchor.IsEmpty: true, Tag.IsEmpty: true })
            parser.MoveNext();
        else
        {
            Check<SequenceStart>(parser, name, "a list of suppressions");
            while (parser.MoveNext() && parser.Current is not SequenceEnd)
            {
                Suppression entry = ReadEntry(parser, name);
                if (entries.Count == MaxEntries)
                    throw new SuppressionException(entry.Source, $"more than {MaxEntries} suppressions");
                if (!seen.TryAdd((entry.Id, entry.Package, entry.Path), entry.Source))
                    throw new SuppressionException(entry.Source,
                        $"{Escape.Quote(entry.Id)} for {(entry.Package is null ? "every package" : $"package {Escape.Quote(entry.Package)}")}{(entry.Path is null ? "" : $" in {Escape.Quote(entry.Path)}")} stands already at {seen[(entry.Id, entry.Package, entry.Path)]}");
                entries.Add(entry);
            }
            parser.MoveNext();
        }
        if (parser.Current is not DocumentEnd || (parser.MoveNext() && parser.Current is not StreamEnd))
            throw Error(parser, name, "the end of the file after one list");
        return entries;
    }

    private static Suppression ReadEntry(Parser parser, string name)
    {
        Check<MappingStart>(parser, name, $"a suppression with the keys {Keys}");
        string source = $"{name}:{parser.Current!.Start.Line}";
        Dictionary<string, string> values = new(StringComparer.Ordinal);
        Dictionary<string, long> lines = new(StringComparer.Ordinal);
        while (parser.MoveNext() && parser.Current is not MappingEnd)
        {
            string key = Text(parser, name, "a key");
            long line = parser.Current!.Start.Line;
            if (key is not ("id" or "package" or "path" or "reason" or "owner" or "expires" or "justification"))
                throw new SuppressionException($"{name}:{line}", $"unknown key {Escape.Quote(key)}; known keys: {Keys}");
            parser.MoveNext();
            string value = Text(parser, name, $"a text for {key}").Trim();
            if (value.Length == 0 || (value is "~" or "null" && parser.Current is Scalar { Style: ScalarStyle.Plain }))
                throw new SuppressionException($"{name}:{line}", $"{key} is empty");
            if (!values.TryAdd(key, value))
                throw new SuppressionException($"{name}:{line}", $"key {key} stands already at line {lines[key]}");
            lines[key] = line;
        }
        foreach (string needed in (ReadOnlySpan<string>)["id", "reason"])
            if (!values.ContainsKey(needed))
                throw new SuppressionException(source, $"the suppression has no {needed}; wanted are id and reason, and package, path, owner, expires if they apply");
        DateOnly? expires = null;
        if (values.TryGetValue("expires", out string? date))
            expires = DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)
                ? day
                : throw new SuppressionException($"{name}:{lines["expires"]}", $"expires is {Escape.Quote(date)}; wanted a date such as 2027-01-31");
        if (values.TryGetValue("justification", out string? why) && !VexWords.Justifications.Contains(why, StringComparer.Ordinal))
            throw new SuppressionException($"{name}:{lines["justification"]}",
                $"justification is {Escape.Quote(why)}; wanted one of {string.Join(", ", VexWords.Justifications)}");
        return new Suppression
        {
            Id = values["id"],
            Package = values.GetValueOrDefault("package"),
            Path = values.GetValueOrDefault("path"),
            Reason = values["reason"],
            Owner = values.GetValueOrDefault("owner"),
            Expires = expires,
            Source = source,
            // Who gives a justification says that the image is not affected; without one a finding is only accepted.
            Status = why is null ? null : VexWords.NotAffected,
            Justification = why,
        };
    }

    private static string Text(Parser parser, string name, string wanted)
    {
        Check<Scalar>(parser, name, wanted);
        return ((Scalar)parser.Current!).Value;
    }

    private static void Next<T>(Parser parser, string name, string wanted)
        where T : ParsingEvent
    {
        parser.MoveNext();
        Check<T>(parser, name, wanted);
    }

    private static void Check<T>(Parser parser, string name, string wanted)
        where T : ParsingEvent
    {
        if (parser.Current is not T || parser.Current is NodeEvent { Anchor.IsEmpty: false } or NodeEvent { Tag.IsEmpty: false })
            throw Error(parser, name, wanted);
    }

    private static SuppressionException Error(Parser parser, string name, string wanted)
    {
        string seen = parser.Current switch
        {
            NodeEvent { Anchor.IsEmpty: false } => "an anchor (&)",
            NodeEvent { Tag.IsEmpty: false } => "a tag (!)",
            AnchorAlias => "an alias (*)",
            Scalar scalar => $"the text {Escape.Quote(scalar.Value)}",
            MappingStart => "a mapping",
            SequenceStart => "a list",
            DocumentStart or DocumentEnd => "a second document",
            _ => "the end",
        };
        return new SuppressionException($"{name}:{parser.Current?.Start.Line ?? 1}", $"{seen} stands where {wanted} was wanted");
    }
}
