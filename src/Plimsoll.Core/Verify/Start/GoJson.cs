using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Verify.Start;

internal enum GoKind
{
    Null = 0,
    Flag,
    Number,
    Text,
    List,
    Map,
}

/// <summary>One value of JSON. Names of members are as they were written; who reads them as a structure folds them (<see cref="GoStruct"/>).</summary>
internal sealed class GoValue
{
    public static GoValue Null { get; } = new();

    public GoKind Kind { get; init; }

    /// <summary>Of a text its characters, of a number its digits, of a flag <c>true</c> or <c>false</c>.</summary>
    public string Text { get; init; } = "";
    public IReadOnlyList<GoValue> Items { get; init; } = [];

    /// <summary>In the order of the document; no name twice as written.</summary>
    public IReadOnlyList<KeyValuePair<string, GoValue>> Members { get; init; } = [];

    /// <summary>What a Go program cannot tell from a member that was left out: null, false, 0, the empty text, list and map.</summary>
    public bool IsZero => Kind switch
    {
        GoKind.Null => true,
        GoKind.Flag => Text == "false",
        GoKind.Number => Text.AsSpan().IndexOfAnyInRange('1', '9') < 0,
        GoKind.Text => Text.Length == 0,
        GoKind.List => Items.Count == 0,
        _ => Members.Count == 0,
    };
}

/// <summary>Reads JSON as the engine does, and refuses what Go and others read differently.</summary>
/// <remarks>
/// Go's encoding/json takes names of structures in any casing, with U+017F for s and U+212A for k, takes the last of several, mends texts
/// that are no Unicode, and leaves a value unchanged that is null. What is refused here, no client sends by accident.
/// </remarks>
internal static class GoJson
{
    /// <summary>A name twice, as it is written. Twice in another casing <see cref="GoStruct"/> finds, since in a map of labels both may stand.</summary>
    public static GoValue Parse(ReadOnlySpan<byte> json, int maxBytes, string what)
    {
        if (json.Length > maxBytes)
            throw new StartRequestException("body-too-long", $"{what} has {json.Length} bytes, at most {maxBytes}");
        if (json.Trim(" \t\r\n"u8).IsEmpty)
            throw new StartRequestException("body-absent", $"{what} is empty");
        Utf8JsonReader reader = new(json, isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = StartLimits.MaxDepth + 1 }));
        int left = StartLimits.MaxValues;
        try
        {
            reader.Read();
            GoValue value = Read(ref reader, ref left, what);
            if (!json[(int)reader.BytesConsumed..].Trim(" \t\r\n"u8).IsEmpty)
                throw new StartRequestException("trailing-bytes", $"bytes stand behind the value of {what}, from byte {reader.BytesConsumed}");
            return value;
        }
        catch (JsonException e)
        {
            throw new StartRequestException("malformed-json", $"{what} is no JSON at byte {reader.BytesConsumed}", e);
        }
        // What the base library says of text that is no Unicode.
        catch (InvalidOperationException e)
        {
            throw new StartRequestException("not-unicode", $"a text of {what} is no Unicode, near byte {reader.TokenStartIndex}", e);
        }
    }

    private static GoValue Read(ref Utf8JsonReader reader, ref int left, string what)
    {
        if (--left < 0)
            throw new StartRequestException("body-too-many-values", $"{what} has more than {StartLimits.MaxValues} values");
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                Deep(ref reader, what);
                List<KeyValuePair<string, GoValue>> members = [];
                HashSet<string> seen = new(StringComparer.Ordinal);
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    string name = reader.GetString()!;
                    if (!seen.Add(name))
                        throw new StartRequestException("duplicate-key", $"{Escape.Quote(name)} stands twice in one object of {what}");
                    reader.Read();
                    members.Add(new(name, Read(ref reader, ref left, what)));
                }
                return new GoValue { Kind = GoKind.Map, Members = members };
            case JsonTokenType.StartArray:
                Deep(ref reader, what);
                List<GoValue> items = [];
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    items.Add(Read(ref reader, ref left, what));
                return new GoValue { Kind = GoKind.List, Items = items };
            case JsonTokenType.String:
                return new GoValue { Kind = GoKind.Text, Text = reader.GetString()! };
            case JsonTokenType.Number:
                return new GoValue { Kind = GoKind.Number, Text = System.Text.Encoding.ASCII.GetString(reader.ValueSpan) };
            case JsonTokenType.True or JsonTokenType.False:
                return new GoValue { Kind = GoKind.Flag, Text = reader.TokenType == JsonTokenType.True ? "true" : "false" };
            default:
                return GoValue.Null;
        }
    }

    private static void Deep(ref Utf8JsonReader reader, string what)
    {
        if (reader.CurrentDepth >= StartLimits.MaxDepth)
            throw new StartRequestException("body-too-deep", $"{what} has more than {StartLimits.MaxDepth} structures within each other");
    }
}

/// <summary>What is read of a start at most.</summary>
public static class StartLimits
{
    /// <summary>Bytes of a body, an inspect answer or a runtime's config. The engine itself hands a plugin no body above 1 MiB.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Structures within structures; what the engine knows has six.</summary>
    public const int MaxDepth = 32;

    /// <summary>Values of every kind.</summary>
    public const int MaxValues = 200_000;
}
