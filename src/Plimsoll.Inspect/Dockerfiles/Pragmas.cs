namespace Plimsoll.Inspect.Dockerfiles;

/// <summary><c># hadolint ignore=…</c> for the instruction that follows, <c># hadolint global ignore=…</c> for the file, <c># hadolint shell=…</c>.</summary>
internal sealed class Pragmas
{
    private readonly HashSet<string> _global = new(StringComparer.Ordinal);
    private readonly Dictionary<int, HashSet<string>> _byInstruction = [];
    private IReadOnlyList<Instruction> _instructions = [];

    /// <summary>Lines with an inline pragma.</summary>
    public List<int> InlineLines { get; } = [];

    /// <summary>The shell of base images, by the line from which on it counts.</summary>
    public List<(int Line, string Shell)> Shells { get; } = [];

    public static Pragmas Of(Dockerfile file)
    {
        Pragmas pragmas = new() { _instructions = file.Instructions };
        foreach (Comment comment in file.Comments)
            pragmas.Read(comment);
        return pragmas;
    }

    public bool Ignores(string rule, int line) =>
        _global.Contains(rule) || _byInstruction.TryGetValue(InstructionAt(line), out HashSet<string>? rules) && rules.Contains(rule);

    /// <summary>Index of the first instruction that ends on the line or behind it.</summary>
    private int InstructionAt(int line)
    {
        int low = 0, high = _instructions.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_instructions[middle].EndLine < line)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private void Read(Comment comment)
    {
        const string Name = "hadolint";
        string text = comment.Text;
        if (!text.StartsWith(Name, StringComparison.Ordinal) || text.Length == Name.Length || text[Name.Length] is not (' ' or '\t'))
            return;
        text = text[Name.Length..].TrimStart();
        bool isGlobal = text.StartsWith("global ", StringComparison.Ordinal);
        if (isGlobal)
            text = text["global ".Length..].TrimStart();
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string key = equals < 0 ? "" : text[..equals].TrimEnd();
        if (key is not ("ignore" or "shell"))
            return;
        string value = text[(equals + 1)..];
        int reason = value.IndexOf('#', StringComparison.Ordinal);
        value = (reason < 0 ? value : value[..reason]).Trim();
        if (key == "shell")
        {
            Shells.Add((comment.Line, value));
            return;
        }
        string[] rules = [.. value.Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
        if (!isGlobal)
            InlineLines.Add(comment.Line);
        if (isGlobal)
            _global.UnionWith(rules);
        else
        {
            // The next instruction's, or that of the one whose lines it stands among.
            int next = InstructionAt(comment.Line);
            if (!_byInstruction.TryGetValue(next, out HashSet<string>? set))
                _byInstruction.Add(next, set = new HashSet<string>(StringComparer.Ordinal));
            set.UnionWith(rules);
        }
    }
}
