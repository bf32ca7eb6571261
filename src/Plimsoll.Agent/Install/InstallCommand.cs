using System.Diagnostics;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Install;

/// <summary>The verbs <c>install</c>, <c>uninstall</c>, <c>status</c> and <c>doctor</c> of <c>plimsoll-agent</c>.</summary>
internal static class InstallCommand
{
    private const int Done = 0, Refused = 1, UsageError = 2, Interrupted = 130;

    public static bool IsVerb(string word) => word is "install" or "uninstall" or "status" or "doctor";

    /// <param name="version">Of this program.</param>
    /// <returns>0 done, 1 something is in the way (or <c>status</c> or <c>doctor</c> found something that is not as it should be), 2 wrong usage, 3 nothing is installed (or <c>doctor</c> could not prove something), 130 interrupted.</returns>
    public static int Run(string verb, IReadOnlyList<string> arguments, string version, Language language, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        try
        {
            InstallOptions options = InstallOptions.Parse(arguments) with { Language = language, Systemctl = SystemctlOfThisHost() };
            if (verb != "install" && options.RunOptions.Count > 0)
                throw new OptionException(Catalogue.AgentRunOptionsOfInstall.With(verb));
            switch (verb)
            {
                case "install":
                    new Installer(options, version, output.WriteLine).Install();
                    return Done;
                case "uninstall":
                    new Installer(options, version, output.WriteLine).Uninstall();
                    return Done;
                case "doctor":
                    return Doctor(options, output, cancellationToken);
                default:
                    return new InstallStatus(options, output.WriteLine).Run(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            error.WriteLine($"plimsoll-agent: {Catalogue.DoctorInterrupted.In(language)}");
            return Interrupted;
        }
        catch (OptionException e)
        {
            error.WriteLine($"plimsoll-agent: error: {e.Told.In(language)}");
            error.WriteLine($"plimsoll-agent: hint: {e.Hint.In(language)}");
            return UsageError;
        }
        catch (InstallException e)
        {
            error.WriteLine($"plimsoll-agent: error: {e.Code}: {Escape.ForTerminal(e.Told.In(language))}");
            if (e.Hint is { } hint)
                error.WriteLine($"plimsoll-agent: hint: {Escape.ForTerminal(hint.In(language))}");
            return Refused;
        }
    }

    private static int Doctor(InstallOptions options, TextWriter output, CancellationToken cancellationToken)
    {
        Doctor doctor = new(options, options.Image, options.Json ? _ => { } : output.WriteLine);
        int code = doctor.RunAsync(cancellationToken).GetAwaiter().GetResult();
        if (options.Json)
            output.WriteLine(System.Text.Encoding.UTF8.GetString(doctor.ToJson()));
        return code;
    }

    /// <summary>Null where systemd does not run.</summary>
    private static Func<IReadOnlyList<string>, int>? SystemctlOfThisHost()
    {
        string? program = Array.Find(["/usr/bin/systemctl", "/bin/systemctl"], File.Exists);
        return program is null || !Directory.Exists("/run/systemd/system") ? null : arguments =>
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
            process.WaitForExit();
            return process.ExitCode;
        };
    }
}
