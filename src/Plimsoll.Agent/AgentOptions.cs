using System.Globalization;
using System.Net;
using Plimsoll.Agent.Gate;
using Plimsoll.EvidenceLog;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Agent;

/// <summary>The settings of <c>plimsoll-agent run</c>.</summary>
/// <param name="MeasureEvery">How long the measurement of a layer counts.</param>
/// <param name="LookEvery">How often running containers are looked at again.</param>
/// <param name="TrustUntilWrite">A layer counts until the kernel told of a write to it, where it can be watched.</param>
/// <param name="Runtimes">Names under which Docker knows our launchers.</param>
internal sealed record AgentOptions(AgentPaths Paths, TimeSpan MeasureEvery, TimeSpan LookEvery, bool TrustUntilWrite, IReadOnlyList<string> Runtimes)
{
    /// <summary>How often registries that policy names are asked again for what an image leans on; zero: never.</summary>
    public TimeSpan AskEvery { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Null: nothing is extended.</summary>
    public TpmSettings? Tpm { get; init; }

    public LogSettings Log { get; init; } = new();
    /// <summary>A loopback address on which metrics are served beside the unix socket; null: on none.</summary>
    public IPEndPoint? Metrics { get; init; }

    public const string Usage = """
        usage: plimsoll-agent run [OPTION…]
          --state DIR           policy, statements, revocations and the evidence log   (/var/lib/plimsoll)
          --run DIR             sockets                                                (/run/plimsoll)
          --data-root DIR       Docker's data root                                     (/var/lib/docker)
          --docker SOCKET       the daemon's unix socket                               (/run/docker.sock)
          --measure-every N     seconds for which the measurement of a layer counts; 0: every start reads every layer (60)
          --trust-until-write   a layer that was measured is read again when somebody wrote to it, and not before
          --look-every N        seconds between looks at running containers            (600)
          --ask-every N         seconds after which registries that policy names are asked again for fetched statements; 0: never (3600)
          --metrics ADDRESS     serves numbers for Prometheus also here, such as 127.0.0.1:9464; loopback only (metrics.sock in --run)
          --runtime NAME        a name under which Docker knows our launcher; may be given again (plimsoll, plimsoll-runsc)
          --tpm TPM             what each started image measures to is extended there: device:/dev/tpmrm0, swtpm:host=HOST,port=PORT (nowhere)
          --tpm-nv INDEX        … into this NV index of type extend                    (0x01805001)
          --pcr N               … into this PCR instead, 11 to 15
          --tpm-auth FILE       passwords of the TPM's hierarchies
          --tpm-failure WORD    refuse or report a start that cannot be extended       (refuse)
          --log-sync WORD       grouped, each-line or never: when a line of the evidence log counts as written (grouped)
          --log-file-mib N      size at which the log goes on in another file          (32)
          --log-files N         files that are kept                                    (32)
        """;

    /// <exception cref="FormatException">What was given, and what was wanted.</exception>
    public static AgentOptions Parse(IReadOnlyList<string> arguments)
    {
        AgentPaths paths = AgentPaths.Default;
        int measure = 60, look = 600, ask = 3600;
        bool untilWrite = false;
        IPEndPoint? metrics = null;
        List<string> runtimes = [];
        string? tpm = null, nv = null, pcr = null, auth = null, failure = null;
        LogSettings log = new();
        for (int i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--trust-until-write")
            {
                untilWrite = true;
                continue;
            }
            string name = arguments[i], value = ++i < arguments.Count ? arguments[i] : throw new FormatException($"{name} wants a value");
            switch (name)
            {
                case "--state": paths = paths with { State = Absolute(name, value) }; break;
                case "--run": paths = paths with { Run = Absolute(name, value) }; break;
                case "--data-root": paths = paths with { DataRoot = Absolute(name, value) }; break;
                case "--docker": paths = paths with { DockerSocket = Absolute(name, value) }; break;
                case "--metrics": metrics = Loopback(name, value); break;
                case "--runtime": runtimes.Add(value); break;
                case "--measure-every": measure = Seconds(name, value, 0); break;
                case "--look-every": look = Seconds(name, value, 1); break;
                case "--ask-every": ask = Seconds(name, value, 0); break;
                case "--tpm": tpm = value; break;
                case "--tpm-nv": nv = value; break;
                case "--pcr": pcr = value; break;
                case "--tpm-auth": auth = Absolute(name, value); break;
                case "--tpm-failure": failure = Word(name, value, ["refuse", "report"]); break;
                case "--log-sync": log = log with { Durability = Word(name, value, ["grouped", "each-line", "never"]) switch { "never" => LogDurability.Never, "each-line" => LogDurability.EachLine, _ => LogDurability.Grouped } }; break;
                case "--log-file-mib": log = log with { MaxFileBytes = (long)Number(name, value, 1, 4096) << 20 }; break;
                case "--log-files": log = log with { MaxFiles = Number(name, value, 2, 10_000) }; break;
                default: throw new FormatException($"unknown option {name}");
            }
        }
        return new AgentOptions(paths, TimeSpan.FromSeconds(measure), TimeSpan.FromSeconds(look), untilWrite, runtimes.Count > 0 ? runtimes : ["plimsoll", "plimsoll-runsc"])
        {
            AskEvery = TimeSpan.FromSeconds(ask),
            Tpm = TpmOf(tpm, nv, pcr, auth, failure),
            Log = log,
            Metrics = metrics,
        };
    }

    private static TpmSettings? TpmOf(string? tpm, string? nv, string? pcr, string? auth, string? failure)
    {
        if (tpm is null)
            return nv is null && pcr is null && auth is null && failure is null ? null : throw new FormatException("--tpm-nv, --pcr, --tpm-auth and --tpm-failure are for --tpm");
        if (nv is not null && pcr is not null)
            throw new FormatException("--tpm-nv and --pcr do not go together");
        ExtendTarget target = nv is not null ? ExtendTarget.OfIndex(nv) : pcr is not null ? ExtendTarget.OfPcr(pcr) : ExtendTarget.Default;
        return new TpmSettings(tpm, target, auth, failure != "report");
    }

    private static string Word(string name, string value, string[] known) =>
        known.Contains(value, StringComparer.Ordinal) ? value : throw new FormatException($"{name}: {value} is not understood; wanted {string.Join(" or ", known)}");

    private static int Number(string name, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number
            : throw new FormatException($"{name}: {value} is not understood; wanted a number from {least} to {most}");

    /// <summary>Whoever reaches the address reads the numbers, which name policies and reasons: nobody from another machine may.</summary>
    /// <exception cref="FormatException">No address with a port, or one that others reach.</exception>
    internal static IPEndPoint Loopback(string name, string value) =>
        !IPEndPoint.TryParse(value, out IPEndPoint? address) || address.Port == 0 ? throw new FormatException($"{name}: {Escape.Quote(value)} is no address with a port; wanted one such as 127.0.0.1:9464 or [::1]:9464")
        : !IPAddress.IsLoopback(address.Address) ? throw new FormatException($"{name}: {Escape.Quote(value)} can be reached from other machines; wanted a loopback address such as 127.0.0.1:9464")
        : address;

    private static int Seconds(string name, string value, int least) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds >= least && seconds <= 86400 ? seconds
            : throw new FormatException($"{name}: {value} is not understood; wanted seconds from {least} to 86400");

    private static string Absolute(string name, string value) => value.StartsWith('/') ? value.TrimEnd('/') : throw new FormatException($"{name}: {value} is no absolute path");
}

/// <summary>How the evidence log is kept; see <see cref="EvidenceLogOptions"/>.</summary>
internal sealed record LogSettings
{
    public LogDurability Durability { get; init; }
    public long MaxFileBytes { get; init; } = 32L << 20;
    public int MaxFiles { get; init; } = 32;
}
