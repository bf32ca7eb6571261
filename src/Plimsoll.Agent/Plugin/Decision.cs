using System.Text;
using Plimsoll.Oci;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Agent.Plugin;

/// <summary>What becomes of one request, and why.</summary>
internal sealed record Decision(Answer Answer, string Code)
{
    /// <summary>Characters of a denial; the front process and docker's own message carry it whole.</summary>
    public const int MaxText = 900;

    public string Endpoint { get; init; } = "";
    public string Subject { get; init; } = "";

    /// <summary>As <see cref="Plugin.Endpoint.OnlyReads"/>.</summary>
    public bool OnlyReads { get; init; }
    public Digest? Image { get; init; }

    /// <summary>The whole id of the container that may start; null: none does.</summary>
    public string? Starts { get; init; }
    public Verdict? Verdict { get; init; }

    /// <summary>What was said of a request that was allowed all the same.</summary>
    public IReadOnlyList<Reason> Warnings { get; init; } = [];

    public static Decision Allow { get; } = new(Answer.Allow, "allowed");

    public static Decision AllowAs(string code) => new(Answer.Allow, code);

    public static Decision Deny(string code, string text) => new(Answer.Deny(code, OneLine(text)), code);

    public static Decision Deny(Denial denial) => Deny(denial.Code, denial.Text);

    /// <summary>The worst reason of a verdict that lets nothing start.</summary>
    /// <param name="note">What is to be said beside it.</param>
    public static Decision Deny(Verdict verdict, string note = "")
    {
        if (verdict.Reasons is not [{ } worst, ..])
            return Deny("refused", $"policy {Escape.Quote(verdict.Policy)} refused without a reason") with { Verdict = verdict };
        StringBuilder text = new(worst.Message);
        text.Append("; policy ").Append(verdict.Policy);
        if (worst.Rule is { } rule)
            text.Append(" rule ").Append(rule);
        int more = verdict.Reasons.Count(r => r.Outcome is Outcome.Refused or Outcome.Undecided) - 1;
        if (more > 0)
            text.Append($"; and {more} more {(more == 1 ? "reason" : "reasons")}");
        if (note.Length > 0)
            text.Append("; ").Append(note);
        string code = worst.Component is { } component ? $"{component}/{worst.Code}" : worst.Code;
        return Deny(OneLine(code), text.ToString()) with { Code = code, Verdict = verdict };
    }

    /// <summary>Fit for a terminal and a log: escaped, and no longer than anybody reads.</summary>
    private static string OneLine(string text)
    {
        string shown = Escape.ForTerminal(text.Length > MaxText ? text[..MaxText] : text);
        return shown.Length <= MaxText && text.Length <= MaxText ? shown : shown[..Math.Min(shown.Length, MaxText)] + "…";
    }
}
