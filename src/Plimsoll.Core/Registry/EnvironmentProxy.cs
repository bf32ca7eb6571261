using System.Globalization;
using System.Net;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>The proxies that the environment names, read as curl does.</summary>
/// <remarks>
/// <c>https_proxy</c>, HTTPS_PROXY; <c>http_proxy</c> (in capitals only outside of CGI, where a client could set it); <c>all_proxy</c>,
/// ALL_PROXY; and <c>no_proxy</c>, NO_PROXY: hosts with commas between, each with its subdomains, addresses, networks
/// (10.0.0.0/8), or <c>*</c>. As in Docker, and unlike in curl, the local host is never reached through a proxy.
/// </remarks>
internal sealed class EnvironmentProxy : IWebProxy
{
    private readonly Uri? _http, _https;
    private readonly string[] _direct;

    /// <exception cref="ImageException">Malformed: a variable holds no address of a proxy.</exception>
    public EnvironmentProxy(Func<string, string?> environment)
    {
        string? all = Value("all_proxy") ?? Value("ALL_PROXY");
        _https = Address("HTTPS_PROXY", Value("https_proxy") ?? Value("HTTPS_PROXY") ?? all);
        _http = Address("http_proxy", Value("http_proxy") ?? (Value("REQUEST_METHOD") is null ? Value("HTTP_PROXY") : null) ?? all);
        _direct = (Value("no_proxy") ?? Value("NO_PROXY") ?? "").Split([',', ' '], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

        string? Value(string name) => environment(name) is { Length: > 0 } text ? text : null;
    }

    public ICredentials? Credentials
    {
        get => field ??= new ProxyUser(this);
        set => field = value;
    }

    public Uri? GetProxy(Uri destination) => destination.Scheme == Uri.UriSchemeHttps ? _https : _http;

    public bool IsBypassed(Uri host) => GetProxy(host) is null || host.IsLoopback || Array.Exists(_direct, entry => Matches(entry, host));

    private static bool Matches(string entry, Uri destination)
    {
        if (entry == "*")
            return true;
        string host = destination.IdnHost.Trim('[', ']');
        string name = entry;
        if (name.IndexOf('/', StringComparison.Ordinal) > 0)
            return IPNetwork.TryParse(name, out IPNetwork network) && IPAddress.TryParse(host, out IPAddress? address) && network.Contains(address);
        int colon = name.LastIndexOf(':');
        if (colon > 0 && name.IndexOf(':', StringComparison.Ordinal) == colon || name.StartsWith('[') && colon > name.IndexOf(']', StringComparison.Ordinal))
        {
            if (name[(colon + 1)..] != destination.Port.ToString(CultureInfo.InvariantCulture))
                return false;
            name = name[..colon];
        }
        name = name.Trim('[', ']').TrimStart('.').TrimEnd('.');
        return name.Length > 0 && (host.Equals(name, StringComparison.OrdinalIgnoreCase)
            || host.EndsWith("." + name, StringComparison.OrdinalIgnoreCase) && !IPAddress.TryParse(host, out _));
    }

    private static Uri? Address(string variable, string? text)
    {
        if (text is null)
            return null;
        string full = text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text;
        // It may hold a password, so it is not shown.
        return Uri.TryCreate(full, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https" or "socks4" or "socks4a" or "socks5" && address.Host.Length > 0
            ? address
            : throw new ImageException(ImageError.Malformed, $"the environment's {Escape.ForTerminal(variable)} holds no address of a proxy", "wanted http://HOST:PORT");
    }

    /// <summary>User and password that stand in the proxy's address.</summary>
    private sealed class ProxyUser(EnvironmentProxy owner) : ICredentials
    {
        public NetworkCredential? GetCredential(Uri uri, string authType)
        {
            foreach (Uri? proxy in (Uri?[])[owner._https, owner._http])
                if (proxy is not null && proxy.Host == uri.Host && proxy.Port == uri.Port && proxy.UserInfo.Length > 0)
                {
                    string[] parts = proxy.UserInfo.Split(':', 2);
                    return new NetworkCredential(Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
                }
            return null;
        }
    }
}
