namespace Plimsoll.Inspect.Dockerfiles.Rules;

/// <summary>Rules on FROM and on what stages take from each other.</summary>
internal static class StageRules
{
    public static IReadOnlyList<LintRule> All { get; } =
    [
        new("DL3006", LintLevel.Warning, c => EachBase(c, (stage, b) => b is { Tag: null, Digest: null } && b.Image != "scratch" && !IsEarlier(c, stage, b), b => [b.Image])),
        new("DL3007", LintLevel.Warning, c => EachBase(c, (stage, b) => b is { Tag: "latest", Digest: null } && !IsEarlier(c, stage, b), b => [b.Image])),
        new("DL3022", LintLevel.Warning, Unknown),
        new("DL3023", LintLevel.Error, Own),
        new("DL3024", LintLevel.Error, Twice),
        new("DL3026", LintLevel.Error, c => EachBase(c, (stage, b) => !IsTrusted(c, stage, b), b => [b.Text])),
        new("DL3029", LintLevel.Warning, c => EachPlatform(c, p => p.Length > 0 && !Variables.HasAny(p))),
        new("DL3061", LintLevel.Error, BeforeFrom),
        new("DL3063", LintLevel.Warning, Reserved),
        new("DL3065", LintLevel.Warning, c => EachPlatform(c, p => p is "$TARGETPLATFORM" or "${TARGETPLATFORM}")),
        new("DL3067", LintLevel.Warning, WholeFileSystem),
    ];

    /// <summary>The ARGs before the first FROM, which are those that FROM may use.</summary>
    private static Dictionary<string, string?> GlobalArguments(LintContext c)
    {
        Dictionary<string, string?> values = new(StringComparer.Ordinal);
        foreach (Instruction i in c.File.Instructions)
        {
            if (i.Keyword == "FROM")
                break;
            if (i.Keyword == "ARG" && DockerWords.Pairs(i.Text, c.File.Escape, allowBare: true, out _) is { } pairs)
                foreach (Pair pair in pairs)
                    values[pair.Name] = pair.Value is null ? null : Variables.Expand(pair.Value, values, c.File.Escape);
        }
        return values;
    }

    /// <summary>Bases with their variables worked out; one whose variables nobody gave a value is not judged.</summary>
    private static void EachBase(LintContext c, Func<Stage, BaseReference, bool> wrong, Func<BaseReference, object?[]> arguments)
    {
        Dictionary<string, string?> values = GlobalArguments(c);
        foreach (Stage stage in c.File.Stages)
        {
            string text = Variables.Expand(stage.Base.Text, values, c.File.Escape);
            if (text.Length == 0 || Variables.HasAny(text))
                continue;
            BaseReference known = text == stage.Base.Text ? stage.Base : BaseReference.Parse(text, stage.Base.Platform);
            if (wrong(stage, known))
                c.Report(stage.From, [.. arguments(known).Select(a => (object?)Texts.Escape.Quote(a as string))]);
        }
    }

    private static void EachPlatform(LintContext c, Func<string, bool> wrong)
    {
        foreach (Stage stage in c.File.Stages)
            if (stage.Base.Platform is { } platform && wrong(platform))
                c.Report(stage.From);
    }

    private static bool IsEarlier(LintContext c, Stage stage, BaseReference b) =>
        b.Tag is null && Names(c).TryGetValue(b.Image, out int first) && first < stage.Index;

    /// <summary>Stage names, without regard to case as builders have it, with the first stage of that name.</summary>
    private static Dictionary<string, int> Names(LintContext c)
    {
        Dictionary<string, int> names = new(StringComparer.OrdinalIgnoreCase);
        foreach (Stage stage in c.File.Stages)
            if (stage.Name is { } name)
                names.TryAdd(name, stage.Index);
        return names;
    }

    private static bool IsTrusted(LintContext c, Stage stage, BaseReference b)
    {
        IReadOnlyList<string> trusted = c.Options.TrustedRegistries;
        if (trusted.Count == 0 || b.Image == "scratch" || IsEarlier(c, stage, b))
            return true;
        return b.Registry is { } registry
            ? trusted.Any(t => Matches(t, registry))
            : trusted.Any(t => t is "docker.io" or "hub.docker.com" or "*");
    }

    private static bool Matches(string pattern, string registry) =>
        pattern == "*" || pattern == registry
        || pattern.StartsWith('*') && registry.EndsWith(pattern[1..], StringComparison.Ordinal)
        || pattern.EndsWith('*') && registry.StartsWith(pattern[..^1], StringComparison.Ordinal);

    private static void Unknown(LintContext c)
    {
        Dictionary<string, int> names = Names(c);
        foreach (Instruction copy in c.Flat)
            // A name with a tag, a digest or a registry is an image from elsewhere.
            if (copy.Keyword == "COPY" && copy.Flag("from") is { Length: > 0 } from && !from.AsSpan().ContainsAny(":@$")
                && !(names.TryGetValue(from, out int first) && first <= copy.Stage)
                && !(int.TryParse(from, System.Globalization.NumberStyles.None, null, out int index) && index < copy.Stage))
                c.Report(copy, Texts.Escape.Quote(from));
    }

    private static void Own(LintContext c)
    {
        foreach (Instruction copy in c.Flat)
            if (copy is { Keyword: "COPY", Stage: >= 0 } && copy.Flag("from") is { } from
                && (c.File.Stages[copy.Stage].Name is { } name && name.Equals(from, StringComparison.OrdinalIgnoreCase)
                    || from == copy.Stage.ToString(System.Globalization.CultureInfo.InvariantCulture)))
                c.Report(copy, Texts.Escape.Quote(from));
    }

    private static void Twice(LintContext c)
    {
        Dictionary<string, int> names = Names(c);
        foreach (Stage stage in c.File.Stages)
            if (stage.Name is { } name && names[name] < stage.Index)
                c.Report(stage.From, Texts.Escape.Quote(name));
    }

    private static void Reserved(LintContext c)
    {
        foreach (Stage stage in c.File.Stages)
            if (stage.Name?.ToLowerInvariant() is "scratch" or "context")
                c.Report(stage.From, Texts.Escape.Quote(stage.Name));
    }

    private static void BeforeFrom(LintContext c)
    {
        foreach (Instruction i in c.File.Instructions)
        {
            if (i.Keyword == "FROM")
                return;
            if (i.Keyword != "ARG")
                c.Report(i, i.Keyword);
        }
    }

    private static void WholeFileSystem(LintContext c)
    {
        foreach (Instruction copy in c.Flat)
            if (copy.Keyword == "COPY" && copy.Flag("from") is not null && Files.Of(copy, c.File.Escape) is { } files && files.Target == "/" && files.Sources.Contains("/"))
                c.Report(copy);
    }
}

/// <summary>Sources and target of COPY and ADD, unquoted.</summary>
internal sealed record Files(IReadOnlyList<string> Sources, string Target)
{
    public static Files? Of(Instruction copy, char escape)
    {
        List<string> words = copy.Json is { } json ? [.. json] : [.. DockerWords.Split(copy.Text, escape).Select(w => DockerWords.Unquote(w.Text, escape))];
        if (words.Count < 2)
            return null;
        // A heredoc's name is a file whose content stands in the Dockerfile.
        return new Files([.. words.SkipLast(1).Where(w => !w.StartsWith("<<", StringComparison.Ordinal))], words[^1]);
    }

    public static string NameOf(string path) => path[(path.LastIndexOfAny(['/', '\\']) + 1)..];

    public static bool IsArchive(string path) => Array.Exists(Archives, a => path.EndsWith(a, StringComparison.Ordinal));

    /// <summary>What ADD unpacks by itself, as hadolint lists it.</summary>
    private static readonly string[] Archives = [".tar", ".Z", ".bz2", ".gz", ".lz", ".lzma", ".tZ", ".tb2", ".tbz", ".tbz2", ".tgz", ".tlz", ".tpz", ".txz", ".xz", ".zst", ".tzst"];
}
