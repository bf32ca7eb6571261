using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using Plimsoll.Inspect.Reports;

namespace Plimsoll.Inspect.Licences;

/// <summary>Turns what packages write (<c>GPL v2</c>, <c>GPL-2+</c>, <c>Apache License 2.0</c>, <c>BSD (3-clause)</c>) into SPDX expressions.</summary>
/// <remarks>
/// A name is turned into an id only where both certainly mean the same text; else it stays as it was written, and of it no more is
/// said than its family surely has in common. Sources: Debian's copyright format 1.0; Fedora's short names before SPDX; PyPI's classifiers;
/// npm, CRAN and CPAN metadata as they are met.
/// </remarks>
public static class LicenceNormaliser
{
    /// <summary>Characters kept of a name that nobody knows.</summary>
    private const int MaxName = 120;

    /// <summary>Licences taken out of what cannot be read in order.</summary>
    private const int MaxUnordered = 100;

    private static readonly FrozenDictionary<string, string> Aliases = MakeAliases();

    /// <summary>All licences a package lists hold together.</summary>
    /// <returns>Null for an empty list.</returns>
    public static LicenceExpression? Of(IReadOnlyList<string> licences)
    {
        ArgumentNullException.ThrowIfNull(licences);
        List<LicenceExpression> parts = [];
        foreach (string licence in licences)
            if (Of(licence) is { } part && !parts.Exists(p => p.ToString() == part.ToString()))
                parts.Add(part);
        return parts.Count == 0 ? null : LicenceExpression.All(parts);
    }

    /// <returns>Null for an empty text and for words that say there is none stated.</returns>
    public static LicenceExpression? Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim().Trim('"', '\'', '`').Trim();
        if (text.Length > LicenceExpression.MaxCharacters || text.Count('(') > LicenceExpression.MaxDepth)
            return LicenceTexts.Find(Encoding.UTF8.GetBytes(text[..Math.Min(text.Length, LicenceExpression.MaxCharacters)]), out _) ?? Unordered(text);
        int classifier = text.LastIndexOf("::", StringComparison.Ordinal);
        if (classifier >= 0)
            text = text[(classifier + 2)..].Trim();
        if (text.Length == 0 || text.StartsWith("SEE LICEN", StringComparison.OrdinalIgnoreCase) || text.ToUpperInvariant() is "UNKNOWN" or "NONE" or "NOASSERTION" or "N/A" or "OSI APPROVED")
            return null;
        if (LicenceExpression.TryParse(text, out LicenceExpression? expression))
            return expression;
        if (Single(text) is { } single)
            return single;
        // Some metadata holds the licence itself where its name belongs.
        if (text.Length > MaxName && LicenceTexts.Find(Encoding.UTF8.GetBytes(text), out _) is { } recognised)
            return recognised;
        return Compound(text) ?? Unknown(text);
    }

    /// <summary>What is too long or too deep to be read. Its beginning would be another expression, so that every licence named in it counts, and one that nobody knows.</summary>
    private static LicenceExpression Unordered(string text)
    {
        List<LicenceExpression> parts = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string word in text.Split([' ', '(', ')', ',', ';', '/', '|', '&'], StringSplitOptions.RemoveEmptyEntries))
            if (parts.Count < MaxUnordered && word.Length <= MaxName && seen.Add(word) && LicenceExpression.TryParse(word, out LicenceExpression? part))
                parts.Add(part);
        return LicenceExpression.All([.. parts, new LicenceTerm("(unreadable)") { IsKnown = false, Family = LicenceCategory.Unknown }]);
    }

    /// <summary>Names joined by and, or, commas and slashes, as distributions and old metadata write them.</summary>
    /// <returns>Null when it is one name.</returns>
    private static LicenceExpression? Compound(string text)
    {
        List<string> tokens = Words(text);
        if (!tokens.Exists(t => t is "&" or "|"))
            return null;
        int at = 0;
        LicenceExpression? whole = Alternatives(tokens, ref at, 0);
        return at == tokens.Count ? whole : null;
    }

    private static LicenceExpression? Alternatives(List<string> tokens, ref int at, int depth)
    {
        List<LicenceExpression> parts = [];
        do
        {
            if (Together(tokens, ref at, depth) is not { } part)
                return null;
            parts.Add(part);
        }
        while (at < tokens.Count && tokens[at] == "|" && ++at > 0);
        return LicenceExpression.Any(parts);
    }

    private static LicenceExpression? Together(List<string> tokens, ref int at, int depth)
    {
        List<LicenceExpression> parts = [];
        do
        {
            if (at >= tokens.Count || depth > 16)
                return null;
            if (tokens[at] == "(")
            {
                at++;
                if (Alternatives(tokens, ref at, depth + 1) is not { } inner || at >= tokens.Count || tokens[at++] != ")")
                    return null;
                parts.Add(inner);
            }
            else if (tokens[at] is "&" or "|" or ")")
                return null;
            else
            {
                string name = tokens[at++];
                parts.Add(Single(name) ?? Unknown(name));
            }
        }
        while (at < tokens.Count && tokens[at] == "&" && ++at > 0);
        return LicenceExpression.All(parts);
    }

    /// <summary>Names, <c>&amp;</c>, <c>|</c> and parentheses. "or later" belongs to the name before it, and so do parentheses without an operator in them.</summary>
    private static List<string> Words(string text)
    {
        text = Later(text).Replace("and/or", "or", StringComparison.OrdinalIgnoreCase);
        List<string> tokens = [];
        StringBuilder name = new();
        bool brackets = text.Contains('(', StringComparison.Ordinal) && OperatorsWithin(text);
        foreach (string word in Spaced(text, brackets).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string? token = word switch
            {
                "(" or ")" when brackets => word,
                "|" or "||" or "/" => "|",
                "&" or "&&" or "," or ";" => "&",
                _ when word.Equals("or", StringComparison.OrdinalIgnoreCase) => "|",
                _ when word.Equals("and", StringComparison.OrdinalIgnoreCase) || word == "+" => "&",
                _ => null,
            };
            if (token is null)
                name.Append(name.Length > 0 ? " " : "").Append(word);
            else
            {
                Flush();
                // "A, and B": the comma says nothing that the word does not.
                if (tokens.Count > 0 && token is "&" or "|" && tokens[^1] is "&" or "|")
                    tokens[^1] = token;
                else
                    tokens.Add(token);
            }
        }
        Flush();
        return tokens;

        void Flush()
        {
            if (name.Length > 0)
                tokens.Add(name.ToString());
            name.Clear();
        }
    }

    private static bool OperatorsWithin(string text)
    {
        int open = text.IndexOf('(', StringComparison.Ordinal), close = text.IndexOf(')', StringComparison.Ordinal);
        return close > open && text[open..close] is var inner && (inner.Contains(" or ", StringComparison.OrdinalIgnoreCase) || inner.Contains(" and ", StringComparison.OrdinalIgnoreCase) || inner.Contains(" | ", StringComparison.Ordinal));
    }

    private static string Spaced(string text, bool brackets)
    {
        StringBuilder spaced = new(text.Length + 16);
        for (int i = 0; i < text.Length; i++)
            if (text[i] is ',' or ';' or '|' or '&' || text[i] == '/' || brackets && text[i] is '(' or ')')
                spaced.Append(' ').Append(text[i]).Append(' ');
            else
                spaced.Append(text[i]);
        return spaced.ToString().Replace("|  |", "|", StringComparison.Ordinal).Replace("&  &", "&", StringComparison.Ordinal);
    }

    /// <summary>Writes "or later" in its many forms as a plus behind the version.</summary>
    private static string Later(string text)
    {
        // "GPL (>= 2)", as R's packages write it.
        int least = text.IndexOf(">=", StringComparison.Ordinal);
        if (least >= 0)
        {
            int end = least + 2;
            while (end < text.Length && (text[end] == ' ' || char.IsAsciiDigit(text[end]) || text[end] == '.'))
                end++;
            text = $"{text[..least]}{text[(least + 2)..end].Trim()}+{text[end..]}";
        }
        foreach (string form in (ReadOnlySpan<string>)[" or (at your option) any later version", " or any later version", " or later versions", " or later version", " or later", " or newer", " and later", " or higher", " or above", ", or later"])
            for (int at = text.IndexOf(form, StringComparison.OrdinalIgnoreCase); at >= 0; at = text.IndexOf(form, StringComparison.OrdinalIgnoreCase))
                text = string.Concat(text.AsSpan(0, at).TrimEnd(','), "+", text.AsSpan(at + form.Length));
        return text;
    }

    /// <summary>A name that certainly means one licence, or null.</summary>
    private static LicenceTerm? Single(string name)
    {
        string joined = name.Trim().Replace(' ', '-');
        if (LicenceTerm.Find(joined) is { } exact)
            return exact;
        string key = KeyOf(Later(name));
        if (Aliases.TryGetValue(key, out string? id))
            return new LicenceTerm(id);
        if (Gnu(key) is { } gnu)
            return gnu;
        // "The MIT License (MIT)": what stands in brackets says it again.
        int bracket = name.IndexOf('(', StringComparison.Ordinal);
        return bracket > 0 && name.TrimEnd().EndsWith(')') ? Single(name[..bracket]) : null;
    }

    /// <summary>GNU's licences under their many names, with version, "or later" and the usual exceptions.</summary>
    private static LicenceTerm? Gnu(string key)
    {
        string[] words = key.Split(' ');
        int with = Array.IndexOf(words, "with");
        string[] main = with < 0 ? words : words[..with];
        string? family = null;
        string? version = null;
        bool later = false;
        string invariants = "";
        foreach (string word in main)
        {
            string bare = word.TrimEnd('+');
            later |= word.EndsWith('+');
            if (bare.Length == 0 || bare is "gnu" or "general" or "public" or "affero" or "lesser" or "library" or "free" or "documentation" or "only" or "fsf")
                family = bare switch { "affero" => "AGPL", "lesser" or "library" => "LGPL", "documentation" => "GFDL", "public" when family is null => "GPL", _ => family };
            else if (bare is "gpl" or "lgpl" or "agpl" or "gfdl" or "fdl")
                family = bare == "fdl" ? "GFDL" : bare.ToUpperInvariant();
            else if (Version(bare) is { } plain)
                version = version is null || version == plain ? plain : "?";
            else if ((bare.StartsWith("gpl", StringComparison.Ordinal) || bare.StartsWith("lgpl", StringComparison.Ordinal) || bare.StartsWith("agpl", StringComparison.Ordinal)) && Version(bare[(bare.IndexOf('l', 1) + 1)..].TrimStart('v')) is { } joined)
                (family, version) = (bare[..(bare.IndexOf('l', 1) + 1)].ToUpperInvariant(), version is null || version == joined ? joined : "?");
            else if (bare == "niv")
                invariants = "-no-invariants";
            else if (bare != "software")
                return null;
        }
        // "public" alone is no licence.
        if (family is null || version == "?" || family == "GPL" && !main.Any(w => w.Contains("gpl", StringComparison.Ordinal) || w == "gnu" || w == "general"))
            return null;
        if (version is null)
            // Without a number any version may be chosen: the first and all later ones.
            (version, later) = (family switch { "AGPL" => "3.0", "GFDL" => "1.1", "LGPL" => "2.0", _ => "1.0" }, true);
        string suffix = later ? "-or-later" : main.Contains("only") ? "-only" : "";
        if (SpdxLicences.FindId($"{family}-{version}{invariants}{(suffix.Length == 0 && invariants.Length > 0 ? "-only" : suffix)}") is not { } id)
            return null;
        LicenceTerm term = new(id);
        if (with < 0)
            return term;
        string exception = string.Join(' ', words[(with + 1)..]);
        if (exception.Length > MaxName)
            exception = exception[..MaxName];
        return Exception(exception, version) is { } known ? term with { Exception = known } : new LicenceTerm($"{id} with {exception}") { IsKnown = false, Family = LicenceCategories.Of(id, null) };
    }

    private static string? Version(string word) => word switch
    {
        "1" or "1.0" or "v1" => "1.0",
        "1.1" => "1.1",
        "1.2" => "1.2",
        "1.3" => "1.3",
        "2" or "2.0" or "v2" or "v2.0" => "2.0",
        "2.1" or "v2.1" => "2.1",
        "3" or "3.0" or "v3" or "v3.0" => "3.0",
        _ => null,
    };

    private static string? Exception(string words, string version) => words switch
    {
        _ when words.StartsWith("classpath", StringComparison.Ordinal) => "Classpath-exception-2.0",
        _ when words.StartsWith("autoconf", StringComparison.Ordinal) => version == "3.0" ? "Autoconf-exception-3.0" : "Autoconf-exception-2.0",
        _ when words.StartsWith("bison", StringComparison.Ordinal) => "Bison-exception-2.2",
        _ when words.StartsWith("libtool", StringComparison.Ordinal) => "Libtool-exception",
        _ when words.StartsWith("gcc", StringComparison.Ordinal) => version == "3.0" ? "GCC-exception-3.1" : "GCC-exception-2.0",
        _ when words.StartsWith("linux syscall", StringComparison.Ordinal) => "Linux-syscall-note",
        _ when words.StartsWith("font", StringComparison.Ordinal) => "Font-exception-2.0",
        _ => null,
    };

    /// <summary>A name that stays as it is, with what its family has in common.</summary>
    private static LicenceTerm Unknown(string name)
    {
        StringBuilder kept = new(Math.Min(name.Length, MaxName));
        foreach (char c in name.AsSpan(0, Math.Min(name.Length, MaxName)))
            kept.Append(char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c);
        string key = KeyOf(name);
        string first = key.Split(' ')[0];
        LicenceCategory family = first switch
        {
            "bsd" or "bsdl" or "mit" or "expat" or "isc" or "x11" or "apache" or "zlib" or "hpnd" or "ntp" or "permissive" or "mit/x11" or "apache2" or "boost" => LicenceCategory.Permissive,
            "gpl" or "gplv2" or "gplv3" or "gpl+" or "gpl2" or "gpl3" or "gfdl" => LicenceCategory.StrongCopyleft,
            "lgpl" or "lgplv2" or "lgplv3" or "mpl" or "epl" or "cddl" => LicenceCategory.WeakCopyleft,
            "agpl" or "agplv3" => LicenceCategory.NetworkCopyleft,
            "commercial" or "proprietary" or "unlicensed" => LicenceCategory.Restricted,
            "pd" => LicenceCategory.PublicDomain,
            _ when key.StartsWith("public domain", StringComparison.Ordinal) => LicenceCategory.PublicDomain,
            _ => LicenceCategory.Unknown,
        };
        string shown = kept.ToString().Trim();
        return new LicenceTerm(shown.Length == 0 ? "(unreadable)" : shown) { IsKnown = false, Family = family };
    }

    /// <summary>Lower case, words of letters, digits, dots and plus, without those that every licence has in its name.</summary>
    private static string KeyOf(string name)
    {
        StringBuilder key = new(name.Length);
        foreach (string word in new string([.. name.ToLower(CultureInfo.InvariantCulture).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '+' ? c : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word is "the" or "license" or "licence" or "licenses" or "licences" or "licensed" or "version" or "ver" or "v" or "v." or "under" or "variant" or "revision" or "standard")
                continue;
            // The plus of "or later" may have lost its version's side to a word in between.
            string plain = word.Length > 1 && word[0] == 'v' && char.IsAsciiDigit(word[1]) ? word[1..] : word;
            plain = plain.TrimEnd('.');
            if (plain.Length > 0)
                key.Append(key.Length > 0 ? " " : "").Append(plain);
        }
        return key.ToString();
    }

    private static FrozenDictionary<string, string> MakeAliases()
    {
        Dictionary<string, string> aliases = new(StringComparer.Ordinal);
        foreach ((string id, string names) in new (string, string)[]
        {
            ("MIT", "mit|expat|mit expat|expat mit|mit x11|mit/x11|x11 mit|opensource mit"),
            ("X11", "x11|x consortium|mit x consortium"),
            ("Apache-2.0", "apache 2.0|apache 2|apache2|apache2.0|asl 2.0|asl2.0|al2|apache software 2.0|apache software foundation 2.0|apachev2|apache software 2|http www.apache.org 2.0|apache 2.0 only"),
            ("Apache-1.1", "apache 1.1|asl 1.1|apache software 1.1"),
            ("BSD-2-Clause", "bsd 2 clause|2 clause bsd|simplified bsd|bsd simplified|bsd 2|bsd2|freebsd|2 clause bsdl|bsd two clause"),
            ("BSD-3-Clause", "bsd 3 clause|3 clause bsd|new bsd|bsd new|modified bsd|revised bsd|bsd 3|bsd3|bsd three clause|new bsd 3 clause"),
            ("BSD-4-Clause", "bsd 4 clause|4 clause bsd|bsd with advertising|original bsd"),
            ("BSD-4-Clause-UC", "bsd 4 clause uc"),
            ("ISC", "isc|iscl|isc iscl"),
            ("Zlib", "zlib|zlib libpng|zlib/libpng"),
            ("BSL-1.0", "boost|boost software 1.0|boost 1.0|bsl 1.0|boost software"),
            ("MPL-1.0", "mpl 1.0|mozilla public 1.0"),
            ("MPL-1.1", "mpl 1.1|mplv1.1|mozilla public 1.1|mozilla public 1.1 mpl 1.1"),
            ("MPL-2.0", "mpl 2.0|mpl 2|mpl2|mplv2.0|mplv2|mozilla public 2.0|mozilla public 2.0 mpl 2.0"),
            ("EPL-1.0", "epl 1.0|eclipse public 1.0|epl"),
            ("EPL-2.0", "epl 2.0|eclipse public 2.0|eclipse public v2.0|epl 2"),
            ("CDDL-1.0", "cddl|cddl 1.0|common development and distribution 1.0|common development and distribution"),
            ("CDDL-1.1", "cddl 1.1"),
            ("CPL-1.0", "cpl 1.0|common public 1.0|cpl"),
            ("Artistic-1.0", "artistic 1.0|artistic"),
            ("Artistic-2.0", "artistic 2.0|artistic 2"),
            ("Artistic-1.0-Perl", "artistic 1.0 perl|perl artistic"),
            ("PSF-2.0", "psf 2.0|psfl|psf|python software foundation|python software foundation 2.0|psf2|psf 2"),
            ("Python-2.0", "python 2.0|python"),
            ("Unlicense", "unlicense|unlicense unlicense"),
            ("CC0-1.0", "cc0|cc0 1.0|cc0 1.0 universal|creative commons zero 1.0|cc0 1.0 universal cc0 1.0 public domain dedication"),
            ("CC-BY-4.0", "cc by 4.0|creative commons attribution 4.0"),
            ("CC-BY-3.0", "cc by 3.0|cc by"),
            ("CC-BY-SA-4.0", "cc by sa 4.0"),
            ("CC-BY-SA-3.0", "cc by sa 3.0|cc by sa"),
            ("0BSD", "0bsd|zero clause bsd|bsd zero clause"),
            ("PostgreSQL", "postgresql"),
            ("OFL-1.1", "ofl|ofl 1.1|sil open font 1.1|sil ofl 1.1|open font 1.1"),
            ("WTFPL", "wtfpl|wtfpl 2|do what the fuck you want to public|wtfpl 2.0"),
            ("NCSA", "ncsa|university of illinois ncsa open source"),
            ("Vim", "vim"),
            ("Ruby", "ruby|ruby s|ruby's"),
            ("OpenSSL", "openssl"),
            ("curl", "curl"),
            ("bzip2-1.0.6", "bzip2 1.0.6"),
            ("libpng-2.0", "libpng 2.0"),
            ("Libpng", "libpng"),
            ("TCL", "tcl|tcl bsdish"),
            ("W3C", "w3c"),
            ("ZPL-2.1", "zpl 2.1|zope public 2.1"),
            ("ZPL-2.0", "zpl 2.0|zope public 2.0"),
            ("Sleepycat", "sleepycat"),
            ("PHP-3.01", "php 3.01|php"),
            ("PHP-3.0", "php 3.0"),
            ("IJG", "ijg"),
            ("QPL-1.0", "qpl"),
            ("BUSL-1.1", "busl 1.1|business source 1.1|bsl 1.1"),
            ("SSPL-1.0", "sspl|sspl 1.0|server side public 1.0|server side public"),
            ("Elastic-2.0", "elastic 2.0|elastic 2"),
            ("MS-PL", "ms pl|microsoft public"),
            ("MS-RL", "ms rl|microsoft reciprocal"),
            ("AFL-2.1", "afl 2.1|afl v2.1"),
            ("AFL-3.0", "afl 3.0|academic free 3.0"),
            ("BlueOak-1.0.0", "blue oak 1.0.0|blueoak 1.0.0"),
            ("UPL-1.0", "upl|universal permissive 1.0|upl 1.0"),
            ("HPND", "hpnd|historical permission notice and disclaimer hpnd"),
            ("MIT-CMU", "mit cmu|cmu mit"),
            ("LPPL-1.3c", "lppl 1.3c"),
            ("JSON", "json"),
            ("Beerware", "beerware|beer ware"),
        })
            foreach (string name in names.Split('|'))
                aliases.TryAdd(name, id);
        return aliases.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
