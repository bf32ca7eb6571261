using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A user without rights, with a copy of the program that it may read and a home that is its own.</summary>
internal sealed class Nobody : IDisposable
{
    private static readonly string[] AsNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];
    private static readonly string[] ProgramFiles = ["plimsoll*", "Plimsoll.Core.dll", "Plimsoll.Inspect.dll", "System.CommandLine.dll", "Spectre*.dll", "YamlDotNet.dll"];

    private readonly TempFolder _folder = new();

    public Nobody()
    {
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0b111_101_101);
        Directory.CreateDirectory(_folder["bin"]);
        foreach (string pattern in ProgramFiles)
            foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory, pattern))
                File.Copy(file, Path.Combine(_folder["bin"], Path.GetFileName(file)));
        Directory.CreateDirectory(Home);
        Tool.Run("chown", ["65534:65534", Home]);
    }

    /// <summary>Writable to it.</summary>
    public string Home => _folder["home"];

    /// <summary>Readable to it, not writable.</summary>
    public string this[string name] => _folder[name];

    public string Copy(string file)
    {
        string copy = _folder[Path.GetFileName(file)];
        File.Copy(file, copy, overwrite: true);
        File.SetUnixFileMode(copy, (UnixFileMode)0b110_100_100);
        return copy;
    }

    /// <param name="through">What runs setpriv itself, such as <c>unshare -n</c>.</param>
    public Call Call(string[] through, params string[] arguments) => new Call(Home, arguments)
    {
        Program = Path.Combine(_folder["bin"], "plimsoll"),
        Through = [.. through, .. AsNobody],
    }.With("TMPDIR", Home);

    public Call Call(params string[] arguments) => Call([], arguments);

    public Call Agent(params string[] arguments) => new(Home, arguments) { Program = Path.Combine(_folder["bin"], "plimsoll-agent"), Through = AsNobody };

    public void Dispose() => _folder.Dispose();
}
