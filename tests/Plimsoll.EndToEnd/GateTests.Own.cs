using System.Formats.Tar;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <content>Executables that a container wrote itself: <c>own-executables</c>.</content>
public sealed partial class GateTests
{
    /// <summary>Each start writes a plugin, by the image's link <c>/srv/plugins</c> too.</summary>
    private SavedImage Writing(string name)
    {
        SavedImage image = Host.Image(name, """{"Cmd":["/bin/sh","-c","mkdir -p /app; echo '#!/bin/sh' > /app/plugin.so; chmod 755 /app/plugin.so; cp /app/plugin.so /srv/plugins/second.so; echo it runs"],"Env":["PATH=/bin"]}""")
            .WithLayer(tar => tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "srv/plugins") { LinkName = "/app" }));
        Host.Daemon.Load(image.Build());
        Host.Sign(image, name);
        return image;
    }

    private static string Listing(params string[] patterns) => WithStart($$"""
        start:
          rules:
          - names: ["registry.example/prod/writes-*"]
            mounts: {own-executables: [{{string.Join(", ", patterns.Select(p => $"\"{p}\""))}}]}
          - names: ["**"]
        """);

    [Fact]
    public void Start_ExecutableThatTheContainerWrote_StartsWherePolicyListsItsPath()
    {
        string container = Create(Writing("writes-listed")), other = Create(Writing("other-writes"));
        foreach (string one in (ReadOnlySpan<string>)[container, other])
            Runs(Host.Docker("start", "-a", one));

        Refused(Host.Docker("start", "-a", container), "own-executable", "/app/plugin.so can be run and is no file of the image");
        Under(Listing("/app/*.so"), () =>
        {
            Runs(Host.Docker("start", "-a", container));
            Assert.Contains("own-executable-allowed: ", Host.Log("start-allowed").Last(l => GatedHost.Field(l, "container") == container)["fields"]!["warnings"]!.ToJsonString(), StringComparison.Ordinal);
            // The rule is not for this image.
            Refused(Host.Docker("start", "-a", other), "own-executable", "/app/plugin.so can be run");
        });
        // The name that the image's link gives it is none of its own: files count by where they lie.
        Under(Listing("/srv/plugins/*", "/app/plugin.so"), () => Refused(Host.Docker("start", "-a", container), "own-executable", "/app/second.so can be run", "start.rules[0].mounts.own-executables"));
        Under(Listing("/app/plugin.so", "/app/second.so"), () => Runs(Host.Docker("start", "-a", container)));
    }

    [Theory]
    [InlineData("other", "own-executable", "/srv/evil.so can be run and is no file of the image; policy host, start.rules[0].mounts.own-executables")]
    [InlineData("below", "own-executable", "/app/sub/plugin.so can be run")]
    [InlineData("hard-link", "own-executable", "/bin/evil can be run")]
    [InlineData("link", "own-executable", "/lib/libevil.so, a link to /app/plugin.so, can be run")]
    [InlineData("folder-link", "own-executable", "/opt/app/plugin.so, a link to /app/plugin.so, can be run")]
    [InlineData("link-to-mount", "own-executable", "/lib/libevil.so, a link to /proc/self/root/app/plugin.so, can be run")]
    [InlineData("link-in-folder", "own-executable", "/etc/init.d/run, a link to /app/plugin.so, can be run")]
    [InlineData("link-to-link", "own-executable", "/lib/libevil.so, a link to /opt/links/sock, can be run")]
    [InlineData("link-of-the-image", "own-executable", "/etc/init.d/plugins/plugin.so, a link to /app/plugin.so, can be run")]
    [InlineData("loader-cache", "own-executable", "/etc/ld.so.cache tells the loader where libraries lie and is no file of the image")]
    [InlineData("preload-link", "own-layer", "/etc/ld.so.preload (a library for every process)")]
    [InlineData("setuid", "own-layer", "/app/plugin.so (setuid or setgid)")]
    [InlineData("setgid", "own-layer", "/app/plugin.so (setuid or setgid)")]
    [InlineData("capability", "own-layer", "/app/plugin.so (file capabilities)")]
    public void Start_ExecutableThatPolicyDoesNotList_IsRefused(string attack, string code, string part)
    {
        string container = Create(Writing($"writes-{attack}"));
        Under(Listing("/app/*.so", "/opt/links/*"), () =>
        {
            Runs(Host.Docker("start", "-a", container));
            // The twin: what policy lists was written, and links that lead to no executable or are listed.
            string own = Host.Own(container, ""), plugin = Path.Combine(own, "app/plugin.so");
            foreach (string folder in (ReadOnlySpan<string>)["app/sub", "bin", "etc", "lib", "opt/links", "srv"])
                Directory.CreateDirectory(Path.Combine(own, folder));
            File.CreateSymbolicLink(Path.Combine(own, "app/page"), "/srv/page");
            File.CreateSymbolicLink(Path.Combine(own, "opt/links/run"), "/app/plugin.so");
            File.CreateSymbolicLink(Path.Combine(own, "opt/links/sock"), "/proc/self/root/app/plugin.so");
            Runs(Host.Docker("start", "-a", container));

            switch (attack)
            {
                case "other":
                    File.WriteAllBytes(Path.Combine(own, "srv/evil.so"), [0x7f, (byte)'E', (byte)'L', (byte)'F', 2]);
                    break;
                case "below":
                    File.Copy(plugin, Path.Combine(own, "app/sub/plugin.so"));
                    break;
                case "hard-link":
                    Tool.Run("ln", [plugin, Path.Combine(own, "bin/evil")]);
                    break;
                case "link":
                    File.CreateSymbolicLink(Path.Combine(own, "lib/libevil.so"), "../app/plugin.so");
                    break;
                case "folder-link":
                    File.CreateSymbolicLink(Path.Combine(own, "opt/app"), "/srv/plugins");
                    break;
                case "link-to-mount":
                    File.CreateSymbolicLink(Path.Combine(own, "lib/libevil.so"), "/proc/self/root/app/plugin.so");
                    break;
                case "link-in-folder":
                    File.CreateSymbolicLink(Path.Combine(own, "etc/init.d"), "/opt/links");
                    break;
                case "link-to-link":
                    File.CreateSymbolicLink(Path.Combine(own, "lib/libevil.so"), "/opt/links/sock");
                    break;
                case "link-of-the-image":
                    File.CreateSymbolicLink(Path.Combine(own, "etc/init.d"), "../srv");
                    break;
                case "loader-cache":
                    File.WriteAllText(Path.Combine(own, "etc/ld.so.cache"), "glibc-ld.so.cache1.1");
                    break;
                case "preload-link":
                    File.CreateSymbolicLink(Path.Combine(own, "etc/ld.so.preload"), "/app/page");
                    break;
                case "setuid":
                    File.SetUnixFileMode(plugin, Program | UnixFileMode.SetUser);
                    break;
                case "setgid":
                    File.SetUnixFileMode(plugin, Program | UnixFileMode.SetGroup);
                    break;
                case "capability":
                    Tool.Run("python3", ["-c", "import os,sys;os.setxattr(sys.argv[1],'security.capability',bytes.fromhex('0100000200040000000000000000000000000000'))", plugin]);
                    break;
            }

            Refused(Host.Docker("start", "-a", container), code, part);
        });
    }
}
