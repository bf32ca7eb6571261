using Plimsoll.Cli.Commands;
using Plimsoll.Inspect;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>The real stages behind the verbs.</summary>
internal static class Wiring
{
    public static ScanServices Services(CliContext context) => new()
    {
        Scan = Scanner.Scan,
        OpenDatabase = path => Told(() => AdvisoryDatabase.Open(path)),
        Rehearse = Environment.ProcessorCount > 1 ? (store, format) => Rehearsal.Run(store, format, context.Time.GetUtcNow()) : null,
        OpenStarterSet = () => new StarterSet(),
        UpdateDatabase = (path, cancellationToken) => DbCommand.UpdateAsync(context, new UpdateOptions { DatabasePath = path, Time = context.Time }, cancellationToken),
        ReadSuppressions = path =>
        {
            try
            {
                return SuppressionFile.Read(path);
            }
            catch (SuppressionException e)
            {
                throw CommandException.Usage(e.Message, "docs/formats/suppressions.md describes the file");
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                throw CommandException.Usage($"there is no suppression file {Escape.Quote(path)}");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw CommandException.Usage($"cannot read the suppression file {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
            }
        },
        VersionOrder = (type, left, right) => VersionOrders.For(type)?.Compare(left, right) ?? string.CompareOrdinal(left, right),
    };

    private static T Told<T>(Func<T> open)
    {
        try
        {
            return open();
        }
        catch (AdvisoryException e)
        {
            throw new CommandException(ExitCode.Undecided, e.Message, e.Hint, e);
        }
    }
}
