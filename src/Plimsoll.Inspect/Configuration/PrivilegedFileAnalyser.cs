using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Configuration;

/// <summary>Takes the checksums of setuid and setgid programs, so that the composer can say whether a package brought them.</summary>
internal sealed class PrivilegedFileAnalyser : IAnalyser
{
    public const string Name = "configuration-setuid", Script = "script", Program = "program";

    public string Id => Name;

    public int Version => 1;

    /// <summary>256 MiB; setuid programs have some ten thousands of bytes.</summary>
    public long MaxFileBytes => 256L << 20;

    public bool LooksAtContent => true;

    public bool Wants(ReadOnlySpan<byte> path) => false;

    public bool WantsContent(ReadOnlySpan<byte> path, int mode, ReadOnlySpan<byte> start) => (mode & (EntryFact.Setuid | EntryFact.Setgid)) != 0;

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content) => new()
    {
        Path = path,
        Analyser = Id,
        Hits = [new Hit(content.Span.StartsWith("#!"u8) ? Script : Program, 0, "")],
        Checksums = FileChecksums.Of(path, content),
    };
}
