namespace Plimsoll.Texts;

/// <summary>Finds the word that somebody who mistyped may have meant.</summary>
public static class Nearest
{
    /// <summary>The nearest word some three edits away (two for words of up to four letters), or null.</summary>
    public static string? Of(string typed, IEnumerable<string> known)
    {
        ArgumentNullException.ThrowIfNull(typed);
        ArgumentNullException.ThrowIfNull(known);
        if (typed.Length > 40)
            return null;
        (string Word, int Distance) best = ("", int.MaxValue);
        foreach (string word in known)
            if (Distance(typed, word) is var distance && distance < best.Distance)
                best = (word, distance);
        return best.Distance <= (best.Word.Length <= 4 && typed.Length <= 4 ? 2 : 3) && best.Distance < Math.Max(2, best.Word.Length - 1) ? best.Word : null;
    }

    /// <summary>Edits between two words; swapping two neighbours counts two.</summary>
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[b.Length];
    }
}
