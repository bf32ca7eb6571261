using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Keys;

/// <summary>The vectors of C2SP/wycheproof: every line that is valid is verified, every other one refused. None of these files has "acceptable" lines.</summary>
[Trait("needs", "shared")]
public sealed class WycheproofTests
{
    [Theory]
    [InlineData("ecdsa_secp256r1_sha256.json", KeyAlgorithm.EcdsaP256, 174, 310)]
    [InlineData("ecdsa_secp384r1_sha384.json", KeyAlgorithm.EcdsaP384, 194, 310)]
    [InlineData("ed25519.json", KeyAlgorithm.Ed25519, 88, 63)]
    public void Verify_EveryLine_IsAsTheFileSays(string file, KeyAlgorithm algorithm, int valid, int invalid)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedData.At("trust", "wycheproof", file)));
        List<string> wrong = [];
        int right = 0, refused = 0;
        foreach (JsonElement group in document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            using PublicKey key = KeyFile.ReadSpki(Convert.FromHexString(group.GetProperty("publicKeyDer").GetString()!), "key");
            using PublicKey ofPem = KeyFile.ReadPublic(group.GetProperty("publicKeyPem").GetString()!, "key");
            Assert.Equal((algorithm, ofPem.Id), (key.Algorithm, key.Id));
            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
            {
                bool verified = key.Verify(Convert.FromHexString(test.GetProperty("msg").GetString()!), Convert.FromHexString(test.GetProperty("sig").GetString()!));
                if (verified)
                    right++;
                else
                    refused++;
                if (verified != (test.GetProperty("result").GetString() == "valid"))
                    wrong.Add($"{test.GetProperty("tcId")}: {test.GetProperty("comment")}");
            }
        }

        Assert.Empty(wrong);
        Assert.Equal((valid, invalid), (right, refused));
    }
}
