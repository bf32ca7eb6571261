using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Programs;

/// <summary>Reads what compilers and linkers wrote into programs, which are told by how they begin and not by their names.</summary>
public abstract class ProgramAnalyser : IAnalyser
{
    public abstract string Id { get; }

    public abstract int Version { get; }

    /// <summary>1 GiB; the largest known programs have half of that.</summary>
    public long MaxFileBytes => 1L << 30;

    public bool LooksAtContent => true;

    public bool Wants(ReadOnlySpan<byte> path) => false;

    public bool WantsContent(ReadOnlySpan<byte> path, int mode, ReadOnlySpan<byte> start) => ProgramFile.MayBe(path, mode, start);

    public abstract FileFacts? Analyse(string path, ReadOnlyMemory<byte> content);
}
