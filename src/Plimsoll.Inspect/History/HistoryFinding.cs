using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.History;

/// <summary>What a rule found in a step, before it becomes a problem.</summary>
/// <param name="Rule">Id of the check's own, as the catalogue has it.</param>
/// <param name="Arguments">What stands in the rule's title.</param>
/// <param name="Offset">Into the step's arguments.</param>
/// <param name="Evidence">Not masked yet.</param>
internal sealed record HistoryFinding(string Rule, Severity Severity, int Offset, string Evidence, params IReadOnlyList<string> Arguments);
