using System.Text;
using System.Text.Json;

namespace Plimsoll.Inspect.Packages.Swift;

/// <summary>Swift's Package.resolved (versions 1 to 3) and Podfile.lock of CocoaPods.</summary>
/// <remarks>
/// A Swift package is named by its repository, as OSV's SwiftURL does: <c>github.com/apple/swift-nio</c>. A pin on a branch or a
/// revision alone has no version that an advisory could speak of. Of a pod's parts (<c>Name/Part</c>) the pod counts.
/// </remarks>
public sealed class SwiftAnalyser : LanguageAnalyser
{
    public override string Id => "swift";

    public override string LastBytes => "dk";

    public override bool Wants(ReadOnlySpan<byte> path) => path switch
    {
        [.., (byte)'d'] => IsNamed(path, "Package.resolved"u8),
        [.., (byte)'k'] => IsNamed(path, "Podfile.lock"u8),
        _ => false,
    };

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages)
    {
        if (path.EndsWith(".lock", StringComparison.Ordinal))
        {
            ReadPods(content.Span, packages);
            return;
        }
        using JsonDocument document = JsonFile.Parse(content);
        JsonElement holder = document.RootElement.Find("object") ?? document.RootElement;
        if (holder.Find("pins") is not { ValueKind: JsonValueKind.Array })
            packages.Malformed("pins does not stand in it");
        foreach (JsonElement pin in holder.Items("pins"))
            if (pin.Find("state") is { } state && state.Text("version") is { } version)
                packages.Add("swift", (pin.Text("location") ?? pin.Text("repositoryURL") ?? pin.Text("identity")) is { } at ? PackageNames.Repository(at) : null, version, PackageEvidence.LockFile);
    }

    /// <summary><c>  - Name/Part (1.0):</c> below <c>PODS:</c>, in quotation marks where a sign asks for them.</summary>
    private static void ReadPods(ReadOnlySpan<byte> rest, PackageList packages)
    {
        bool inPods = false, known = false;
        for (long number = 1; rest.Length > 0; number++)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line.IsEmpty || !line.StartsWith("  - "u8))
            {
                if (line is [not (byte)' ', ..])
                    known |= inPods = line.SequenceEqual("PODS:"u8);
                continue;
            }
            if (!inPods)
                continue;
            ReadOnlySpan<byte> text = Fields.Trim(line[4..]).TrimEnd((byte)':').Trim((byte)'"');
            int open = text.IndexOf(" ("u8);
            if (open <= 0 || text[^1] != (byte)')' || text.Length > 4 * Fields.MaxNameLength)
                packages.Malformed($"line {number} is no pod: {Fields.Quote(line)}");
            else
                packages.Add("cocoapods", Encoding.UTF8.GetString(text[..open]).Split('/')[0], Encoding.UTF8.GetString(text[(open + 2)..^1]), PackageEvidence.LockFile);
        }
        if (!known)
            packages.Malformed("PODS does not stand in it");
    }
}
