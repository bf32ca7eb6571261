namespace Plimsoll.Keys;

/// <summary>The key derivation of RFC 7914 by OpenSSL, with a bound on what a file from outside may ask for.</summary>
public static class Scrypt
{
    /// <summary>Bytes of memory that a file may ask for, <c>128·N·r</c>; cosign asks for 64 MiB.</summary>
    public const long MaxMemoryBytes = 256L * 1024 * 1024;

    /// <summary>Bytes mixed in all, <c>128·N·r·p</c>: some three seconds.</summary>
    public const long MaxWorkBytes = 1024L * 1024 * 1024;

    /// <summary>Bytes of salt; 16 to 32 are usual.</summary>
    public const int MaxSaltBytes = 1024;

    /// <param name="n">A power of two from 2.</param>
    /// <param name="name">What the file is called in errors.</param>
    /// <exception cref="KeyException">The parameters are none, or cost more than the limits above.</exception>
    public static void Derive(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, long n, long r, long p, Span<byte> key, string name)
    {
        if (n < 2 || (n & (n - 1)) != 0 || r < 1 || p < 1)
            throw new KeyException($"{name}: scrypt with N {n}, r {r}, p {p} does not exist");
        // Each is compared by itself first, so that no product overflows.
        if (n > MaxMemoryBytes || r > MaxMemoryBytes || 128 * n > MaxMemoryBytes / r)
            throw new KeyException($"{name}: scrypt with N {n}, r {r} needs more than {MaxMemoryBytes} bytes (MaxMemoryBytes)");
        if (p > MaxWorkBytes / (128 * n * r))
            throw new KeyException($"{name}: scrypt with N {n}, r {r}, p {p} costs more than {MaxWorkBytes} bytes mixed (MaxWorkBytes)");
        if (salt.Length > MaxSaltBytes)
            throw new KeyException($"{name}: a salt of {salt.Length} bytes; wanted at most {MaxSaltBytes} (MaxSaltBytes)");
        // OpenSSL counts some blocks of its own on top.
        LibCrypto.Scrypt(password, salt, (ulong)n, (ulong)r, (ulong)p, (ulong)(MaxWorkBytes + MaxMemoryBytes), key);
    }
}
