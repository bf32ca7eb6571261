using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Programs;

namespace Plimsoll.Inspect.Packages.Java;

/// <summary>The file <c>release</c> at the root of a Java runtime, which names its version.</summary>
/// <remarks>Source: JEP 223, "New Version-String Scheme", and the makefiles of OpenJDK (ReleaseFile.gmk).</remarks>
public sealed class JavaReleaseAnalyser : IAnalyser
{
    public string Id => "java-release";

    public int Version => 1;

    /// <summary>1 MiB; a real one has 2 KB, nearly all of it names of modules.</summary>
    public long MaxFileBytes => 1 << 20;

    public bool Wants(ReadOnlySpan<byte> path)
    {
        if (!path.EndsWith("/release"u8))
            return false;
        // Runtimes lie in folders that say so; other things are called release too.
        return path.IndexOf("java"u8) >= 0 || path.IndexOf("jdk"u8) >= 0 || path.IndexOf("jre"u8) >= 0 || path.IndexOf("jvm"u8) >= 0 || path.IndexOf("graalvm"u8) >= 0;
    }

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        ReadOnlySpan<byte> rest = content.Span;
        string? version = null, maker = null;
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line.StartsWith("JAVA_VERSION="u8))
                version ??= Fields.Word(line["JAVA_VERSION="u8.Length..].Trim((byte)'"'));
            else if (line.StartsWith("IMPLEMENTOR="u8))
                maker ??= Fields.Shown(line["IMPLEMENTOR="u8.Length..].Trim((byte)'"'));
        }
        return version is null ? null : new FileFacts
        {
            Path = path,
            Analyser = Id,
            Packages = [new Package { Type = "generic", Name = "openjdk", Version = version, SourceName = "openjdk", SourceVersion = version, Maintainer = maker, Evidence = PackageEvidence.VersionString }],
            Checksums = FileChecksums.Of(path, content),
        };
    }
}
