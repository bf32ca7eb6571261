using System.Security.Cryptography;
using System.Text;
using Plimsoll.Cli;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Tests.Keys;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Fuzz;

/// <content>Key files of every form, and revocation lists.</content>
internal static partial class FuzzTargets
{
    private static readonly byte[] Signed = "bytes to sign"u8.ToArray();

    /// <summary>The base64 is undone before the change and done again after it, or hardly an input would be more than broken base64.</summary>
    private static byte[] ChangeDer(Mutator mutator, IReadOnlyList<byte[]> seeds, FuzzTarget target)
    {
        List<byte[]> ders = [];
        List<string> labels = [];
        foreach (byte[] seed in seeds)
        {
            string pem = Encoding.ASCII.GetString(seed);
            PemFields fields = PemEncoding.Find(pem);
            ders.Add(Convert.FromBase64String(pem[fields.Base64Data]));
            labels.Add(pem[fields.Label]);
        }
        return Encoding.ASCII.GetBytes(PemEncoding.WriteString(labels[mutator.Next(labels.Count)], mutator.Mutate(ders, target.Words)));
    }

    private static FuzzTarget KeyShares => new()
    {
        Name = "key-share",
        Seeds = () =>
        {
            using ISigner ec = KeyFile.Generate(KeyAlgorithm.EcdsaP256), edwards = KeyFile.Generate(KeyAlgorithm.Ed25519);
            return Utf8([.. KeyShare.Split(ec, "ops@v1", 3, 2).Take(2).Append(KeyShare.Split(edwards, "k", 255, 2)[^1]).Select(s => s.ToText())]);
        },
        Refusal = e => e is KeyException,
        Run = bytes =>
        {
            KeyShare share = KeyShare.Parse(Encoding.UTF8.GetString(bytes), "s");
            WrongAnswerException.Unless(KeyShare.Parse(share.ToText(), "s").ToText() == share.ToText(), "a share does not read back");
        },
    };

    private static FuzzTarget KeyFiles => new()
    {
        Name = "key-file",
        Seeds = () =>
        {
            using ECDsa ec = ECDsa.Create(ECCurve.NamedCurves.nistP256), large = ECDsa.Create(ECCurve.NamedCurves.nistP384);
            using RSA rsa = RSA.Create(2048);
            using ISigner edwards = KeyFile.Generate(KeyAlgorithm.Ed25519);
            PbeParameters cheap = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1);
            return Utf8(ec.ExportPkcs8PrivateKeyPem(), ec.ExportECPrivateKeyPem(), ec.ExportSubjectPublicKeyInfoPem(), ec.ExportEncryptedPkcs8PrivateKeyPem("p", cheap),
                large.ExportPkcs8PrivateKeyPem(), large.ExportSubjectPublicKeyInfoPem(), rsa.ExportRSAPrivateKeyPem(), rsa.ExportSubjectPublicKeyInfoPem(),
                PemEncoding.WriteString("PRIVATE KEY", KeyFile.ExportPkcs8(edwards)), edwards.PublicKey.ToPem());
        },
        Make = ChangeDer,
        Refusal = e => e is KeyException,
        Run = bytes =>
        {
            string pem = Encoding.ASCII.GetString(bytes);
            if (pem.Contains("BEGIN PUBLIC KEY", StringComparison.Ordinal))
            {
                using PublicKey key = KeyFile.ReadPublic(pem, "k");
                using PublicKey again = KeyFile.ReadPublic(key.ToPem(), "k");
                WrongAnswerException.Unless(again.Id == key.Id && again.Algorithm == key.Algorithm, "a key does not read back");
                WrongAnswerException.Unless(!key.Verify(Signed, bytes) && !key.Verify(Signed, new byte[64]) && !key.Verify(Signed, []), "no signature, and verified");
                return;
            }
            // A number of iterations within the limit may still be three seconds; the tests of limits try those.
            using ISigner signer = KeyFile.ReadPrivate(pem, "k", () => pem.Length < 600 && bytes.AsSpan().IndexOf("AgEB"u8) >= 0 ? "p" : null);
            WrongAnswerException.Unless(signer.PublicKey.Verify(Signed, signer.Sign(Signed)), "a key does not verify what it signed");
        },
    };

    /// <summary>DER of one key or of the two of a hybrid one; the first byte says whether they are private.</summary>
    private static FuzzTarget HybridKeys => new()
    {
        Name = "hybrid-key",
        Seeds = () =>
        {
            (ISigner classical, PublicKey both) = Hybrids.Half();
            List<byte[]> seeds = [[0, .. both.Spki.Span], [0, .. classical.PublicKey.Spki.Span], [1, .. KeyFile.ExportPkcs8(classical)]];
            if (Hybrids.Supported)
                seeds.Add([1, .. KeyFile.ExportPkcs8(KeyFile.Generate(KeyAlgorithm.Ed25519MlDsa65))]);
            return seeds;
        },
        Refusal = e => e is KeyException,
        Run = bytes =>
        {
            if (bytes is [1, ..])
            {
                using ISigner signer = KeyFile.ReadPkcs8(bytes.AsMemory(1), "k");
                WrongAnswerException.Unless(signer.PublicKey.Verify(Signed, signer.Sign(Signed)), "a key does not verify what it signed");
                return;
            }
            using PublicKey key = KeyFile.ReadSpki(bytes.AsMemory(Math.Min(1, bytes.Length)), "k");
            using PublicKey again = KeyFile.ReadPublic(key.ToPem(), "k");
            WrongAnswerException.Unless(again.Id == key.Id && again.Algorithm == key.Algorithm && key.Parts.Count == (key.Algorithm.Classical() is null ? 1 : 2), "a key does not read back");
            WrongAnswerException.Unless(key.Algorithm != KeyAlgorithm.MlDsa65, "half of a key, and taken");
            WrongAnswerException.Unless(key.Prove(Signed, [new byte[64], new byte[MlDsa65.SignatureBytes], bytes]) == Proof.None, "no signature, and proved");
        },
    };

    private static FuzzTarget CosignKeyFiles => new()
    {
        Name = "cosign-key-file",
        Seeds = () => Utf8("""
            -----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
            eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjoyLCJyIjoxLCJwIjoxfSwic2FsdCI6IkFBPT0ifSwiY2lwaGVyIjp7Im5hbWUiOiJuYWNsL3NlY3JldGJveCIsIm5vbmNlIjoiQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUEifSwiY2lwaGVydGV4dCI6IkFBQUEifQ==
            -----END ENCRYPTED SIGSTORE PRIVATE KEY-----
            """),
        Words = ["\"N\":65536", "1e9", "-1", "9223372036854775807", "\"kdf\":{}", "null", "\"salt\":\"\""],
        Make = ChangeDer,
        Refusal = e => e is KeyException,
        // As far as the form: what follows costs what the limits allow, and needs a library that not every machine has.
        Run = bytes => CosignKeyFile.Check(Encoding.ASCII.GetString(bytes), "k"),
    };

    private static FuzzTarget StoredKeyJson => new()
    {
        Name = "key-json",
        Seeds = () => [new StoredKey("ops", 90, [new StoredVersion(1, DateTimeOffset.UnixEpoch, KeyAlgorithm.EcdsaP256, new string('a', 64), DateTimeOffset.UnixEpoch, "lost"), new StoredVersion(2, DateTimeOffset.UnixEpoch, KeyAlgorithm.Ed25519, new string('b', 64))]).ToJson()],
        Words = ["\"versions\":[]", "\"version\":1", "\"revoked\":\"2026-11-21T08:00:00Z\"", "\"rsa\"", "null", "-1"],
        Refusal = e => e is FormatException,
        Run = bytes =>
        {
            StoredKey key = StoredKey.Parse(bytes, "ops");
            WrongAnswerException.Unless(StoredKey.Parse(key.ToJson(), "ops").ToJson().AsSpan().SequenceEqual(key.ToJson()), "a stored key does not read back");
        },
    };

    private static FuzzTarget Revocations
    {
        get
        {
            Lazy<(ISigner Signer, byte[] Content)> made = new(() =>
            {
                ISigner signer = KeyFile.Generate(KeyAlgorithm.Ed25519);
                return (signer, new RevocationList(3, DateTimeOffset.UnixEpoch, [new RevokedKey(new string('a', 64), DateTimeOffset.UnixEpoch, "lost")],
                    [new RevokedImage(Digest.Of("x"u8), DateTimeOffset.UnixEpoch, "bad")]).Sign(signer));
            });
            return new FuzzTarget
            {
                Name = "revocations",
                // The payload is signed anew after each change: behind a signature that is wrong nothing would be reached.
                Seeds = () => [DsseEnvelope.TryParse(made.Value.Content.AsMemory()[..^1], out DsseEnvelope? envelope) ? envelope.Payload.ToArray() : []],
                Words = ["\"keys\":[]", "\"images\":[]", "\"since\":\"2026-11-21T08:00:00Z\"", "\"counter\":0", "null", "\"reason\":\"\\u0000\"", "sha512:"],
                Refusal = e => e is RevocationListException,
                Run = bytes =>
                {
                    byte[] content = [.. DsseSigning.Sign(RevocationList.PayloadType, bytes, made.Value.Signer).ToJson(), (byte)'\n'];
                    RevocationList list = RevocationList.Open(content, "r", [made.Value.Signer.PublicKey], "k");
                    WrongAnswerException.Unless(list.Sign(made.Value.Signer).AsSpan().SequenceEqual(content), "taken and not canonical");
                    foreach (RevokedKey key in list.Keys)
                        WrongAnswerException.Unless(list.FindKey(key.Id) == key, "a revoked key is not found");
                    foreach (RevokedImage image in list.Images)
                        WrongAnswerException.Unless(list.FindImage(image.Digest) == image, "a revoked image is not found");
                },
            };
        }
    }
}
