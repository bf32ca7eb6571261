using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Configuration;

/// <summary>Variables that change which code runs, switch checks off, open a debugger or carry a proxy's password.</summary>
internal static class EnvironmentRules
{
    public static void Judge(ImageFacts facts, ProblemDraft draft)
    {
        List<string> folders = [];
        foreach ((string name, string value) in facts.Environment)
        {
            string place = $"env {name}", shown = $"{name}={value}";
            if (name == "PATH")
                folders = SearchPath(value, draft, place);
            else if (name is "LD_PRELOAD" or "LD_AUDIT" && value.Length > 0)
                draft.OfConfig("preload-variable", Severity.Medium, place, shown, null, name);
            else if (name == "LD_LIBRARY_PATH" && value.Length > 0 && value.Split(':', ';').Any(p => !p.StartsWith('/')))
                draft.OfConfig("library-path", Severity.Low, place, shown);
            else if (SwitchesChecksOff(name, value))
                draft.OfConfig("checks-disabled", Severity.High, place, name == "GIT_SSH_COMMAND" ? $"{name}=… StrictHostKeyChecking=no" : shown, null, name);
            else if (IsWeakAccess(name, value))
                draft.OfConfig("access-without-password", Severity.Medium, place, shown, null, name);
            else if (OpensDebugger(name, value))
                draft.OfConfig("debugger-open", Severity.Medium, place, $"{name}={value.Split(' ').FirstOrDefault(w => w.Contains("jdwp", StringComparison.Ordinal) || w.StartsWith("--inspect", StringComparison.Ordinal), "1")}", null, name);
            else if (Masked(name, value) is { } masked)
                draft.OfConfig("proxy-password", Severity.High, place, $"{name}={masked}", null, name);
        }
        facts.SetSearchPath(folders);
    }

    private static List<string> SearchPath(string value, ProblemDraft draft, string place)
    {
        List<string> folders = [.. value.Split(':')], relative = [.. folders.Where(f => !f.StartsWith('/'))];
        if (relative.Count > 0)
            draft.OfConfig("search-path-relative", Severity.Medium, place, value);
        else if (folders.Exists(f => f.TrimEnd('/') is "/tmp" or "/var/tmp" or "/dev/shm" || f.StartsWith("/tmp/", StringComparison.Ordinal)))
            draft.OfConfig("search-path-writable", Severity.Medium, place, value, null, "/tmp");
        return [.. folders.Where(f => f.StartsWith('/')).Select(f => f.Trim('/'))];
    }

    /// <remarks>Sources: the documentation of Node.js, Python (PEP 493), git, Go, npm, curl/requests, LWP, bundler.</remarks>
    private static bool SwitchesChecksOff(string name, string value) => name switch
    {
        "NODE_TLS_REJECT_UNAUTHORIZED" or "PYTHONHTTPSVERIFY" or "PERL_LWP_SSL_VERIFY_HOSTNAME" => value == "0",
        // git asks only whether it is there.
        "GIT_SSL_NO_VERIFY" => true,
        "GOSUMDB" => value == "off",
        "GONOSUMCHECK" => value == "1",
        "GOINSECURE" => value == "*",
        "CURL_CA_BUNDLE" or "REQUESTS_CA_BUNDLE" => value.Length == 0,
        "BUNDLE_SSL_VERIFY_MODE" => value == "0",
        "GIT_SSH_COMMAND" => value.Replace(" ", "", StringComparison.Ordinal).Contains("StrictHostKeyChecking=no", StringComparison.OrdinalIgnoreCase),
        _ => name.Equals("npm_config_strict_ssl", StringComparison.OrdinalIgnoreCase) && value.Equals("false", StringComparison.OrdinalIgnoreCase),
    };

    /// <remarks>Sources: the documentation of the official and Bitnami's images of these services.</remarks>
    private static bool IsWeakAccess(string name, string value) => name switch
    {
        "MYSQL_ALLOW_EMPTY_PASSWORD" or "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD" or "MARIADB_ALLOW_EMPTY_PASSWORD" or "ALLOW_EMPTY_PASSWORD" or "ALLOW_ANONYMOUS_LOGIN" =>
            value.ToLowerInvariant() is not ("" or "0" or "no" or "false"),
        "POSTGRES_HOST_AUTH_METHOD" => value == "trust",
        _ => false,
    };

    private static bool OpensDebugger(string name, string value) => name switch
    {
        "NODE_OPTIONS" => value.Contains("--inspect=0.0.0.0", StringComparison.Ordinal) || value.Contains("--inspect-brk=0.0.0.0", StringComparison.Ordinal),
        "JAVA_TOOL_OPTIONS" or "JAVA_OPTS" or "JDK_JAVA_OPTIONS" or "_JAVA_OPTIONS" or "CATALINA_OPTS" =>
            value.Contains("jdwp", StringComparison.Ordinal) && (value.Contains("address=*", StringComparison.Ordinal) || value.Contains("address=0.0.0.0", StringComparison.Ordinal)),
        "FLASK_DEBUG" or "WERKZEUG_DEBUG" => value.ToLowerInvariant() is "1" or "true",
        _ => false,
    };

    /// <summary>A proxy's address without the name and password in it; null when it has none, or is no proxy.</summary>
    private static string? Masked(string name, string value)
    {
        if (!name.EndsWith("_PROXY", StringComparison.OrdinalIgnoreCase) || name.Equals("NO_PROXY", StringComparison.OrdinalIgnoreCase))
            return null;
        int scheme = value.IndexOf("://", StringComparison.Ordinal);
        int start = scheme < 0 ? 0 : scheme + 3, end = value.IndexOf('/', start);
        string authority = end < 0 ? value[start..] : value[start..end];
        int at = authority.LastIndexOf('@');
        if (at < 0 || !authority[..at].Contains(':', StringComparison.Ordinal))
            return null;
        return $"{value[..start]}***@{authority[(at + 1)..]}";
    }
}
