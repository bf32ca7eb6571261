namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>RubyGems: runs of digits and of letters; letters stand below numbers, and 0 stands for what is missing.</summary>
/// <remarks>
/// Source: Gem::Version#&lt;=&gt; and #canonical_segments: zeros just before the first letters and at the end do not count. A dash reads
/// as <c>.pre.</c>. Segments are compared item by item as if each version went on with zeros for ever, so the order is total.
/// </remarks>
public sealed class RubyGemsVersionOrder : IVersionOrder
{
    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        Segments a = new(first), b = new(second);
        while (true)
        {
            bool more1 = a.MoveNext(), more2 = b.MoveNext();
            if (!more1 && !more2)
                return 0;
            if (a.IsWord != b.IsWord)
                return a.IsWord ? -1 : 1;
            int order = a.IsWord ? a.Value.SequenceCompareTo(b.Value) : DigitRun.Compare(a.Value, b.Value);
            if (order != 0)
                return order;
        }
    }

    /// <remarks>Gem::Version::VERSION_PATTERN.</remarks>
    public bool IsValid(ReadOnlySpan<char> version)
    {
        if (version.IsEmpty || !char.IsAsciiDigit(version[0]))
            return false;
        bool dashed = false;
        for (int i = 0; i < version.Length; i++)
        {
            char c = version[i];
            if (char.IsAsciiLetterOrDigit(c))
                continue;
            if (i + 1 == version.Length || !char.IsAsciiLetterOrDigit(version[i + 1]) || (c != '-' && c != '.') || (c == '-' && dashed))
                return false;
            dashed |= c == '-';
        }
        return true;
    }

    private ref struct Segments(ReadOnlySpan<char> version)
    {
        private ReadOnlySpan<char> _rest = version;
        private int _zeros;
        private bool _hadWord, _held, _pre;
        private ReadOnlySpan<char> _heldValue;

        public ReadOnlySpan<char> Value { get; private set; }
        public bool IsWord { get; private set; }

        /// <summary>Goes on; at the end the value stays an empty number, which is 0.</summary>
        public bool MoveNext()
        {
            if (_zeros > 0)
            {
                _zeros--;
                return Set(default, false);
            }
            if (_held)
            {
                _held = false;
                return Set(_heldValue, !char.IsAsciiDigit(_heldValue[0]));
            }
            int zeros = 0;
            while (Next(out ReadOnlySpan<char> value))
            {
                bool word = !char.IsAsciiDigit(value[0]);
                if (!word && value.IndexOfAnyExcept('0') < 0)
                {
                    zeros++;
                    continue;
                }
                // Zeros just before the first letters do not count.
                if (word && !_hadWord)
                    zeros = 0;
                _hadWord |= word;
                if (zeros == 0)
                    return Set(value, word);
                _zeros = zeros - 1;
                _held = true;
                _heldValue = value;
                return Set(default, false);
            }
            Set(default, false);
            return false;
        }

        private bool Next(out ReadOnlySpan<char> value)
        {
            while (true)
            {
                if (_pre)
                {
                    _pre = false;
                    value = "pre";
                    return true;
                }
                if (_rest.IsEmpty)
                {
                    value = default;
                    return false;
                }
                char c = _rest[0];
                if (c == '-' || c == '.')
                {
                    _pre = c == '-';
                    _rest = _rest[1..];
                    continue;
                }
                int length = VersionText.RunLength(_rest, ".-");
                value = _rest[..length];
                _rest = _rest[length..];
                return true;
            }
        }

        private bool Set(ReadOnlySpan<char> value, bool word)
        {
            Value = value;
            IsWord = word;
            return true;
        }
    }
}
