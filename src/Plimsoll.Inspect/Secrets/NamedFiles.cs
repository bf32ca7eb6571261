using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Files whose name says that they hold credentials, each read in its own form.</summary>
internal static class NamedFiles
{
    internal enum Kind : byte
    {
        None = 0,
        Netrc,
        Pgpass,
        DockerConfig,
        Shadow,
        Htpasswd,
        VaultToken,
        GoogleUser,
        GnuPg,
        Rclone,
    }

    private const int MaxJsonBytes = 4 << 20;

    /// <summary>By the path alone. Called for every file: no allocation.</summary>
    public static Kind KindOf(ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> name = path[(path.LastIndexOf((byte)'/') + 1)..];
        if (name.IsEmpty)
            return Kind.None;
        switch (name[^1])
        {
            case (byte)'c':
                return name.SequenceEqual(".netrc"u8) || name.SequenceEqual("_netrc"u8) ? Kind.Netrc : Kind.None;
            case (byte)'s':
                return name.SequenceEqual(".pgpass"u8) ? Kind.Pgpass : Kind.None;
            case (byte)'g':
                return name.SequenceEqual(".dockercfg"u8) ? Kind.DockerConfig : name.SequenceEqual("secring.gpg"u8) ? Kind.GnuPg : Kind.None;
            case (byte)'n':
                if (name.SequenceEqual("config.json"u8) && (path.EndsWith(".docker/config.json"u8) || path.EndsWith("docker/config.json"u8)) || name.SequenceEqual(".dockerconfigjson"u8) || path.EndsWith("containers/auth.json"u8))
                    return Kind.DockerConfig;
                return name.SequenceEqual(".vault-token"u8) ? Kind.VaultToken : name.SequenceEqual("application_default_credentials.json"u8) ? Kind.GoogleUser : Kind.None;
            case (byte)'w' or (byte)'-':
                if (path.SequenceEqual("etc/shadow"u8) || path.SequenceEqual("etc/shadow-"u8))
                    return Kind.Shadow;
                return Kind.None;
            case (byte)'d':
                return path.SequenceEqual("etc/passwd"u8) ? Kind.Shadow : name.SequenceEqual(".htpasswd"u8) || name.SequenceEqual("htpasswd"u8) || name.EndsWith(".htpasswd"u8) ? Kind.Htpasswd : Kind.None;
            case (byte)'f':
                return name.SequenceEqual("rclone.conf"u8) ? Kind.Rclone : Kind.None;
            case (byte)'y':
                return path.IndexOf("private-keys-v1.d/"u8) >= 0 ? Kind.GnuPg : Kind.None;
            default:
                return Kind.None;
        }
    }

    public static IEnumerable<SecretMatch> Read(Kind kind, ReadOnlyMemory<byte> content) => kind switch
    {
        Kind.Netrc => Netrc(content),
        Kind.Pgpass => Pgpass(content),
        Kind.DockerConfig => DockerConfig(content),
        Kind.Shadow => Accounts.Of(content, isWeb: false),
        Kind.Htpasswd => Accounts.Of(content, isWeb: true),
        Kind.VaultToken => content.Span.TrimEnd("\r\n "u8) is { Length: >= 20 and < 400 } token && token.IndexOfAny(" \n"u8) < 0 ? [new SecretMatch("vault-token", Severity.Critical, 0, token.Length, [])] : [],
        Kind.GoogleUser => JsonTexts(content, "gcp-user-credentials", ["refresh_token", "client_secret"]),
        Kind.GnuPg => content.Length > 32 && content.Span.IndexOf("private-key"u8) >= 0 | content.Span[0] >= 0x80 ? [Gnu(content.Span)] : [],
        Kind.Rclone => Rclone(content),
        _ => [],
    };

    private static SecretMatch Gnu(ReadOnlySpan<byte> content)
    {
        bool encrypted = content.IndexOf("protected-private-key"u8) >= 0;
        return new SecretMatch(encrypted ? PrivateKeys.Encrypted : PrivateKeys.Plain, encrypted ? Severity.Low : Severity.High, 0, 0, [new("form", "GnuPG")]);
    }

    /// <remarks>Source: the netrc format of ftp(1): words in pairs, over line ends.</remarks>
    private static List<SecretMatch> Netrc(ReadOnlyMemory<byte> content)
    {
        List<SecretMatch> found = [];
        ReadOnlySpan<byte> text = content.Span;
        bool password = false;
        foreach (Range word in text.SplitAny(" \t\r\n"u8))
        {
            (int at, int length) = word.GetOffsetAndLength(text.Length);
            if (length == 0)
                continue;
            ReadOnlySpan<byte> value = text.Slice(at, length);
            if (password && !Placeholders.Holds(Encoding.Latin1.GetString(value)) && found.Count < SecretScanner.MaxMatches)
                found.Add(new SecretMatch("netrc-password", Severity.High, at, length, []) { Shown = "password=" + Mask.Of(value), Rank = 2 });
            password = value.SequenceEqual("password"u8);
        }
        return found;
    }

    /// <remarks>Source: PostgreSQL documentation, "The Password File": host:port:database:user:password, colons escaped.</remarks>
    private static List<SecretMatch> Pgpass(ReadOnlyMemory<byte> content)
    {
        List<SecretMatch> found = [];
        ReadOnlySpan<byte> text = content.Span;
        for (int at = 0; at < text.Length && found.Count < SecretScanner.MaxMatches;)
        {
            int length = text[at..].IndexOf((byte)'\n');
            length = length < 0 ? text.Length - at : length;
            ReadOnlySpan<byte> line = text.Slice(at, length).TrimEnd((byte)'\r');
            int colons = 0, password = -1;
            for (int i = 0; i < line.Length && password < 0; i++)
            {
                if (line[i] == (byte)'\\')
                    i++;
                else if (line[i] == (byte)':' && ++colons == 4)
                    password = i + 1;
            }
            if (password > 0 && password < line.Length && line[0] != (byte)'#' && !Placeholders.Holds(Encoding.Latin1.GetString(line[password..])))
                found.Add(new SecretMatch("pgpass-password", Severity.High, at + password, line.Length - password, []) { Shown = "****", Rank = 2 });
            at += length + 1;
        }
        return found;
    }

    /// <summary>rclone obscures passwords with a key that stands in its source.</summary>
    private static List<SecretMatch> Rclone(ReadOnlyMemory<byte> content)
    {
        List<SecretMatch> found = [];
        ReadOnlySpan<byte> text = content.Span;
        foreach (ReadOnlySpan<byte> key in (ReadOnlySpan<byte[]>)["\npass = "u8.ToArray(), "\nsecret_access_key = "u8.ToArray(), "\ntoken = "u8.ToArray()])
        {
            int at = text.IndexOf(key);
            if (at < 0)
                continue;
            at += key.Length;
            int length = text[at..].IndexOf((byte)'\n');
            length = length < 0 ? text.Length - at : length;
            if (length >= 8)
                found.Add(new SecretMatch("rclone-credentials", Severity.High, at, length, []) { Rank = 2 });
        }
        return found;
    }

    /// <remarks>Source: Docker CLI's config file: <c>auths.HOST.auth</c> is base64 of user:password; <c>identitytoken</c> stands as it is.</remarks>
    private static List<SecretMatch> DockerConfig(ReadOnlyMemory<byte> content)
    {
        List<SecretMatch> found = [];
        foreach (SecretMatch match in JsonTexts(content, "docker-registry-auth", ["auth", "identitytoken", "password", "registrytoken"]))
        {
            ReadOnlySpan<byte> value = content.Span.Slice(match.Start, match.Length);
            if (match.Details[0].Value == "auth")
            {
                byte[] decoded = new byte[value.Length];
                if (Base64.DecodeFromUtf8(value, decoded, out _, out int written) != System.Buffers.OperationStatus.Done)
                    continue;
                int colon = decoded.AsSpan(0, written).IndexOf((byte)':');
                if (colon <= 0 || colon + 1 >= written || Placeholders.Holds(Encoding.Latin1.GetString(decoded.AsSpan(colon + 1, written - colon - 1).TrimEnd((byte)0))))
                    continue;
            }
            found.Add(match with { Details = [], Rank = 2 });
        }
        return found;
    }

    /// <summary>The texts of some keys, at any depth; of malformed JSON what stands before the fault.</summary>
    private static List<SecretMatch> JsonTexts(ReadOnlyMemory<byte> content, string rule, string[] keys)
    {
        List<SecretMatch> found = [];
        if (content.Length > MaxJsonBytes)
            return found;
        try
        {
            Utf8JsonReader reader = new(content.Span, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            string? key = null;
            while (reader.Read() && found.Count < SecretScanner.MaxMatches)
            {
                if (reader.TokenType == JsonTokenType.PropertyName)
                {
                    key = null;
                    foreach (string one in keys)
                        if (IsNamed(reader, one))
                            key = one;
                }
                else
                {
                    int length = reader.ValueSpan.Length;
                    if (key is not null && reader.TokenType == JsonTokenType.String && length >= 4 && !Placeholders.Holds(Encoding.Latin1.GetString(reader.ValueSpan)))
                        found.Add(new SecretMatch(rule, Severity.Critical, (int)reader.TokenStartIndex + 1, length, [new("key", key)]) { Shown = $"{key}={Mask.Of(reader.ValueSpan)}", Rank = 2 });
                    key = null;
                }
            }
        }
        catch (JsonException)
        {
            // A file that its tool could not read either gives away what could be read.
        }
        return found;
    }

    private static bool IsNamed(in Utf8JsonReader reader, string name)
    {
        try
        {
            return reader.ValueTextEquals(name);
        }
        catch (InvalidOperationException)
        {
            // A name with half a surrogate in it is none of those that are looked for; what follows counts all the same.
            return false;
        }
    }
}
