using System.Security.Cryptography;
using Plimsoll.Keys;

namespace Plimsoll.Tests.Keys;

/// <summary>Hybrid keys for tests, which run on hosts with ML-DSA and without: each says what must happen on which.</summary>
internal static class Hybrids
{
    /// <summary>Whether ML-DSA is here. In Debian 13's root it must be, or its tests would pass without having looked.</summary>
    public static bool Supported { get; } = MLDsa.IsSupported
        || (Environment.GetEnvironmentVariable("PLIMSOLL_TEST_ML_DSA") is null ? false : throw new InvalidOperationException($"PLIMSOLL_TEST_ML_DSA: {MlDsa65.Unsupported}"));

    /// <summary>Classical with Ed25519 in the place of ML-DSA: all that does not depend on the algorithm, on every platform.</summary>
    public static ISigner StandIn() => new HybridSigner(KeyFile.Generate(KeyAlgorithm.EcdsaP256), KeyFile.Generate(KeyAlgorithm.Ed25519));

    /// <summary>1952 bytes that are an ML-DSA-65 key by their form.</summary>
    public static PublicKey SomeMlDsa(byte first = 1) => new MlDsaPublicKey((byte[])[first, .. Enumerable.Range(0, MlDsa65.PublicBytes - 1).Select(i => (byte)(i * 7))]);

    /// <summary>The classical part, and the public key that it makes with <see cref="SomeMlDsa"/>, whose private half nobody has.</summary>
    public static (ISigner Classical, PublicKey Both) Half(KeyAlgorithm algorithm = KeyAlgorithm.EcdsaP256)
    {
        ISigner classical = KeyFile.Generate(algorithm);
        return (classical, new HybridPublicKey(KeyFile.ReadSpki(classical.PublicKey.Spki, "k"), SomeMlDsa()));
    }

    /// <summary>Signs as one who has the classical part alone and claims the rest.</summary>
    /// <param name="second">In the place of the ML-DSA signature.</param>
    public sealed class Forger(ISigner classical, PublicKey claims, byte[]? second) : ISigner
    {
        public PublicKey PublicKey => new Claimed(claims, second is not null);

        public byte[] Sign(ReadOnlySpan<byte> data)
        {
            byte[] first = classical.Sign(data);
            return second is null ? first : [0, (byte)first.Length, .. first, .. second];
        }

        public void Dispose() => classical.Dispose();
    }

    /// <summary>Splits as a hybrid key does, or not.</summary>
    private sealed class Claimed(PublicKey key, bool both) : PublicKey(key.Algorithm, key.Spki)
    {
        public override IReadOnlyList<PublicKey> Parts => both ? key.Parts : [key.Parts[0]];

        public override bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => false;

        public override IReadOnlyList<ReadOnlyMemory<byte>> Split(ReadOnlyMemory<byte> signature) => both ? key.Split(signature) : [signature];
    }
}
