using Plimsoll.Inspect.Suppressions;
using Plimsoll.Oci;

namespace Plimsoll.Cli;

/// <summary>VEX documents as files, with their faults told as wrong usage: half a document would suppress half of what was meant.</summary>
internal static class VexDocument
{
    /// <exception cref="CommandException">It cannot be read or is no VEX document.</exception>
    public static IReadOnlyList<VexStatement> Read(string path)
    {
        try
        {
            return VexFile.Read(path);
        }
        catch (ImageException e)
        {
            throw CommandException.Usage($"--vex: {e.Message}", e.Hint ?? "docs/formats/vex.md says what is read");
        }
    }
}
