using System.Text.Json;

namespace Plimsoll.Inspect.Packages.Npm;

/// <summary>Packages of npm: installed ones, and those that the lock files of npm, Yarn, pnpm and Bun name.</summary>
/// <remarks>
/// <para>Installed is what stands directly in a <c>node_modules</c> folder, or in <c>usr/share/nodejs</c> and <c>usr/lib/nodejs</c>, where
/// Debian has them. A package.json deeper inside a package is a fixture or says how a folder is to be loaded.</para>
/// <para>A lock file within node_modules came with a package and says what its makers worked with; nothing of it is installed.</para>
/// <para>Sources: docs.npmjs.com package.json and package-lock.json (versions 1 to 3), yarnpkg.com, pnpm.io, bun.sh/docs/install/lockfile.</para>
/// </remarks>
public sealed class NpmAnalyser : LanguageAnalyser
{
    /// <summary>Code of the gap for a lock file in a form that is not read.</summary>
    public const string NotRead = "lock-file-not-read";

    public override string Id => "npm";

    public override string LastBytes => "nklb";

    public override bool Wants(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
            return false;
        switch (path[^1])
        {
            case (byte)'n':
                return path.EndsWith("/package.json"u8) ? IsInstalled(path[..^"/package.json".Length])
                    : (IsNamed(path, "package-lock.json"u8) || IsNamed(path, "npm-shrinkwrap.json"u8)) && IsProject(path);
            case (byte)'k':
                return (IsNamed(path, "yarn.lock"u8) || IsNamed(path, "bun.lock"u8)) && IsProject(path);
            case (byte)'l':
                return IsNamed(path, "pnpm-lock.yaml"u8) && IsProject(path);
            case (byte)'b':
                return IsNamed(path, "bun.lockb"u8) && IsProject(path);
            default:
                return false;
        }
    }

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages)
    {
        if (IsNamed(path, "yarn.lock"))
            YarnLock.Read(content.Span, packages);
        else if (IsNamed(path, "pnpm-lock.yaml"))
            PnpmLock.Read(content.Span, packages);
        else if (IsNamed(path, "bun.lockb"))
            packages.Gap(NotRead, "Bun's binary lock file is not read; bun.lock, which Bun writes since 1.2, is");
        else
        {
            using JsonDocument document = JsonFile.Parse(content, comments: IsNamed(path, "bun.lock"));
            if (IsNamed(path, "package.json"))
                ReadInstalled(document.RootElement, packages);
            else if (IsNamed(path, "bun.lock"))
                ReadBun(document.RootElement, packages);
            else
                ReadLock(document.RootElement, packages);
        }
    }

    /// <param name="folder">Where package.json stands.</param>
    private static bool IsInstalled(ReadOnlySpan<byte> folder)
    {
        int slash = folder.LastIndexOf((byte)'/');
        if (slash < 0 || slash + 1 == folder.Length || folder[slash + 1] == (byte)'.')
            return false;
        ReadOnlySpan<byte> above = folder[..slash];
        int scope = above.LastIndexOf((byte)'/') + 1;
        if (scope < above.Length && above[scope] == (byte)'@')
            above = scope == 0 ? default : above[..(scope - 1)];
        return IsNamed(above, "node_modules"u8) || above.SequenceEqual("usr/share/nodejs"u8) || above.SequenceEqual("usr/lib/nodejs"u8);
    }

    private static bool IsProject(ReadOnlySpan<byte> path) => !IsBelow(path, "/node_modules/"u8);

    private static void ReadInstalled(JsonElement root, PackageList packages)
    {
        // A package.json without both says only how the files beside it are to be loaded.
        if (root.Text("name") is not { Length: > 0 } name || root.Text("version") is not { Length: > 0 } version)
            return;
        IReadOnlyList<string> licences = root.Licences("license");
        packages.Add("npm", name, version, PackageEvidence.Installed, licences: licences.Count > 0 ? licences : root.Licences("licenses"));
    }

    private static void ReadLock(JsonElement root, PackageList packages)
    {
        if (root.Find("packages") is not { ValueKind: JsonValueKind.Object })
        {
            if (root.Find("lockfileVersion") is null && root.Find("dependencies") is null)
                packages.Malformed("neither packages, dependencies nor lockfileVersion stands in it");
            ReadNested(root, packages);
            return;
        }
        foreach (JsonProperty entry in root.Members("packages"))
        {
            string at = entry.Name;
            int folder = at.LastIndexOf("node_modules/", StringComparison.Ordinal);
            // The project itself and its workspaces stand outside node_modules, and links lead to them.
            if (folder >= 0 && !entry.Value.IsTrue("link") && entry.Value.Text("version") is { } version && IsVersion(version))
                packages.Add("npm", entry.Value.Text("name") ?? at[(folder + "node_modules/".Length)..], version, PackageEvidence.LockFile,
                    entry.Value.IsTrue("dev"), entry.Value.Licences("license"));
        }
    }

    /// <summary>Version 1: packages within packages, as deep as the JSON may be.</summary>
    private static void ReadNested(JsonElement parent, PackageList packages)
    {
        foreach (JsonProperty entry in parent.Members("dependencies"))
        {
            (string name, string version) = (entry.Name, entry.Value.Text("version") ?? "");
            if (version.StartsWith("npm:", StringComparison.Ordinal) && version.LastIndexOf('@') is > 4 and int at)
                (name, version) = (version[4..at], version[(at + 1)..]);
            if (IsVersion(version))
                packages.Add("npm", name, version, PackageEvidence.LockFile, entry.Value.IsTrue("dev"));
            ReadNested(entry.Value, packages);
        }
    }

    /// <summary><c>"packages": { "key": ["name@version", …] }</c>.</summary>
    private static void ReadBun(JsonElement root, PackageList packages)
    {
        if (root.Find("packages") is not { ValueKind: JsonValueKind.Object })
            packages.Malformed("packages does not stand in it");
        foreach (JsonProperty entry in root.Members("packages"))
            if (entry.Value.ValueKind == JsonValueKind.Array && entry.Value.GetArrayLength() > 0 && entry.Value[0] is { ValueKind: JsonValueKind.String } first)
            {
                string id = first.GetString()!;
                int at = id.IndexOf('@', id.Length > 0 ? 1 : 0);
                if (at > 0 && IsVersion(id[(at + 1)..]))
                    packages.Add("npm", id[..at], id[(at + 1)..], PackageEvidence.LockFile);
            }
    }

    /// <summary>A version of the registry; a file, a link, a repository and a workspace have none that an advisory could speak of.</summary>
    internal static bool IsVersion(string text) =>
        text.Length > 0 && char.IsAsciiDigit(text[0]) && !text.Contains('/', StringComparison.Ordinal) && !text.Contains(':', StringComparison.Ordinal);
}
