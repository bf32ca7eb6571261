using System.Text;

namespace Plimsoll.Inspect.Packages.Gradle;

/// <summary>gradle.lockfile: <c>group:artifact:version=configuration,…</c>.</summary>
/// <remarks>Source: docs.gradle.org, "Locking versions". What stands only in configurations of tests is for development.</remarks>
public sealed class GradleLockAnalyser : LanguageAnalyser
{
    public override string Id => "gradle-lock";

    public override string LastBytes => "e";

    public override bool Wants(ReadOnlySpan<byte> path) => path is [.., (byte)'e'] && IsNamed(path, "gradle.lockfile"u8);

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages)
    {
        ReadOnlySpan<byte> rest = content.Span;
        for (long number = 1; rest.Length > 0; number++)
        {
            ReadOnlySpan<byte> line = Fields.Trim(Fields.NextLine(ref rest));
            if (line.IsEmpty || line[0] == (byte)'#' || line.StartsWith("empty="u8))
                continue;
            int equals = line.IndexOf((byte)'=');
            string[] parts = equals <= 0 || equals > 4 * Fields.MaxNameLength ? [] : Encoding.UTF8.GetString(line[..equals]).Split(':');
            if (parts.Length != 3)
            {
                packages.Malformed($"line {number} is no group:artifact:version=configurations: {Fields.Quote(line)}");
                continue;
            }
            string[] configurations = Fields.Shown(line[(equals + 1)..]).Split(',');
            bool development = line.Length - equals <= Fields.MaxShownLength && configurations.All(c => c.StartsWith("test", StringComparison.Ordinal));
            packages.Add("maven", $"{parts[0]}:{parts[1]}", parts[2], PackageEvidence.LockFile, development);
        }
    }
}
