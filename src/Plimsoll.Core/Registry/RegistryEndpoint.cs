using Plimsoll.Oci;

namespace Plimsoll.Registry;

/// <summary>One server that may have the repository: a mirror, or the registry itself.</summary>
internal sealed class RegistryEndpoint
{
    private const string HubServer = "registry-1.docker.io";

    private volatile bool _answered, _givenUp;

    private RegistryEndpoint(string host, string server, string repository, RegistryOptions options)
    {
        (Host, Repository) = (host, repository);
        Base = new Uri($"{(options.PlainHttp.Contains(host, StringComparer.OrdinalIgnoreCase) ? "http" : "https")}://{server}/");
    }

    /// <summary>As in names of images; settings and credentials go by it.</summary>
    public string Host { get; }

    public Uri Base { get; }

    /// <summary>With a mirror's prefix before it.</summary>
    public string Repository { get; }

    public required RegistryAuth Auth { get; init; }

    /// <summary>Somebody there has answered.</summary>
    public bool Answered { get => _answered; set => _answered = value; }

    /// <summary>A mirror that failed; nothing more is asked of it.</summary>
    public bool GivenUp { get => _givenUp; set => _givenUp = value; }

    public Uri At(string path) => new(Base, $"v2/{Repository}/{path}");

    /// <summary>Mirrors in the order of the settings, then the registry.</summary>
    /// <param name="push">The registry alone, to be written.</param>
    /// <exception cref="ImageException">Malformed: a setting names no host.</exception>
    public static IReadOnlyList<RegistryEndpoint> For(RegistryName name, RegistryTransport transport, Func<string, string, RegistryCredential?> credentials, RegistryOptions options, TimeProvider time, bool push = false)
    {
        List<RegistryEndpoint> endpoints = [];
        foreach (RegistryPair pair in options.Mirrors.Where(m => !push && RegistryName.LowerCase(m.Registry) == name.Host))
        {
            string[] parts = pair.Other.Split('/', 2);
            string prefix = parts.Length > 1 ? parts[1].TrimEnd('/') : "";
            if (!RegistryName.IsHost(parts[0]) || prefix.Length > 0 && !RegistryName.IsRepository(prefix))
                throw new ImageException(ImageError.Malformed, $"the mirror {Texts.Escape.Quote(pair.Other)} of {pair.Registry} is no HOST[:PORT][/PREFIX]");
            endpoints.Add(Make(RegistryName.LowerCase(parts[0]), prefix.Length > 0 ? $"{prefix}/{name.Repository}" : name.Repository));
        }
        endpoints.Add(Make(name.Host, name.Repository));
        return endpoints;

        RegistryEndpoint Make(string host, string repository)
        {
            RegistryAuth auth = new(host, repository, transport, () => credentials(host, repository), options, time) { Push = push };
            RegistryEndpoint endpoint = new(host, host == RegistryName.DockerHub ? HubServer : host, repository, options) { Auth = auth };
            return endpoint;
        }
    }
}
