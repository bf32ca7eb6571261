using System.Diagnostics;

namespace Plimsoll.TestKit;

/// <summary>Runs programs of the host; call only in tests with the trait <c>needs=host</c>.</summary>
public static class Tool
{
    /// <summary>Runs to the end and answers its standard output; a non-zero exit is an exception with what it said.</summary>
    public static string Run(string program, IEnumerable<string> arguments, string? input = null)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        if (input is not null)
            process.StandardInput.Write(input);
        process.StandardInput.Close();
        process.WaitForExit();
        string said = output.GetAwaiter().GetResult();
        return process.ExitCode == 0
            ? said
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {errors.GetAwaiter().GetResult()}{said[Math.Max(0, said.Length - 500)..]}");
    }
}
