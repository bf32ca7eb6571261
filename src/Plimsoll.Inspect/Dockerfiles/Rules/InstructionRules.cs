using System.Globalization;
using Plimsoll.Inspect.Dockerfiles.Shell;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Dockerfiles.Rules;

/// <summary>Rules on single instructions other than FROM and RUN.</summary>
internal static class InstructionRules
{
    public static IReadOnlyList<LintRule> All { get; } =
    [
        new("DL1001", LintLevel.Ignore, c => c.Pragmas.InlineLines.ForEach(line => c.Report(line, 1))),
        new("DL3000", LintLevel.Error, Workdir),
        new("DL3002", LintLevel.Warning, LastUser),
        new("DL3010", LintLevel.Info, Unpacked),
        new("DL3011", LintLevel.Error, Ports),
        new("DL3012", LintLevel.Error, c => Several(c, "HEALTHCHECK")),
        new("DL3020", LintLevel.Error, AddOfFiles),
        new("DL3021", LintLevel.Error, SeveralSources),
        new("DL3025", LintLevel.Warning, ShellForm),
        new("DL3043", LintLevel.Error, Wrapped),
        new("DL3044", LintLevel.Error, SameEnv),
        new("DL3045", LintLevel.Warning, RelativeTarget),
        new("DL3057", LintLevel.Ignore, NoHealthcheck),
        new("DL3064", LintLevel.Warning, SecretNames),
        new("DL3066", LintLevel.Info, NamedUser),
        new("DL4000", LintLevel.Error, c => Each(c, "MAINTAINER", i => c.Report(i))),
        new("DL4003", LintLevel.Warning, c => Several(c, "CMD")),
        new("DL4004", LintLevel.Error, c => Several(c, "ENTRYPOINT")),
    ];

    private static void Each(LintContext c, string keyword, Action<Instruction> action)
    {
        foreach (Instruction i in c.Flat)
            if (i.Keyword == keyword)
                action(i);
    }

    private static string Plain(LintContext c, Instruction i) => DockerWords.Unquote(i.Text.Trim(), c.File.Escape == '\\' && LooksLikeWindows(i.Text) ? '\0' : c.File.Escape);

    private static bool LooksLikeWindows(string text) => text.TrimStart('"', '\'') is [_, ':', '\\' or '/', ..];

    private static bool IsAbsolute(string path) => path.StartsWith('/') || path.StartsWith('$') || LooksLikeWindows(path);

    private static void Workdir(LintContext c) => Each(c, "WORKDIR", i =>
    {
        if (i.Text.Length > 0 && !IsAbsolute(Plain(c, i)))
            c.Report(i, Escape.Quote(Plain(c, i)));
    });

    private static void LastUser(LintContext c)
    {
        Dictionary<int, Instruction> last = [];
        foreach (Instruction i in c.File.Instructions)
            if (i.Keyword == "USER")
                last[i.Stage] = i;
        foreach (Instruction user in last.Values)
            if (Plain(c, user).Split(':')[0] is "root" or "0")
                c.Report(user);
    }

    private static void NamedUser(LintContext c) => Each(c, "USER", i =>
    {
        string user = Plain(c, i).Split(':')[0];
        if (user.Length > 0 && !Variables.HasAny(user) && !user.All(char.IsAsciiDigit))
            c.Report(i, Escape.Quote(user));
    });

    private static void Unpacked(LintContext c)
    {
        List<(Instruction Copy, string Name)> archives = [];
        HashSet<Instruction> told = [];
        int run = 0, stage = -2;
        foreach (Instruction i in c.Flat)
        {
            if (i.Stage != stage)
                archives.Clear();
            stage = i.Stage;
            if (i.Keyword == "COPY" && i.Flag("from") is null && Files.Of(i, c.File.Escape) is { } files)
            {
                if (Files.IsArchive(files.Target))
                    archives.Add((i, Files.NameOf(files.Target)));
                else
                    archives.AddRange(files.Sources.Where(Files.IsArchive).Select(s => (i, Files.NameOf(s))));
            }
            while (run < c.Runs.Count && c.Runs[run].Instruction.Line < i.Line)
                run++;
            if (i.Keyword != "RUN" || archives.Count == 0 || run >= c.Runs.Count || c.Runs[run].Instruction != i)
                continue;
            HashSet<string> names = [.. c.Runs[run].Script.Commands.Where(Unpacks).SelectMany(command => command.Plain().Select(Files.NameOf))];
            foreach ((Instruction copy, string name) in archives)
                if (names.Contains(name) && told.Add(copy))
                    c.Report(copy, Escape.Quote(name));
        }
    }

    private static bool Unpacks(ShellCommand command) => command.Name switch
    {
        "tar" => command.HasFlag("x", "extract", "get") || command.Words is [{ Text: ['x' or 'z' or 'j' or 'v', ..] } first, ..] && first.Text.Contains('x', StringComparison.Ordinal) && !first.Text.Contains('.', StringComparison.Ordinal),
        "unzip" or "gunzip" or "bunzip2" or "unlzma" or "unxz" or "zgz" or "uncompress" or "zcat" or "gzcat" => true,
        _ => false,
    };

    private static void Ports(LintContext c) => Each(c, "EXPOSE", i =>
    {
        foreach (DockerWords.Word word in DockerWords.Split(i.Text, c.File.Escape))
        {
            string port = DockerWords.Unquote(word.Text, c.File.Escape).Split('/')[0];
            if (Variables.HasAny(port))
                continue;
            foreach (string end in port.Split('-', 2))
                if (end.Length > 0 && end.All(char.IsAsciiDigit) && !(int.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= 65535))
                {
                    c.Report(i, Escape.Quote(port));
                    break;
                }
        }
    });

    private static void Several(LintContext c, string keyword)
    {
        HashSet<int> stages = [];
        foreach (Instruction i in c.File.Instructions)
            if (i.Keyword == keyword && !stages.Add(i.Stage))
                c.Report(i);
    }

    private static void AddOfFiles(LintContext c) => Each(c, "ADD", i =>
    {
        if (Files.Of(i, c.File.Escape) is { } files && files.Sources.FirstOrDefault(s => !Files.IsArchive(s) && !IsUrl(s) && !Variables.HasAny(s)) is { } plain)
            c.Report(i, Escape.Quote(plain));
    });

    private static bool IsUrl(string source) =>
        source.StartsWith("https://", StringComparison.Ordinal) || source.StartsWith("http://", StringComparison.Ordinal) || source.StartsWith("git@", StringComparison.Ordinal) || source.StartsWith("git://", StringComparison.Ordinal);

    private static void SeveralSources(LintContext c) => Each(c, "COPY", i =>
    {
        if (Files.Of(i, c.File.Escape) is { } files && files.Sources.Count + i.Heredocs.Count > 1 && !(files.Target.EndsWith('/') || files.Target.EndsWith('\\')))
            c.Report(i, Escape.Quote(files.Target));
    });

    private static void ShellForm(LintContext c)
    {
        foreach (Instruction i in c.Flat)
            if (i.Keyword is "CMD" or "ENTRYPOINT" && i.Json is null)
                c.Report(i, i.Keyword);
    }

    private static void Wrapped(LintContext c)
    {
        foreach (Instruction i in c.File.Instructions)
            if (i.Inner is { Keyword: "ONBUILD" or "FROM" or "MAINTAINER" } inner)
                c.Report(i, inner.Keyword);
    }

    private static void SameEnv(LintContext c)
    {
        HashSet<string> known = [];
        foreach (Instruction i in c.File.Instructions)
        {
            if (i.Keyword is not ("ENV" or "ARG") || DockerWords.Pairs(i.Text, c.File.Escape, allowBare: i.Keyword == "ARG", out _) is not { } pairs)
                continue;
            if (i.Keyword == "ENV" && pairs.Count > 1)
            {
                // Each name's own value does not count: PATH=$PATH:/x refers to what was before.
                Dictionary<string, int> fresh = new(StringComparer.Ordinal);
                for (int p = 0; p < pairs.Count; p++)
                    if (!known.Contains(pairs[p].Name))
                        fresh.TryAdd(pairs[p].Name, p);
                for (int p = 0; p < pairs.Count; p++)
                    if (References(pairs[p].Raw ?? "").FirstOrDefault(r => fresh.TryGetValue(r, out int at) && at != p) is { } name)
                    {
                        c.Report(i, Escape.Quote(name));
                        break;
                    }
            }
            known.UnionWith(pairs.Select(p => p.Name));
        }
    }

    private static IEnumerable<string> References(string value)
    {
        for (int i = 0; i + 1 < value.Length; i++)
        {
            if (value[i] != '$' || i > 0 && value[i - 1] == '\\')
                continue;
            int start = value[i + 1] == '{' ? i + 2 : i + 1, end = start;
            while (end < value.Length && (char.IsAsciiLetterOrDigit(value[end]) || value[end] == '_'))
                end++;
            if (end > start)
                yield return value[start..end];
        }
    }

    private static void RelativeTarget(LintContext c)
    {
        Dictionary<string, bool> byName = new(StringComparer.OrdinalIgnoreCase);
        bool set = false;
        string? current = null;
        foreach (Instruction i in c.Flat)
        {
            if (i is { Keyword: "FROM", Stage: >= 0 })
            {
                Stage stage = c.File.Stages[i.Stage];
                set = byName.GetValueOrDefault(stage.Base.Image);
                byName[current = stage.Name ?? stage.Base.Image] = set;
            }
            else if (i.Keyword == "WORKDIR")
            {
                set = true;
                if (current is not null)
                    byName[current] = true;
            }
            else if (i.Keyword == "COPY" && !set && Files.Of(i, LooksLikeWindows(LastWord(i)) ? '\0' : c.File.Escape) is { } files && !IsAbsolute(files.Target))
                c.Report(i, Escape.Quote(files.Target));
        }
    }

    private static string LastWord(Instruction i) => i.Text[(i.Text.LastIndexOfAny([' ', '\t']) + 1)..];

    private static void NoHealthcheck(LintContext c)
    {
        HashSet<int> has = [];
        foreach (Instruction i in c.File.Instructions)
            if (i.Keyword == "HEALTHCHECK")
                has.Add(i.Stage);
        HashSet<string> good = new(StringComparer.OrdinalIgnoreCase);
        foreach (Stage stage in c.File.Stages)
        {
            if (has.Contains(stage.Index) || good.Contains(stage.Base.Image))
                good.Add(stage.Name ?? stage.Base.Image);
            else
                c.Report(stage.From);
        }
    }

    private static void SecretNames(LintContext c)
    {
        foreach (Instruction i in c.Flat)
            if (i.Keyword is "ENV" or "ARG" && DockerWords.Pairs(i.Text, c.File.Escape, allowBare: i.Keyword == "ARG", out _) is { } pairs)
                foreach (Pair pair in pairs)
                    if (SecretLike.Is(pair.Name))
                    {
                        (int line, int column) = i.Map.At(pair.Offset);
                        c.Report(line, column, i.Keyword, Escape.Quote(pair.Name));
                    }
    }
}

/// <summary>Names of variables that promise a secret, hadolint's list.</summary>
internal static class SecretLike
{
    private static readonly string[] Parts = ["api_key", "client_key", "password", "private", "secret", "token", "username"];

    private static readonly HashSet<string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        "APPLICATION_KEY", "AWS_ACCESS_KEY_ID", "CI_DEPLOY_USER", "DOCKER_EMAIL", "FACEBOOK_APP_ID", "HEROKU_API_USER", "OKTA_AUTHN_GROUPID",
        "OKTA_CLIENT_ORGURL", "OKTA_OAUTH2_CLIENTID", "STRIPE_DEVICE_NAME", "TRAVIS_OS_NAME", "TRAVIS_SECURE_ENV_VARS", "TRAVIS_SUDO",
    };

    public static bool Is(string name) => Names.Contains(name) || Array.Exists(Parts, p => name.Contains(p, StringComparison.OrdinalIgnoreCase));
}
