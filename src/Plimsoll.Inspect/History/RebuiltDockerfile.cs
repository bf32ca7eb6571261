namespace Plimsoll.Inspect.History;

/// <summary>A line of a Dockerfile that was rebuilt from an image's history.</summary>
/// <param name="Line">1 for the first.</param>
/// <param name="Text">Values that look like secrets are masked; untrusted text.</param>
/// <param name="Layer">The layer that its instruction made, 0 for the base layer; null for those that made none and for comments.</param>
/// <param name="History">Index of the history's line; null for what we added.</param>
public sealed record DockerfileLine(int Line, string Text, int? Layer, int? History);

/// <summary>What a line of the history is.</summary>
internal enum StepKind
{
    /// <summary>A Dockerfile's instruction.</summary>
    Instruction = 0,

    /// <summary>A distribution's root file system, made by its own tool.</summary>
    RootFileSystem,

    /// <summary>Made by a builder that knows no Dockerfile (Bazel, Jib, Nix …).</summary>
    Tool,

    /// <summary><c>docker import</c>.</summary>
    Imported,

    /// <summary><c>docker commit</c>: the line is what the container ran, not what made the layer.</summary>
    Committed,

    /// <summary>Nothing is recorded.</summary>
    Unknown,
}

/// <summary>A line of the history as it was understood.</summary>
internal sealed record HistoryStep
{
    /// <summary>0 for the oldest.</summary>
    public required int Index { get; init; }
    public required StepKind Kind { get; init; }

    /// <summary>In capitals; empty when <see cref="Kind"/> is no instruction.</summary>
    public string Keyword { get; init; } = "";

    /// <summary>What stands behind the keyword in a Dockerfile; of RUN the shell's text. Not masked.</summary>
    public string Arguments { get; init; } = "";

    /// <summary>Build arguments that the builder recorded with a RUN. Not masked.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> BuildArguments { get; init; } = [];

    /// <summary>The layer it made; null when it made none, or when history and layers do not fit each other.</summary>
    public int? Layer { get; init; }

    /// <summary>True when the history says that it made a layer.</summary>
    public bool MadeLayer { get; init; }

    /// <summary>The line as the config has it.</summary>
    public string Raw { get; init; } = "";

    /// <summary>Of its first line in the rebuilt file.</summary>
    public int Line { get; init; }

    /// <summary>Characters of <see cref="Arguments"/> at which the rebuilt file goes on in a new line.</summary>
    public IReadOnlyList<int> Breaks { get; init; } = [];

    /// <summary>The rebuilt file's line in which a character of <see cref="Arguments"/> stands.</summary>
    public int LineOf(int offset)
    {
        int line = Line;
        foreach (int at in Breaks)
            if (at <= offset)
                line++;
        return line;
    }
}

/// <summary>A Dockerfile rebuilt from history.</summary>
internal sealed record RebuiltDockerfile(IReadOnlyList<HistoryStep> Steps, IReadOnlyList<DockerfileLine> Lines)
{
    /// <summary>The file's text, masked, with a line feed at the end of each line.</summary>
    public string Text => string.Concat(Lines.Select(l => l.Text + "\n"));
}
