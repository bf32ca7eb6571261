using System.Text;

namespace Plimsoll.Inspect.Packages.Ruby;

/// <summary>Ruby's gems: installed ones by their specifications, and those that Gemfile.lock names.</summary>
/// <remarks>
/// RubyGems writes <c># stub: NAME VERSION PLATFORM PATHS</c> into each installed specification, which is Ruby code otherwise.
/// Sources: rubygems lib/rubygems/stub_specification.rb; bundler lib/bundler/lockfile_parser.rb.
/// </remarks>
public sealed class RubyAnalyser : LanguageAnalyser
{
    public override string Id => "ruby";

    public override string LastBytes => "ck";

    public override bool Wants(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
            return false;
        if (path[^1] == (byte)'c' && path.EndsWith(".gemspec"u8))
        {
            ReadOnlySpan<byte> folder = path[..Math.Max(path.LastIndexOf((byte)'/'), 0)];
            return IsNamed(folder, "specifications"u8) || folder.EndsWith("specifications/default"u8);
        }
        // A lock file within an installed gem says what its makers worked with.
        return path[^1] == (byte)'k' && IsNamed(path, "Gemfile.lock"u8) && !IsBelow(path, "/gems/"u8);
    }

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages)
    {
        if (IsNamed(path, "Gemfile.lock"))
            ReadLock(content.Span, packages);
        else
            ReadSpecification(path, content.Span, packages);
    }

    private static void ReadSpecification(string path, ReadOnlySpan<byte> rest, PackageList packages)
    {
        string? name = null, version = null, platform = null;
        List<string> licences = [];
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.Trim(Fields.NextLine(ref rest));
            if (line.StartsWith("# stub: "u8) && name is null)
            {
                string[] words = Fields.Shown(line["# stub: "u8.Length..]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words.Length >= 3)
                    (name, version, platform) = (words[0], words[1], words[2]);
            }
            else if (line.StartsWith("s.name = "u8))
                name ??= Strings(line).FirstOrDefault();
            else if (line.StartsWith("s.version = "u8))
                version ??= Strings(line).FirstOrDefault();
            else if (line.StartsWith("s.platform = "u8))
                platform ??= Strings(line).FirstOrDefault();
            else if (licences.Count == 0 && (line.StartsWith("s.licenses = "u8) || line.StartsWith("s.license = "u8)))
                licences = Strings(line);
        }
        if (name is null || version is null)
        {
            // The file is named NAME-VERSION.gemspec, or NAME-VERSION-PLATFORM.gemspec.
            string stem = path[(path.LastIndexOf('/') + 1)..^".gemspec".Length];
            int hyphen = stem.IndexOf('-', StringComparison.Ordinal);
            while (hyphen >= 0 && (hyphen + 1 == stem.Length || !char.IsAsciiDigit(stem[hyphen + 1])))
                hyphen = stem.IndexOf('-', hyphen + 1);
            if (hyphen > 0)
                (name, version) = (name ?? stem[..hyphen], version ?? stem[(hyphen + 1)..].Split('-')[0]);
        }
        packages.Add("gem", name, version, PackageEvidence.Installed, licences: licences, architecture: platform is null or "ruby" ? null : platform);
    }

    /// <summary>The texts in quotation marks of a line of Ruby.</summary>
    private static List<string> Strings(ReadOnlySpan<byte> line)
    {
        string[] parts = Fields.Shown(line).Split('"');
        return [.. parts.Where((_, i) => i % 2 == 1 && i < parts.Length - 1)];
    }

    /// <summary>Sections GEM and GIT; PATH holds the project's own.</summary>
    private static void ReadLock(ReadOnlySpan<byte> rest, PackageList packages)
    {
        bool wanted = false, specs = false, any = false;
        for (long number = 1; rest.Length > 0; number++)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line.IsEmpty)
                continue;
            if (line[0] != (byte)' ')
            {
                wanted = line.SequenceEqual("GEM"u8) || line.SequenceEqual("GIT"u8) || line.SequenceEqual("PLUGIN SOURCE"u8);
                any |= wanted || line.SequenceEqual("PATH"u8) || line.SequenceEqual("DEPENDENCIES"u8) || line.SequenceEqual("PLATFORMS"u8);
                specs = false;
            }
            else if (line.SequenceEqual("  specs:"u8))
                specs = wanted;
            else if (specs && line.Length > 5 && line.StartsWith("    "u8) && line[4] != (byte)' ')
            {
                int open = line.IndexOf(" ("u8);
                if (open <= 4 || line[^1] != (byte)')' || line.Length > 4 * Fields.MaxNameLength)
                {
                    packages.Malformed($"line {number} is no gem: {Fields.Quote(line)}");
                    continue;
                }
                // No version has a hyphen; what follows one is the platform it was built for.
                string[] version = Encoding.UTF8.GetString(line[(open + 2)..^1]).Split('-', 2);
                packages.Add("gem", Encoding.UTF8.GetString(line[4..open]), version[0], PackageEvidence.LockFile, architecture: version.Length > 1 ? version[1] : null);
            }
        }
        if (!any)
            packages.Malformed("none of GEM, GIT, PATH, PLATFORMS and DEPENDENCIES stands in it");
    }
}
