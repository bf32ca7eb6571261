namespace Plimsoll.Inspect.Packages.Python;

/// <summary>Python packages: installed wheels and eggs, and those that lock files name.</summary>
/// <remarks>
/// Sources: packaging.python.org "Core metadata specifications" and "Recording installed projects"; setuptools "The internal
/// structure of Python eggs"; the lock files of Poetry, uv, PDM and Pipenv as these write them; pip's requirements format.
/// </remarks>
public sealed class PythonAnalyser : LanguageAnalyser
{
    public override string Id => "python";

    public override string LastBytes => "AOokt";

    public override bool Wants(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
            return false;
        switch (path[^1])
        {
            case (byte)'A':
                return path.EndsWith(".dist-info/METADATA"u8);
            case (byte)'O':
                return path.EndsWith(".egg-info/PKG-INFO"u8) || path.EndsWith("/EGG-INFO/PKG-INFO"u8) || path.SequenceEqual("EGG-INFO/PKG-INFO"u8);
            case (byte)'o':
                return path.EndsWith(".egg-info"u8);
            case (byte)'k':
                return (IsNamed(path, "poetry.lock"u8) || IsNamed(path, "uv.lock"u8) || IsNamed(path, "pdm.lock"u8) || IsNamed(path, "Pipfile.lock"u8)) && IsProject(path);
            case (byte)'t':
                return IsNamed(path, "requirements.txt"u8) && IsProject(path);
            default:
                return false;
        }
    }

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages)
    {
        if (IsNamed(path, "Pipfile.lock"))
            PythonLocks.ReadPipfile(content, packages);
        else if (IsNamed(path, "requirements.txt"))
            PythonLocks.ReadRequirements(content.Span, packages);
        else if (path.EndsWith(".lock", StringComparison.Ordinal))
            PythonLocks.ReadToml(content.Span, packages);
        else
            PythonMetadata.Read(path, content.Span, packages);
    }

    /// <summary>What lies among installed packages came with one of them and says what its makers worked with.</summary>
    private static bool IsProject(ReadOnlySpan<byte> path) => !IsBelow(path, "/site-packages/"u8) && !IsBelow(path, "/dist-packages/"u8);
}
