using System.Text;

namespace Plimsoll.Registry;

/// <summary>Who somebody is to one registry. No record: its text would show the secret.</summary>
internal sealed class RegistryCredential(string user, string secret, bool isIdentityToken)
{
    public string User => user;

    public string Secret => secret;

    /// <summary>The secret is a refresh token, which only a token server takes.</summary>
    public bool IsIdentityToken => isIdentityToken;

    /// <summary>The value of an Authorization header.</summary>
    public string Basic => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{secret}"));

    public override string ToString() => "(a credential)";
}
