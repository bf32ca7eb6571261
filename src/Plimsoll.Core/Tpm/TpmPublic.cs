using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Plimsoll.Tpm;

/// <summary>The public half of an object in a TPM: what it is, what it may do, and its key. A TPMT_PUBLIC.</summary>
/// <remarks>Source: TPM 2.0 Library, Part 2, "TPMT_PUBLIC". Of the many shapes there those of keys and sealed data in use are known.</remarks>
public sealed record TpmPublic
{
    /// <summary>Bytes of a public area; an RSA key of 4096 bits has some 560.</summary>
    public const int MaxBytes = 1024;

    private const int MaxPolicyBytes = 64, MaxRsaBytes = 512, MaxCoordinateBytes = 66;

    public TpmAlgorithm Type { get; private init; }

    /// <summary>The hash of the object's name.</summary>
    public TpmAlgorithm NameAlgorithm { get; private init; }

    public TpmObjectAttributes Attributes { get; private init; }

    /// <summary>Empty, or a digest of <see cref="NameAlgorithm"/>.</summary>
    public ReadOnlyMemory<byte> Policy { get; private init; }

    /// <summary>Bits of the AES key that a storage key wraps its children with; 0 for others.</summary>
    public int SymmetricBits { get; private init; }

    /// <summary>RsaSsa, RsaPss, EcDsa, or Null where each use says it.</summary>
    public TpmAlgorithm Scheme { get; private init; } = TpmAlgorithm.Null;

    /// <summary>The hash of <see cref="Scheme"/>; Null where that is.</summary>
    public TpmAlgorithm SchemeHash { get; private init; } = TpmAlgorithm.Null;

    public int RsaBits { get; private init; }

    /// <summary>3 for P-256, 4 for P-384; 0 for what is no ECC key.</summary>
    public int CurveId { get; private init; }

    /// <summary>An RSA modulus or an X coordinate, big-endian.</summary>
    public ReadOnlyMemory<byte> X { get; private init; }

    public ReadOnlyMemory<byte> Y { get; private init; }

    private uint Exponent { get; init; }

    /// <summary>As the TPM wrote it, without a length before it.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private init; }

    /// <summary><c>nameAlg ‖ H(public area)</c>: what the object is called in signatures and credentials. Source: Part 1, "Names".</summary>
    public byte[] Name => new TpmWriter().U16(NameAlgorithm).Bytes(NameAlgorithm.Of(Bytes.Span)).ToArray();

    /// <exception cref="TpmException">Malformed, or Unsupported for a shape that is not known here.</exception>
    public static TpmPublic Parse(ReadOnlySpan<byte> bytes)
    {
        TpmReader reader = new(bytes, "TPMT_PUBLIC");
        if (bytes.Length > MaxBytes)
            throw TpmException.Malformed($"TPMT_PUBLIC: {bytes.Length} bytes; at most {MaxBytes} are allowed");
        TpmAlgorithm type = reader.Algorithm(), name = reader.Algorithm();
        if (name.Size() == 0)
            throw new TpmException(TpmError.Unsupported, $"TPMT_PUBLIC: names are made with the unknown hash {name.Word()}");
        TpmPublic read = new() { Type = type, NameAlgorithm = name, Attributes = (TpmObjectAttributes)reader.U32(), Policy = reader.Sized(MaxPolicyBytes).ToArray(), Bytes = bytes.ToArray() };
        switch (type)
        {
            case TpmAlgorithm.Rsa:
                {
                    int symmetric = Symmetric(ref reader);
                    (TpmAlgorithm scheme, TpmAlgorithm hash) = SchemeOf(ref reader);
                    int bits = reader.U16();
                    uint exponent = reader.U32();
                    read = read with { SymmetricBits = symmetric, Scheme = scheme, SchemeHash = hash, RsaBits = bits, Exponent = exponent, X = reader.Sized(MaxRsaBytes).ToArray() };
                    break;
                }
            case TpmAlgorithm.Ecc:
                {
                    int symmetric = Symmetric(ref reader);
                    (TpmAlgorithm scheme, TpmAlgorithm hash) = SchemeOf(ref reader);
                    int curve = reader.U16();
                    if (reader.Algorithm() is var kdf && kdf != TpmAlgorithm.Null)
                        throw new TpmException(TpmError.Unsupported, $"TPMT_PUBLIC: key derivation scheme 0x{(int)kdf:x4} is not known");
                    read = read with { SymmetricBits = symmetric, Scheme = scheme, SchemeHash = hash, CurveId = curve, X = reader.Sized(MaxCoordinateBytes).ToArray(), Y = reader.Sized(MaxCoordinateBytes).ToArray() };
                    break;
                }
            case TpmAlgorithm.KeyedHash:
                if (reader.Algorithm() is var keyed && keyed != TpmAlgorithm.Null)
                    throw new TpmException(TpmError.Unsupported, $"TPMT_PUBLIC: keyed hash scheme 0x{(int)keyed:x4} is not known");
                read = read with { X = reader.Sized(MaxPolicyBytes).ToArray() };
                break;
            default:
                throw new TpmException(TpmError.Unsupported, $"TPMT_PUBLIC: type 0x{(int)type:x4} is not known");
        }
        reader.End();
        return read;
    }

    private static int Symmetric(ref TpmReader reader)
    {
        TpmAlgorithm cipher = reader.Algorithm();
        if (cipher == TpmAlgorithm.Null)
            return 0;
        int bits = reader.U16();
        TpmAlgorithm mode = reader.Algorithm();
        return cipher == TpmAlgorithm.Aes && mode == TpmAlgorithm.Cfb && bits is 128 or 192 or 256 ? bits
            : throw new TpmException(TpmError.Unsupported, $"TPMT_PUBLIC: cipher 0x{(int)cipher:x4} with {bits} bits in mode 0x{(int)mode:x4}; wanted AES in CFB mode");
    }

    private static (TpmAlgorithm Scheme, TpmAlgorithm Hash) SchemeOf(ref TpmReader reader)
    {
        TpmAlgorithm scheme = reader.Algorithm();
        return scheme switch
        {
            TpmAlgorithm.Null => (scheme, TpmAlgorithm.Null),
            TpmAlgorithm.RsaSsa or TpmAlgorithm.RsaPss or TpmAlgorithm.EcDsa or TpmAlgorithm.Oaep => (scheme, reader.Algorithm()),
            _ => throw new TpmException(TpmError.Unsupported, $"TPMT_PUBLIC: scheme 0x{(int)scheme:x4} is not known"),
        };
    }

    /// <summary>A SubjectPublicKeyInfo, DER. Source: RFC 5280, 4.1.2.7.</summary>
    /// <exception cref="TpmException">Malformed: no such key exists; Unsupported: another curve.</exception>
    public byte[] ToSpki()
    {
        if (Type == TpmAlgorithm.Rsa)
        {
            using RSA rsa = ToRsa();
            return rsa.ExportSubjectPublicKeyInfo();
        }
        using ECDsa key = ToEcDsa();
        return key.ExportSubjectPublicKeyInfo();
    }

    internal RSA ToRsa()
    {
        if (Type != TpmAlgorithm.Rsa || X.IsEmpty)
            throw TpmException.Malformed("the public area holds no RSA key");
        // 0 stands for 65537. Source: Part 2, "TPMS_RSA_PARMS".
        byte[] exponent = new TpmWriter().U32(Exponent == 0 ? 65537 : Exponent).ToArray();
        return Made(() => RSA.Create(new RSAParameters { Modulus = X.ToArray(), Exponent = exponent.AsSpan().TrimStart((byte)0).ToArray() }));
    }

    // By the object and not in it, as a copy of a record with another value in it would keep the former key.
    private static readonly ConditionalWeakTable<TpmPublic, AsymmetricAlgorithm> Verifiers = [];

    /// <summary>The key to check signatures with, made once and kept as long as this object; nobody disposes it. Making one takes longer than a check.</summary>
    /// <exception cref="TpmException">As <see cref="ToSpki"/>.</exception>
    internal ECDsa EcVerifier => (ECDsa)Verifiers.GetValue(this, static key => key.ToEcDsa());

    /// <inheritdoc cref="EcVerifier"/>
    internal RSA RsaVerifier => (RSA)Verifiers.GetValue(this, static key => key.ToRsa());

    internal ECDsa ToEcDsa() => Made(() => ECDsa.Create(ToPoint()));

    internal ECDiffieHellman ToEcdh() => Made(() => ECDiffieHellman.Create(ToPoint()));

    internal ECCurve Curve => CurveId switch
    {
        3 => ECCurve.NamedCurves.nistP256,
        4 => ECCurve.NamedCurves.nistP384,
        _ => throw new TpmException(TpmError.Unsupported, $"curve 0x{CurveId:x4} is not known; wanted P-256 or P-384"),
    };

    internal int CoordinateBytes => CurveId == 4 ? 48 : 32;

    private ECParameters ToPoint()
    {
        if (Type != TpmAlgorithm.Ecc)
            throw TpmException.Malformed("the public area holds no ECC key");
        return new ECParameters { Curve = Curve, Q = new ECPoint { X = Padded(X.Span, CoordinateBytes), Y = Padded(Y.Span, CoordinateBytes) } };
    }

    /// <summary>A TPM may leave out leading zeros.</summary>
    internal static byte[] Padded(ReadOnlySpan<byte> number, int length)
    {
        if (number.Length > length)
            throw TpmException.Malformed($"a coordinate of {number.Length} bytes on a curve of {length}");
        byte[] padded = new byte[length];
        number.CopyTo(padded.AsSpan(length - number.Length));
        return padded;
    }

    private static T Made<T>(Func<T> make)
    {
        try
        {
            return make();
        }
        catch (CryptographicException e)
        {
            throw new TpmException(TpmError.Malformed, "the public area holds no valid key", null, e);
        }
    }
}
