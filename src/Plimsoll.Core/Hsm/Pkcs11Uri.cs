using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Hsm;

/// <summary>
/// A <c>pkcs11:</c> URI: what a token and an object in it must be like. Read strictly: what is unknown, empty, said twice or not in a form that
/// RFC 7512 allows is an error, since a part that is passed over could be the one that tells two keys apart.
/// </summary>
/// <remarks>Source: RFC 7512, 2.3 (form), 2.4 (matching).</remarks>
public sealed record Pkcs11Uri
{
    public const string Scheme = "pkcs11:";

    /// <summary>Characters of a URI; one with every part at its longest has some 2500.</summary>
    public const int MaxLength = 4096;

    /// <summary>Bytes of a label or an id; tokens that keep more are not known.</summary>
    public const int MaxValueBytes = 255;

    private const int MaxPathLength = 1024;

    /// <summary>The other characters that may stand unescaped. Source: RFC 7512, 2.3, pk11-res-avail, pk11-path-res-avail, pk11-query-res-avail.</summary>
    private const string Plain = "-._~:[]@!$'()*+,=", PathPlain = Plain + "&", QueryPlain = Plain + "/?|";

    private Pkcs11Uri()
    {
    }

    /// <summary>CK_TOKEN_INFO.label, without the spaces that fill it.</summary>
    public string? Token { get; private init; }
    public string? Manufacturer { get; private init; }
    public string? Model { get; private init; }
    public string? Serial { get; private init; }

    /// <summary>CKA_LABEL.</summary>
    public string? Object { get; private init; }

    /// <summary>CKA_ID.</summary>
    public ReadOnlyMemory<byte>? Id { get; private init; }

    /// <summary><c>private</c>, <c>public</c>, <c>secret-key</c>; null for any.</summary>
    public string? Type { get; private init; }
    public ulong? SlotId { get; private init; }

    /// <summary>Absolute.</summary>
    public string? ModulePath { get; private init; }

    /// <summary>Absolute path of a file with the PIN in it.</summary>
    public string? PinSource { get; private init; }

    /// <summary>Whether it says anything of an object.</summary>
    public bool NamesObject => Object is not null || Id is not null;

    /// <exception cref="HsmException"><see cref="HsmError.BadUri"/>; the message says what was seen and what was wanted.</exception>
    public static Pkcs11Uri Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.StartsWith(Scheme, StringComparison.Ordinal))
            throw Bad($"{Escape.Quote(Short(text))} does not begin with {Scheme}");
        if (text.Length > MaxLength)
            throw Bad($"the URI has {text.Length} characters; wanted at most {MaxLength} (MaxLength)");
        string rest = text[Scheme.Length..];
        int question = rest.IndexOf('?', StringComparison.Ordinal);
        Pkcs11Uri uri = new();
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach ((string name, string value) in Parts(question < 0 ? rest : rest[..question], ';', seen))
            uri = uri.WithPath(name, value);
        if (question >= 0 && rest.Length == question + 1)
            throw Bad("nothing follows the question mark");
        foreach ((string name, string value) in Parts(question < 0 ? "" : rest[(question + 1)..], '&', seen))
            uri = uri.WithQuery(name, value);
        return uri;
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out Pkcs11Uri? uri)
    {
        try
        {
            uri = Parse(text);
            return true;
        }
        catch (HsmException)
        {
            uri = null;
            return false;
        }
    }

    /// <summary>The same for one object of one token.</summary>
    public Pkcs11Uri Of(HsmTokenInfo token, string? label, ReadOnlyMemory<byte> id, string? type)
    {
        ArgumentNullException.ThrowIfNull(token);
        return this with
        {
            Token = token.Label.Length > 0 ? token.Label : null,
            Serial = token.Serial.Length > 0 ? token.Serial : null,
            Object = string.IsNullOrEmpty(label) ? null : label,
            Id = id.IsEmpty ? (ReadOnlyMemory<byte>?)null : id,
            Type = type,
            PinSource = null,
            Manufacturer = null,
            Model = null,
            SlotId = null,
        };
    }

    /// <summary>Without the query, which is no part of what is named: neither the module's path nor the PIN's.</summary>
    public string Shown => Scheme + string.Join(';', Path());

    public override string ToString()
    {
        string[] query = [.. ModulePath is { } module ? [$"module-path={Written(module, QueryPlain)}"] : Array.Empty<string>(), .. PinSource is { } pin ? [$"pin-source={Written(pin, QueryPlain)}"] : Array.Empty<string>()];
        return query.Length == 0 ? Shown : $"{Shown}?{string.Join('&', query)}";
    }

    public bool Equals(Pkcs11Uri? other) => other is not null && other.ToString() == ToString();

    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    private IEnumerable<string> Path()
    {
        foreach ((string name, string? value) in ((string, string?)[])[("token", Token), ("manufacturer", Manufacturer), ("model", Model), ("serial", Serial)])
            if (value is not null)
                yield return $"{name}={Written(value, PathPlain)}";
        if (SlotId is { } slot)
            yield return $"slot-id={slot.ToString(CultureInfo.InvariantCulture)}";
        if (Object is not null)
            yield return $"object={Written(Object, PathPlain)}";
        if (Id is { } id)
            // All of it escaped, as RFC 7512, 2.3 advises for bytes that are no text.
            yield return $"id={string.Concat(id.ToArray().Select(b => $"%{b:X2}"))}";
        if (Type is not null)
            yield return $"type={Type}";
    }

    private Pkcs11Uri WithPath(string name, string value) => name switch
    {
        "token" => this with { Token = Text(name, value, 32) },
        "manufacturer" => this with { Manufacturer = Text(name, value, 32) },
        "model" => this with { Model = Text(name, value, 16) },
        "serial" => this with { Serial = Text(name, value, 16) },
        "object" => this with { Object = Text(name, value, MaxValueBytes) },
        "id" => this with { Id = Bytes(name, value, MaxValueBytes, PathPlain) },
        "type" => this with
        {
            Type = value is "private" or "public" or "secret-key" ? value
                : throw Bad($"type={Escape.ForTerminal(Short(value))} is not understood; wanted private, public or secret-key"),
        },
        "slot-id" => this with
        {
            SlotId = ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong slot) ? slot
                : throw Bad($"slot-id={Escape.ForTerminal(Short(value))} is no number"),
        },
        "pin-value" => throw PinValue(),
        "pin-source" or "module-path" or "module-name" => throw Bad($"{name} belongs behind a question mark: {Scheme}…?{name}=…"),
        _ => throw Bad($"{Escape.Quote(Short(name))} is not understood; wanted token, manufacturer, model, serial, slot-id, object, id and type"),
    };

    private Pkcs11Uri WithQuery(string name, string value) => name switch
    {
        "module-path" => this with { ModulePath = PathOf(name, value) },
        "pin-source" => this with { PinSource = PathOf(name, value) },
        "pin-value" => throw PinValue(),
        "module-name" => throw Bad("module-name leaves open which file is loaded", "name the file: module-path=/usr/lib/…"),
        _ => throw Bad($"{Escape.Quote(Short(name))} is not understood behind the question mark; wanted module-path and pin-source"),
    };

    private static IEnumerable<(string Name, string Value)> Parts(string text, char separator, HashSet<string> seen)
    {
        if (text.Length == 0)
            yield break;
        foreach (string part in text.Split(separator))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw Bad(part.Length == 0 ? $"there is an empty part; parts stand between {separator}" : $"{Escape.Quote(Short(part))} has no form NAME=VALUE");
            string name = part[..equals];
            // Before its value is looked at: what stands there must not be repeated in a message.
            if (name == "pin-value")
                throw PinValue();
            if (!seen.Add(name))
                throw Bad($"{Escape.Quote(Short(name))} stands there twice");
            if (equals == part.Length - 1)
                throw Bad($"{Escape.Quote(Short(name))} is empty");
            yield return (name, part[(equals + 1)..]);
        }
    }

    private static string Text(string name, string value, int maxBytes)
    {
        string text = Utf8(name, Bytes(name, value, maxBytes, PathPlain));
        return text.Any(char.IsControl) ? throw Bad($"{name} holds control characters") : text;
    }

    /// <summary>An absolute path, or the same as a <c>file:</c> URI. Source: RFC 7512, 2.4: any scheme, or <c>|</c> and a program; both are refused.</summary>
    private static string PathOf(string name, string value)
    {
        string path = Utf8(name, Bytes(name, value, MaxPathLength, QueryPlain));
        if (path.StartsWith('|'))
            throw Bad($"{name} names a program to run, which is not done", name == "pin-source" ? "name a file, or give the PIN in the environment as PLIMSOLL_PIN" : null);
        if (path.StartsWith("file:", StringComparison.Ordinal))
            path = path.StartsWith("file:///", StringComparison.Ordinal) ? path["file://".Length..] : path["file:".Length..];
        return path.StartsWith('/') && !path.StartsWith("//", StringComparison.Ordinal) && !path.Any(char.IsControl) ? path
            : throw Bad($"{name}={Escape.ForTerminal(Short(path))} is no absolute path");
    }

    private static string Utf8(string name, byte[] bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (ArgumentException)
        {
            throw Bad($"{name} is not in UTF-8");
        }
    }

    private static byte[] Bytes(string name, string value, int maxBytes, string plain)
    {
        List<byte> bytes = new(Math.Min(value.Length, maxBytes));
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            if (c == '%')
            {
                if (i + 2 >= value.Length || !char.IsAsciiHexDigit(value[i + 1]) || !char.IsAsciiHexDigit(value[i + 2]))
                    throw Bad($"{name}: % is not followed by two hex digits");
                bytes.Add(byte.Parse(value.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 2;
            }
            else if (char.IsAsciiLetterOrDigit(c) || plain.Contains(c, StringComparison.Ordinal))
                bytes.Add((byte)c);
            else
                throw Bad($"{name} holds {Escape.Quote(c.ToString())}", char.IsAscii(c) ? $"write it as %{(int)c:X2}" : "write it in UTF-8, each byte as % and two hex digits");
            if (bytes.Count > maxBytes)
                throw Bad($"{name} has more than {maxBytes} bytes");
        }
        return [.. bytes];
    }

    private static string Written(string text, string plain)
    {
        StringBuilder written = new();
        foreach (byte b in Encoding.UTF8.GetBytes(text))
            if (char.IsAsciiLetterOrDigit((char)b) || b < 0x80 && plain.Contains((char)b, StringComparison.Ordinal))
                written.Append((char)b);
            else
                written.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        return written.ToString();
    }

    private static string Short(string text) => text.Length > 40 ? text[..40] + "…" : text;

    private static HsmException PinValue() => Bad("pin-value is not taken: every user of the machine can read a command line", "put the PIN into a file and name it by pin-source, or give it in the environment as PLIMSOLL_PIN");

    private static HsmException Bad(string message, string? hint = null) => new(HsmError.BadUri, message, hint);
}
