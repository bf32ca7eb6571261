using System.Text;
using Plimsoll.Cli;
using Plimsoll.Keys;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Cli;

/// <summary>Key files of cosign; these need libsodium, and what cosign itself says of them is tested beside the program.</summary>
[Trait("needs", "host")]
public sealed class CosignKeyFileTests
{
    private static string Changed(string pem, Func<string, string> change)
    {
        string[] lines = pem.TrimEnd('\n').Split('\n');
        string json = Encoding.UTF8.GetString(Convert.FromBase64String(string.Concat(lines[1..^1])));
        string other = change(json);
        Assert.NotEqual(json, other);
        return $"{lines[0]}\n{Convert.ToBase64String(Encoding.UTF8.GetBytes(other))}\n{lines[^1]}\n";
    }

    private static KeyException Refused(string pem, string passphrase = "secret") => Assert.Throws<KeyException>(() => CosignKeyFile.Read(pem, "c.key", () => passphrase));

    [Fact]
    [Trait("needs", "shared")]
    public void Read_KeyOfSkopeo_HasItsPublicHalf()
    {
        string pem = File.ReadAllText(SharedData.At("trust", "sigstore", "skopeo-1.18", "sk.private.pem"));
        using PublicKey known = KeyFile.ReadPublic(File.ReadAllText(SharedData.At("trust", "sigstore", "skopeo-1.18", "sk.pub")), "sk.pub");

        using ISigner signer = CosignKeyFile.Read(pem, "sk.private.pem", () => "secret");

        Assert.Equal(known.Id, signer.PublicKey.Id);
        Assert.Contains("passphrase is not right", Refused(pem, "Secret").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256, "secret")]
    [InlineData(KeyAlgorithm.EcdsaP384, "")]
    [InlineData(KeyAlgorithm.Ed25519, "geheim ü")]
    [InlineData(KeyAlgorithm.Rsa, "secret")]
    public void Write_ReadAgain_IsTheSameKey(KeyAlgorithm algorithm, string passphrase)
    {
        using ISigner signer = KeyFile.Generate(algorithm);
        string pem = CosignKeyFile.Write(signer, passphrase);

        using ISigner read = CosignKeyFile.Read(pem, "c.key", () => passphrase);

        Assert.Equal(signer.PublicKey.Id, read.PublicKey.Id);
        Assert.True(CosignKeyFile.IsOne(pem));
        Assert.Contains("passphrase is not right", Refused(pem, passphrase + "x").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ChangedOrOverALimit_IsRefusedByName()
    {
        using ISigner signer = KeyFile.Generate(KeyAlgorithm.Ed25519);
        string pem = CosignKeyFile.Write(signer, "secret");

        Assert.Contains("MaxMemoryBytes", Refused(Changed(pem, j => j.Replace("65536", "1073741824", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        Assert.Contains("MaxWorkBytes", Refused(Changed(pem, j => j.Replace("\"p\":1", "\"p\":100", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Refused(Changed(pem, j => j.Replace("65536", "65537", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Refused(Changed(pem, j => j.Replace("\"r\":8", "\"r\":-8", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        Assert.Contains("wanted scrypt and nacl/secretbox", Refused(Changed(pem, j => j.Replace("nacl/secretbox", "none", StringComparison.Ordinal))).Message, StringComparison.Ordinal);
        Assert.Contains("a nonce of 3 bytes", Refused(Changed(pem, j => j[..j.IndexOf("\"nonce\"", StringComparison.Ordinal)] + "\"nonce\":\"AAAA\"}," + j[j.IndexOf("\"ciphertext\"", StringComparison.Ordinal)..])).Message, StringComparison.Ordinal);
        Assert.Contains("is no key file of cosign", Refused(Changed(pem, _ => "{}")).Message, StringComparison.Ordinal);
        Assert.Contains("is no key file of cosign", Refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").Message, StringComparison.Ordinal);
        // The last letter before the padding of the ciphertext: one bit of what is under the tag.
        Assert.Contains("passphrase is not right", Refused(Changed(pem, j => j.Replace("\"ciphertext\":\"" + j[(j.LastIndexOf(':') + 2)], "\"ciphertext\":\"" + (j[j.LastIndexOf(':') + 2] == 'A' ? 'B' : 'A'), StringComparison.Ordinal))).Message, StringComparison.Ordinal);
    }
}
