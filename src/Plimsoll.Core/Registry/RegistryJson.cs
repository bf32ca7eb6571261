using System.Text.Json.Serialization;

namespace Plimsoll.Registry;

/// <summary>What a token server answers; either name is in use.</summary>
internal sealed class TokenAnswer
{
    [JsonPropertyName("token")] public string? Token { get; init; }
    [JsonPropertyName("access_token")] public string? AccessToken { get; init; }
}

/// <summary>A page of a repository's tags.</summary>
internal sealed record TagPage([property: JsonPropertyName("tags")] IReadOnlyList<string>? Tags);

/// <summary>How a registry words errors. Source: OCI distribution specification 1.1, "Error Codes".</summary>
internal sealed record ErrorList([property: JsonPropertyName("errors")] IReadOnlyList<ErrorItem?>? Errors);

internal sealed record ErrorItem([property: JsonPropertyName("code")] string? Code, [property: JsonPropertyName("message")] string? Message);

/// <summary>The part of <c>~/.docker/config.json</c> that says who somebody is. Classes, because a record shows its members.</summary>
internal sealed class AuthFile
{
    [JsonPropertyName("auths")] public IReadOnlyDictionary<string, AuthEntry?>? Auths { get; init; }
    [JsonPropertyName("credHelpers")] public IReadOnlyDictionary<string, string?>? CredHelpers { get; init; }
    [JsonPropertyName("credsStore")] public string? CredsStore { get; init; }
}

internal sealed class AuthEntry
{
    /// <summary>Base64 of <c>USER:PASSWORD</c>.</summary>
    [JsonPropertyName("auth")] public string? Auth { get; init; }
    [JsonPropertyName("username")] public string? Username { get; init; }
    [JsonPropertyName("password")] public string? Password { get; init; }
    [JsonPropertyName("identitytoken")] public string? IdentityToken { get; init; }
}

/// <summary>What <c>docker-credential-NAME get</c> prints.</summary>
internal sealed class HelperAnswer
{
    [JsonPropertyName("Username")] public string? Username { get; init; }
    [JsonPropertyName("Secret")] public string? Secret { get; init; }
}

[JsonSourceGenerationOptions(MaxDepth = 32)]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(TagPage))]
[JsonSerializable(typeof(ErrorList))]
[JsonSerializable(typeof(AuthFile))]
[JsonSerializable(typeof(HelperAnswer))]
internal sealed partial class RegistryJson : JsonSerializerContext;
