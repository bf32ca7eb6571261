using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Plimsoll.Tpm;

/// <summary>Whether an endorsement key is of a TPM whose maker is trusted.</summary>
public static class EndorsementCheck
{
    /// <summary>tcg-kp-EKCertificate. Source: TCG EK Credential Profile 2.4, 3.2.16.</summary>
    private const string EndorsementUsage = "2.23.133.8.1";

    /// <param name="roots">Certificates of makers that are trusted, and of authorities below them.</param>
    /// <returns>Null when it is; else what is wrong.</returns>
    /// <remarks>Nothing is fetched; revocation lists of makers are not asked.</remarks>
    public static string? Fault(Endorsement? endorsement, X509Certificate2Collection roots, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(roots);
        if (endorsement is null || endorsement.Certificates.Count == 0)
            return "there is no endorsement certificate";
        List<X509Certificate2> read = [];
        try
        {
            foreach (ReadOnlyMemory<byte> der in endorsement.Certificates)
                read.Add(X509CertificateLoader.LoadCertificate(der.Span));
            X509Certificate2 own = read[0];
            if (!IsOf(own, endorsement.Key))
                return "the endorsement certificate is of another key";
            if (!own.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(e => e.EnhancedKeyUsages.Cast<Oid>().Any(o => o.Value == EndorsementUsage)))
                return "the certificate is not for an endorsement key";
            using X509Chain chain = new();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.DisableCertificateDownloads = true;
            chain.ChainPolicy.VerificationTime = now.UtcDateTime;
            foreach (X509Certificate2 root in roots)
                if (root.SubjectName.RawData.AsSpan().SequenceEqual(root.IssuerName.RawData))
                    chain.ChainPolicy.CustomTrustStore.Add(root);
                else
                    chain.ChainPolicy.ExtraStore.Add(root);
            foreach (X509Certificate2 other in read.Skip(1))
                chain.ChainPolicy.ExtraStore.Add(other);
            if (chain.Build(own))
                return null;
            return $"the endorsement certificate leads to no trusted maker ({string.Join(", ", chain.ChainStatus.Select(s => s.Status.ToString()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))})";
        }
        catch (CryptographicException)
        {
            return "an endorsement certificate cannot be read";
        }
        finally
        {
            foreach (X509Certificate2 one in read)
                one.Dispose();
        }
    }

    /// <summary>Compared as the bare key: some makers name the algorithm of an RSA key as OAEP, which the base library imports no key of.</summary>
    private static bool IsOf(X509Certificate2 certificate, TpmPublic key)
    {
        if (key.Type == TpmAlgorithm.Rsa)
        {
            using RSA rsa = key.ToRsa();
            return certificate.PublicKey.EncodedKeyValue.RawData.AsSpan().SequenceEqual(rsa.ExportRSAPublicKey());
        }
        if (key.Type != TpmAlgorithm.Ecc || certificate.PublicKey.Oid.Value != "1.2.840.10045.2.1")
            return false;
        return certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ToSpki());
    }
}
