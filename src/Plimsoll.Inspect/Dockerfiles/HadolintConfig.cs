using System.Text;
using Plimsoll.Posix;
using Plimsoll.Texts;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Plimsoll.Inspect.Dockerfiles;

/// <summary>Reads hadolint's configuration file (<c>.hadolint.yaml</c>).</summary>
/// <remarks>Events of YAML's parser are read directly: no reflection; anchors, aliases and tags are refused where they stand.</remarks>
public static class HadolintConfig
{
    /// <summary>Bytes; real ones have some hundreds.</summary>
    public const int MaxBytes = 256 * 1024;

    private const string Keys = "disable-ignore-pragma, failure-threshold, format, ignored, label-schema, no-color, no-fail, override, strict-labels, trustedRegistries";

    /// <summary>Names that are looked for, first found first used.</summary>
    public static IReadOnlyList<string> Names { get; } = [".hadolint.yaml", ".hadolint.yml"];

    /// <exception cref="Checks.CheckException">Unreadable, too long, or not of the form; with the line.</exception>
    public static LintOptions Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[]? bytes;
        try
        {
            bytes = SmallFile.Read(path, MaxBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Checks.CheckException($"cannot read the configuration file {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", inner: e);
        }
        return bytes is null ? throw new Checks.CheckException($"{Escape.ForTerminal(path)}: longer than {MaxBytes} bytes") : Parse(Encoding.UTF8.GetString(bytes), path);
    }

    /// <exception cref="Checks.CheckException">Not of the form; with the line.</exception>
    public static LintOptions Parse(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(name);
        Parser parser = new(new StringReader(text.StartsWith('\uFEFF') ? text[1..] : text));
        try
        {
            return new Reader(parser, Escape.ForTerminal(name)).Read();
        }
        catch (YamlException e)
        {
            throw new Checks.CheckException($"{Escape.ForTerminal(name)} line {e.Start.Line}: not valid YAML: {Escape.ForTerminal(e.Message)}", inner: e);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // What YamlDotNet 16.3 lets out where it forgets to say it as a YamlException: "..." and a token behind it.
            throw new Checks.CheckException($"{Escape.ForTerminal(name)} line {parser.Current?.End.Line ?? 1}: not valid YAML: {Escape.ForTerminal(e.Message)}", inner: e);
        }
    }

    private sealed class Reader(Parser parser, string name)
    {
        private readonly HashSet<string> _ignored = new(StringComparer.Ordinal);
        private readonly Dictionary<string, LintLevel> _levels = new(StringComparer.Ordinal);
        private readonly List<string> _registries = [];
        private readonly Dictionary<string, LabelForm> _labels = new(StringComparer.Ordinal);
        private LintOptions _options = new();

        public LintOptions Read()
        {
            parser.Consume<StreamStart>();
            if (parser.TryConsume<StreamEnd>(out _))
                return _options;
            parser.Consume<DocumentStart>();
            // A file of comments only is one empty scalar.
            if (parser.TryConsume<Scalar>(out Scalar? empty) && empty.Value.Length == 0)
                return _options;
            if (!parser.TryConsume<MappingStart>(out _))
                throw Wrong($"wanted a mapping with the keys {Keys}");
            HashSet<string> seen = [];
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                Scalar key = Text();
                if (!seen.Add(key.Value))
                    throw Wrong($"{Escape.Quote(key.Value)} stands there twice", key);
                ReadMember(key);
            }
            parser.Consume<DocumentEnd>();
            if (!parser.TryConsume<StreamEnd>(out _))
                throw Wrong("a second document; one is read");
            return _options with { Ignored = _ignored, Levels = _levels, TrustedRegistries = _registries, Labels = _labels };
        }

        private void ReadMember(Scalar key)
        {
            switch (key.Value)
            {
                case "ignored":
                    _ignored.UnionWith(List());
                    break;
                case "trustedRegistries":
                    _registries.AddRange(List());
                    break;
                case "override":
                    ReadOverride();
                    break;
                case "label-schema":
                    Mapping(label => _labels[label.Value] = FormOf(Text()));
                    break;
                case "strict-labels":
                    _options = _options with { StrictLabels = Truth() };
                    break;
                case "disable-ignore-pragma":
                    _options = _options with { DisableIgnorePragma = Truth() };
                    break;
                case "no-fail":
                    _options = _options with { NoFail = Truth() };
                    break;
                case "failure-threshold":
                    Scalar word = Text();
                    _options = _options with
                    {
                        Threshold = word.Value == "none" ? null : LintLevels.Parse(word.Value) ?? throw Wrong($"{Escape.Quote(word.Value)} is no level; wanted error, warning, info, style, ignore or none", word),
                    };
                    break;
                // How hadolint prints is not how we print.
                case "format" or "no-color":
                    _ = Text();
                    break;
                default:
                    throw Wrong($"unknown key {Escape.Quote(key.Value)}; known keys: {Keys}", key);
            }
        }

        private void ReadOverride() => Mapping(level =>
        {
            LintLevel parsed = LintLevels.Parse(level.Value) is { } known and not LintLevel.Ignore ? known : throw Wrong($"{Escape.Quote(level.Value)} is no level; wanted error, warning, info or style", level);
            foreach (string rule in List())
                _levels[rule] = parsed;
        });

        private void Mapping(Action<Scalar> member)
        {
            // A key without a value is an empty scalar.
            if (parser.TryConsume<Scalar>(out Scalar? empty) && empty.Value.Length == 0)
                return;
            if (!parser.TryConsume<MappingStart>(out _))
                throw Wrong("wanted a mapping");
            while (!parser.TryConsume<MappingEnd>(out _))
                member(Text());
        }

        private List<string> List()
        {
            List<string> values = [];
            if (parser.TryConsume<SequenceStart>(out _))
                while (!parser.TryConsume<SequenceEnd>(out _))
                    values.Add(Text().Value);
            else if (Text().Value is { Length: > 0 } single)
                values.Add(single);
            return values;
        }

        private LabelForm FormOf(Scalar word) => word.Value switch
        {
            "text" or "" => LabelForm.Text,
            "url" => LabelForm.Url,
            "rfc3339" => LabelForm.Rfc3339,
            "semver" => LabelForm.SemVer,
            "hash" => LabelForm.Hash,
            "spdx" => LabelForm.Spdx,
            "email" => LabelForm.Email,
            _ => throw Wrong($"{Escape.Quote(word.Value)} is no form of a label; wanted text, url, rfc3339, semver, hash, spdx or email", word),
        };

        private bool Truth()
        {
            Scalar word = Text();
            return word.Value.ToLowerInvariant() switch
            {
                "true" or "yes" or "on" => true,
                "false" or "no" or "off" => false,
                _ => throw Wrong($"{Escape.Quote(word.Value)} is neither true nor false", word),
            };
        }

        private Scalar Text()
        {
            if (parser.TryConsume<Scalar>(out Scalar? scalar))
                return scalar;
            throw Wrong("wanted a plain value");
        }

        private Checks.CheckException Wrong(string what, ParsingEvent? at = null) => new($"{name} line {(at ?? parser.Current)?.Start.Line ?? 1}: {what}");
    }
}
