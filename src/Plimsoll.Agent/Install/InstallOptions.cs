namespace Plimsoll.Agent.Install;

/// <summary>What is installed, and where. Paths are those of the installed host; <see cref="InstallRoot"/> stands before each when files are touched.</summary>
internal sealed record InstallOptions
{
    public const string Usage = """
        usage: plimsoll-agent install|uninstall|status|doctor [OPTION…]
          --from DIR            plimsoll-agent, plimsoll-launcher and plimsoll-front to copy   (the folder of this program)
          --lib DIR             where they go                                                  (/usr/lib/plimsoll)
          --daemon-json FILE    the daemon's configuration                                     (/etc/docker/daemon.json)
          --units DIR           systemd's units                                                (/etc/systemd/system)
          --runc FILE           the runtime behind the gate                                    (found in /usr and /usr/local)
          --runsc FILE          gVisor's, behind the second launcher                           (as above; none: left out)
          --runsc-argument ARG  a further argument for it, such as --network=none; may be given again
          --trust-until-write   the agent reads a layer again when somebody wrote to it, and not before
          --docker SOCKET       the daemon's unix socket                                       (/run/docker.sock)
          --data-root DIR       Docker's data root                                             (/var/lib/docker)
          --state DIR           policy, statements and the evidence log                        (/var/lib/plimsoll)
          --run DIR             sockets                                                        (/run/plimsoll)
          --plugin NAME         what dockerd calls the authorization plugin                    (plimsoll)
          --metrics ADDRESS     where the agent serves numbers for Prometheus as well          (nowhere; loopback only)
          --root DIR            installs below this folder, and starts nothing                 (/)
          --replace-default     also where daemon.json names another default runtime
          --dry-run             says what would be done
          --image ID            doctor: the image of which a container is made to prove the runtime gate (a small one that policy lets through)
          --json                doctor: writes the result as JSON
        """;

    public AgentPaths Paths { get; init; } = AgentPaths.Default;
    public string InstallRoot { get; init; } = "/";
    public string Library { get; init; } = "/usr/lib/plimsoll";
    public string DaemonJson { get; init; } = "/etc/docker/daemon.json";
    public string Units { get; init; } = "/etc/systemd/system";

    private const int MaxRunscArguments = 60;

    /// <summary>Holds the programs to copy; a path of this machine, without <see cref="InstallRoot"/>.</summary>
    public string From { get; init; } = AppContext.BaseDirectory;

    /// <summary>Null: looked for in <see cref="RuntimeFolders"/>.</summary>
    public string? Runc { get; init; }
    public string? Runsc { get; init; }

    /// <summary>Behind the arguments that it always gets, so that what is said here counts.</summary>
    public IReadOnlyList<string> RunscArguments { get; init; } = [];

    /// <summary>As <see cref="AgentOptions.TrustUntilWrite"/>.</summary>
    public bool TrustUntilWrite { get; init; }

    /// <summary>Replaces a default runtime that is neither Docker's own nor ours.</summary>
    public bool ReplaceDefault { get; init; }
    public bool DryRun { get; init; }

    /// <summary>Of <c>doctor</c>: the image's id; null: one that policy lets through is looked for.</summary>
    public string? Image { get; init; }
    public bool Json { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Runs <c>systemctl</c> with these arguments and answers its exit code; null for a host that is not this one.</summary>
    public Func<IReadOnlyList<string>, int>? Systemctl { get; init; }

    /// <summary>Told before each change of a file: where a test lets the process die.</summary>
    internal Action<int>? Step { get; init; }

    public static IReadOnlyList<string> RuntimeFolders { get; } = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

    public const string Launcher = "plimsoll", SecureLauncher = "plimsoll-runsc", DefaultPlugin = "plimsoll";

    /// <summary>The name under which dockerd asks the front.</summary>
    public string Plugin { get; init; } = DefaultPlugin;

    /// <summary>A loopback address on which the agent serves metrics as well; null: on its unix socket only.</summary>
    public string? Metrics { get; init; }

    /// <summary>The front's socket, where dockerd looks for a plugin of this name.</summary>
    public string PluginSocket => $"/run/docker/plugins/{Plugin}.sock";

    /// <summary>Where records of the installation are kept.</summary>
    public string Records => Path.Combine(Paths.State, "install");

    /// <summary>A path of the installed host as a path of this machine.</summary>
    public string At(string path) => InstallRoot == "/" ? path : Path.Join(InstallRoot, path);

    /// <exception cref="FormatException">What was given, and what was wanted.</exception>
    public static InstallOptions Parse(IReadOnlyList<string> arguments)
    {
        InstallOptions options = new();
        for (int i = 0; i < arguments.Count; i++)
            options = arguments[i] switch
            {
                "--dry-run" => options with { DryRun = true },
                "--json" => options with { Json = true },
                "--image" => options with { Image = Value(ref i) is var image && Oci.Digest.TryParse(image, out _) ? image : throw new FormatException($"--image: {Texts.Escape.Quote(image)} is no image's id; wanted sha256:… as docker images --no-trunc shows it") },
                "--replace-default" => options with { ReplaceDefault = true },
                "--from" => options with { From = Absolute(ref i) },
                "--lib" => options with { Library = Absolute(ref i) },
                "--daemon-json" => options with { DaemonJson = Absolute(ref i) },
                "--units" => options with { Units = Absolute(ref i) },
                "--runc" => options with { Runc = Absolute(ref i) },
                "--runsc" => options with { Runsc = Absolute(ref i) },
                "--runsc-argument" => options with { RunscArguments = [.. options.RunscArguments, Option(ref i)] },
                "--trust-until-write" => options with { TrustUntilWrite = true },
                "--docker" => options with { Paths = options.Paths with { DockerSocket = Absolute(ref i) } },
                "--data-root" => options with { Paths = options.Paths with { DataRoot = Absolute(ref i) } },
                "--state" => options with { Paths = options.Paths with { State = Absolute(ref i) } },
                "--run" => options with { Paths = options.Paths with { Run = Absolute(ref i) } },
                "--plugin" => options with { Plugin = PluginName(ref i) },
                "--metrics" => options with { Metrics = AgentOptions.Loopback("--metrics", Value(ref i)).ToString() },
                "--root" => options with { InstallRoot = Absolute(ref i) },
                var unknown => throw new FormatException($"unknown option {Texts.Escape.Quote(unknown)}"),
            };
        return options;

        string Option(ref int at)
        {
            string name = arguments[at], value = ++at < arguments.Count ? arguments[at] : throw new FormatException($"{name} wants a value");
            // A line of the launcher's configuration, which takes at most 64 of them.
            return value.StartsWith('-') && value.Length is > 1 and <= 500 && value.All(c => c is > ' ' and < '\x7f') && options.RunscArguments.Count < MaxRunscArguments ? value
                : throw new FormatException($"{name}: {Texts.Escape.Quote(value)} is no option of plain characters without spaces, or there are more than {MaxRunscArguments}");
        }
        string Value(ref int at) => ++at < arguments.Count ? arguments[at] : throw new FormatException($"{arguments[at - 1]} wants a value");

        string PluginName(ref int at) => Value(ref at) is { Length: > 0 and <= 64 } name && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? name
            : throw new FormatException($"--plugin: {Texts.Escape.Quote(arguments[at])} is no name of letters, digits, - and _");

        string Absolute(ref int at)
        {
            string name = arguments[at], value = Value(ref at);
            // They go into lines of files that others parse.
            return value.StartsWith('/') && value.All(c => c > ' ' && c < 0x7f && c is not ('"' or '\\' or '%' or '$' or '\'')) ? value.Length > 1 ? value.TrimEnd('/') : value
                : throw new FormatException($"{name}: {Texts.Escape.Quote(value)} is no absolute path of plain characters without spaces");
        }
    }
}
