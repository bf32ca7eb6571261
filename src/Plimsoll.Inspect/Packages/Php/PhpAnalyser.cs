using System.Text.Json;

namespace Plimsoll.Inspect.Packages.Php;

/// <summary>PHP packages of Composer: vendor/composer/installed.json (versions 1 and 2) and composer.lock.</summary>
/// <remarks>Source: getcomposer.org/doc, and Composer\Repository\InstalledFilesystemRepository.</remarks>
public sealed class PhpAnalyser : LanguageAnalyser
{
    public override string Id => "php";

    public override string LastBytes => "nk";

    public override bool Wants(ReadOnlySpan<byte> path) => path switch
    {
        [.., (byte)'n'] => path.EndsWith("/composer/installed.json"u8) || path.SequenceEqual("composer/installed.json"u8),
        // A lock file within an installed package says what its makers worked with.
        [.., (byte)'k'] => IsNamed(path, "composer.lock"u8) && !IsBelow(path, "/vendor/"u8),
        _ => false,
    };

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages)
    {
        using JsonDocument document = JsonFile.Parse(content);
        JsonElement root = document.RootElement;
        bool isLock = path.EndsWith(".lock", StringComparison.Ordinal);
        PackageEvidence evidence = isLock ? PackageEvidence.LockFile : PackageEvidence.Installed;
        if (!isLock && root.ValueKind == JsonValueKind.Array)
            foreach (JsonElement package in root.EnumerateArray())
                Add(package, false);
        else if (root.Find("packages") is not { ValueKind: JsonValueKind.Array })
            packages.Malformed("packages does not stand in it");
        foreach (JsonElement package in root.Items("packages"))
            Add(package, false);
        foreach (JsonElement package in root.Items("packages-dev"))
            Add(package, true);

        // Vendor and name are compared without regard to case, and written in lower case.
        void Add(JsonElement package, bool development) =>
            packages.Add("composer", package.Text("name")?.ToLowerInvariant(), package.Text("version"), evidence, development, package.Licences("license"));
    }
}
