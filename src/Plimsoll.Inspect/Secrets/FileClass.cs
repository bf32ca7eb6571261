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
        ["/doc/", "/docs/", "share/man/", "share/info/", "/examples/", "/example/", "/samples/", "/demo/", "/documentation/", "/help/", "/ri/"], StringComparison.Ordinal);

    private static readonly SearchValues<string> TestParts = SearchValues.Create(
        ["/test/", "/tests/", "/spec/", "/specs/", "__tests__/", "/testdata/", "/testing/", "/fixtures/", "/fixture/", "/__fixtures__/", "/mock/", "/mocks/", "/__mocks__/", "/test-data/", "/testsuite/", "/benchmark/", "/e2e/"], StringComparison.Ordinal);

    private static readonly HashSet<string> DocumentationEndings = new(["md", "rst", "adoc", "markdown", "txt", "1", "3", "5", "7", "8", "pod", "rdoc", "ri", "texi", "mdx"], StringComparer.Ordinal);

    private static readonly HashSet<string> GeneratedEndings = new(
        ["map", "lock", "po", "pot", "svg", "css", "sum", "xlf", "tsbuildinfo", "snap", "ipynb", "resx", "strings", "csv", "tsv", "crt", "cer", "dic", "aff"], StringComparer.Ordinal);

    private static readonly HashSet<string> SourceEndings = new(
        "py js mjs cjs ts tsx jsx java kt scala cs vb fs go rs rb php phtml pl pm c h cc cpp hpp swift dart ex exs erl lua groovy r jl m tcl sql html htm vue svelte jsp aspx cshtml erb ejs hbs mustache pug twig j2 tmpl tpl d.ts".Split(' '),
        StringComparer.Ordinal);

    private static readonly HashSet<string> SettingsEndings = new(
        "env ini cfg conf config cnf properties props yaml yml json toml xml plist tf tfvars tfstate hcl credentials secrets local production development staging service netrc pgpass npmrc pypirc settings".Split(' '),
        StringComparer.Ordinal);

    public static bool IsPublic(this FileClass of) => (of & (FileClass.Vendor | FileClass.System)) != FileClass.None;

    public static FileClass Of(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string lower = path.ToLowerInvariant();
        string rooted = "/" + lower;
        string name = lower[(lower.LastIndexOf('/') + 1)..];
        string ending = name.LastIndexOf('.') is >= 0 and int dot ? name[(dot + 1)..] : "";
        FileClass found = Has(rooted, VendorParts) ? FileClass.Vendor : FileClass.None;
        if (IsSystem(lower))
            found |= FileClass.System;
        if (Has(rooted, TestParts) || name.Contains(".test.", StringComparison.Ordinal) || name.Contains(".spec.", StringComparison.Ordinal) || name.Contains("_test.", StringComparison.Ordinal)
            || name.StartsWith("test_", StringComparison.Ordinal) || name.Contains("selftest", StringComparison.Ordinal))
            found |= FileClass.Test;
        if (Has(rooted, DocumentationParts) || DocumentationEndings.Contains(ending) || name.StartsWith("readme", StringComparison.Ordinal) || name.StartsWith("changelog", StringComparison.Ordinal)
            || name.Contains(".example", StringComparison.Ordinal) || name.Contains(".sample", StringComparison.Ordinal) || name.Contains("-sample", StringComparison.Ordinal) || name is "history" or "changes" or "news")
            found |= FileClass.Documentation;
        if (GeneratedEndings.Contains(ending) || name.Contains(".min.", StringComparison.Ordinal) || name is "package-lock.json" or "npm-shrinkwrap.json" or "go.sum" or "pnpm-lock.yaml" or ".package-lock.json" or "composer.lock"
            || lower.StartsWith("var/lib/apt/lists/", StringComparison.Ordinal))
            found |= FileClass.Generated;
        if (name.EndsWith("_history", StringComparison.Ordinal) || ending is "sh" or "bash" or "zsh" or "fish" or "ksh" or "csh" or "bashrc" or "profile" or "bash_profile" or "zshrc" or "envrc" || name is "dockerfile" or "entrypoint" or "crontab" or "makefile")
            found |= FileClass.Shell;
        else if (SourceEndings.Contains(ending))
            found |= FileClass.Source;
        else if (SettingsEndings.Contains(ending) || name.StartsWith(".env", StringComparison.Ordinal) || name.StartsWith("env.", StringComparison.Ordinal) || ending.Length == 0 && !lower.StartsWith("usr/", StringComparison.Ordinal))
            found |= FileClass.Settings;
        return found;
    }

    private static bool IsSystem(string path)
    {
        if (path.StartsWith("usr/", StringComparison.Ordinal))
            return !path.StartsWith("usr/local/", StringComparison.Ordinal) && !path.StartsWith("usr/src/", StringComparison.Ordinal) && !path.StartsWith("usr/share/nginx/html/", StringComparison.Ordinal) && !path.StartsWith("usr/app/", StringComparison.Ordinal);
        return path.StartsWith("lib/", StringComparison.Ordinal) || path.StartsWith("lib64/", StringComparison.Ordinal) || path.StartsWith("bin/", StringComparison.Ordinal) || path.StartsWith("sbin/", StringComparison.Ordinal)
            || path.StartsWith("var/lib/dpkg/", StringComparison.Ordinal) || path.StartsWith("var/lib/apt/", StringComparison.Ordinal) || path.StartsWith("var/cache/", StringComparison.Ordinal) || path.StartsWith("lib/apk/", StringComparison.Ordinal);
    }

    private static bool Has(string path, SearchValues<string> parts) => path.AsSpan().ContainsAny(parts);
}
