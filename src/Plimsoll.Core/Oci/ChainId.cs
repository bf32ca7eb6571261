using System.Text;

namespace Plimsoll.Oci;

/// <summary>Names a layer together with all layers below it.</summary>
public static class ChainId
{
    /// <summary>The chainID of each layer, base layer first.</summary>
    /// <param name="diffIds">SHA-256 of each <em>uncompressed</em> layer tar, base layer first; may be empty.</param>
    /// <remarks>
    /// <c>chain(0) = diff(0)</c>, <c>chain(n) = SHA256(chain(n-1) + " " + diff(n))</c> over the text form of the digests.
    /// Source: OCI image specification 1.1, config.md, "Layer ChainID".
    /// </remarks>
    public static IReadOnlyList<Digest> Of(IReadOnlyList<Digest> diffIds)
    {
        Digest[] chain = new Digest[diffIds.Count];
        for (int i = 0; i < chain.Length; i++)
            chain[i] = i == 0 ? diffIds[0] : Digest.Of(Encoding.ASCII.GetBytes($"{chain[i - 1]} {diffIds[i]}"));
        return chain;
    }
}
