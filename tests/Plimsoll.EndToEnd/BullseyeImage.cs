using Plimsoll.TestKit;

[assembly: AssemblyFixture(typeof(Plimsoll.EndToEnd.BullseyeImage))]

namespace Plimsoll.EndToEnd;

/// <summary>A real Debian 11 as an image, in every form that others' tools make; made when first asked for.</summary>
/// <remarks>umoci makes the layout, skopeo the rest. Package lists and caches stay out, as in every published image.</remarks>
public sealed class BullseyeImage : IDisposable
{
    public const string Tag = "plimsoll/bullseye:1";

    private readonly TempFolder _folder = new();
    private readonly Lazy<string> _layout;

    public BullseyeImage() => _layout = new(Make);

    /// <summary>The debootstrap root.</summary>
    public static string Root => DebianRoots.Get("bullseye");

    /// <summary>OCI layout, gzip layers: Debian, then a small layer on top.</summary>
    public string Layout => _layout.Value;

    /// <summary>The same as <c>docker save</c> writes it.</summary>
    public string Archive => Copy("image.tar", path => $"docker-archive:{path}:{Tag}");

    public string OciArchive => Copy("oci.tar", path => $"oci-archive:{path}:bullseye");

    public string Zstd => Copy("zstd", path => $"oci:{path}:bullseye", "--dest-compress-format", "zstd", "--dest-compress");

    public string Gzip
    {
        get
        {
            string packed = _folder["image.tar.gz"];
            if (!File.Exists(packed))
                Tool.Run("sh", ["-c", $"gzip -1 <'{Archive}' >'{packed}'"]);
            return packed;
        }
    }

    public void Dispose() => _folder.Dispose();

    private string Make()
    {
        string layout = _folder["oci"], image = $"{layout}:bullseye";
        string[] leaveOut = [.. ((string[])["var/cache", "var/lib/apt/lists", "usr/share/locale", "usr/lib/x86_64-linux-gnu/gconv"]).Select(f => $"--exclude=./{f}/*")];
        Tool.Run("tar", ["-C", Root, .. leaveOut, "-cf", _folder["base.tar"], "."]);
        string motd = _folder["upper/etc/motd"];
        Directory.CreateDirectory(Path.GetDirectoryName(motd)!);
        File.WriteAllText(motd, "hello\n");
        Tool.Run("tar", ["-C", _folder["upper"], "-cf", _folder["upper.tar"], "."]);
        Tool.Run("umoci", ["init", "--layout", layout]);
        Tool.Run("umoci", ["new", "--image", image]);
        Tool.Run("umoci", ["raw", "add-layer", "--image", image, "--history.created_by", "ADD bullseye", _folder["base.tar"]]);
        Tool.Run("umoci", ["raw", "add-layer", "--image", image, "--history.created_by", "COPY motd", _folder["upper.tar"]]);
        return layout;
    }

    private string Copy(string name, Func<string, string> target, params string[] options)
    {
        string path = _folder[name];
        if (!File.Exists(path) && !Directory.Exists(path))
            Tool.Run("skopeo", ["copy", "--quiet", .. options, $"oci:{Layout}:bullseye", target(path)]);
        return path;
    }
}
