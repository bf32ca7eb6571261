using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Plimsoll.Tests.Tpm;

/// <summary>A crypto-agile boot log with banks of SHA-256 and SHA-384.</summary>
internal sealed class BootLogBuilder
{
    private readonly List<byte> _bytes = [];

    public BootLogBuilder()
    {
        byte[] header = [.. "Spec ID Event03\0"u8, 0, 0, 0, 0, 0, 2, 0, 2, 2, 0, 0, 0, 0x0B, 0, 32, 0, 0x0C, 0, 48, 0, 0];
        Write(0u, 3u);
        _bytes.AddRange(new byte[20]);
        Write((uint)header.Length);
        _bytes.AddRange(header);
    }

    public List<(int Pcr, byte[] Sha256, byte[] Sha384)> Extended { get; } = [];

    public BootLogBuilder Event(uint pcr, uint type, byte[] data, byte[]? digestOf = null)
    {
        byte[] sha256 = SHA256.HashData(digestOf ?? data), sha384 = SHA384.HashData(digestOf ?? data);
        Write(pcr, type, 2u);
        _bytes.AddRange([0x0B, 0]);
        _bytes.AddRange(sha256);
        _bytes.AddRange([0x0C, 0]);
        _bytes.AddRange(sha384);
        Write((uint)data.Length);
        _bytes.AddRange(data);
        if (type != 3)
            Extended.Add(((int)pcr, sha256, sha384));
        return this;
    }

    public BootLogBuilder Locality(byte locality) => Event(0, 3, [.. "StartupLocality\0"u8, locality]);

    /// <summary>A boot of a machine called by a name.</summary>
    public static BootLogBuilder Machine(string name)
    {
        BootLogBuilder log = new();
        log.Event(0, 8, Encoding.UTF8.GetBytes(name + " firmware 1")).Event(4, 0x80000003, Encoding.UTF8.GetBytes(name + " loader")).Event(7, 0x80000001, "SecureBoot=1"u8.ToArray());
        for (uint pcr = 0; pcr < 8; pcr++)
            log.Event(pcr, 4, [0, 0, 0, 0]);
        return log;
    }

    public byte[] Build() => [.. _bytes];

    private void Write(params uint[] numbers)
    {
        Span<byte> four = stackalloc byte[4];
        foreach (uint number in numbers)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(four, number);
            _bytes.AddRange(four);
        }
    }
}
