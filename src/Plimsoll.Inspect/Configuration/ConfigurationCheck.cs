using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Configuration;

/// <summary>Judges how an image is set up: its config, special rights of files, settings of the system in it. The rules stand in docs/checks/configuration.md.</summary>
internal sealed class ConfigurationCheck : ICheck
{
    public ProblemKind Kind => ProblemKind.Configuration;

    public IReadOnlyList<IAnalyser> Analysers { get; } = [new EntryAnalyser(), new PrivilegedFileAnalyser(), new SettingsAnalyser(), new ConffileAnalyser()];

    public string Rules => "";

    public string? Judgement => "";

    public CheckResult Judge(CheckInput input, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        ImageFacts facts = new(input);
        ProblemDraft draft = new();
        if (input.Config is not null)
        {
            ProcessRules.Judge(facts, draft);
            EnvironmentRules.Judge(facts, draft);
            HistoryRules.Judge(facts, draft);
        }
        cancellationToken.ThrowIfCancellationRequested();
        RightsRules.Judge(facts, draft);
        SettingsRules.Judge(facts, draft);
        ToolRules.Judge(facts, draft);
        return new CheckResult { Problems = draft.Problems };
    }

    public void Dispose()
    {
    }
}
