namespace Plimsoll.Inspect.Licences;

/// <summary>Recognises the text of a licence by phrases that stand in it and in few others.</summary>
/// <remarks>
/// Words in lower case without punctuation, three in a row at a time; a licence is there when nine in ten of the rows of its phrases are. Short phrases
/// of our own choice, not the texts: enough to tell them apart, and untouched by line ends, names, years and quotation marks.
/// </remarks>
internal static class LicenceTexts
{
    /// <summary>Bytes looked at; GPL-3.0 has 35 000, and files of several licences more.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>Share of the rows of three words that must be there, in hundredths.</summary>
    public const int MinLikeness = 90;

    /// <summary>Licences named of one file that holds several.</summary>
    private const int MaxNamed = 4;

    private const ulong Seed = 14695981039346656037, Prime = 1099511628211;

    /// <param name="Not">A phrase with which it is another licence.</param>
    private sealed record Print(string Id, string[] Phrases, string? Not = null);

    private static readonly Lazy<(Print Print, HashSet<ulong> Rows, HashSet<ulong>? Not)[]> Prints = new(() => [.. All().Select(p => (p, RowsOf(string.Join(" | ", p.Phrases)), p.Not is null ? null : RowsOf(p.Not)))]);

    /// <summary>The licences of a text, those with the most rows first, joined as an expression; null when none is known.</summary>
    /// <param name="likeness">Hundredths of the first one's rows that were found.</param>
    public static LicenceExpression? Find(ReadOnlySpan<byte> text, out int likeness)
    {
        likeness = 0;
        HashSet<ulong> rows = RowsOf(text[..Math.Min(text.Length, MaxBytes)]);
        List<(string Id, int Likeness, int Rows)> found = [];
        foreach ((Print print, HashSet<ulong> wanted, HashSet<ulong>? not) in Prints.Value)
        {
            if (not is not null && Share(not, rows) >= MinLikeness)
                continue;
            int share = Share(wanted, rows);
            if (share >= MinLikeness)
                found.Add((print.Id, share, wanted.Count));
        }
        if (found.Count == 0)
            return null;
        found.Sort((a, b) => a.Rows != b.Rows ? b.Rows.CompareTo(a.Rows) : string.CompareOrdinal(a.Id, b.Id));
        likeness = found[0].Likeness;
        return LicenceExpression.All([.. found.Take(MaxNamed).Select(f => LicenceTerm.Find(f.Id)!).OrderBy(t => t.Id, StringComparer.Ordinal)]);
    }

    private static int Share(HashSet<ulong> wanted, HashSet<ulong> rows)
    {
        int there = 0;
        foreach (ulong row in wanted)
            if (rows.Contains(row))
                there++;
        return there * 100 / wanted.Count;
    }

    private static HashSet<ulong> RowsOf(string phrases) => RowsOf(System.Text.Encoding.ASCII.GetBytes(phrases));

    /// <summary>Hashes of each three words in a row; a bar begins anew.</summary>
    private static HashSet<ulong> RowsOf(ReadOnlySpan<byte> text)
    {
        HashSet<ulong> rows = [];
        ulong first = 0, second = 0, word = Seed;
        bool within = false;
        for (int i = 0; i <= text.Length; i++)
        {
            byte c = i < text.Length ? text[i] : (byte)' ';
            if (c is >= (byte)'A' and <= (byte)'Z')
                c |= 0x20;
            if (c is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'0' and <= (byte)'9'))
            {
                word = (word ^ c) * Prime;
                within = true;
                continue;
            }
            // Quotation marks and dots within a word or behind it say nothing.
            if (within && c is (byte)'\'' or (byte)'"')
                continue;
            if (within)
            {
                if (first != 0)
                    rows.Add(((first * Prime) ^ second) * Prime ^ word);
                (first, second, word, within) = (second, word, Seed, false);
            }
            if (c == (byte)'|')
                (first, second) = (0, 0);
        }
        return rows;
    }

    private static Print[] All() =>
    [
        new("MIT", ["permission is hereby granted free of charge to any person obtaining a copy", "the above copyright notice and this permission notice", "shall be included in all copies or substantial portions of the software"]),
        new("MIT-0", ["permission is hereby granted free of charge to any person obtaining a copy", "without limitation the rights to use copy modify merge publish distribute sublicense and or sell", "the software is provided as is without warranty of any kind express or implied"],
            "shall be included in all copies or substantial portions of the software"),
        new("ISC", ["permission to use copy modify and or distribute this software for any purpose with or without fee is hereby granted provided that the above copyright notice and this permission notice appear in all copies"]),
        new("0BSD", ["permission to use copy modify and or distribute this software for any purpose with or without fee is hereby granted", "the author disclaims all warranties with regard to this software"],
            "provided that the above copyright notice and this permission notice appear in all copies"),
        new("BSD-2-Clause", ["redistribution and use in source and binary forms with or without modification are permitted provided that the following conditions are met", "redistributions in binary form must reproduce the above copyright notice this list of conditions"],
            "used to endorse or promote products derived from this software without"),
        new("BSD-3-Clause", ["redistribution and use in source and binary forms with or without modification are permitted provided that the following conditions are met", "redistributions in binary form must reproduce the above copyright notice this list of conditions", "used to endorse or promote products derived from this software without"],
            "all advertising materials mentioning features or use of this software must display the following acknowledgement"),
        new("BSD-4-Clause", ["redistribution and use in source and binary forms with or without modification are permitted provided that the following conditions are met", "all advertising materials mentioning features or use of this software must display the following acknowledgement"]),
        new("Apache-2.0", ["apache license version 2 0", "subject to the terms and conditions of this license each contributor hereby grants to you a perpetual", "you must cause any modified files to carry prominent notices stating that you changed the files"]),
        new("GPL-2.0", ["gnu general public license version 2 june 1991", "you must cause the modified files to carry prominent notices stating that you changed the files and the date of any change", "each version is given a distinguishing version number"]),
        new("GPL-3.0", ["gnu general public license version 3 29 june 2007", "the gnu general public license is a free copyleft license for software and other kinds of works", "if you convey an object code work under this section in or with or specifically for use in a user product"]),
        new("LGPL-2.1", ["gnu lesser general public license version 2 1 february 1999", "this license the lesser general public license applies to some specially designated software packages"]),
        new("LGPL-2.0", ["gnu library general public license version 2 june 1991", "this license the library general public license applies to some specially designated free software foundation software"]),
        new("LGPL-3.0", ["gnu lesser general public license version 3 29 june 2007", "this version of the gnu lesser general public license incorporates the terms and conditions of version 3 of the gnu general public license"]),
        new("AGPL-3.0", ["gnu affero general public license version 3 19 november 2007", "if you modify the program your modified version must prominently offer all users interacting with it remotely through a computer network"]),
        new("MPL-2.0", ["mozilla public license version 2 0", "each contributor hereby grants you a world wide royalty free non exclusive license", "incompatible with secondary licenses"]),
        new("MPL-1.1", ["mozilla public license version 1 1", "the initial developer hereby grants you a world wide royalty free non exclusive license subject to third party intellectual property claims"]),
        new("EPL-2.0", ["eclipse public license v 2 0", "the accompanying program is provided under the terms of this eclipse public license"]),
        new("EPL-1.0", ["eclipse public license v 1 0", "the accompanying program is provided under the terms of this eclipse public license"]),
        new("CDDL-1.0", ["common development and distribution license cddl version 1 0", "covered software in source code form"]),
        new("Artistic-2.0", ["the artistic license 2 0", "this license establishes the terms under which a given free software package may be copied modified distributed and or redistributed"]),
        new("Unlicense", ["this is free and unencumbered software released into the public domain", "anyone is free to copy modify publish use compile sell or distribute this software"]),
        new("CC0-1.0", ["cc0 1 0 universal", "affirmer hereby overtly fully permanently irrevocably and unconditionally waives abandons and surrenders all of affirmers copyright and related rights"]),
        new("CC-BY-4.0", ["creative commons attribution 4 0 international", "subject to the terms and conditions of this public license the licensor hereby grants you a worldwide royalty free non sublicensable"]),
        new("Zlib", ["this software is provided as is without any express or implied warranty in no event will the authors be held liable for any damages arising from the use of this software", "the origin of this software must not be misrepresented you must not claim that you wrote the original software"]),
        new("BSL-1.0", ["boost software license version 1 0", "permission is hereby granted free of charge to any person or organization obtaining a copy of the software and accompanying documentation"]),
        new("PSF-2.0", ["python software foundation license version 2", "this license agreement is between the python software foundation psf and the individual or organization licensee"]),
        new("PostgreSQL", ["permission to use copy modify and distribute this software and its documentation for any purpose without fee and without a written agreement is hereby granted"]),
        new("WTFPL", ["do what the fuck you want to public license", "everyone is permitted to copy and distribute verbatim or modified copies of this license document and changing it is allowed as long as the name is changed"]),
        new("OFL-1.1", ["sil open font license version 1 1", "the font software may be sold as part of a larger software package but no copy of one or more of the font software typefaces may be sold by itself"]),
        new("BUSL-1.1", ["business source license 1 1", "the licensor hereby grants you the right to copy modify create derivative works redistribute and make non production use of the licensed work"]),
        new("SSPL-1.0", ["server side public license version 1 october 16 2018", "if you make the functionality of the program or a modified version available to third parties as a service you must make the service source code available"]),
        new("OpenSSL", ["redistributions of any form whatsoever must retain the following acknowledgment this product includes software developed by the openssl project for use in the openssl toolkit"]),
        new("Sleepycat", ["redistributions in any form must be accompanied by information on how to obtain complete source code for the db software"]),
        new("HPND", ["permission to use copy modify distribute and sell this software and its documentation for any purpose is hereby granted without fee provided that the above copyright notice appear in all copies"]),
        new("Elastic-2.0", ["elastic license 2 0", "you may not provide the software to third parties as a hosted or managed service"]),
    ];
}
