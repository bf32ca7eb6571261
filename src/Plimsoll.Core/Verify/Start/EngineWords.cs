namespace Plimsoll.Verify.Start;

/// <summary>The words of <see cref="EngineOperation"/>s in policies and answers.</summary>
public static class EngineWords
{
    public static IReadOnlyList<EngineOperation> All { get; } = Enum.GetValues<EngineOperation>();

    public static string Word(EngineOperation operation) => operation switch
    {
        EngineOperation.Exec => "exec",
        EngineOperation.ExecPrivileged => "exec-privileged",
        EngineOperation.ExecUser => "exec-user",
        EngineOperation.CopyIn => "copy-in",
        EngineOperation.CopyOut => "copy-out",
        EngineOperation.Attach => "attach",
        EngineOperation.Commit => "commit",
        EngineOperation.Export => "export",
        EngineOperation.Build => "build",
        EngineOperation.Load => "load",
        EngineOperation.Import => "import",
        EngineOperation.Pull => "pull",
        EngineOperation.Push => "push",
        EngineOperation.Tag => "tag",
        EngineOperation.Remove => "remove",
        EngineOperation.Update => "update",
        EngineOperation.Checkpoint => "checkpoint",
        EngineOperation.Plugin => "plugin",
        EngineOperation.Swarm => "swarm",
        EngineOperation.Volume => "volume",
        EngineOperation.Network => "network",
        EngineOperation.Read => "read",
        EngineOperation.Manage => "manage",
        _ => throw new ArgumentOutOfRangeException(nameof(operation)),
    };

    /// <summary>Null for a word that is none.</summary>
    public static EngineOperation? Find(string word)
    {
        foreach (EngineOperation operation in All)
            if (Word(operation) == word)
                return operation;
        return null;
    }
}
