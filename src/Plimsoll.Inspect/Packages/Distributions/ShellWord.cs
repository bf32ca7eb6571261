using System.Text;

namespace Plimsoll.Inspect.Packages.Distributions;

/// <summary>The value of a shell assignment as os-release(5) allows it: quotes and backslashes, no expansion.</summary>
static class ShellWord
{
    /// <param name="raw">What stands behind the equals sign.</param>
    /// <returns>The value; a quotation mark that is not closed ends with the line.</returns>
    public static string Read(ReadOnlySpan<byte> raw)
    {
        string text = Fields.Shown(raw);
        StringBuilder value = new(text.Length);
        char quote = '\0';
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\\' && quote != '\'' && i + 1 < text.Length)
            {
                // Within double quotes a backslash escapes only what would have a meaning there.
                if (quote == '"' && text[i + 1] is not ('"' or '\\' or '$' or '`'))
                    value.Append(c);
                value.Append(text[++i]);
            }
            else if (quote != '\0' && c == quote)
                quote = '\0';
            else if (quote == '\0' && c is '"' or '\'')
                quote = c;
            else if (quote == '\0' && char.IsWhiteSpace(c))
                break;
            else
                value.Append(c);
        }
        return value.ToString();
    }
}
