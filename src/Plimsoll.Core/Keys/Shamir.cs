using System.Security.Cryptography;

namespace Plimsoll.Keys;

/// <summary>Shamir's secret sharing, byte by byte over GF(2^8) with the AES polynomial; the bytes of a share are those of HashiCorp Vault.</summary>
/// <remarks>
/// A share is as many bytes as the secret, and its x as the last one. The field's arithmetic looks nothing up in tables and takes no
/// branch on a secret, so that neither caches nor clocks tell of it. Source: A. Shamir, "How to share a secret", 1979; form of a share: Vault's
/// package shamir.
/// </remarks>
internal static class Shamir
{
    /// <summary>The field has so many points that are not 0, where the secret is.</summary>
    public const int MaxShares = 255;

    /// <summary>Bytes of a secret: PKCS#8 of RSA with 16384 bits has some 9400.</summary>
    public const int MaxSecretBytes = 16 * 1024;

    /// <summary>x^8 + x^4 + x^3 + x + 1.</summary>
    private const int Polynomial = 0x11b;

    /// <summary>Shares 1 to <paramref name="shares"/>, of which any <paramref name="threshold"/> give the secret and fewer say nothing but its length.</summary>
    public static byte[][] Split(ReadOnlySpan<byte> secret, int shares, int threshold)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threshold, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(shares, threshold);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shares, MaxShares);
        if (secret.Length is 0 or > MaxSecretBytes)
            throw new ArgumentException($"{secret.Length} bytes, wanted 1 to {MaxSecretBytes} (MaxSecretBytes)", nameof(secret));
        byte[] coefficients = GC.AllocateUninitializedArray<byte>(secret.Length * (threshold - 1), pinned: true);
        try
        {
            RandomNumberGenerator.Fill(coefficients);
            byte[][] made = new byte[shares][];
            for (int x = 1; x <= shares; x++)
            {
                byte[] share = made[x - 1] = GC.AllocateUninitializedArray<byte>(secret.Length + 1, pinned: true);
                for (int i = 0; i < secret.Length; i++)
                {
                    byte y = 0;
                    for (int power = threshold - 2; power >= 0; power--)
                        y = (byte)(Multiply(y, (byte)x) ^ coefficients[(power * secret.Length) + i]);
                    share[i] = (byte)(Multiply(y, (byte)x) ^ secret[i]);
                }
                share[^1] = (byte)x;
            }
            return made;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(coefficients);
        }
    }

    /// <summary>What these shares say together; of too few, or of different secrets, that is some other bytes. Whoever asks overwrites it after use.</summary>
    /// <param name="shares">Of one length, each with another x that is not 0.</param>
    public static byte[] Combine(IReadOnlyList<byte[]> shares)
    {
        ArgumentNullException.ThrowIfNull(shares);
        int length = shares.Count == 0 ? 0 : shares[0].Length - 1;
        if (shares.Count < 2 || length < 1 || shares.Any(s => s.Length != length + 1 || s[^1] == 0) || shares.Select(s => s[^1]).Distinct().Count() != shares.Count)
            throw new ArgumentException("fewer than two shares, or they differ in length, or two have one x", nameof(shares));
        byte[] secret = GC.AllocateArray<byte>(length, pinned: true);
        foreach (byte[] share in shares)
        {
            // What this share counts at 0, in Lagrange's form; a difference is a sum in this field.
            byte weight = 1;
            foreach (byte[] other in shares)
                if (other != share)
                    weight = Multiply(weight, Multiply(other[^1], Inverse((byte)(other[^1] ^ share[^1]))));
            for (int i = 0; i < length; i++)
                secret[i] ^= Multiply(share[i], weight);
        }
        return secret;
    }

    private static byte Multiply(byte a, byte b)
    {
        int product = 0, factor = a;
        for (int bit = 0; bit < 8; bit++)
        {
            product ^= factor & -((b >> bit) & 1);
            factor = (factor << 1) ^ (Polynomial & -(factor >> 7));
        }
        return (byte)product;
    }

    /// <summary>a to the power of 254, which is its inverse since a to the power of 255 is 1.</summary>
    private static byte Inverse(byte a)
    {
        byte result = 1, power = a;
        for (int bit = 1; bit < 8; bit++)
        {
            power = Multiply(power, power);
            result = Multiply(result, power);
        }
        return result;
    }
}
