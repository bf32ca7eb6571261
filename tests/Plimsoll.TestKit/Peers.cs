using System.Diagnostics;

namespace Plimsoll.TestKit;

/// <summary>What a program of the peers' root said.</summary>
public sealed record PeerResult(int ExitCode, string Out, string Error);

/// <summary>
/// cosign 2.5 and skopeo 1.18 in a Debian 13 root of their own, since Debian 12 has neither; they share the host's network. Call only in
/// tests with the trait <c>needs=host</c>.
/// </summary>
/// <remarks>
/// The root is <c>PLIMSOLL_PEERS</c> (a folder that holds <c>usr/bin/cosign</c>) or one that debootstrap makes at the first call beside those of
/// <see cref="DebianRoots"/>; that takes a minute and 400 MB once. It is read only: each call sees one folder of the host, as <c>/mnt</c>.
/// </remarks>
public static class Peers
{
    private static readonly Lazy<string> Made = new(() =>
        Environment.GetEnvironmentVariable("PLIMSOLL_PEERS") is { Length: > 0 } root ? root : DebianRoots.Get("trixie", "cosign", "skopeo", "ca-certificates", "netavark"));

    /// <summary>Of this thread's mounts only, so that nothing stays when the program ends. The last of its own arguments are more folders, read only.</summary>
    private const string Enter = """
        set -e
        root=$1 folder=$2 opt=$3 srv=$4; shift 4
        mount -t proc proc "$root/proc"
        mount --bind /dev "$root/dev"
        mount --bind "$folder" "$root/mnt"
        for name in opt srv; do
          [ -z "${!name}" ] || { mount --bind "${!name}" "$root/$name"; mount -o remount,bind,ro "$root/$name"; }
        done
        exec chroot "$root" /bin/sh -c 'cd /mnt; exec "$@"' sh "$@"
        """;

    /// <summary>The folder that holds the root.</summary>
    public static string Root => Made.Value;

    /// <summary>Runs a program of the root to its end, whatever its exit code.</summary>
    /// <param name="folder">Its working folder, home and only place to write; inside it is <c>/mnt</c>, so that file names are to be relative.</param>
    /// <param name="environment">What is set beside PATH and HOME; null for nothing.</param>
    public static PeerResult Run(string folder, string program, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>>? environment = null) =>
        Run(folder, "", "", program, arguments, environment ?? []);

    /// <summary>Runs a program that this build made, in the root and so with the root's libraries: what another Debian would make of it.</summary>
    /// <param name="program">Its path on this host; its folder is what the root sees as <c>/opt</c>, and the runtime of these tests as <c>/srv</c>.</param>
    public static PeerResult RunBuilt(string folder, string program, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>>? environment = null)
    {
        string runtime = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));
        // Without the last two the runtime would write into the root's /tmp.
        return Run(folder, Path.GetDirectoryName(program)!, runtime, $"/opt/{Path.GetFileName(program)}", arguments,
            [new("DOTNET_ROOT", "/srv"), new("LANG", "C.UTF-8"), new("TMPDIR", "/mnt"), new("DOTNET_EnableDiagnostics", "0"), .. environment ?? []]);
    }

    private static PeerResult Run(string folder, string opt, string srv, string program, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>> environment)
    {
        ProcessStartInfo start = new("unshare", ["--mount", "bash", "-c", Enter, "peers", Root, folder, opt, srv, program, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment["HOME"] = "/mnt";
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("unshare did not start");
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Close();
        process.WaitForExit();
        return new PeerResult(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    /// <summary>cosign, which must succeed. Answers its standard output.</summary>
    /// <param name="password">COSIGN_PASSWORD; null leaves it unset.</param>
    /// <exception cref="InvalidOperationException">It failed, with what it said.</exception>
    public static string Cosign(string folder, string? password, params IEnumerable<string> arguments)
    {
        PeerResult result = Run(folder, "cosign", arguments, password is null ? null : [new("COSIGN_PASSWORD", password)]);
        return result.ExitCode == 0 ? result.Out : throw new InvalidOperationException($"cosign ended with {result.ExitCode}: {result.Error}");
    }
}
