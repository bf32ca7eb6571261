using Plimsoll.Docker;

namespace Plimsoll.Tests.Docker;

public sealed class Crc64Tests
{
    /// <summary>The check value of CRC-64/GO-ISO in the catalogue of parametrised CRC algorithms.</summary>
    [Fact]
    public void Update_CheckString_GivesTheCataloguedValue() => Assert.Equal(0xB90956C775A41001UL, Crc64.Update(0, "123456789"u8));

    [Fact]
    public void Update_InPieces_EqualsInOne()
    {
        byte[] data = [.. Enumerable.Range(0, 1000).Select(i => (byte)(i * 31))];
        ulong whole = Crc64.Update(0, data);
        for (int cut = 0; cut < 40; cut++)
            Assert.Equal(whole, Crc64.Update(Crc64.Update(0, data.AsSpan(0, cut)), data.AsSpan(cut)));
    }
}
