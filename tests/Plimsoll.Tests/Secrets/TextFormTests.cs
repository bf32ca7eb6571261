using System.Text;
using Plimsoll.Inspect.Secrets;

namespace Plimsoll.Tests.Secrets;

public sealed class TextFormTests
{
    public static TheoryData<string, byte[], bool> Starts => new()
    {
        { "text", "a = 1\n"u8.ToArray(), true },
        { "text behind a zero", [0, .. Encoding.UTF8.GetBytes(new string('a', 511))], true },
        { "nothing but zeros", new byte[512], false },
        { "a program", [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, .. Encoding.UTF8.GetBytes(new string('a', 500))], false },
        { "an archive", [.. "PK\x03\x04\x14"u8, .. Encoding.UTF8.GetBytes(new string('a', 500))], false },
        { "a library of objects", [.. "!<arch>\n/   \0"u8, .. Encoding.UTF8.GetBytes(new string('a', 500))], false },
        { "random bytes", Random(512), false },
        { "half zeros", [.. Enumerable.Range(0, 512).Select(i => i % 4 < 2 ? (byte)0 : (byte)'a')], false },
        { "numbers of two bytes", [.. Enumerable.Range(0, 256).SelectMany(i => BitConverter.GetBytes((ushort)(i * 37 % 200)))], false },
    };

    private static byte[] Random(int length)
    {
        byte[] bytes = new byte[length];
        new Random(7).NextBytes(bytes);
        return bytes;
    }

    [Theory]
    [MemberData(nameof(Starts))]
    public void MayBeText_Start_TellsTextsFromPrograms(string what, byte[] start, bool expected) => Assert.True(TextForm.MayBeText(start) == expected, what);

    [Theory]
    [InlineData("utf-16", true, true)]
    [InlineData("utf-16", false, true)]
    [InlineData("utf-16BE", true, true)]
    [InlineData("utf-16BE", false, true)]
    [InlineData("utf-32", true, true)]
    [InlineData("utf-8", true, false)]
    [InlineData("utf-8", false, false)]
    public void WideOf_TextInAnEncoding_ReadsItAgain(string name, bool marked, bool wide)
    {
        const string text = "password = something\n# and more of it\n";
        Encoding encoding = Encoding.GetEncoding(name);
        byte[] bytes = [.. marked ? encoding.GetPreamble() : [], .. encoding.GetBytes(text)];

        TextForm.Wide? form = TextForm.WideOf(bytes);

        Assert.Equal(wide, form is not null);
        if (form is { } of)
            Assert.Equal(text, of.Encoding.GetString(bytes.AsSpan(of.Mark)));
    }
}
