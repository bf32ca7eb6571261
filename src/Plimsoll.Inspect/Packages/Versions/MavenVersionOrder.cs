namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Maven's order of versions.</summary>
/// <remarks>
/// Source: maven.apache.org/pom.html, "Version Order Specification", and ComparableVersion: tokens between dots, hyphens and
/// changes from digits to letters; what stands for nothing (0, ga, final, release) is cut before a hyphen, a word and the end;
/// then word below the end (alpha … snapshot) &lt; end &lt; sp &lt; other words &lt; hyphen and number &lt; dot and number. Versions are
/// compared token by token as if each went on with ends for ever, so the order is total.
/// </remarks>
public sealed class MavenVersionOrder : IVersionOrder
{
    private const int End = 5, OtherWord = 7, HyphenNumber = 8, DotNumber = 9;

    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        Tokens a = new(first), b = new(second);
        while (true)
        {
            bool more1 = a.MoveNext(), more2 = b.MoveNext();
            if (!more1 && !more2)
                return 0;
            int order = a.Current.Rank - b.Current.Rank;
            if (order == 0)
                order = a.Current.Rank >= HyphenNumber ? DigitRun.Compare(a.Current.Value, b.Current.Value)
                    : a.Current.Rank == OtherWord ? VersionText.CompareFolded(a.Current.Value, b.Current.Value) : 0;
            if (order != 0)
                return order;
        }
    }

    /// <remarks>Maven takes every text; one with spaces or a placeholder that was never filled in has no place in an order.</remarks>
    public bool IsValid(ReadOnlySpan<char> version) => version.Length > 0 && !version.ContainsAnyExceptInRange('!', '~') && !version.Contains('$');

    private readonly ref struct Token(int rank, ReadOnlySpan<char> value, bool hyphen)
    {
        public int Rank { get; } = rank;
        public ReadOnlySpan<char> Value { get; } = value;
        public bool IsHyphen { get; } = hyphen;
        public bool IsWord => Rank <= OtherWord;

        /// <summary>Whether it stands for nothing.</summary>
        public bool IsNull => Rank == End || (Rank >= HyphenNumber && Value.IndexOfAnyExcept('0') < 0);
    }

    private ref struct Tokens(ReadOnlySpan<char> version)
    {
        private ReadOnlySpan<char> _rest = version;
        private bool _started, _hyphen, _separated = true, _knownToStay;

        public Token Current { get; private set; } = new(End, default, false);

        public bool MoveNext()
        {
            while (Take(out Token token))
            {
                // The first token stays, whatever it is.
                bool first = !_started;
                _started = true;
                if (!first && token.IsNull && !Stays())
                    continue;
                if (!token.IsNull)
                    _knownToStay = false;
                Current = token;
                return true;
            }
            Current = new Token(End, default, false);
            return false;
        }

        /// <summary>Whether what stands for nothing here is followed by a number behind a dot, through others like it.</summary>
        private bool Stays()
        {
            if (_knownToStay)
                return true;
            Tokens ahead = this;
            while (ahead.Take(out Token token))
                if (token.IsHyphen || (token.IsWord && token.Rank != End))
                    return false;
                else if (!token.IsNull)
                    return _knownToStay = true;
            return false;
        }

        private bool Take(out Token token)
        {
            if (_rest.IsEmpty && (!_separated || !_started))
            {
                token = default;
                return false;
            }
            int length = _rest.IsEmpty || _rest[0] is '.' or '-' ? 0 : VersionText.RunLength(_rest, ".-");
            ReadOnlySpan<char> value = _rest[..length];
            _rest = _rest[length..];
            bool hyphen = _hyphen;
            // A change between digits and letters counts as a hyphen.
            _separated = _rest.Length > 0 && _rest[0] is '.' or '-';
            _hyphen = _rest.Length > 0 && _rest[0] != '.';
            bool beforeNumber = _rest.Length > 0 && !_separated;
            if (_separated)
                _rest = _rest[1..];
            token = value.IsEmpty || char.IsAsciiDigit(value[0])
                ? new Token(hyphen ? HyphenNumber : DotNumber, value, hyphen)
                : new Token(RankOf(value, beforeNumber), value, hyphen);
            return true;
        }

        private static int RankOf(ReadOnlySpan<char> word, bool beforeNumber) => word.Length switch
        {
            1 when beforeNumber => (word[0] | 0x20) switch { 'a' => 0, 'b' => 1, 'm' => 2, _ => OtherWord },
            2 => Is(word, "rc") || Is(word, "cr") ? 3 : Is(word, "ga") ? End : Is(word, "sp") ? 6 : OtherWord,
            4 => Is(word, "beta") ? 1 : OtherWord,
            5 => Is(word, "alpha") ? 0 : Is(word, "final") ? End : OtherWord,
            7 => Is(word, "release") ? End : OtherWord,
            8 => Is(word, "snapshot") ? 4 : OtherWord,
            9 => Is(word, "milestone") ? 2 : OtherWord,
            _ => OtherWord,
        };

        private static bool Is(ReadOnlySpan<char> word, string lower) => VersionText.EqualsFolded(word, lower);
    }
}
