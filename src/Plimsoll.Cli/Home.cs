namespace Plimsoll.Cli;

/// <summary>Where a user's state lives: XDG's folders, or everything below <c>PLIMSOLL_HOME</c>.</summary>
public sealed class Home(Func<string, string?> environment)
{
    /// <summary>The advisory database. Default <c>~/.local/share/plimsoll</c>.</summary>
    public string Data => Below("data", "XDG_DATA_HOME", ".local/share");

    /// <summary>What can be made again: the layer cache. Default <c>~/.cache/plimsoll</c>.</summary>
    public string Cache => Below("cache", "XDG_CACHE_HOME", ".cache");

    /// <summary>What people write: <c>config.yaml</c>. Default <c>~/.config/plimsoll</c>.</summary>
    public string Config => Below("config", "XDG_CONFIG_HOME", ".config");

    /// <summary>The advisory database's file.</summary>
    public string Database => Path.Combine(Data, "advisories.db");

    /// <summary>The hashes of known malware.</summary>
    public string KnownMalware => Path.Combine(Data, "known-malware.db");

    /// <summary>The highest counters of signed policies that were seen.</summary>
    public string Policies => Path.Combine(Data, "policies");

    /// <summary>The user's own keys, a folder for each.</summary>
    public string Keys => Path.Combine(Data, "keys");

    /// <summary>The highest counters of revocation lists that were seen.</summary>
    public string Revocations => Path.Combine(Data, "revocations");

    /// <summary>The highest versions of Docker Content Trust metadata that were seen.</summary>
    public string ContentTrust => Path.Combine(Data, "content-trust");

    /// <summary>What images measured, one sealed file for each.</summary>
    public string Baselines => Path.Combine(Data, "baselines");

    /// <summary>The key that seals baselines, and the highest counter of them.</summary>
    public string Host => Path.Combine(Data, "host");

    /// <summary>What was extended into the TPM, a list for each index and PCR.</summary>
    public string Measured => Path.Combine(Data, "measured");

    /// <summary>Keys that live in the TPM: what it wrapped, which only it can load.</summary>
    public string TpmKeys => Path.Combine(Data, "tpm-keys");

    private string Below(string name, string xdg, string fallback)
    {
        if (environment("PLIMSOLL_HOME") is { Length: > 0 } home)
            return Path.Combine(Path.GetFullPath(home), name);
        // XDG's rule: a value that is not absolute is to be ignored.
        string? folder = environment(xdg);
        if (string.IsNullOrEmpty(folder) || !Path.IsPathRooted(folder))
            folder = Path.Combine(environment("HOME") is { Length: > 0 } user ? user : "/", fallback);
        return Path.Combine(folder, "plimsoll");
    }
}
