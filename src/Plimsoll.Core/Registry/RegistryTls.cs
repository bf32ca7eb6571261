using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>Which authorities count for a host, and which certificate it is shown.</summary>
/// <remarks>Layout of the folders: dockerd's, <c>/etc/docker/certs.d/HOST[:PORT]/{*.crt,NAME.cert,NAME.key}</c>.</remarks>
internal static class RegistryTls
{
    private const int MaxFiles = 64;

    /// <param name="host"><c>HOST[:PORT]</c>, as it is called in names of images.</param>
    /// <exception cref="ImageException">Malformed or AccessDenied: a file that is there cannot be used.</exception>
    public static SslClientAuthenticationOptions OptionsFor(string host, RegistryOptions options)
    {
        X509ChainPolicy policy = new()
        {
            RevocationMode = X509RevocationMode.NoCheck,
            // A certificate may name an address for its issuer's; nothing is fetched that the user did not ask for.
            DisableCertificateDownloads = true,
        };
        SslClientAuthenticationOptions tls = new() { CertificateChainPolicy = policy };
        string? folder = options.CertificateFolders.Select(f => Path.Combine(f, host)).FirstOrDefault(Directory.Exists);
        List<string> files = folder is null ? [] : [.. Files(folder)];
        List<string> authorities = [.. files.Where(f => f.EndsWith(".crt", StringComparison.Ordinal))];
        // A folder with authorities of its own is the closer word; the others are then not asked.
        if (authorities.Count == 0 && options.CaFile is { } ca)
            authorities.Add(ca);
        foreach (string file in authorities)
            Use(file, () => policy.CustomTrustStore.ImportFromPemFile(file));
        if (authorities.Count > 0)
        {
            if (policy.CustomTrustStore.Count == 0)
                throw new ImageException(ImageError.Malformed, $"{Escape.ForTerminal(string.Join(", ", authorities))}: there is no certificate in it", "wanted PEM: -----BEGIN CERTIFICATE-----");
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        }
        foreach (string file in files.Where(f => f.EndsWith(".cert", StringComparison.Ordinal)))
        {
            string key = file[..^5] + ".key";
            if (!File.Exists(key))
                throw new ImageException(ImageError.Malformed, $"{Escape.ForTerminal(file)} has no {Escape.ForTerminal(Path.GetFileName(key))} beside it");
            Use(file, () => (tls.ClientCertificates ??= []).Add(X509Certificate2.CreateFromPemFile(file, key)));
        }
        if (tls.ClientCertificates is { Count: > 0 } own)
            // What was put there for this registry is shown to it, whichever issuers it lists.
            tls.LocalCertificateSelectionCallback = (_, _, _, _, _) => own[0];
        return tls;
    }

    private static IEnumerable<string> Files(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder).Take(MaxFiles).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new ImageException(ImageError.AccessDenied, $"{Escape.ForTerminal(folder)}: {e.Message}", inner: e);
        }
    }

    private static void Use(string file, Action use)
    {
        try
        {
            use();
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ImageException(e is UnauthorizedAccessException ? ImageError.AccessDenied : ImageError.Malformed,
                $"{Escape.ForTerminal(file)} cannot be used: {e.Message}", inner: e);
        }
    }
}
