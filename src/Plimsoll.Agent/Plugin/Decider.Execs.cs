using Plimsoll.Texts;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Plugin;

/// <content>Processes in containers that run.</content>
internal sealed partial class Decider
{
    private async Task<Decision> ExecCreateAsync(Case asked, CancellationToken cancellationToken)
    {
        if (RequestBody.NeedJson(asked.Request) is { } body)
            return Decision.Deny(body);
        if (!ClientJson.TryRead(asked.Request.Body, out ClientJson? json, out Denial? denial)
            || !json.TryGetBoolean("Privileged", out bool privileged, out denial)
            || !json.TryGetText("User", out string user, out denial)
            || !json.TryGetTexts("Env", out IReadOnlyList<string> environment, out denial))
            return Decision.Deny(denial);
        if (privileged && Refuse(asked, EngineOperation.ExecPrivileged) is { } refused)
            return refused;
        if (!asked.Rules.Allow.Contains(EngineOperation.ExecPrivileged) && environment.FirstOrDefault(IsDangerous) is { } dangerous)
            return Decision.Deny("exec-environment", $"{Escape.Quote(NameOf(dangerous))} makes programs load or run something else; policy {asked.Policy.Name} would have to allow exec-privileged");
        return await OtherUserAsync(asked, asked.Name, user, cancellationToken) ?? Decision.Allow;
    }

    private static string NameOf(string variable) => variable.Split('=', 2)[0];

    private static bool IsDangerous(string variable)
    {
        string name = NameOf(variable);
        return StartDefaults.DangerousVariables.Any(d => d.EndsWith('*') ? name.StartsWith(d.AsSpan(0, d.Length - 1), StringComparison.Ordinal) : name == d);
    }

    /// <summary>Decided again: an exec may have been made under another policy, or before there was one.</summary>
    private async Task<Decision> ExecStartAsync(Case asked, CancellationToken cancellationToken)
    {
        if (asked.Rules.Allow.Contains(EngineOperation.ExecPrivileged) && asked.Rules.Allow.Contains(EngineOperation.ExecUser))
            return Decision.Allow;
        DaemonAnswer answer = await daemon.GetAsync($"/exec/{asked.Name}/json", cancellationToken);
        if (answer.Problem is { } problem)
            return Decision.Deny(problem);
        if (answer.Status == 404)
            return Decision.Deny("no-such-exec", $"dockerd has no exec {Escape.Quote(asked.Name)}");
        if (answer.Status != 200 || !ExecFacts.TryRead(answer.Body, out ExecFacts? facts) || !EndpointTable.IsName(facts.Container))
            return Decision.Deny("docker-answer", $"dockerd's answer ({answer.Status}) about exec {Escape.Quote(asked.Name)} cannot be read");
        if (facts.Privileged && Refuse(asked, EngineOperation.ExecPrivileged) is { } refused)
            return refused;
        return await OtherUserAsync(asked, facts.Container, facts.User, cancellationToken) ?? Decision.Allow;
    }

    /// <returns>Null when the user is the container's own, or policy allows any.</returns>
    private async Task<Decision?> OtherUserAsync(Case asked, string container, string user, CancellationToken cancellationToken)
    {
        if (user.Length == 0 || Refuse(asked, EngineOperation.ExecUser) is not { } refused)
            return null;
        (_, ContainerFacts? facts, Decision? none) = await InspectAsync(container, cancellationToken);
        if (facts is null)
            return none;
        return user == facts.User || (IsRoot(user) && IsRoot(facts.User)) ? null : refused;
    }

    /// <summary>The ways to write the user that a container has by default.</summary>
    private static bool IsRoot(string user) => user is "" or "root" or "0" or "0:0" or "root:root";
}
