using System.Text;

namespace Plimsoll.Inspect.Packages;

/// <summary>Names in the one form that an ecosystem's advisories use.</summary>
public static class PackageNames
{
    /// <summary>Lower case, each run of <c>-_.</c> one hyphen.</summary>
    /// <remarks>Source: PEP 503, "Normalized Names".</remarks>
    public static string Pypi(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        // Most names are in that form already: look-ups ask for each package.
        bool change = false;
        for (int i = 0; i < name.Length; i++)
            change |= name[i] is '_' or '.' or (>= 'A' and <= 'Z') or >= '\x80' || (name[i] == '-' && i > 0 && name[i - 1] == '-');
        if (!change)
            return name;
        StringBuilder normal = new(name.Length);
        foreach (char c in name)
            if (c is not ('-' or '_' or '.'))
                normal.Append(char.ToLowerInvariant(c));
            else if (normal.Length == 0 || normal[^1] != '-')
                normal.Append('-');
        return normal.ToString();
    }

    /// <summary>Host and path of a repository: <c>github.com/apple/swift-nio</c> of <c>https://github.com/apple/swift-nio.git</c> and <c>git@github.com:apple/swift-nio</c>.</summary>
    public static string Repository(string location)
    {
        ArgumentNullException.ThrowIfNull(location);
        int scheme = location.IndexOf("://", StringComparison.Ordinal);
        string rest = scheme < 0 ? location : location[(scheme + 3)..];
        int end = rest.IndexOf('/', StringComparison.Ordinal);
        int user = rest.IndexOf('@', StringComparison.Ordinal);
        if (user >= 0 && (end < 0 || user < end))
            rest = rest[(user + 1)..];
        // scp's form has a colon between host and path, and a port is no part of a name.
        int colon = rest.IndexOf(':', StringComparison.Ordinal), slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (colon > 0 && (slash < 0 || colon < slash))
        {
            bool isPort = scheme >= 0 && slash > colon && !rest.AsSpan(colon + 1, slash - colon - 1).ContainsAnyExceptInRange('0', '9');
            rest = isPort ? rest[..colon] + rest[slash..] : $"{rest[..colon]}/{rest[(colon + 1)..]}";
        }
        rest = rest.TrimEnd('/');
        return rest.EndsWith(".git", StringComparison.Ordinal) ? rest[..^4] : rest;
    }
}
