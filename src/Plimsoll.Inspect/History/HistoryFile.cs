using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.History;

/// <summary>Rebuilds a Dockerfile from an image's history.</summary>
internal static class HistoryFile
{
    /// <summary>Lines of a history that are read; real ones have some tens, and no builder makes more layers than 127.</summary>
    public const int MaxSteps = 2000;

    /// <param name="layers">How many layers the image has.</param>
    /// <param name="known">What is known of its base; its end is marked with a comment.</param>
    public static RebuiltDockerfile Rebuild(ImageConfig? config, int layers, BaseImage? known)
    {
        IReadOnlyList<HistoryEntry> history = [.. (config?.History ?? []).Where(h => h is not null).Take(MaxSteps)];
        // Lines that made layers are tied to them only when they are as many.
        bool fits = history.Count(h => !h.EmptyLayer) == layers;
        List<HistoryStep> steps = [];
        Writer writer = new();
        int layer = 0;
        writer.Add("# rebuilt from the image's history; names of build stages and of the base image are not recorded there", null, null);
        writer.Add("FROM scratch", null, null);
        for (int i = 0; i < history.Count; i++)
        {
            int? own = fits && !history[i].EmptyLayer ? layer++ : null;
            if (own is { } first && known is { Layers: > 0 } && first == known.Layers)
                writer.Add($"# here the base image{(known.ClaimedName is { Length: > 0 } name ? " " + OneLine(name) : "")} ends ({known.Layers} layers)", null, null);
            HistoryStep step = HistoryLine.Read(history[i], i, own);
            steps.Add(writer.Add(step));
        }
        return new RebuiltDockerfile(steps, writer.Lines);
    }

    public static RebuiltDockerfile Rebuild(ImageConfig? config, IReadOnlyList<LayerSummary> layers) =>
        Rebuild(config, layers.Count, BaseFinder.Find(config, layers));

    private static string OneLine(string text) => text.AsSpan().ContainsAny('\n', '\r') ? text.Replace('\n', ' ').Replace('\r', ' ') : text;

    private sealed class Writer
    {
        public List<DockerfileLine> Lines { get; } = [];

        public void Add(string text, int? layer, int? history) => Lines.Add(new DockerfileLine(Lines.Count + 1, SecretMask.Of(text), layer, history));

        public HistoryStep Add(HistoryStep step)
        {
            if (step.BuildArguments.Count > 0)
                Add("# build arguments: " + OneLine(string.Join(' ', step.BuildArguments.Select(a => $"{a.Key}={a.Value}"))), step.Layer, step.Index);
            int first = Lines.Count + 1;
            if (step.Kind != StepKind.Instruction)
            {
                string what = step.Kind switch
                {
                    StepKind.Committed => "# committed from a container that ran: ",
                    StepKind.Imported => "# imported as an archive",
                    StepKind.Unknown => step.MadeLayer ? "# a layer without a recorded command" : "# a line without a recorded command",
                    _ => step.Raw.StartsWith('#') ? "" : "# ",
                };
                Add(what + OneLine(step.Kind is StepKind.Imported or StepKind.Unknown ? "" : step.Raw.Trim()), step.Layer, step.Index);
                return step with { Line = first };
            }
            if (step.Keyword != "RUN")
            {
                Add($"{step.Keyword} {OneLine(step.Arguments)}".TrimEnd(), step.Layer, step.Index);
                return step with { Line = first };
            }
            return step.Arguments.Contains('\n', StringComparison.Ordinal) ? AddHeredoc(step) : AddRun(step);
        }

        /// <summary>Several lines can only stand in a heredoc.</summary>
        private HistoryStep AddHeredoc(HistoryStep step)
        {
            string[] lines = step.Arguments.TrimEnd('\n').Split('\n');
            string end = "EOF";
            for (int i = 1; Array.Exists(lines, l => l.TrimEnd('\r') == end); i++)
                end = $"EOF{i}";
            int first = Lines.Count + 1;
            Add($"RUN <<{end}", step.Layer, step.Index);
            List<int> breaks = [0];
            int offset = 0;
            foreach (string line in lines)
            {
                Add(line.TrimEnd('\r'), step.Layer, step.Index);
                offset += line.Length + 1;
                breaks.Add(offset);
            }
            Add(end, step.Layer, step.Index);
            return step with { Line = first, Breaks = breaks };
        }

        /// <summary>Builders leave the white space of continued lines where it was: there a new line begins again.</summary>
        private HistoryStep AddRun(HistoryStep step)
        {
            string text = step.Arguments;
            List<int> breaks = [];
            int first = Lines.Count + 1, start = 0;
            StringBuilder line = new("RUN ");
            char quote = '\0';
            for (int i = 0; i < text.Length; i++)
            {
                char c = text[i];
                if (quote != '\0')
                    quote = c == quote ? '\0' : quote;
                else if (c is '\'' or '"' or '`')
                    quote = c;
                else if (c == '\\')
                    i++;
                else if (i > start && (c == '\t' || c == ' ' && i + 1 < text.Length && text[i + 1] is ' ' or '\t'))
                {
                    int end = i;
                    while (end < text.Length && text[end] is ' ' or '\t')
                        end++;
                    // Nothing follows, or a comment that would swallow the rest all the same.
                    if (end == text.Length)
                        break;
                    line.Append(text.AsSpan(start, i - start)).Append(" \\");
                    Add(line.ToString(), step.Layer, step.Index);
                    line.Clear().Append("    ");
                    breaks.Add(end);
                    start = end;
                    i = end - 1;
                }
            }
            line.Append(text.AsSpan(start).TrimEnd());
            Add(line.ToString(), step.Layer, step.Index);
            return step with { Line = first, Breaks = breaks };
        }
    }
}
