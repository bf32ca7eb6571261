using Plimsoll.Texts;

namespace Plimsoll.Agent.Install;

/// <summary>What is installed, and where. Paths are those of the installed host; <see cref="InstallRoot"/> stands before each when files are touched.</summary>
internal sealed record InstallOptions
{
    /// <summary>For help.</summary>
    public static IReadOnlyList<HelpRow> Help =>
    [
        new("--from DIR", Catalogue.AgentHelpFrom, Catalogue.AgentHelpFromDefault), new("--lib DIR", Catalogue.AgentHelpLib, "/usr/lib/plimsoll"), new("--daemon-json FILE", Catalogue.AgentHelpDaemonJson, "/etc/docker/daemon.json"),
        new("--units DIR", Catalogue.AgentHelpUnits, "/etc/systemd/system"), new("--runc FILE", Catalogue.AgentHelpRunc, Catalogue.AgentHelpRuncDefault), new("--runsc FILE", Catalogue.AgentHelpRunsc, Catalogue.AgentHelpRunscDefault),
        new("--runsc-argument ARG", Catalogue.AgentHelpRunscArgument), new("--trust-until-write", Catalogue.AgentHelpUntilWrite), new("--docker SOCKET", Catalogue.AgentHelpDocker, AgentPaths.Default.DockerSocket),
        new("--data-root DIR", Catalogue.AgentHelpDataRoot, AgentPaths.Default.DataRoot), new("--state DIR", Catalogue.AgentHelpState, AgentPaths.Default.State), new("--run DIR", Catalogue.AgentHelpRun, AgentPaths.Default.Run),
        new("--plugin NAME", Catalogue.AgentHelpPlugin, DefaultPlugin), new("--metrics ADDRESS", Catalogue.AgentHelpMetrics), new("--root DIR", Catalogue.AgentHelpRoot, "/"),
        new("--replace-default", Catalogue.AgentHelpReplaceDefault), new("--dry-run", Catalogue.AgentHelpDryRun), new("--image ID", Catalogue.AgentHelpImage, Catalogue.AgentHelpImageDefault), new("--json", Catalogue.AgentHelpJson),
        new("-- OPTION…", Catalogue.AgentHelpRunOptions),
    ];

    /// <summary>Options of <c>run</c> that <c>install</c> says itself, by its own options and by what it installs.</summary>
    private static readonly string[] Given = ["--state", "--run", "--data-root", "--docker", "--metrics", "--runtime", "--trust-until-write", "--lang"];

    /// <summary>What the person reads who asked.</summary>
    public Language Language { get; init; }

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

    /// <summary>More options of <c>run</c>, for the agent's unit.</summary>
    public IReadOnlyList<string> RunOptions { get; init; } = [];

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

    /// <exception cref="OptionException">What was given, and what was wanted.</exception>
    /// <exception cref="FormatException">As <see cref="AgentOptions.Parse"/>, of what stands behind <c>--</c>.</exception>
    public static InstallOptions Parse(IReadOnlyList<string> arguments)
    {
        InstallOptions options = new();
        if (arguments.ToList().IndexOf("--") is >= 0 and var end)
        {
            options = options with { RunOptions = Run([.. arguments.Skip(end + 1)]) };
            arguments = [.. arguments.Take(end)];
        }
        for (int i = 0; i < arguments.Count; i++)
            options = arguments[i] switch
            {
                "--dry-run" => options with { DryRun = true },
                "--json" => options with { Json = true },
                "--image" => options with { Image = Value(ref i) is var image && Oci.Digest.TryParse(image, out _) ? image : throw new OptionException(Catalogue.AgentNotImageId.With("--image", Escape.Quote(image))) },
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
                var unknown => throw OptionException.Unknown(Catalogue.AgentUnknownOption, unknown, Help.Select(h => h.Left.Split(' ')[0]).Append("--lang")),
            };
        return options;

        static string[] Run(string[] rest)
        {
            AgentOptions.Parse(rest);
            foreach (string word in rest)
                if (Given.Contains(word, StringComparer.Ordinal))
                    throw new OptionException(Catalogue.AgentGivenBefore.With(word));
                else if (!IsPlain(word))
                    throw new OptionException(Catalogue.AgentNotPlainWord.With(Escape.Quote(word)));
            return rest;
        }

        string Option(ref int at)
        {
            string name = arguments[at], value = ++at < arguments.Count ? arguments[at] : throw new OptionException(Catalogue.AgentWantsValue.With(name));
            // A line of the launcher's configuration, which takes at most 64 of them.
            return value.StartsWith('-') && value.Length is > 1 and <= 500 && value.All(c => c is > ' ' and < '\x7f') && options.RunscArguments.Count < MaxRunscArguments ? value
                : throw new OptionException(Catalogue.AgentNotPlainArgument.With(name, Escape.Quote(value), MaxRunscArguments));
        }
        string Value(ref int at) => ++at < arguments.Count ? arguments[at] : throw new OptionException(Catalogue.AgentWantsValue.With(arguments[at - 1]));

        string PluginName(ref int at) => Value(ref at) is { Length: > 0 and <= 64 } name && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? name
            : throw new OptionException(Catalogue.AgentNotPluginName.With("--plugin", Escape.Quote(arguments[at])));

        string Absolute(ref int at)
        {
            string name = arguments[at], value = Value(ref at);
            return value.StartsWith('/') && IsPlain(value) ? value.Length > 1 ? value.TrimEnd('/') : value
                : throw new OptionException(Catalogue.AgentNotPlainPath.With(name, Escape.Quote(value)));
        }
    }

    /// <summary>Whether it may stand in lines of files that others parse.</summary>
    private static bool IsPlain(string value) => value.Length > 0 && value.All(c => c > ' ' && c < 0x7f && c is not ('"' or '\\' or '%' or '$' or '\''));
}
