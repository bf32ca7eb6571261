using System.Buffers;

namespace Plimsoll.Inspect.Packages.Versions;

/// <summary>Alpine's version order: <c>number{.number}{letter}{_suffix{number}}{~hash}{-r#}</c>.</summary>
/// <remarks>
/// <para>Source: apk-package(5) and the order of apk-tools 3: versions are sequences of tokens, compared one by one, and where
/// the kinds of two tokens differ the kind decides (<see cref="Kind"/> lists them lowest first). That is a lexicographic order,
/// so it is total.</para>
/// <para>Two things go beyond that grammar, because real and published versions need them. Digits may follow the letter
/// (<c>6.6.2p1</c>, as old apk-tools wrote openssh). What fits nowhere ends the version: it counts as revision 0 followed by
/// something below "nothing", and texts that broke off within the numbers are then ordered by their characters.</para>
/// </remarks>
public sealed class ApkVersionOrder : IVersionOrder
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private static readonly string[] PreSuffixes = ["alpha", "beta", "pre", "rc"];

    private static readonly string[] PostSuffixes = ["cvs", "svn", "git", "hg", "p"];

    /// <summary>Kinds of tokens, lowest first: where two versions differ in kind, this order decides.</summary>
    private enum Kind : byte
    {
        /// <summary>Before the first token.</summary>
        Start,
        PreSuffix,
        Invalid,
        End,
        Revision,
        Hash,
        SuffixNumber,
        PostSuffix,
        Letter,
        /// <summary>A number after a dot or a letter.</summary>
        Digits,
        /// <summary>The number that a version starts with.</summary>
        FirstDigits,
    }

    public int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        Tokens a = new(first), b = new(second);
        while (true)
        {
            a.MoveNext();
            b.MoveNext();
            if (a.Kind != b.Kind)
                return a.Kind.CompareTo(b.Kind);
            int order = a.Kind switch
            {
                // A leading zero makes both fractions: 1.05 stands before 1.1.
                Kind.Digits when a.Value is ['0', ..] || b.Value is ['0', ..] => a.Value.SequenceCompareTo(b.Value),
                Kind.Digits or Kind.SuffixNumber or Kind.Revision => DigitRun.Compare(a.Value, b.Value),
                // ".1" lacks the first number and stands before every version that has one.
                Kind.FirstDigits when a.Value.IsEmpty || b.Value.IsEmpty => a.Value.Length.CompareTo(b.Value.Length),
                Kind.FirstDigits => DigitRun.Compare(a.Value, b.Value),
                Kind.PreSuffix or Kind.PostSuffix => a.Weight.CompareTo(b.Weight),
                _ => a.Value.SequenceCompareTo(b.Value),
            };
            if (order != 0 || a.Kind is Kind.End or Kind.Invalid)
                return order;
        }
    }

    public bool IsValid(ReadOnlySpan<char> version)
    {
        if (version.IsEmpty || !char.IsAsciiDigit(version[0]))
            return false;
        Tokens tokens = new(version);
        do
            tokens.MoveNext();
        while (tokens.Kind is not (Kind.End or Kind.Invalid));
        return tokens.Kind == Kind.End;
    }

    private ref struct Tokens(ReadOnlySpan<char> version)
    {
        private ReadOnlySpan<char> _rest = version;
        private bool _broken;

        public Kind Kind { get; private set; }

        /// <summary>The token's own characters without its mark; of a broken text, what is left to compare.</summary>
        public ReadOnlySpan<char> Value { get; private set; }

        /// <summary>Place of a suffix among its like.</summary>
        public int Weight { get; private set; }

        public void MoveNext()
        {
            if (_broken)
                Set(Kind.Invalid, _rest);
            else if (Kind == Kind.Start)
                TakeDigits(Kind.FirstDigits, 0);
            else if (_rest.IsEmpty)
                Set(Kind.End, default);
            else if (!TakeNext())
                Break();
        }

        private bool TakeNext()
        {
            char next = _rest[0];
            bool inNumbers = Kind is Kind.FirstDigits or Kind.Digits;
            if (char.IsAsciiDigit(next) && Kind is Kind.Letter)
                return TakeDigits(Kind.Digits, 0);
            if (char.IsAsciiDigit(next) && Kind is Kind.PreSuffix or Kind.PostSuffix)
                return TakeDigits(Kind.SuffixNumber, 0);
            if (next == '.' && inNumbers)
                return _rest.Length > 1 && char.IsAsciiDigit(_rest[1]) && TakeDigits(Kind.Digits, 1);
            if (char.IsAsciiLetterLower(next) && inNumbers)
                return Take(Kind.Letter, 0, 1);
            if (next == '_' && Kind is not (Kind.Hash or Kind.Revision))
                return TakeSuffix();
            if (next == '~' && Kind is not (Kind.Hash or Kind.Revision))
            {
                int length = _rest[1..].IndexOfAnyExcept(HexDigits);
                return Take(Kind.Hash, 1, length < 0 ? _rest.Length - 1 : length) && Value.Length > 0;
            }
            return _rest is ['-', 'r', >= '0' and <= '9', ..] && Kind is not Kind.Revision && TakeDigits(Kind.Revision, 2);
        }

        private bool TakeSuffix()
        {
            int length = _rest[1..].IndexOfAnyExceptInRange('a', 'z');
            ReadOnlySpan<char> word = length < 0 ? _rest[1..] : _rest.Slice(1, length);
            for (int pass = 0; pass < 2; pass++)
            {
                string[] known = pass == 0 ? PreSuffixes : PostSuffixes;
                for (int i = 0; i < known.Length; i++)
                    if (word.SequenceEqual(known[i]))
                    {
                        Weight = i;
                        return Take(pass == 0 ? Kind.PreSuffix : Kind.PostSuffix, 1, word.Length);
                    }
            }
            return false;
        }

        private bool TakeDigits(Kind kind, int mark) => Take(kind, mark, DigitRun.Length(_rest[mark..]));

        private bool Take(Kind kind, int mark, int length)
        {
            Kind = kind;
            Value = _rest.Slice(mark, length);
            _rest = _rest[(mark + length)..];
            return true;
        }

        /// <summary>Nothing fits: an implied revision 0, unless there was one, and then the end below every end.</summary>
        private void Break()
        {
            bool hadRevision = Kind == Kind.Revision;
            // Only a text that broke off within the numbers says something that can be ordered.
            if (_rest is not ['.', ..])
                _rest = default;
            _broken = true;
            if (hadRevision)
                Set(Kind.Invalid, _rest);
            else
                Set(Kind.Revision, default);
        }

        private void Set(Kind kind, ReadOnlySpan<char> value)
        {
            Kind = kind;
            Value = value;
        }
    }
}
