using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Posix;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Posix;

public sealed class HandedFileTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 5)]
    [InlineData(5, 1_000_000)]
    [InlineData(0, 10)]
    public void Seal_Bytes_GivesThemWithZerosAfterThem(int bytes, long length)
    {
        byte[] content = new byte[bytes];
        Array.Fill(content, (byte)7);
        using SafeFileHandle file = HandedFile.Seal(content, length);
        byte[] read = new byte[length + 1];

        int got = RandomAccess.Read(file, read, 0);

        Assert.Equal(length, got);
        Assert.Equal(content, read[..bytes]);
        Assert.Equal(-1, read.AsSpan(bytes).IndexOfAnyExcept((byte)0));
        Assert.Equal(0xf, DescriptorSocket.SealsOf(file) & 0xf);
        Assert.ThrowsAny<Exception>(() => RandomAccess.Write(file, "x"u8, 0));
        Assert.ThrowsAny<Exception>(() => RandomAccess.SetLength(file, length + 1));
    }

    [Fact]
    public void Seal_LengthBelowThatOfTheBytes_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => HandedFile.Seal("abc"u8, 2));

    [Fact]
    public void Send_File_ArrivesWithTheBytes()
    {
        (Socket ours, Socket theirs) = Pair();
        using (ours)
        using (theirs)
        using (SafeFileHandle file = HandedFile.Seal("content"u8, 7))
        using (DescriptorSocket reader = new(theirs))
        {
            HandedFile.Send(ours, "hello"u8, file, TimeSpan.FromSeconds(1));
            byte[] said = new byte[5], content = new byte[7];
            reader.ReadExactly(said);

            Assert.Equal("hello"u8, said);
            Assert.Equal(7, RandomAccess.Read(reader.Descriptor!, content, 0));
            Assert.Equal("content"u8, content);
        }
    }

    [Fact]
    public void Send_ToOneThatTakesNothing_EndsInTime()
    {
        (Socket ours, Socket theirs) = Pair();
        using (ours)
        using (theirs)
        using (SafeFileHandle file = HandedFile.Seal("content"u8, 7))
        {
            SocketException failure = Assert.Throws<SocketException>(() =>
            {
                for (int i = 0; i < 100_000; i++)
                    HandedFile.Send(ours, new byte[4096], file, TimeSpan.FromMilliseconds(200));
            });

            Assert.Equal(SocketError.TimedOut, failure.SocketErrorCode);
        }
    }

    [Fact]
    public void Send_ToOneThatIsGone_IsAnErrorAndNoSignal()
    {
        (Socket ours, Socket theirs) = Pair();
        using (ours)
        using (SafeFileHandle file = HandedFile.Seal("content"u8, 7))
        {
            theirs.Dispose();

            Assert.Throws<SocketException>(() => HandedFile.Send(ours, "hello"u8, file, TimeSpan.FromSeconds(1)));
        }
    }

    private static (Socket Ours, Socket Theirs) Pair()
    {
        using TempFolder folder = new();
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(folder["socket"]));
        listener.Listen();
        Socket ours = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        ours.Connect(new UnixDomainSocketEndPoint(folder["socket"]));
        return (ours, listener.Accept());
    }
}
