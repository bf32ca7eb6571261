using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.ContentTrust;

/// <summary>How a collection's root is known beforehand. There is no trust on first use: without a pin nothing is believed.</summary>
/// <remarks>One of the three is there. The last two are notary's <c>trust_pinning</c> with <c>certs</c> and <c>ca</c>.</remarks>
public sealed record RootPin
{
    /// <summary>Key ids and authorities of one pin.</summary>
    public const int MaxListed = 64;

    /// <summary>A root.json: the collection begins with this root, or with one that was rotated from it step by step.</summary>
    public ReadOnlyMemory<byte> Root { get; init; }

    /// <summary>Ids of root keys, each of the key's certificate as root.json has it, or of the key itself as its private file is called.</summary>
    public IReadOnlyList<string> KeyIds { get; init; } = [];

    /// <summary>Certificates in PEM, below which the certificates of root keys were issued.</summary>
    public string Authorities { get; init; } = "";

    /// <summary>The one kind of pin that a file holds, by its content.</summary>
    /// <param name="name">What it is called in messages.</param>
    /// <exception cref="ContentTrustException">Malformed: neither a root nor certificates.</exception>
    public static RootPin OfFile(ReadOnlyMemory<byte> content, string name)
    {
        ReadOnlySpan<byte> text = content.Span.TrimStart(" \t\r\n"u8);
        RootPin pin = text.StartsWith("{"u8) ? new RootPin { Root = content } : new RootPin { Authorities = Encoding.UTF8.GetString(content.Span) };
        pin.Check(name);
        return pin;
    }

    /// <exception cref="ContentTrustException">Malformed: an id is none.</exception>
    public static RootPin OfKeys(IReadOnlyList<string> ids, string name)
    {
        RootPin pin = new() { KeyIds = ids };
        pin.Check(name);
        return pin;
    }

    /// <exception cref="ContentTrustException">Malformed.</exception>
    public void Check(string name)
    {
        if (!Root.IsEmpty)
        {
            using RootMetadata root = OpenRoot(name);
            return;
        }
        if (KeyIds.Count > MaxListed || KeyIds.FirstOrDefault(id => !IsKeyId(id)) is not null)
            throw new ContentTrustException(ContentTrustError.Malformed, name, $"{Escape.Quote(KeyIds.First(id => KeyIds.Count > MaxListed || !IsKeyId(id)))} is no id of a key (64 lower-case hex digits), or there are more than {MaxListed}");
        if (KeyIds.Count == 0)
            foreach (X509Certificate2 certificate in OpenAuthorities(name))
                certificate.Dispose();
    }

    public static bool IsKeyId(string text) => text is { Length: 64 } && text.All(c => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f');

    internal RootMetadata OpenRoot(string name)
    {
        try
        {
            return new RootMetadata(Root, ContentTrustLimits.Default);
        }
        catch (TufFormatException e)
        {
            throw new ContentTrustException(ContentTrustError.Malformed, name, $"no root of a collection: {e.Message}", "a root is the file root.json of notary's metadata", e);
        }
    }

    internal X509Certificate2Collection OpenAuthorities(string name)
    {
        X509Certificate2Collection authorities = [];
        try
        {
            authorities.ImportFromPem(Authorities);
        }
        catch (CryptographicException e)
        {
            throw new ContentTrustException(ContentTrustError.Malformed, name, Escape.ForTerminal(e.Message.TrimEnd('.')), inner: e);
        }
        return authorities.Count is > 0 and <= MaxListed ? authorities
            : throw new ContentTrustException(ContentTrustError.Malformed, name, $"{authorities.Count} certificates; wanted 1 to {MaxListed}", "a pin is a root.json, the certificate of an authority in PEM, or the id of a root key");
    }
}
