using System.Collections.Frozen;

namespace Plimsoll.Inspect.Packages.Dpkg;

/// <summary>Debian's short licence names as SPDX identifiers, where both certainly mean the same text.</summary>
static class LicenceNames
{
    private static readonly FrozenDictionary<string, string> Spdx = Make();

    /// <summary>An SPDX expression when every name in it is known, else the text as it was.</summary>
    /// <param name="debian">A DEP-5 licence: a short name, or several joined by <c>or</c> and <c>and</c>.</param>
    public static string ToSpdx(string debian)
    {
        if (Spdx.TryGetValue(debian, out string? single))
            return single;
        // A comma groups "and" against "or" in DEP-5, which takes brackets to say in SPDX: such ones stay as they are.
        if (debian.Contains(','))
            return debian;
        string[] words = debian.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length % 2 == 0)
            return debian;
        for (int i = 0; i < words.Length; i++)
        {
            string? known = i % 2 == 0 ? Spdx.GetValueOrDefault(words[i]) : words[i] switch { "or" => "OR", "and" => "AND", _ => null };
            if (known is null)
                return debian;
            words[i] = known;
        }
        return string.Join(' ', words);
    }

    private static FrozenDictionary<string, string> Make()
    {
        Dictionary<string, string> names = new(StringComparer.Ordinal)
        {
            ["Expat"] = "MIT",
            ["MIT"] = "MIT",
            ["BSD-2-clause"] = "BSD-2-Clause",
            ["BSD-2-Clause"] = "BSD-2-Clause",
            ["BSD-3-clause"] = "BSD-3-Clause",
            ["BSD-3-Clause"] = "BSD-3-Clause",
            ["BSD-4-clause"] = "BSD-4-Clause",
            ["Zlib"] = "Zlib",
            ["zlib"] = "Zlib",
            ["ISC"] = "ISC",
            ["Apache-2.0"] = "Apache-2.0",
            ["MPL-1.1"] = "MPL-1.1",
            ["MPL-2.0"] = "MPL-2.0",
            ["CC0-1.0"] = "CC0-1.0",
            ["Artistic-2.0"] = "Artistic-2.0",
            ["BSL-1.0"] = "BSL-1.0",
            ["Unlicense"] = "Unlicense",
            ["0BSD"] = "0BSD",
            ["curl"] = "curl",
        };
        foreach ((string family, string[] versions) in new (string, string[])[]
        {
            ("GPL", ["1", "2", "3"]), ("LGPL", ["2", "2.1", "3"]), ("AGPL", ["3"]),
        })
            foreach (string version in versions)
            {
                string spdx = $"{family}-{(version.Contains('.') ? version : version + ".0")}";
                names[$"{family}-{version}+"] = names[spdx + "+"] = spdx + "-or-later";
            }
        // "GPL-2" alone is left as it is: in DEP-5 it means that version only, but a reference to common-licenses may mean
        // "or later" just as well.
        return names.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
