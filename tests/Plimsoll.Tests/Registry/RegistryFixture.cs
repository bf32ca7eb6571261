using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Registry;

/// <summary>What tests against a registry of their own share.</summary>
internal static class RegistryFixture
{
    /// <summary>Two layers; the upper one does not compress, so that a cut falls into it.</summary>
    public static ImageBuilder Image { get; } = new ImageBuilder()
        .Layer(t => t.Folder("etc").File("etc/motd", "hello"), "ADD base")
        .Layer(t => t.File("noise", Noise(200_000)), "RUN noise");

    public static RegistryLimits Quick { get; } = RegistryLimits.Default with
    {
        StallTimeout = TimeSpan.FromSeconds(20),
        FirstBackOff = TimeSpan.FromMilliseconds(2),
        MaxBackOff = TimeSpan.FromMilliseconds(10),
    };

    /// <summary>For tests in which something stalls: short, though not so short that a busy machine stalls by itself.</summary>
    public static RegistryLimits Impatient { get; } = Quick with { StallTimeout = TimeSpan.FromSeconds(1), MaxAttempts = 2 };

    /// <summary>No login, no proxy: an environment without anything.</summary>
    public static string? Nothing(string variable) => variable == "HOME" ? "/nonexistent" : null;

    public static ImageOptions Options(RegistryLimits? limits = null, params string[] plain) => new()
    {
        Registry = new RegistryOptions { PlainHttp = plain, Limits = limits ?? Quick, CertificateFolders = [] },
        Environment = Nothing,
        Platform = new Platform("linux", "amd64"),
    };

    public static ImageOptions For(FakeRegistry registry, RegistryLimits? limits = null) => Options(limits, registry.Host);

    public static ImageOptions WithLogin(this ImageOptions options, string json) => options with { Environment = v => v == "DOCKER_AUTH_CONFIG" ? json : Nothing(v) };

    public static string Login(string host, string user = "alice", string password = "s3cret") =>
        $$"""{"auths":{"{{host}}":{"auth":"{{Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{user}:{password}"))}}"} } }""";

    public static Image Open(FakeRegistry registry, ImageOptions options, string reference = ":1") =>
        ImageSource.Open($"registry:{registry.Host}/a/b{reference}", options, TestContext.Current.CancellationToken);

    /// <summary>Opens and reads everything.</summary>
    public static RecordingVisitor Read(FakeRegistry registry, ImageOptions? options = null, string reference = ":1")
    {
        RecordingVisitor visitor = new();
        using Image image = Open(registry, options ?? For(registry), reference);
        image.ReadLayers(visitor, 2, TestContext.Current.CancellationToken);
        return visitor;
    }

    public static ImageException Fails(FakeRegistry registry, ImageOptions? options = null, string reference = ":1") =>
        Assert.Throws<ImageException>(() => Read(registry, options, reference));

    public static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        new Random(7).NextBytes(noise);
        return noise;
    }
}
