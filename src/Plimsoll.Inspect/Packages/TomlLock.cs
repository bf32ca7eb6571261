using System.Buffers;
using System.Text;

namespace Plimsoll.Inspect.Packages;

/// <summary>The <c>[[package]]</c> tables of TOML lock files (Cargo, Poetry, uv, PDM), line by line as these tools write them.</summary>
internal static class TomlLock
{
    /// <summary>One table: the raw text behind <c>=</c> of the keys in its first column, of those that fit on a line.</summary>
    internal sealed class Table
    {
        private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

        public void Set(string key, string raw) => _values.TryAdd(key, raw);

        public string? Raw(string key) => _values.GetValueOrDefault(key);

        /// <summary>A string's content; null when the value is none.</summary>
        public string? Text(string key) =>
            Raw(key) is { Length: >= 2 } raw && raw[0] is '"' or '\'' && Raw(key) is { } text && text.IndexOf(text[0], 1) is > 0 and int end ? text[1..end] : null;

        /// <summary>The strings of an array on one line.</summary>
        public IReadOnlyList<string>? Texts(string key) =>
            Raw(key) is ['[', .., ']'] raw ? [.. raw[1..^1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(t => t.Trim('"', '\''))] : null;
    }

    /// <summary>Bytes of a line whose value is looked at; what is longer holds lists of files.</summary>
    private const int MaxLineBytes = 8192;

    private static readonly SearchValues<byte> Keys = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"u8);

    /// <param name="take">Told of each table with a name.</param>
    public static void Read(ReadOnlySpan<byte> rest, PackageList packages, Action<Table> take)
    {
        Table? table = null;
        bool inText = false, any = false;
        byte quote = 0;
        for (long number = 1; rest.Length > 0; number++)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (inText)
            {
                inText = line.IndexOf([quote, quote, quote]) < 0;
                continue;
            }
            if (line.IsEmpty || line[0] is (byte)'#' or (byte)' ' or (byte)'\t' or (byte)']' or (byte)'}')
                continue;
            if (line[0] == (byte)'[')
            {
                any = true;
                if (table is not null)
                    take(table);
                // [package.dependencies] and the like belong to the package, but their keys are names of others.
                table = Fields.Trim(line).SequenceEqual("[[package]]"u8) ? new Table() : null;
                continue;
            }
            int end = line.IndexOfAnyExcept(Keys);
            int equals = line.IndexOf((byte)'=');
            if (end == 0 && line[0] is not ((byte)'"' or (byte)'\'') || equals < 0)
            {
                packages.Malformed($"line {number} is neither a table nor a key: {Fields.Quote(line)}");
                continue;
            }
            ReadOnlySpan<byte> value = Fields.Trim(line[(equals + 1)..]);
            if (value.StartsWith("\"\"\""u8) || value.StartsWith("'''"u8))
            {
                quote = value[0];
                inText = value[3..].IndexOf([quote, quote, quote]) < 0;
            }
            else if (table is not null && end > 0 && value.Length <= MaxLineBytes)
                table.Set(Encoding.ASCII.GetString(line[..end]), Encoding.UTF8.GetString(value));
        }
        if (table is not null)
            take(table);
        if (inText)
            packages.Malformed("the file ends within a text");
        if (!any && packages.Count == 0)
            packages.Malformed("no table stands in it");
    }
}
