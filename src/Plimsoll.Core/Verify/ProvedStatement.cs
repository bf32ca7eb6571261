using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>An envelope of the evidence, and what is known of it after its signatures were checked.</summary>
/// <param name="Signers">Different keys of the rule that signed it; nothing of the payload counts when there are none.</param>
/// <param name="Statement">Null when nobody of the rule signed it, or it is not of the form.</param>
/// <param name="Problem">Code of what is wrong with it; null when nothing is.</param>
internal sealed record ProvedStatement(Attestation Attestation, IReadOnlyList<ProvingKey> Signers, Statement? Statement, string? Problem)
{
    /// <summary>When it was made, as the signed predicate says; null when it does not.</summary>
    public DateTimeOffset? Time { get; private init; }

    /// <summary>For lists of examples.</summary>
    public string Where => Escape.ForTerminal(Attestation.Where);

    public static ProvedStatement Of(Attestation attestation, ProvedBy proved)
    {
        IReadOnlyList<ProvingKey> signers = proved.Signers;
        if (attestation.Envelope.PayloadType != Statement.PayloadType)
            return new(attestation, [], null, "payload-type");
        if (signers.Count == 0)
            return new(attestation, signers, null, proved.Problem);
        try
        {
            CheckCasing(attestation.Envelope.Payload.Span);
            Statement statement = Statement.ParseForeign(attestation.Envelope.Payload, attestation.Where);
            return new(attestation, signers, statement, null) { Time = PredicateTime.Find(statement) };
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            return new(attestation, signers, null, "payload-malformed");
        }
    }

    /// <summary>
    /// Whether it is about this image. A statement of ours names the parts of one image: those that are known must all be the same,
    /// since the index alone it shares with the other platforms. Other statements list what they are about, and one of it suffices.
    /// </summary>
    public bool IsAbout(JudgedImage image)
    {
        IReadOnlyList<Subject> subjects = Statement!.Subjects;
        if (!Statement.PredicateType.StartsWith("urn:plimsoll:", StringComparison.Ordinal))
            return subjects.Any(s => image.Digests.Contains(s.Digest));
        Digest? manifest = PartOf("manifest"), config = PartOf("config"), index = PartOf("index");
        bool manifestIs = manifest is not null && manifest == image.Manifest, configIs = config is not null && config == image.Config;
        return (manifestIs || configIs)
            && (manifestIs || manifest is null || image.Manifest is null) && (configIs || config is null)
            && (index is null || image.Index is null || index == image.Index)
            && subjects.All(s => s.Name is "manifest" or "config" or "index") && subjects.DistinctBy(s => s.Name).Count() == subjects.Count;
    }

    /// <summary>The digest of a part that a statement of ours names once; null when it does not.</summary>
    public Digest? PartOf(string name)
    {
        Subject[] named = [.. Statement!.Subjects.Where(s => s.Name == name)];
        return named.Length == 1 ? named[0].Digest : null;
    }

    /// <summary>Go reads names in any casing: what is <c>subject</c> here must not be <c>Subject</c> to who wrote or shows it.</summary>
    private static void CheckCasing(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = Statement.MaxForeignDepth });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name;
            try
            {
                name = reader.GetString()!;
            }
            catch (InvalidOperationException e)
            {
                throw new FormatException("a name is no Unicode text", e);
            }
            foreach (string known in (ReadOnlySpan<string>)["_type", "subject", "predicateType", "predicate"])
                if (name != known && name.Equals(known, StringComparison.OrdinalIgnoreCase))
                    throw new FormatException($"{name} stands where {known} was wanted");
            reader.Read();
            reader.Skip();
        }
    }
}
