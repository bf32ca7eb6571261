using System.Text;
using Plimsoll.Posix;
using Plimsoll.Texts;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Plimsoll.Cli.Commands;

/// <summary>A value that a flag, a variable or the configuration file gave.</summary>
/// <param name="Where">For errors: <c>--fail-on</c>, <c>PLIMSOLL_SCAN_FAIL_ON</c>, <c>config.yaml line 3, scan.fail-on</c>.</param>
internal sealed record Setting(IReadOnlyList<string> Values, string Where);

/// <summary><c>config.yaml</c>: a mapping of verbs, each a mapping of that verb's long options without the dashes.</summary>
internal static class ConfigFile
{
    /// <summary>People write it by hand; a real one has a few hundred bytes.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>The settings of one verb.</summary>
    /// <exception cref="CommandException">Unreadable, not of this form, or a key that is not known; with line and known keys.</exception>
    public static IReadOnlyDictionary<string, Setting> Read(string path, string verb, IReadOnlyList<string> known)
    {
        string name = Escape.ForTerminal(path);
        string text;
        try
        {
            text = Encoding.UTF8.GetString(SmallFile.Read(path, MaxBytes) ?? throw CommandException.Usage($"{name}: larger than {MaxBytes} bytes"));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.Usage($"there is no configuration file {Escape.Quote(path)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read the configuration file {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
        Parser parser = new(new StringReader(text));
        try
        {
            return Read(parser, name, verb, known);
        }
        catch (YamlException e)
        {
            throw CommandException.Usage($"{name} line {e.Start.Line}: not valid YAML: {Escape.ForTerminal(e.Message)}");
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // What YamlDotNet 16.3 lets out where it forgets to say it as a YamlException: "..." and a token behind it.
            throw CommandException.Usage($"{name} line {parser.Current?.End.Line ?? 1}: not valid YAML: {Escape.ForTerminal(e.Message)}");
        }
    }

    private static Dictionary<string, Setting> Read(Parser parser, string name, string verb, IReadOnlyList<string> known)
    {
        Dictionary<string, Setting> settings = new(StringComparer.Ordinal);
        parser.Consume<StreamStart>();
        if (parser.TryConsume<StreamEnd>(out _))
            return settings;
        parser.Consume<DocumentStart>();
        // A file of comments only is one empty scalar.
        if (parser.TryConsume<Scalar>(out Scalar? empty) && empty.Value.Length == 0)
            return settings;
        if (!parser.TryConsume<MappingStart>(out _))
            throw Wrong(name, parser.Current, "wanted a mapping of verbs", $"for example {verb}: {{ fail-on: high }}");
        HashSet<string> verbs = [];
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            Scalar key = ScalarOf(parser, name);
            if (key.Value != verb)
                throw Wrong(name, key, $"unknown key {Escape.Quote(key.Value)}; known keys: {verb}");
            if (!verbs.Add(key.Value))
                throw Wrong(name, key, $"{Escape.Quote(key.Value)} stands there twice");
            if (!parser.TryConsume<MappingStart>(out _))
                throw Wrong(name, parser.Current, $"wanted a mapping of options below {verb}");
            while (!parser.TryConsume<MappingEnd>(out _))
                ReadOption(parser, name, verb, known, settings);
        }
        parser.Consume<DocumentEnd>();
        if (!parser.TryConsume<StreamEnd>(out _))
            throw Wrong(name, parser.Current, "a second document; one is read");
        return settings;
    }

    private static void ReadOption(Parser parser, string name, string verb, IReadOnlyList<string> known, Dictionary<string, Setting> settings)
    {
        Scalar key = ScalarOf(parser, name);
        if (!known.Contains(key.Value, StringComparer.Ordinal))
            throw Wrong(name, key, $"unknown key {Escape.Quote($"{verb}.{key.Value}")}; known keys: {string.Join(", ", known)}");
        List<string> values = [];
        if (parser.TryConsume<SequenceStart>(out _))
            while (!parser.TryConsume<SequenceEnd>(out _))
                values.Add(ScalarOf(parser, name).Value);
        else
            values.Add(ScalarOf(parser, name).Value);
        if (!settings.TryAdd(key.Value, new Setting(values, $"{name} line {key.Start.Line}, {verb}.{key.Value}")))
            throw Wrong(name, key, $"{Escape.Quote($"{verb}.{key.Value}")} stands there twice");
    }

    private static Scalar ScalarOf(Parser parser, string name)
    {
        if (parser.TryConsume<Scalar>(out Scalar? scalar))
            return scalar;
        throw Wrong(name, parser.Current, "wanted a plain value");
    }

    private static CommandException Wrong(string name, ParsingEvent? at, string what, string? hint = null) =>
        CommandException.Usage($"{name} line {at?.Start.Line ?? 1}: {what}", hint);
}
