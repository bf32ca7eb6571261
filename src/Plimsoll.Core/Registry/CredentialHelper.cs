using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>Runs <c>docker-credential-NAME get</c>.</summary>
/// <remarks>Source: docker/docker-credential-helpers, credentials/credentials.go.</remarks>
internal static class CredentialHelper
{
    private const int MaxAnswerChars = 256 * 1024;

    /// <summary>As the helpers say it, on standard output, with exit code 1.</summary>
    private const string NotFound = "credentials not found";

    /// <summary>A helper says so when the secret is an identity token.</summary>
    private const string TokenUser = "<token>";

    /// <param name="server">Goes to the helper's standard input.</param>
    /// <param name="where">The file that names the helper.</param>
    /// <returns>Null when the helper knows none.</returns>
    /// <exception cref="ImageException">PeerFailed: it is not installed, took too long, failed, or answered no JSON.</exception>
    public static RegistryCredential? Ask(string name, string server, string where, Func<string, string?> environment, TimeSpan patience)
    {
        // The name becomes a program's: no path leads out of PATH.
        if (name.Length > 64 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            throw new ImageException(ImageError.Malformed, $"{Escape.ForTerminal(where)}: {Escape.Quote(name)} is no name of a credential helper");
        string program = "docker-credential-" + name;
        string path = InPath(program, environment("PATH")) ?? throw new ImageException(ImageError.PeerFailed,
            $"{Escape.ForTerminal(where)} names the credential helper {program}, which is not in PATH", "install it, or set DOCKER_CONFIG to a folder whose config.json does not name it");
        ProcessStartInfo start = new(path, ["get"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        using Process process = Start(start, program);
        StringBuilder said = new();
        process.OutputDataReceived += (_, line) =>
        {
            lock (said)
                if (line.Data is not null && said.Length + line.Data.Length <= MaxAnswerChars)
                    said.AppendLine(line.Data);
        };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            process.StandardInput.Write(server);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading; its exit code says why.
        }
        if (!process.WaitForExit(patience))
        {
            process.Kill(entireProcessTree: true);
            throw new ImageException(ImageError.PeerFailed, $"the credential helper {program} did not answer within {patience.TotalSeconds:0.###} s");
        }
        // Without a limit this also waits for the end of its output, which it has closed by ending.
        process.WaitForExit();
        string answer;
        lock (said)
            answer = said.ToString();
        if (process.ExitCode != 0)
            return answer.Contains(NotFound, StringComparison.OrdinalIgnoreCase) ? null
                : throw new ImageException(ImageError.PeerFailed, $"the credential helper {program} ended with exit code {process.ExitCode}: {Escape.Quote(answer.Trim())}");
        return Read(answer, program);
    }

    internal static RegistryCredential? Read(string answer, string program)
    {
        try
        {
            if (JsonSerializer.Deserialize(answer, RegistryJson.Default.HelperAnswer) is { Username: { } user, Secret: { Length: > 0 } secret })
                return new RegistryCredential(user == TokenUser ? "" : user, secret, user == TokenUser);
        }
        catch (JsonException)
        {
            // Its words may be a secret in another form, so they are not shown.
        }
        throw new ImageException(ImageError.PeerFailed, $"the credential helper {program} answered something that has no Username and Secret");
    }

    private static Process Start(ProcessStartInfo start, string program)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (ExternalException e)
        {
            throw new ImageException(ImageError.PeerFailed, $"the credential helper {program} cannot be run: {e.Message}", inner: e);
        }
    }

    private static string? InPath(string program, string? path) =>
        path?.Split(':').Where(folder => folder.StartsWith('/')).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
