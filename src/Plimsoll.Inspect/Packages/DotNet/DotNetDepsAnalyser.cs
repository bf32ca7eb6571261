using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Programs;

namespace Plimsoll.Inspect.Packages.DotNet;

/// <summary><c>NAME.deps.json</c> beside a .NET program, and in each shared framework, where it lists the framework's own runtime package.</summary>
public sealed class DotNetDepsAnalyser : IAnalyser
{
    public string Id => "dotnet-deps";

    public int Version => 1;

    /// <summary>32 MiB; the SDK's own have 100 KB.</summary>
    public long MaxFileBytes => 32L << 20;

    public bool Wants(ReadOnlySpan<byte> path) => path.EndsWith(".deps.json"u8);

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        GapList gaps = new(path);
        IReadOnlyList<Package> packages = DepsJson.Read(content, "deps.json", gaps);
        IReadOnlyList<Gap> found = gaps.ToList();
        return packages.Count == 0 && found.Count == 0 ? null
            : new FileFacts { Path = path, Analyser = Id, Packages = packages, Gaps = found, Checksums = packages.Count == 0 ? [] : FileChecksums.Of(path, content) };
    }
}
