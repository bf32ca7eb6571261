using System.Text.Json;

namespace Plimsoll.Inspect.Packages.Conda;

/// <summary>Packages that conda installed: <c>conda-meta/NAME-VERSION-BUILD.json</c>.</summary>
/// <remarks>Source: docs.conda.io, "Package specification", the record that conda keeps of each installed package.</remarks>
public sealed class CondaAnalyser : LanguageAnalyser
{
    public override string Id => "conda";

    public override string LastBytes => "n";

    public override bool Wants(ReadOnlySpan<byte> path)
    {
        if (path is not [.., (byte)'n'] || !path.EndsWith(".json"u8))
            return false;
        int slash = path.LastIndexOf((byte)'/');
        return slash > 0 && IsNamed(path[..slash], "conda-meta"u8);
    }

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages)
    {
        using JsonDocument document = JsonFile.Parse(content);
        JsonElement root = document.RootElement;
        packages.Add("conda", root.Text("name"), root.Text("version"), PackageEvidence.Installed, licences: root.Licences("license"),
            architecture: root.Text("subdir") is "noarch" ? null : root.Text("subdir"));
    }
}
