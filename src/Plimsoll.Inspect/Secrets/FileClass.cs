using System.Buffers;

namespace Plimsoll.Inspect.Secrets;

/// <summary>What a path says about who wrote the file and what for.</summary>
[Flags]
internal enum FileClass
{
    None = 0,

    /// <summary>Other people's packages, which anybody can download: node_modules, site-packages, gems.</summary>
    Vendor = 1,

    /// <summary>Where distributions put files.</summary>
    System = 2,
    Documentation = 4,
    Test = 8,

    /// <summary>Made by a program: minified, source maps, lock files, translations.</summary>
    Generated = 16,

    /// <summary>A language in which a value in quotation marks is a constant and one without is a name.</summary>
    Source = 32,

    /// <summary>Settings, where a value needs no quotation marks.</summary>
    Settings = 64,

    /// <summary>Shell scripts and the history of a shell.</summary>
    Shell = 128,

    /// <summary>The image's own variables, labels and history.</summary>
    Image = 256,
}

internal static class FileClasses
{
    private static readonly SearchValues<string> VendorParts = SearchValues.Create(
    [
        "node_modules/", "bower_components/", "site-packages/", "dist-packages/", "/gems/", "/rubygems/", "vendor/", "go/pkg/mod/", ".cargo/registry/", ".m2/repository/",
        ".nuget/packages/", "conda/pkgs/", "conda/lib/", "lib/jvm/", "lib/python2", "lib/python3", "lib/ruby/", "lib/perl", "lib/erlang/", ".dist-info/", ".egg-info/", "usr/local/include/",
        "usr/local/share/", "usr/local/go/", "usr/local/lib/", ".yarn/", ".npm/_cacache/", "go/src/github.com/", "dotnet/shared/", "dotnet/sdk/", "dotnet/packs/",
    ], StringComparison.Ordinal);

    private static readonly SearchValues<string> DocumentationParts = SearchValues.Create(
        ["/doc/", "/docs/", "/man/", "share/info/", "/examples/", "/example/", "/samples/", "/demo/", "/documentation/", "/help/", "/ri/"], StringComparison.Ordinal);

    private static readonly SearchValues<string> TestParts = SearchValues.Create(
        ["/test/", "/tests/", "/spec/", "/specs/", "__tests__/", "/testdata/", "/testing/", "/fixtures/", "/fixture/", "/__fixtures__/", "/mock/", "/mocks/", "/__mocks__/", "/test-data/", "/testsuite/", "/benchmark/", "/e2e/"], StringComparison.Ordinal);

    private static readonly HashSet<string> DocumentationEndings = new(["md", "rst", "adoc", "markdown", "pod", "rdoc", "ri", "texi", "mdx"], StringComparer.Ordinal);

    /// <summary>Parts of names of texts that are written for people, when the ending does not say so.</summary>
    private static readonly SearchValues<string> DocumentNames = SearchValues.Create(
        ["readme", "licen", "copying", "copyright", "notice", "changelog", "changes", "release", "authors", "credits", "contribut", "thanks", "tutorial", "faq", "third", "robots", "humans", "requirements", "cmakelists", "entry_points", "top_level"], StringComparison.Ordinal);

    private static readonly HashSet<string> GeneratedEndings = new(
        ["map", "lock", "po", "pot", "svg", "css", "sum", "xlf", "tsbuildinfo", "snap", "ipynb", "resx", "strings", "csv", "tsv", "crt", "cer", "dic", "aff"], StringComparer.Ordinal);

    private static readonly HashSet<string> SourceEndings = new(
        "py js mjs cjs ts tsx jsx java kt scala cs vb fs go rs rb php phtml pl pm c h cc cpp hpp swift dart ex exs erl lua groovy r jl m tcl sql html htm vue svelte jsp aspx cshtml erb ejs hbs mustache pug twig j2 tmpl tpl d.ts".Split(' '),
        StringComparer.Ordinal);

    private static readonly HashSet<string> SettingsEndings = new(
        "env ini cfg conf config cnf properties props yaml yml json toml xml plist tf tfvars tfstate hcl credentials secrets local production development staging service netrc pgpass npmrc pypirc settings txt log".Split(' '),
        StringComparer.Ordinal);

    public static bool IsPublic(this FileClass of) => (of & (FileClass.Vendor | FileClass.System)) != FileClass.None;

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> IsDocumentation = DocumentationEndings.GetAlternateLookup<ReadOnlySpan<char>>(),
        IsGenerated = GeneratedEndings.GetAlternateLookup<ReadOnlySpan<char>>(), IsSource = SourceEndings.GetAlternateLookup<ReadOnlySpan<char>>(), IsSettings = SettingsEndings.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Longer paths are put on the heap.</summary>
    private const int MaxStackChars = 512;

    /// <summary>Of a file that anybody can download and that neither runs nor sets anything: no built-in rule says anything of it.</summary>
    public static bool IsBeyondRules(this FileClass of) => of.IsPublic() && (of & (FileClass.Documentation | FileClass.Test | FileClass.Generated)) != FileClass.None;

    public static FileClass Of(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        Span<char> rooted = path.Length < MaxStackChars ? stackalloc char[path.Length + 1] : new char[path.Length + 1];
        rooted[0] = '/';
        path.AsSpan().ToLowerInvariant(rooted[1..]);
        return OfLower(rooted);
    }

    /// <summary>The same of a path's bytes. No allocation unless the path is very long.</summary>
    public static FileClass Of(ReadOnlySpan<byte> path)
    {
        Span<char> rooted = path.Length < MaxStackChars ? stackalloc char[path.Length + 1] : new char[path.Length + 1];
        rooted[0] = '/';
        // All that is asked for is ASCII; what other bytes become does not matter as long as they are not that.
        for (int i = 0; i < path.Length; i++)
            rooted[i + 1] = path[i] is >= (byte)'A' and <= (byte)'Z' ? (char)(path[i] | 0x20) : (char)path[i];
        return OfLower(rooted);
    }

    /// <param name="rooted">Small letters, with a leading slash.</param>
    private static FileClass OfLower(ReadOnlySpan<char> rooted)
    {
        ReadOnlySpan<char> lower = rooted[1..], name = lower[(lower.LastIndexOf('/') + 1)..];
        ReadOnlySpan<char> ending = name.LastIndexOf('.') is >= 0 and int dot ? name[(dot + 1)..] : [];
        FileClass found = rooted.ContainsAny(VendorParts) ? FileClass.Vendor : FileClass.None;
        if (IsSystem(lower))
            found |= FileClass.System;
        if (rooted.ContainsAny(TestParts) || name.Contains(".test.", StringComparison.Ordinal) || name.Contains(".spec.", StringComparison.Ordinal) || name.Contains("_test.", StringComparison.Ordinal)
            || name.StartsWith("test_", StringComparison.Ordinal) || name.Contains("selftest", StringComparison.Ordinal))
            found |= FileClass.Test;
        // A .txt of somebody's own is as often a list of passwords as a manual; of a package it is hardly ever the former.
        bool isManual = ending is "txt" && (found != FileClass.None || name.ContainsAny(DocumentNames));
        if (isManual || rooted.ContainsAny(DocumentationParts) || IsDocumentation.Contains(ending) || name.StartsWith("readme", StringComparison.Ordinal) || name.StartsWith("changelog", StringComparison.Ordinal)
            || name.Contains(".example", StringComparison.Ordinal) || name.Contains(".sample", StringComparison.Ordinal) || name.Contains("-sample", StringComparison.Ordinal) || name is "history" or "changes" or "news")
            found |= FileClass.Documentation;
        if (IsGenerated.Contains(ending) || name.Contains(".min.", StringComparison.Ordinal) || name is "package-lock.json" or "npm-shrinkwrap.json" or "go.sum" or "pnpm-lock.yaml" or ".package-lock.json" or "composer.lock"
            || lower.StartsWith("var/lib/apt/lists/", StringComparison.Ordinal))
            found |= FileClass.Generated;
        if (name.EndsWith("_history", StringComparison.Ordinal) || ending is "sh" or "bash" or "zsh" or "fish" or "ksh" or "csh" or "bashrc" or "profile" or "bash_profile" or "zshrc" or "envrc" || name is "dockerfile" or "entrypoint" or "crontab" or "makefile")
            found |= FileClass.Shell;
        else if (IsSource.Contains(ending))
            found |= FileClass.Source;
        else if (IsSettings.Contains(ending) || name.StartsWith(".env", StringComparison.Ordinal) || name.StartsWith("env.", StringComparison.Ordinal) || ending.Length == 0 && !lower.StartsWith("usr/", StringComparison.Ordinal))
            found |= FileClass.Settings;
        return found;
    }

    private static bool IsSystem(ReadOnlySpan<char> path)
    {
        if (path.StartsWith("usr/", StringComparison.Ordinal))
            return !path.StartsWith("usr/local/", StringComparison.Ordinal) && !path.StartsWith("usr/src/", StringComparison.Ordinal) && !path.StartsWith("usr/share/nginx/html/", StringComparison.Ordinal) && !path.StartsWith("usr/app/", StringComparison.Ordinal);
        return path.StartsWith("lib/", StringComparison.Ordinal) || path.StartsWith("lib64/", StringComparison.Ordinal) || path.StartsWith("bin/", StringComparison.Ordinal) || path.StartsWith("sbin/", StringComparison.Ordinal)
            || path.StartsWith("var/lib/dpkg/", StringComparison.Ordinal) || path.StartsWith("var/lib/apt/", StringComparison.Ordinal) || path.StartsWith("var/cache/", StringComparison.Ordinal) || path.StartsWith("lib/apk/", StringComparison.Ordinal);
    }
}
