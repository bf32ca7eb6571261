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

    /// <summary>For help.</summary>
    public static IReadOnlyList<HelpRow> Help =>
    [
        new("--state DIR", Catalogue.AgentHelpState, AgentPaths.Default.State), new("--run DIR", Catalogue.AgentHelpRun, AgentPaths.Default.Run),
        new("--data-root DIR", Catalogue.AgentHelpDataRoot, AgentPaths.Default.DataRoot), new("--docker SOCKET", Catalogue.AgentHelpDocker, AgentPaths.Default.DockerSocket),
        new("--measure-every N", Catalogue.AgentHelpMeasureEvery, 60), new("--trust-until-write", Catalogue.AgentHelpUntilWrite), new("--look-every N", Catalogue.AgentHelpLookEvery, 600),
        new("--ask-every N", Catalogue.AgentHelpAskEvery, 3600),
        new("--metrics ADDRESS", Catalogue.AgentHelpMetrics), new("--runtime NAME", Catalogue.AgentHelpRuntime, "plimsoll, plimsoll-runsc"),
        new("--tpm TPM", Catalogue.AgentHelpTpm), new("--tpm-nv INDEX", Catalogue.AgentHelpTpmNv, "0x01805001"), new("--pcr N", Catalogue.AgentHelpPcr),
        new("--tpm-counter INDEX", Catalogue.AgentHelpTpmCounter, $"0x{NvCounter.LogIndex:x8}"), new("--tpm-count-every N", Catalogue.AgentHelpTpmCountEvery, 60),
        new("--tpm-auth FILE", Catalogue.AgentHelpTpmAuth), new("--tpm-failure WORD", Catalogue.AgentHelpTpmFailure, "refuse"),
        new("--log-sync WORD", Catalogue.AgentHelpLogSync, "grouped"), new("--log-file-mib N", Catalogue.AgentHelpLogFile, 32), new("--log-files N", Catalogue.AgentHelpLogFiles, 32),
    ];

    private static HashSet<string> Known { get; } = [.. Help.Select(h => h.Left.Split(' ')[0]), "--lang"];

    /// <exception cref="OptionException">What was given, and what was wanted.</exception>
    /// <exception cref="FormatException">What is extended where would be no evidence.</exception>
    public static AgentOptions Parse(IReadOnlyList<string> arguments)
    {
        AgentPaths paths = AgentPaths.Default;
        int measure = 60, look = 600, ask = 3600;
        bool untilWrite = false;
        IPEndPoint? metrics = null;
        List<string> runtimes = [];
        string? tpm = null, nv = null, pcr = null, auth = null, failure = null, counter = null;
        int? count = null;
        LogSettings log = new();
        for (int i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--trust-until-write")
            {
                untilWrite = true;
                continue;
            }
            if (!Known.Contains(arguments[i]))
                throw OptionException.Unknown(Catalogue.AgentUnknownOption, arguments[i], Known);
            string name = arguments[i], value = ++i < arguments.Count ? arguments[i] : throw new OptionException(Catalogue.AgentWantsValue.With(Escape.ForTerminal(name)));
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
                case "--tpm-counter": counter = value; break;
                case "--tpm-count-every": count = Seconds(name, value, 0); break;
                case "--tpm-auth": auth = Absolute(name, value); break;
                case "--tpm-failure": failure = Word(name, value, ["refuse", "report"]); break;
                case "--log-sync": log = log with { Durability = Word(name, value, ["grouped", "each-line", "never"]) switch { "never" => LogDurability.Never, "each-line" => LogDurability.EachLine, _ => LogDurability.Grouped } }; break;
                case "--log-file-mib": log = log with { MaxFileBytes = (long)Number(name, value, 1, 4096) << 20 }; break;
                case "--log-files": log = log with { MaxFiles = Number(name, value, 2, 10_000) }; break;
                default: throw OptionException.Unknown(Catalogue.AgentUnknownOption, name, Known);
            }
        }
        return new AgentOptions(paths, TimeSpan.FromSeconds(measure), TimeSpan.FromSeconds(look), untilWrite, runtimes.Count > 0 ? runtimes : ["plimsoll", "plimsoll-runsc"])
        {
            AskEvery = TimeSpan.FromSeconds(ask),
            Tpm = TpmOf(tpm, nv, pcr, auth, failure, counter, count),
            Log = log,
            Metrics = metrics,
        };
    }

    private static TpmSettings? TpmOf(string? tpm, string? nv, string? pcr, string? auth, string? failure, string? counter, int? count)
    {
        if (tpm is null)
            return nv is null && pcr is null && auth is null && failure is null && counter is null && count is null ? null : throw new OptionException(Catalogue.AgentTpmMissing);
        if (nv is not null && pcr is not null)
            throw new OptionException(Catalogue.AgentTpmBoth);
        ExtendTarget target = nv is not null ? ExtendTarget.OfIndex(nv) : pcr is not null ? ExtendTarget.OfPcr(pcr) : ExtendTarget.Default;
        TpmSettings settings = new(tpm, target, auth, failure != "report");
        settings = settings with { Counter = counter == "none" ? null : counter is not null ? ExtendTarget.OfIndex(counter).Number : settings.Counter, CountEvery = count is { } seconds ? TimeSpan.FromSeconds(seconds) : settings.CountEvery };
        return target.IsNv && target.Number == settings.Counter ? throw new OptionException(Catalogue.AgentTpmSame.With($"0x{target.Number:x8}")) : settings;
    }

    private static string Word(string name, string value, string[] known) =>
        known.Contains(value, StringComparer.Ordinal) ? value : throw new OptionException(Catalogue.AgentWantedWord.With(name, Escape.Quote(value), string.Join(", ", known)));

    private static int Number(string name, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number
            : throw new OptionException(Catalogue.AgentWantedNumber.With(name, Escape.Quote(value), least, most));

    /// <summary>Whoever reaches the address reads the numbers, which name policies and reasons: nobody from another machine may.</summary>
    /// <exception cref="OptionException">No address with a port, or one that others reach.</exception>
    internal static IPEndPoint Loopback(string name, string value) =>
        !IPEndPoint.TryParse(value, out IPEndPoint? address) || address.Port == 0 ? throw new OptionException(Catalogue.AgentNotAddress.With(name, Escape.Quote(value)))
        : !IPAddress.IsLoopback(address.Address) ? throw new OptionException(Catalogue.AgentNotLoopback.With(name, Escape.Quote(value)))
        : address;

    private static int Seconds(string name, string value, int least) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds >= least && seconds <= 86400 ? seconds
            : throw new OptionException(Catalogue.AgentWantedSeconds.With(name, Escape.Quote(value), least, 86400));

    internal static string Absolute(string name, string value) => value.StartsWith('/') ? value.TrimEnd('/') : throw new OptionException(Catalogue.AgentNotAbsolute.With(name, Escape.Quote(value)));
}

/// <summary>How the evidence log is kept; see <see cref="EvidenceLogOptions"/>.</summary>
internal sealed record LogSettings
{
    public LogDurability Durability { get; init; }
    public long MaxFileBytes { get; init; } = 32L << 20;
    public int MaxFiles { get; init; } = 32;
}
