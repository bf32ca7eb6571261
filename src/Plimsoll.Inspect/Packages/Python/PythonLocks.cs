using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Plimsoll.Inspect.Packages.Python;

/// <summary>Lock files of Python, and requirements with exact versions.</summary>
internal static class PythonLocks
{
    /// <summary>Groups that are for making a program. What stands only in groups of other names may be an extra that was installed.</summary>
    private static readonly HashSet<string> DevelopmentGroups = new(StringComparer.OrdinalIgnoreCase)
    {
        "dev", "develop", "development", "test", "tests", "testing", "lint", "linting", "docs", "doc", "typing", "types", "ci",
    };

    /// <summary>poetry.lock, uv.lock, pdm.lock.</summary>
    public static void ReadToml(ReadOnlySpan<byte> content, PackageList packages) => TomlLock.Read(content, packages, table =>
    {
        // uv lists the project itself, as what lies in this folder; without a version a package has no release.
        if (table.Raw("source") is { } source && (source.Contains("editable", StringComparison.Ordinal) || source.Contains("virtual", StringComparison.Ordinal) || source.Contains("directory", StringComparison.Ordinal)))
            return;
        if (table.Text("name") is { } && table.Raw("version") is null)
            return;
        bool development = table.Text("category") == "dev"
            || table.Texts("groups") is { Count: > 0 } groups && groups.All(DevelopmentGroups.Contains);
        packages.Add("pypi", table.Text("name") is { } name ? PackageNames.Pypi(name) : null, table.Text("version"), PackageEvidence.LockFile, development);
    });

    public static void ReadPipfile(ReadOnlyMemory<byte> content, PackageList packages)
    {
        using JsonDocument document = JsonFile.Parse(content);
        if (document.RootElement.Find("default") is null && document.RootElement.Find("_meta") is null)
            packages.Malformed("neither _meta nor default stands in it");
        // "default" first, so that what stands in both is not for development.
        foreach (string section in (ReadOnlySpan<string>)["default", "develop"])
            foreach (JsonProperty entry in document.RootElement.Members(section))
                if (entry.Value.Text("version") is { } version && version.StartsWith("==", StringComparison.Ordinal))
                    packages.Add("pypi", PackageNames.Pypi(entry.Name), version[2..].Trim(), PackageEvidence.LockFile, section == "develop");
    }

    /// <summary>Lines with <c>==</c> alone; ranges, addresses and options name no version.</summary>
    public static void ReadRequirements(ReadOnlySpan<byte> rest, PackageList packages)
    {
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.Trim(Fields.NextLine(ref rest));
            int comment = line.IndexOf((byte)'#');
            if (comment >= 0)
                line = line[..comment];
            int equals = line.IndexOf("=="u8);
            if (equals <= 0 || line.Length > 4 * Fields.MaxNameLength)
                continue;
            int marker = line.IndexOf((byte)';');
            if (marker >= 0 && marker < equals)
                continue;
            ReadOnlySpan<byte> name = Fields.Trim(line[..equals]);
            int extra = name.IndexOf((byte)'[');
            if (extra > 0)
                name = Fields.Trim(name[..extra]);
            ReadOnlySpan<byte> version = Fields.Trim(line[(equals + 2)..].TrimStart((byte)'='));
            // A marker, a hash or the backslash before one follows.
            int end = version.IndexOfAny(" \t;\\,"u8);
            if (end >= 0)
            {
                if (version[end] == (byte)',' || Fields.Trim(version[end..]) is [(byte)',', ..])
                    continue;
                version = version[..end];
            }
            if (!name.IsEmpty && !name.ContainsAnyExcept(NameBytes) && !version.IsEmpty && version.IndexOf((byte)'*') < 0)
                packages.Add("pypi", PackageNames.Pypi(Encoding.ASCII.GetString(name)), Encoding.UTF8.GetString(version), PackageEvidence.LockFile);
        }
    }

    private static readonly SearchValues<byte> NameBytes =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."u8);
}
