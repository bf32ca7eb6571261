using System.Text;

namespace Plimsoll.Inspect.Packages.Npm;

/// <summary>pnpm-lock.yaml of versions 5, 6 and 9, read line by line as pnpm writes it.</summary>
/// <remarks>
/// Below <c>packages:</c> each key, indented by two, is a package: <c>/a/1.0.0_peer@2</c> (5), <c>/a@1.0.0(peer@2)</c> (6),
/// <c>a@1.0.0</c> (9). Up to version 6 <c>dev: true</c> follows, indented by four. No YAML reader: what pnpm does not write
/// (anchors, flow mappings, tabs) has no meaning here, and no document is built.
/// </remarks>
internal static class PnpmLock
{
    public static void Read(ReadOnlySpan<byte> rest, PackageList packages)
    {
        bool inPackages = false, known = false, development = false;
        string? key = null;
        for (long number = 1; rest.Length > 0; number++)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            ReadOnlySpan<byte> text = Fields.Trim(line);
            if (text.IsEmpty || text[0] == (byte)'#' || line.SequenceEqual("---"u8))
                continue;
            int indent = line.IndexOfAnyExcept((byte)' ');
            if (indent == 0)
            {
                Finish(ref key, ref development, packages);
                known |= line.StartsWith("lockfileVersion:"u8);
                inPackages = text.SequenceEqual("packages:"u8);
                if (line[0] == (byte)'\t' || text.IndexOf((byte)':') < 0)
                    packages.Malformed($"line {number} is no key: {Fields.Quote(line)}");
            }
            else if (inPackages && indent == 2)
            {
                Finish(ref key, ref development, packages);
                if (text[^1] != (byte)':' || text.Length > 2 * Fields.MaxNameLength)
                    packages.Malformed($"line {number} is no package: {Fields.Quote(line)}");
                else
                    key = Encoding.UTF8.GetString(text[..^1].Trim("'\""u8));
            }
            else if (inPackages && indent == 4 && text.SequenceEqual("dev: true"u8))
                development = true;
        }
        Finish(ref key, ref development, packages);
        if (!known)
            packages.Malformed("lockfileVersion does not stand in it");
    }

    private static void Finish(ref string? read, ref bool development, PackageList packages)
    {
        if (read is { } key)
        {
            int peers = key.IndexOf('(', StringComparison.Ordinal);
            if (peers > 0)
                key = key[..peers];
            bool isOld = key.StartsWith('/');
            key = key.TrimStart('/');
            int scope = key.StartsWith('@') ? key.IndexOf('/', StringComparison.Ordinal) + 1 : 0;
            int at = key.IndexOf('@', scope), slash = key.IndexOf('/', scope);
            // Version 5 parts name and version by a slash, and names a registry that is not the usual one before them.
            (string name, string version) =
                slash >= 0 && (at < 0 || slash < at) ? SplitOld(key, isOld) :
                at > 0 ? (key[..at], key[(at + 1)..]) : ("", "");
            if (name.Length > 0 && NpmAnalyser.IsVersion(version))
                packages.Add("npm", name, version, PackageEvidence.LockFile, development);
        }
        read = null;
        development = false;
    }

    private static (string Name, string Version) SplitOld(string key, bool isOld)
    {
        string[] parts = key.Split('/');
        if (!isOld && parts.Length > 2 && parts[0].Contains('.', StringComparison.Ordinal))
            parts = parts[1..];
        bool isScoped = parts[0].StartsWith('@');
        int name = isScoped ? 2 : 1;
        if (parts.Length <= name)
            return ("", "");
        string version = parts[name];
        int peers = version.IndexOf('_', StringComparison.Ordinal);
        return (string.Join('/', parts[..name]), peers > 0 ? version[..peers] : version);
    }
}
