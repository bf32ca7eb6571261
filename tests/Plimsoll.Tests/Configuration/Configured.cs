using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Configuration;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Configuration;

/// <summary>Runs the configuration check over layers and a config.</summary>
internal sealed class Configured : IDisposable
{
    /// <summary>A config with which no rule on configs has anything to say.</summary>
    public static ProcessConfig Good { get; } = new()
    {
        User = "1000",
        Cmd = ["/srv/app"],
        Env = ["PATH=/usr/local/bin:/usr/bin:/bin"],
        Healthcheck = new HealthCheckConfig { Test = ["CMD", "true"] },
        Labels = new Dictionary<string, string>
        {
            ["org.opencontainers.image.source"] = "https://example.org",
            ["org.opencontainers.image.version"] = "1",
            ["org.label-schema.vcs-ref"] = "abc",
        },
    };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static int Octal(string mode) => Convert.ToInt32(mode, 8);

    public static TarBuilder Dir(TarBuilder tar, string path, string mode = "755", int uid = 0) =>
        tar.Entry(path + "/", '5', [], mode: Octal(mode), edit: h => TarBuilder.Ascii(h, 108, Convert.ToString(uid, 8).PadLeft(7, '0')));

    public static TarBuilder Put(TarBuilder tar, string path, string mode, int uid = 0, int gid = 0, string content = "x") =>
        tar.Entry(path, '0', System.Text.Encoding.UTF8.GetBytes(content), mode: Octal(mode), edit: h =>
        {
            TarBuilder.Ascii(h, 108, Convert.ToString(uid, 8).PadLeft(7, '0'));
            TarBuilder.Ascii(h, 116, Convert.ToString(gid, 8).PadLeft(7, '0'));
        });

    public static TarBuilder Capable(TarBuilder tar, string path, string hex, string mode = "755")
    {
        byte[] body = [.. " SCHILY.xattr.security.capability="u8, .. Convert.FromHexString(hex), (byte)'\n'];
        return tar.Entry("PaxHeaders/x", 'x', [.. System.Text.Encoding.ASCII.GetBytes($"{body.Length + 2}"), .. body]).File(path, "x", Octal(mode));
    }

    public IReadOnlyList<Problem> OfLayers(params Action<TarBuilder>[] layers) => Of(Good, layers);

    public IReadOnlyList<Problem> Of(ProcessConfig? process, params Action<TarBuilder>[] layers) => Of(Input(process), layers);

    public static CheckInput Input(ProcessConfig? process, params string[] history) => new()
    {
        Image = "test/image:1",
        Tags = ["test/image:1"],
        Config = new ImageConfig { Os = "linux", Architecture = "amd64", Config = process, History = [.. history.Select(h => new HistoryEntry { CreatedBy = h, EmptyLayer = true })] },
        Inventory = new Inventory(),
        Now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
    };

    /// <summary>The config is the input's; what is in the layers is read from them.</summary>
    public IReadOnlyList<Problem> Of(CheckInput input, params Action<TarBuilder>[] layers)
    {
        if (layers.Length == 0)
            layers = [t => t.File("empty", "")];
        ImageBuilder builder = new();
        foreach (Action<TarBuilder> layer in layers)
            builder.Layer(layer);
        return OfImage(_folder.Write("image.tar", ImageBuilder.Tar(builder.ArchiveFiles())), input);
    }

    public static IReadOnlyList<Problem> OfImage(string name, CheckInput input)
    {
        using ConfigurationCheck check = new();
        using Image image = ImageSource.Open(name, new ImageOptions(), TestContext.Current.CancellationToken);
        FactGroup[] groups = [Analysers.Group, new("configuration", "", check.Analysers)];
        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> cached) = new LayerScanner(groups, null, Verification.Full, null).Read(image, 2, TestContext.Current.CancellationToken);
        Inventory inventory = Composer.Compose(image, facts, cached);
        Assert.Empty(inventory.Gaps);
        return check.Judge(input with { Inventory = inventory, Hits = inventory.Hits }, TestContext.Current.CancellationToken).Problems;
    }

    /// <summary>Rule, severity, place and evidence of each problem, in order of the rule.</summary>
    public static string[] Show(IReadOnlyList<Problem> problems) =>
        [.. problems.Select(p => $"{p.Rule} {p.Severity} {p.Path ?? p.Place}{(p.Line > 0 ? $":{p.Line}" : "")} {p.Evidence}".TrimEnd()).Order(StringComparer.Ordinal)];
}
