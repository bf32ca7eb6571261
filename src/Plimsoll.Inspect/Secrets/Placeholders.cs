using System.Buffers;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Tells values that stand for a secret from secrets.</summary>
internal static class Placeholders
{
    /// <summary>Words that no random text of a token's length holds by chance.</summary>
    private static readonly SearchValues<string> Words = SearchValues.Create(
        ["example", "changeme", "change-me", "change_me", "changethis", "placeholder", "your-", "your_", "yourtoken", "yourkey", "yoursecret", "yourpass", "xxxx", "dummy", "sample", "replace", "redacted", "insert-", "insert_", "enter-", "enter_",
            "not-a-", "notasecret", "notreal", "not_real", "fake", "foobar", "deadbeef", "0123456", "1234567890", "abcdefgh", "qwerty", "fedcba", "00000000", "11111111", "....", "****", "----", "____", "mysecret", "my-secret", "my_secret", "mypass", "my_pass", "secretkey123", "test-key", "test_key", "testkey", "testtoken", "thisis", "this-is", "this_is", "undefined", "lorem", "todo-", "hunter2"],
        StringComparison.OrdinalIgnoreCase);

    /// <summary>Whole values that people write where a password would stand.</summary>
    private static readonly HashSet<string> Values = new(
        ["password", "passwd", "passw0rd", "pass", "pwd", "secret", "token", "key", "apikey", "api_key", "user", "username", "admin", "root", "test", "testing", "none", "null", "nil", "true", "false", "empty", "string", "hidden", "prompt", "postgres", "mysql", "mongo", "redis", "guest",
            "rabbitmq", "foo", "bar", "baz", "default", "optional", "required", "unset", "blank", "value", "anonymous", "localhost", "changeit", "letmein", "p@ssw0rd", "p4ssw0rd", "mypassword", "userpass", "passphrase", "credentials", "credential"],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a value only shows where one would stand.</summary>
    public static bool Holds(ReadOnlySpan<char> value)
    {
        if (value.IsEmpty || value.ContainsAny(Words) || IsReference(value) || IsRepetitive(value))
            return true;
        return value.Length <= 24 && Values.GetAlternateLookup<ReadOnlySpan<char>>().Contains(value);
    }

    /// <summary>A variable or a field of a template.</summary>
    private static bool IsReference(ReadOnlySpan<char> value)
    {
        char first = value[0], last = value[^1];
        if (first == '$' && value.Length > 1 && (value[1] is '{' or '(' or '[' or '$' || char.IsAsciiLetter(value[1]) || value[1] == '_') && !value.StartsWith("$2", StringComparison.Ordinal))
            return true;
        return first == '<' || first == '{' || first == '[' && last == ']' || first == '%' && last == '%' || first == '@' && last == '@' || value.IndexOf("{{", StringComparison.Ordinal) >= 0
            || value.IndexOf("${", StringComparison.Ordinal) >= 0 || value.IndexOf("#{", StringComparison.Ordinal) >= 0 || value.IndexOf("%(", StringComparison.Ordinal) >= 0 || value.IndexOf("%s", StringComparison.Ordinal) >= 0 && value.Length < 12;
    }

    /// <summary>Up to so many characters over and over are nobody's secret.</summary>
    private const int MaxPeriod = 8;

    /// <summary>A few characters over and over, in capital or small letters, or characters in the order of the alphabet.</summary>
    private static bool IsRepetitive(ReadOnlySpan<char> value)
    {
        for (int period = 1; period <= MaxPeriod; period++)
        {
            int same = 0;
            for (int i = period; i < value.Length; i++)
                same += value[i] == value[i - period] || period > 4 && char.IsAsciiLetter(value[i]) && (value[i] ^ value[i - period]) == 0x20 ? 1 : 0;
            // Eight letters twice over may be a password that somebody doubled; three times is a filler.
            if (value.Length >= (period > 4 ? 3 : 2) * period && same >= (value.Length - period) * 9 / 10 && value.Length > period)
                return true;
        }
        int run = 1;
        for (int i = 1; i < value.Length; i++)
        {
            run = value[i] == value[i - 1] + 1 ? run + 1 : 1;
            if (run >= 8)
                return true;
        }
        return false;
    }

    /// <summary>Shannon's entropy in bits per character.</summary>
    public static double Entropy(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
            return 0;
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        foreach (char c in text)
            counts[c & 0xFF]++;
        double bits = 0;
        foreach (int count in counts)
            if (count > 0)
            {
                double share = (double)count / text.Length;
                bits -= share * Math.Log2(share);
            }
        return bits;
    }
}
