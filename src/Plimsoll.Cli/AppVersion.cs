using System.Globalization;
using System.Reflection;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>What this build is.</summary>
public static class AppVersion
{
    /// <summary><c>0.1.0+0123abc…</c>, or <c>0.1.0</c> when it was built outside a git checkout.</summary>
    public static string Full { get; } =
        typeof(AppVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";

    /// <summary><c>plimsoll 0.1.0 (commit 0123abc), database: counter 7, 2026-11-20</c>.</summary>
    /// <param name="database">Null when there is none.</param>
    public static string Line(string database) => Line(Full, database);

    internal static string Line(string full, string database)
    {
        int plus = full.IndexOf('+', StringComparison.Ordinal);
        string version = plus < 0 ? full : full[..plus];
        string commit = plus < 0 ? "unknown" : full[(plus + 1)..Math.Min(full.Length, plus + 8)];
        return $"plimsoll {version} (commit {commit}), {database}";
    }

    /// <summary><c>database: counter 7, 2026-11-20</c>, <c>no database</c>, or that it cannot be read and why.</summary>
    internal static string Describe(ScanServices services, string path)
    {
        if (!File.Exists(path))
            return "no database";
        try
        {
            using IAdvisoryStore store = services.OpenDatabase(path);
            DatabaseInfo info = store.Info;
            return $"database: counter {info.Counter}, {info.Created.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}";
        }
        catch (Exception e) when (e is CommandException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return $"database unreadable: {Escape.ForTerminal(e.Message)}";
        }
    }
}
