using System.Text;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Keys;

public sealed class KeyShareTests
{
    private static (string, KeyShare)[] Named(IEnumerable<KeyShare> shares) => [.. shares.Select(s => ($"share {s.Number}", s))];

    private static KeyException Refused(IEnumerable<KeyShare> shares) => Assert.Throws<KeyException>(() => KeyShare.Combine(Named(shares), out _));

    /// <summary>A share whose digest is right although its bytes are not: what a forger hands in.</summary>
    private static KeyShare Forged(KeyShare share) => share with { Bytes = [(byte)(share.Bytes[0] ^ 0x51 ^ share.Number), .. share.Bytes[1..]] };

    private static IEnumerable<T[]> Subsets<T>(IReadOnlyList<T> all, int size)
    {
        for (int mask = 0; mask < 1 << all.Count; mask++)
            if (int.PopCount(mask) == size)
                yield return [.. all.Where((_, i) => (mask >> i & 1) == 1)];
    }

    [Fact]
    [Trait("needs", "shared")]
    public void Combine_SharesOfAnotherImplementation_GiveTheSecretByEveryChoice()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedData.At("trust", "shamir", "shares.json")));
        int combined = 0;
        foreach (JsonElement split in document.RootElement.GetProperty("privy_vault_format").EnumerateArray())
        {
            byte[] secret = Convert.FromHexString(split.GetProperty("secret").GetString()!);
            byte[][] shares = [.. split.GetProperty("shares").EnumerateArray().Select(s => Convert.FromHexString(s.GetString()!))];
            int threshold = split.GetProperty("t").GetInt32();
            foreach (byte[][] chosen in Subsets(shares, threshold))
            {
                Assert.Equal(secret, Shamir.Combine(chosen));
                combined++;
            }
            Assert.Equal(secret, Shamir.Combine(shares));
            if (threshold > 2)
                foreach (byte[][] few in Subsets(shares, threshold - 1))
                    Assert.NotEqual(secret, Shamir.Combine(few));
        }
        Assert.True(combined > 50, $"{combined} choices");
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(5, 3)]
    [InlineData(255, 255)]
    public void Split_OfAnyBytes_ComesBackAndStandsInNoShare(int shares, int threshold)
    {
        byte[] secret = [0, 255, .. Encoding.ASCII.GetBytes("a secret that is found when it stands there"), 0];
        byte[][] made = Shamir.Split(secret, shares, threshold);

        Assert.Equal(shares, made.Select(s => s[^1]).Distinct().Count());
        Assert.All(made, s => Assert.Equal(secret.Length + 1, s.Length));
        Assert.All(made, s => Assert.True(s.AsSpan().IndexOf("found"u8) < 0));
        Assert.Equal(secret, Shamir.Combine([.. made.Reverse().Take(threshold)]));
        Assert.NotEqual(made, Shamir.Split(secret, shares, threshold));
    }

    /// <summary>One share must say nothing: over many splits of one secret each of its bytes takes every value about as often.</summary>
    [Fact]
    public void Split_ManyTimes_SpreadsAShareEvenly()
    {
        int[] seen = new int[256];
        for (int i = 0; i < 256 * 64; i++)
            seen[Shamir.Split([42], 2, 2)[0][0]]++;
        // Chi-square with 255 degrees of freedom: 400 has a chance below one in ten million.
        double spread = seen.Sum(n => (n - 64.0) * (n - 64.0) / 64.0);
        Assert.True(spread < 400, $"chi-square {spread}");
        Assert.DoesNotContain(0, seen);
    }

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.Ed25519)]
    [InlineData(KeyAlgorithm.Rsa)]
    public void Combine_WrittenAndReadShares_GiveTheSameKey(KeyAlgorithm algorithm)
    {
        using ISigner signer = KeyFile.Generate(algorithm);
        KeyShare[] read = [.. KeyShare.Split(signer, "ops@v1", 5, 3).Select(s => KeyShare.Parse($"printed, with a line before\r\n{s.ToText().Replace("\n", "\r\n", StringComparison.Ordinal)}", "s"))];
        foreach (KeyShare[] chosen in Subsets(read, 3))
        {
            using ISigner back = KeyShare.Combine(Named(chosen), out IReadOnlyList<string> wrong);
            Assert.Equal(signer.PublicKey.Id, back.PublicKey.Id);
            Assert.True(signer.PublicKey.Verify("x"u8, back.Sign("x"u8)));
            Assert.Empty(wrong);
        }
        Assert.All(read, s => Assert.All(s.ToText().Split('\n'), l => Assert.True(l.Length <= 76)));
    }

    [Fact]
    public void Combine_TooFewMixedOrChanged_IsToldAndGivesNoKey()
    {
        using ISigner signer = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        IReadOnlyList<KeyShare> shares = KeyShare.Split(signer, "ops@v1", 5, 3), others = KeyShare.Split(signer, "ops@v1", 5, 3);

        Assert.Contains("2 of the 5 shares of ops@v1 are here (number 1, 2); 3 are needed", Refused([shares[0], shares[1]]).Message, StringComparison.Ordinal);
        Assert.Contains("2 of the 5 shares", Refused([shares[0], shares[1], shares[1]]).Message, StringComparison.Ordinal);
        Assert.Contains("is of another set", Refused([shares[0], shares[1], others[2]]).Message, StringComparison.Ordinal);
        // A share of another split under this one's name, and a threshold that was lowered in every share.
        Assert.Contains("at least one of", Refused([shares[0], shares[1], others[2] with { Set = shares[0].Set, Check = shares[0].Check }]).Message, StringComparison.Ordinal);
        Assert.Contains("do not give the key", Refused([shares[0] with { Threshold = 2 }, shares[1] with { Threshold = 2 }]).Message, StringComparison.Ordinal);
        Assert.Contains("differ in what all shares", Refused([shares[0], shares[1] with { Threshold = 2 }, shares[2]]).Message, StringComparison.Ordinal);
        Assert.Contains("both share 2", Refused([shares[0], shares[1], Forged(shares[1])]).Message, StringComparison.Ordinal);
        KeyException changed = Refused([shares[0], shares[1], Forged(shares[2])]);
        Assert.Contains("at least one of share 1, share 2, share 3 was changed", changed.Message, StringComparison.Ordinal);
        Assert.Contains("give more shares", changed.Hint, StringComparison.Ordinal);
        using ISigner right = KeyShare.Combine(Named([shares[0], shares[1], shares[2]]), out _);
        Assert.Equal(signer.PublicKey.Id, right.PublicKey.Id);
    }

    [Fact]
    public void Combine_OneChangedAmongMoreThanNeeded_NamesIt()
    {
        using ISigner signer = KeyFile.Generate(KeyAlgorithm.Ed25519);
        IReadOnlyList<KeyShare> shares = KeyShare.Split(signer, "ops@v1", 6, 3);

        using ISigner back = KeyShare.Combine(Named([Forged(shares[0]), shares[1], shares[2], Forged(shares[3]), shares[4]]), out IReadOnlyList<string> wrong);
        Assert.Equal(signer.PublicKey.Id, back.PublicKey.Id);
        Assert.Equal(["share 1", "share 4"], wrong);
        Refused([Forged(shares[0]), Forged(shares[1]), Forged(shares[2]), shares[3], shares[4]]);
    }

    /// <summary>Every single character of a share, changed: never another share, and never one that is taken for this.</summary>
    [Fact]
    public void Parse_AnyCharacterChanged_IsRefusedOrTheSameShare()
    {
        using ISigner signer = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        KeyShare share = KeyShare.Split(signer, "ops@v1", 3, 2)[1];
        string text = share.ToText();
        int refused = 0;
        for (int i = 0; i < text.Length; i++)
        {
            string changed = text[..i] + (text[i] == '1' ? '2' : '1') + text[(i + 1)..];
            try
            {
                Assert.Equal(text, KeyShare.Parse(changed, "s").ToText());
            }
            catch (KeyException)
            {
                refused++;
            }
        }
        Assert.True(refused > text.Length - 10, $"{refused} of {text.Length}");
    }

    [Theory]
    [InlineData("", "is no share of a key")]
    [InlineData("-----BEGIN PLIMSOLL KEY SHARE-----END PLIMSOLL KEY SHARE-----", "is no share of a key")]
    [InlineData("-----BEGIN PLIMSOLL KEY SHARE-----\n-----END PLIMSOLL KEY SHARE-----", "line 1 is not \"Version: …\"")]
    [InlineData("-----BEGIN PLIMSOLL KEY SHARE-----\nVersion: 2\n-----END PLIMSOLL KEY SHARE-----", "line 2 is not \"Set: …\"")]
    public void Parse_NoShare_SaysWhatIsWrong(string text, string wanted) =>
        Assert.Contains(wanted, Assert.Throws<KeyException>(() => KeyShare.Parse(text, "s.txt")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(3, 4)]
    [InlineData(256, 3)]
    public void Split_ImpossibleNumbers_IsRefused(int shares, int threshold)
    {
        using ISigner signer = KeyFile.Generate(KeyAlgorithm.Ed25519);
        Assert.Contains("wanted a threshold", Assert.Throws<KeyException>(() => KeyShare.Split(signer, "k", shares, threshold)).Message, StringComparison.Ordinal);
    }
}
