using System.Globalization;
using System.Text;
using System.Text.Json;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.History;

/// <summary>Understands one line of an image's history in the forms that builders write.</summary>
/// <remarks>
/// BuildKit: <c>RUN |1 A=b /bin/sh -c … # buildkit</c>, <c>COPY a b # buildkit</c>. Classic builder, buildah and podman: <c>/bin/sh -c …</c>,
/// <c>/bin/sh -c #(nop)  CMD […]</c>, <c>|1 A=b /bin/sh -c …</c>. kaniko: the Dockerfile's own line.
/// </remarks>
internal static class HistoryLine
{
    /// <summary>Characters of a line that are read; the longest heredocs that we know have some 30 000.</summary>
    public const int MaxChars = 256 * 1024;

    private const string BuildKitEnd = "# buildkit", Nop = "#(nop)";

    private static readonly string[] Keywords =
        ["ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"];

    private static readonly string[] Shells = ["sh", "bash", "ash", "dash", "zsh", "ksh", "busybox"];

    /// <summary>What builders without a Dockerfile call themselves in the line or its comment.</summary>
    private static readonly string[] Tools = ["bazel", "jib", "ko build", "ko://", "apko", "nix", "store paths:", "buildpack", "umoci", "crane", "kiwi", "melange", "mkosi", "distroless", "rules_oci", "rules_docker", "dagger", "earthly"];

    public static HistoryStep Read(HistoryEntry entry, int index, int? layer)
    {
        string raw = entry.CreatedBy ?? "";
        if (raw.Length > MaxChars)
            raw = raw[..MaxChars];
        HistoryStep step = new() { Index = index, Kind = StepKind.Unknown, Layer = layer, MadeLayer = !entry.EmptyLayer, Raw = raw };
        string line = raw.Trim(), comment = entry.Comment ?? "";
        if (line.EndsWith(BuildKitEnd, StringComparison.Ordinal))
            line = line[..^BuildKitEnd.Length].TrimEnd(' ');
        if (line.Length == 0)
            return step with { Kind = comment.StartsWith("Imported from", StringComparison.Ordinal) ? StepKind.Imported : IsTool(comment) ? StepKind.Tool : StepKind.Unknown };
        int nop = line.IndexOf(Nop, StringComparison.Ordinal);
        if (nop >= 0 && nop < 64)
            return Instruction(step, line[(nop + Nop.Length)..].Trim()) ?? step with { Kind = StepKind.Tool };
        // The layers of Windows' own base images are called so.
        if (line[0] == '#' || line.StartsWith("Apply image ", StringComparison.Ordinal) || line.StartsWith("Install update ", StringComparison.Ordinal))
            return step with { Kind = StepKind.RootFileSystem };
        if (line[0] == '|' || ScriptOf(line) is not null)
            return Run(step, line);
        if (Instruction(step, line) is { } instruction)
            return instruction;
        if (IsTool(line) || IsTool(comment) || comment.StartsWith("FROM ", StringComparison.Ordinal) || comment.StartsWith("debuerreotype", StringComparison.Ordinal))
            return step with { Kind = StepKind.Tool };
        return step with { Kind = entry.EmptyLayer ? StepKind.Tool : StepKind.Committed };
    }

    private static bool IsTool(string text) => Array.Exists(Tools, t => text.Contains(t, StringComparison.OrdinalIgnoreCase));

    private static HistoryStep? Instruction(HistoryStep step, string line)
    {
        int space = line.AsSpan().IndexOfAny(" \t\n");
        string keyword = space < 0 ? line : line[..space], rest = space < 0 ? "" : line[space..].Trim(' ');
        if (Array.IndexOf(Keywords, keyword) < 0)
            return null;
        if (keyword == "RUN")
            return Run(step, rest);
        return step with
        {
            Kind = StepKind.Instruction,
            Keyword = keyword,
            Arguments = keyword switch
            {
                "EXPOSE" => Ports(rest),
                "VOLUME" => GoList(rest, quote: false),
                "SHELL" => GoList(rest, quote: true),
                "HEALTHCHECK" => Healthcheck(rest),
                "ADD" or "COPY" => ClassicCopy(rest),
                "ENV" or "LABEL" => Pairs(rest),
                _ => rest,
            },
        };
    }

    private static HistoryStep Run(HistoryStep step, string line)
    {
        List<KeyValuePair<string, string>> arguments = [];
        if (line.StartsWith('|'))
        {
            (string head, string rest) = SplitArguments(line);
            arguments = ArgumentsOf(head);
            line = rest;
        }
        // Flags that a builder recorded say nothing of what ran.
        while (line.StartsWith("--", StringComparison.Ordinal) && line.IndexOf(' ', StringComparison.Ordinal) is > 0 and var end)
            line = line[(end + 1)..].TrimStart();
        return step with { Kind = StepKind.Instruction, Keyword = "RUN", Arguments = (ScriptOf(line) ?? line).Trim(' ', '\t'), BuildArguments = arguments };
    }

    /// <summary>What a line of the form <c>/bin/bash -o pipefail -c SCRIPT</c> gives the shell; null for another form.</summary>
    private static string? ScriptOf(string line)
    {
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        if (space > 0 && WindowsScriptOf(line, space) is { } script)
            return script;
        if (space <= 0 || Array.IndexOf(Shells, line[(line.LastIndexOf('/', space - 1) + 1)..space]) < 0)
            return null;
        int at = space + 1;
        for (int words = 0; words < 8 && at < line.Length; words++)
        {
            int end = line.IndexOf(' ', at);
            string word = end < 0 ? line[at..] : line[at..end];
            if (word.Length > 1 && word[0] == '-' && word[1] != '-' && word[^1] == 'c')
                return end < 0 ? "" : line[(end + 1)..];
            // A flag, or the name that belongs to -o.
            if (end < 0 || word.Length == 0 || word[0] != '-' && word is not ("pipefail" or "errexit" or "nounset" or "xtrace" or "sh"))
                return null;
            at = end + 1;
        }
        return null;
    }

    /// <summary><c>cmd /S /C SCRIPT</c> and <c>powershell -Command SCRIPT</c>.</summary>
    private static string? WindowsScriptOf(string line, int space)
    {
        string name = line[(line.LastIndexOfAny(['/', '\\'], space - 1) + 1)..space].ToLowerInvariant();
        string? end = name is "cmd" or "cmd.exe" ? "/C " : name.StartsWith("powershell", StringComparison.Ordinal) || name.StartsWith("pwsh", StringComparison.Ordinal) ? "-Command " : null;
        int at = end is null ? -1 : line.IndexOf(end, space, StringComparison.OrdinalIgnoreCase);
        return at < 0 ? null : line[(at + end!.Length)..];
    }

    /// <summary>The builder does not quote values, so the shell's path is what ends them.</summary>
    private static (string Head, string Script) SplitArguments(string line)
    {
        for (int at = line.IndexOf(' ', StringComparison.Ordinal); at >= 0; at = line.IndexOf(' ', at + 1))
            if (at + 1 < line.Length && line[at + 1] == '/' && ScriptOf(line[(at + 1)..Math.Min(line.Length, at + 200)]) is not null)
                return (line[..at], line[(at + 1)..]);
        return (line, "");
    }

    private static List<KeyValuePair<string, string>> ArgumentsOf(string head)
    {
        List<(string Name, StringBuilder Value)> arguments = [];
        string[] words = head.Split(' ');
        int count = int.TryParse(words[0].AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int stated) ? stated : 0;
        foreach (string word in words.Skip(1))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && arguments.Count < count && IsName(word.AsSpan(0, equals)))
                arguments.Add((word[..equals], new StringBuilder(word[(equals + 1)..])));
            else if (arguments.Count > 0)
                arguments[^1].Value.Append(' ').Append(word);
        }
        return [.. arguments.Select(a => new KeyValuePair<string, string>(a.Name, a.Value.ToString()))];
    }

    private static bool IsName(ReadOnlySpan<char> name)
    {
        foreach (char c in name)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-'))
                return false;
        return !name.IsEmpty;
    }

    /// <summary><c>map[443/tcp:{} 80/tcp:{}]</c> as <c>443/tcp 80/tcp</c>.</summary>
    private static string Ports(string text) => text.StartsWith("map[", StringComparison.Ordinal)
        ? string.Join(' ', text["map[".Length..].TrimEnd(']').Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Replace(":{}", "", StringComparison.Ordinal)))
        : text;

    /// <summary>Go prints a list as <c>[/data /logs]</c>; JSON stays as it is.</summary>
    private static string GoList(string text, bool quote)
    {
        if (!text.StartsWith('[') || text.Contains('"', StringComparison.Ordinal))
            return text;
        string[] words = text.Trim('[', ']').Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return quote ? Json(words) : string.Join(' ', words);
    }

    private static string Json(IEnumerable<string> words) => "[" + string.Join(", ", words.Select(w => "\"" + JsonEncodedText.Encode(w) + "\"")) + "]";

    /// <summary>Go prints the structure: <c>{Test:[CMD-SHELL curl …] Interval:…}</c>, or <c>&amp;{["CMD-SHELL" "curl …"] "30s" …}</c>.</summary>
    private static string Healthcheck(string text)
    {
        int open = text.IndexOf('[', StringComparison.Ordinal), close = text.LastIndexOf(']');
        if (!(text.StartsWith('{') || text.StartsWith("&{", StringComparison.Ordinal)) || open < 0 || close < open)
            return text;
        string inside = text[(open + 1)..close].Replace("\" \"", " ", StringComparison.Ordinal).Trim('"');
        if (inside.StartsWith("NONE", StringComparison.Ordinal))
            return "NONE";
        int space = inside.IndexOf(' ', StringComparison.Ordinal);
        return "CMD " + (space < 0 ? inside : inside[(space + 1)..]);
    }

    /// <summary>The classic builder names what was copied by its digest: <c>file:0123… in /target</c>.</summary>
    private static string ClassicCopy(string text)
    {
        int at = text.LastIndexOf(" in ", StringComparison.Ordinal);
        int from = text.LastIndexOf("--", StringComparison.Ordinal) is var flag and >= 0 ? text.IndexOf(' ', flag) + 1 : 0;
        bool classic = at > 0 && (text.AsSpan(from).StartsWith("file:") || text.AsSpan(from).StartsWith("dir:") || text.AsSpan(from).StartsWith("multi:"));
        return classic ? $"{text[..at]} {text[(at + 4)..].Trim()}" : text;
    }

    /// <summary>Builders record values without quotes; those with white space get some.</summary>
    private static string Pairs(string text)
    {
        if (text.AsSpan().ContainsAny('"', '\''))
            return text;
        List<(string Name, StringBuilder Value)> pairs = [];
        foreach (string word in text.Split(' '))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && (pairs.Count == 0 || IsName(word.AsSpan(0, equals))))
                pairs.Add((word[..equals], new StringBuilder(word[(equals + 1)..])));
            else if (pairs.Count == 0)
                return text;
            else
                pairs[^1].Value.Append(' ').Append(word);
        }
        StringBuilder line = new();
        foreach ((string name, StringBuilder content) in pairs)
        {
            string value = content.ToString();
            line.Append(line.Length > 0 ? " " : "").Append(name).Append('=');
            if (value.AsSpan().ContainsAny(" \t\n\\"))
                line.Append('"').Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", " ", StringComparison.Ordinal)).Append('"');
            else
                line.Append(value);
        }
        return line.ToString();
    }
}
