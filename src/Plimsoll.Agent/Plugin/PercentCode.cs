using System.Text;

namespace Plimsoll.Agent.Plugin;

/// <summary>Percent-encoding as Go's net/url undoes it, once.</summary>
internal static class PercentCode
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <param name="isQuery">A plus sign is a space there, and only there.</param>
    /// <returns>Null when a percent sign has no two hex digits behind it, or the bytes are no UTF-8.</returns>
    public static string? Decode(ReadOnlySpan<char> text, bool isQuery)
    {
        // ASCII is all that a request's target may hold, so that a character is a byte.
        if (!text.ContainsAny('%', '+'))
            return text.ToString();
        byte[] bytes = new byte[text.Length];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c != '%')
            {
                bytes[length++] = c == '+' && isQuery ? (byte)' ' : (byte)c;
                continue;
            }
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                return null;
            bytes[length++] = (byte)((Value(text[i + 1]) << 4) | Value(text[i + 2]));
            i += 2;
        }
        try
        {
            return Strict.GetString(bytes, 0, length);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static int Value(char digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
