namespace Plimsoll.Verify;

/// <summary>Patterns for paths and image names: <c>*</c> is anything within a folder, <c>**</c> anything, <c>**/</c> any folders or none, <c>?</c> one character.</summary>
public static class Glob
{
    /// <summary>Whether the pattern covers the whole text; ordinal, case counts. Costs at most the product of both lengths.</summary>
    public static bool Matches(string pattern, string text)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        ArgumentNullException.ThrowIfNull(text);
        if (pattern.AsSpan().IndexOfAny('*', '?') < 0)
            return pattern == text;
        // row[j]: whether the pattern read so far covers the first j characters.
        bool[] row = new bool[text.Length + 1], next = new bool[text.Length + 1];
        row[0] = true;
        for (int i = 0; i < pattern.Length; i++)
        {
            Array.Clear(next);
            if (pattern[i] == '*' && i + 1 < pattern.Length && pattern[i + 1] == '*')
            {
                bool folders = i + 2 < pattern.Length && pattern[i + 2] == '/' && (i == 0 || pattern[i - 1] == '/');
                bool before = false;
                for (int j = 0; j <= text.Length; j++)
                {
                    // "**/" takes nothing, or everything up to and with a slash.
                    next[j] = folders ? row[j] || before && j > 0 && text[j - 1] == '/' : before || row[j];
                    before |= row[j];
                }
                i += folders ? 2 : 1;
            }
            else if (pattern[i] == '*')
            {
                next[0] = row[0];
                for (int j = 1; j <= text.Length; j++)
                    next[j] = row[j] || next[j - 1] && text[j - 1] != '/';
            }
            else
                for (int j = 1; j <= text.Length; j++)
                    next[j] = row[j - 1] && (pattern[i] == '?' ? text[j - 1] != '/' : pattern[i] == text[j - 1]);
            (row, next) = (next, row);
        }
        return row[text.Length];
    }
}
