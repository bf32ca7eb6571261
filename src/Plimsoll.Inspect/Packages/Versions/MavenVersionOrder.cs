namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Maven's order of versions.</summary>
/// <remarks>
/// Source: maven.apache.org/pom.html, "Version Order Specification", and ComparableVersion: tokens between dots, hyphens and
/// changes from digits to letters; what stands for nothing (0, ga, final, release) is cut before a hyphen and the end, and counts as
/// the end before such a word behind a dot as stands below it; then words below the end (alpha … snapshot) &lt; end &lt; sp and other words &lt; hyphen and
/// number &lt; dot and number; among words of one side those behind a dot come first. Versions are compared token by token as if
/// each went on with ends for ever, so the order is total (Maven's own, before 3.9, has circles where words of both sides meet).
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
            int order = a.Current.Group - b.Current.Group;
            if (order == 0)
                order = a.Current.IsWord ? a.Current.IsHyphen.CompareTo(b.Current.IsHyphen) : 0;
            if (order == 0)
                order = a.Current.Rank - b.Current.Rank;
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
        public bool IsWord => Rank <= OtherWord && Rank != End;

        /// <summary>Below the end, the end, words above it, and each kind of number.</summary>
        public int Group => Rank switch { < End => 0, End => 1, <= OtherWord => 2, var number => number };

        /// <summary>Whether it stands for nothing.</summary>
        public bool IsNull => Rank == End || (Rank >= HyphenNumber && Value.IndexOfAnyExcept('0') < 0);
    }

    private ref struct Tokens(ReadOnlySpan<char> version)
    {
        private ReadOnlySpan<char> _rest = version;
        private bool _started, _hyphen, _separated = true;
        private Fate _fate;

        public Token Current { get; private set; } = new(End, default, false);

        public bool MoveNext()
        {
            while (Take(out Token token))
            {
                // The first token stays, whatever it is.
                bool first = !_started;
                _started = true;
                if (!token.IsNull)
                    _fate = Fate.Unknown;
                else if (!first && _fate == Fate.Unknown)
                    _fate = FateOfNull();
                if (!token.IsNull || first || _fate == Fate.Number)
                    Current = token;
                else if (_fate == Fate.Dropped)
                    continue;
                else
                    Current = new Token(End, default, false);
                return true;
            }
            Current = new Token(End, default, false);
            return false;
        }

        /// <summary>What becomes of tokens that stand for nothing: the first behind them that stands for something decides.</summary>
        private readonly Fate FateOfNull()
        {
            Tokens ahead = this;
            while (ahead.Take(out Token token))
                if (token.IsHyphen)
                    return Fate.Dropped;
                else if (token.IsWord)
                    return token.Rank < End ? Fate.End : Fate.Number;
                else if (!token.IsNull)
                    return Fate.Number;
            return Fate.Dropped;
        }

        private enum Fate : byte
        {
            Unknown = 0,
            Dropped,
            End,
            Number,
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
