using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Reads what a JSON Web Token says of itself. Source: RFC 7519.</summary>
internal static class JsonWebTokens
{
    private const int MaxClaimChars = 80;

    /// <returns>Null when it is none, or the one that documentation shows.</returns>
    public static SecretMatch? Judge(SecretMatch found, string token)
    {
        string[] parts = token.Split('.');
        if (parts.Length < 2 || !TryRead(parts[0], out JsonDocument? header))
            return null;
        using JsonDocument head = header;
        if (!TryRead(parts[1], out JsonDocument? payload))
            return null;
        using JsonDocument body = payload;
        if (Text(head, "alg") is not { } algorithm || Text(body, "name") is "John Doe" || Text(body, "sub") is "1234567890")
            return null;
        List<KeyValuePair<string, string>> details = [new("alg", algorithm)];
        if (Text(body, "iss") is { } issuer)
            details.Add(new("iss", issuer));
        if (body.RootElement.TryGetProperty("exp", out JsonElement exp) && exp.ValueKind == JsonValueKind.Number && exp.TryGetDouble(out double seconds) && seconds is > 0 and < 253402300799)
            details.Add(new("exp", ((long)seconds).ToString(CultureInfo.InvariantCulture)));
        // A token that every visitor of a site is given says so in its role.
        bool isPublic = Text(body, "role") is "anon";
        return found with { Severity = isPublic ? Severity.Negligible : found.Severity, Details = details };
    }

    private static string? Text(JsonDocument document, string key) =>
        document.RootElement.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text ? text[..Math.Min(text.Length, MaxClaimChars)] : null;

    private static bool TryRead(string part, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out JsonDocument? document)
    {
        document = null;
        try
        {
            byte[] bytes = Base64Url.DecodeFromChars(part.TrimEnd('='));
            document = JsonDocument.Parse(Encoding.UTF8.GetString(bytes));
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return true;
            document.Dispose();
            document = null;
            return false;
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
