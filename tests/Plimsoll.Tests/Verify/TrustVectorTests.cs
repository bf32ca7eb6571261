using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Verify;

/// <summary>Images that other programs signed.</summary>
[Trait("needs", "shared")]
public sealed class TrustVectorTests
{
    private const string Cosign = "192.168.64.2:5000/cosign-signed-single-sample", Skopeo = "192.168.64.2:5000/skopeo-signed";

    private static string Folder => SharedData.At("trust", "sigstore", "containers-image");

    private static string Key(string name) => $"{{pem: \"{File.ReadAllText(Path.Combine(Folder, name)).Replace("\n", "\\n", StringComparison.Ordinal)}\"}}";

    /// <summary>The sets keep a file that is another's as the path to it.</summary>
    private static byte[] Read(string folder, string name)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(Folder, folder, name));
        return bytes.AsSpan().StartsWith("../"u8) && Path.Combine(Folder, folder, Encoding.UTF8.GetString(bytes).Trim()) is var other && File.Exists(other) ? File.ReadAllBytes(other) : bytes;
    }

    private static Verdict Judge(string folder, string name, string signatures)
    {
        byte[] manifest = File.Exists(Path.Combine(Folder, folder, "manifest.json")) ? Read(folder, "manifest.json") : [];
        Digest digest = Digest.Of(manifest);
        List<ImageSignature> found = [];
        foreach (string file in (string[])["signature-1", "signature-2"])
            if (File.Exists(Path.Combine(Folder, folder, file)))
            {
                JsonNode json = JsonNode.Parse(Read(folder, file).AsSpan("\0sigstore-json\n".Length))!;
                Assert.Equal(SimpleSigning.MediaType, (string)json["mimeType"]!);
                found.Add(new ImageSignature(Convert.FromBase64String((string)json["payload"]!), Convert.FromBase64String((string)json["annotations"]![SimpleSigning.SignatureAnnotation]!), digest, file));
            }
        Policy policy = Inspections.Policy($"trust:\n  keys:\n    one: {Key("cosign.pub")}\n    two: {Key("cosign2.pub")}\n  images: [{{names: ['192.168.64.2:5000/*'], signatures: {signatures}}}]\n");
        return TrustJudge.Of(policy, new TrustCase
        {
            Image = new JudgedImage { Names = [ImageName.Parse(name)], Manifest = digest, Config = Digest.Of("config"u8) },
            Evidence = new Evidence { Signatures = found },
        }, Inspections.Now, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void ContainersImage_Valid_Passes()
    {
        Judge("dir-img-cosign-valid", Cosign, "{keys: [one]}").Passes();
        Judge("dir-img-cosign-valid", Cosign, "{keys: [two]}").Refuses("signature/no-key-matches");
        Judge("dir-img-cosign-valid", Skopeo, "{keys: [one]}").Refuses("signature/signature-repository");
        Judge("dir-img-cosign-valid", Cosign + ":tag", "{keys: [one], match: exact}").Refuses("signature/signature-tag");
    }

    [Fact]
    public void ContainersImage_ValidTwice_IsOneKeyThatSignedTwice()
    {
        Judge("dir-img-cosign-valid-2", Cosign, "{keys: [one, two]}").Passes();
        Judge("dir-img-cosign-valid-2", Cosign, "{keys: [one, two], threshold: 2}").Refuses("signature/signature-threshold");
    }

    [Fact]
    public void ContainersImage_ValidWithTag_IsOfThatTag()
    {
        Judge("dir-img-cosign-valid-with-tag", Skopeo + ":tag", "{keys: [one], match: exact}").Passes();
        Judge("dir-img-cosign-valid-with-tag", Skopeo + ":other", "{keys: [one], match: exact}").Refuses("signature/signature-tag");
        Judge("dir-img-cosign-valid-with-tag", Skopeo + ":other", "{keys: [one]}").Passes();
    }

    [Theory]
    [InlineData("dir-img-cosign-modified-manifest")]
    [InlineData("dir-img-cosign-manifest-digest-error")]
    [InlineData("dir-img-cosign-no-manifest")]
    public void ContainersImage_AnotherManifest_IsRefused(string folder) => Judge(folder, Cosign, "{keys: [one]}").Refuses("signature/signature-digest", "signature/unsigned");

    [Fact]
    public void Skopeo_Signature_Passes()
    {
        string folder = SharedData.At("trust", "sigstore", "skopeo-1.18");
        string text = (string)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "signature-manifest.json")))!["layers"]![0]!["annotations"]![SimpleSigning.SignatureAnnotation]!;
        Digest manifest = Digest.Of(File.ReadAllBytes(Path.Combine(folder, "image-manifest.json")));
        Policy policy = Inspections.Policy($"trust:\n  keys:\n    sk: {{pem: \"{File.ReadAllText(Path.Combine(folder, "sk.pub")).Replace("\n", "\\n", StringComparison.Ordinal)}\"}}\n  images: [{{names: ['**'], signatures: {{keys: [sk], match: exact}}}}]\n");
        Verdict Of(string name) => TrustJudge.Of(policy, new TrustCase
        {
            Image = new JudgedImage { Names = [ImageName.Parse(name)], Manifest = manifest, Config = Digest.Of("config"u8) },
            Evidence = new Evidence { Signatures = [new ImageSignature(File.ReadAllBytes(Path.Combine(folder, "payload.json")), Convert.FromBase64String(text), manifest, "vector")] },
        }, Inspections.Now, TestContext.Current.CancellationToken);

        Of("127.0.0.1:34221/team/sk:v1").Passes();
        Of("127.0.0.1:34221/team/sk:v2").Refuses("signature/signature-tag");
    }
}
