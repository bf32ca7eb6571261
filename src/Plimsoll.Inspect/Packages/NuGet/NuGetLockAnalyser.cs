using System.Text.Json;

namespace Plimsoll.Inspect.Packages.NuGet;

/// <summary>packages.lock.json of NuGet; projects in it are the program's own.</summary>
/// <remarks>Source: learn.microsoft.com/nuget, "Locking dependencies".</remarks>
public sealed class NuGetLockAnalyser : LanguageAnalyser
{
    public override string Id => "nuget-lock";

    public override string LastBytes => "n";

    public override bool Wants(ReadOnlySpan<byte> path) => path is [.., (byte)'n'] && IsNamed(path, "packages.lock.json"u8);

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages)
    {
        using JsonDocument document = JsonFile.Parse(content);
        if (document.RootElement.Find("dependencies") is not { ValueKind: JsonValueKind.Object })
            packages.Malformed("dependencies does not stand in it");
        foreach (JsonProperty framework in document.RootElement.Members("dependencies"))
            if (framework.Value.ValueKind == JsonValueKind.Object)
                foreach (JsonProperty package in framework.Value.EnumerateObject())
                    if (package.Value.Text("type") is not "Project" && package.Value.Text("resolved") is { } version)
                        packages.Add("nuget", package.Name, version, PackageEvidence.LockFile);
    }
}
