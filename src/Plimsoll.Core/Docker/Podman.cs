using Plimsoll.Oci;

namespace Plimsoll.Docker;

/// <summary>podman's service, which speaks the Docker Engine API.</summary>
public static class Podman
{
    public const string SystemSocket = "/run/podman/podman.sock";

    /// <summary>What CONTAINER_HOST names; else the user's own socket, else the system's.</summary>
    /// <exception cref="ImageException">Unsupported: CONTAINER_HOST names something other than a local socket.</exception>
    public static DockerEndpoint Resolve(Func<string, string?> environment)
    {
        const string unix = "unix://";
        string path, from = "podman's default";
        if (environment("CONTAINER_HOST") is { Length: > 0 } host)
        {
            if (!host.StartsWith(unix, StringComparison.Ordinal) || host.Length == unix.Length)
                throw new ImageException(ImageError.Unsupported, $"CONTAINER_HOST: {Texts.Escape.Quote(host)} is not read; unix:///PATH is",
                    "forward its socket (ssh -L /tmp/podman.sock:/run/podman/podman.sock HOST) and set CONTAINER_HOST=unix:///tmp/podman.sock");
            (path, from) = (host[unix.Length..], "CONTAINER_HOST");
        }
        else
        {
            string? own = environment("XDG_RUNTIME_DIR") is { Length: > 0 } run ? Path.Combine(run, "podman/podman.sock") : null;
            path = own is not null && (File.Exists(own) || !Environment.IsPrivilegedProcess) ? own : SystemSocket;
        }
        return DockerEndpoint.Unix(path, from) with
        {
            Service = "podman's service",
            HowToStart = "start it (systemctl --user start podman.socket, or with sudo and without --user), or read podman's store in place: containers-storage:NAME",
            ListAndPull = "podman",
        };
    }
}
