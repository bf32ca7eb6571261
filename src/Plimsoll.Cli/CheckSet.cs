using Plimsoll.Inspect.Checks;

namespace Plimsoll.Cli;

/// <summary>The checks of one call, for all its images.</summary>
internal sealed class CheckSet : IDisposable
{
    private CheckSet(IReadOnlyList<ICheck> all) => All = all;

    public IReadOnlyList<ICheck> All { get; }

    /// <exception cref="CommandException">Usage: what the user gave a check cannot be used.</exception>
    public static CheckSet Create(CheckOptions options)
    {
        try
        {
            return new CheckSet(CheckList.Create(options));
        }
        catch (CheckException e)
        {
            throw CommandException.Usage(e.Message, e.Hint);
        }
    }

    public void Dispose()
    {
        foreach (ICheck check in All)
            check.Dispose();
    }
}
