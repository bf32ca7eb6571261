using Plimsoll.Inspect.Policies;
using Plimsoll.Sign;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Fuzz;

/// <content>Policies, their tests, and the statements that hosts read.</content>
internal static partial class FuzzTargets
{
    private static readonly string[] PolicyParts = ["\nexceptions:\n- ", "secrets: ignore\n", "severity: {high: fail}", "rules: {a*: warn}", "max-age: 14d", "none", "\"\\ud800\"", "&a ", "*a", "!!str ", "---\n", "[[[[[[", "epss: {at-least: 0.5}", "category:permissive"];

    private static FuzzTarget PolicyYaml => new()
    {
        Name = "policy-yaml",
        Seeds = () => [PolicyFile.BuiltInText(), .. Utf8("policy: 1\nname: t\npackages: {deny: [{name: a, type: deb, below: '1', reason: r}]}\nexceptions:\n- {id: a, package: b, path: c, image: d, reason: e, owner: f, expires: 2027-01-01}\n"), PolicyJson.Write(Trusting.Value)],
        Words = PolicyParts,
        Refusal = e => e is DocumentException,
        Run = bytes =>
        {
            Policy policy = PolicyFile.Parse(bytes, "p");
            byte[] json = PolicyJson.Write(policy);
            // What was taken has one form, and that is taken too.
            WrongAnswerException.Unless(PolicyJson.Write(PolicyJson.Read(json, "j", canonical: true)).AsSpan().SequenceEqual(json), "the canonical form is not stable");
            WrongAnswerException.Unless(PolicyJson.Write(PolicyFile.Parse(json, "j")).AsSpan().SequenceEqual(json), "the canonical form says something else as YAML");
        },
    };

    private static FuzzTarget PolicyOfJson => new()
    {
        Name = "policy-json",
        Seeds = () => [PolicyJson.Write(PolicyFile.BuiltIn()), PolicyJson.Write(Trusting.Value)],
        Words = ["\"policy\":1", "null", "\"rules\":{\"a\":\"warn\"}", "\"14d\"", "\"\\u0000\"", "1e400", "{}", "[]"],
        Refusal = e => e is DocumentException,
        Run = bytes => WrongAnswerException.Unless(PolicyJson.Write(PolicyJson.Read(bytes, "p", canonical: true)).AsSpan().SequenceEqual(bytes), "taken and not canonical"),
    };

    private static FuzzTarget InspectionStatement => new()
    {
        Name = "inspection",
        Seeds = () => [PolicyJudge.PredicateOf(ReportBuilder.Vulnerable().WithGap("a", "b", "c").Build(), null).ToStatement().ToJson()],
        Words = ["\"listed\":[]", "\"kind\":\"secret\"", "\"suppressedBy\":\"vex\"", "\"epss\":0.5", "\"beyond\":[{\"kind\":\"malware\",\"severity\":\"high\",\"count\":2}]", "null", "\"count\":99999999999", "true"],
        Refusal = e => e is DocumentException or FormatException,
        Run = bytes =>
        {
            Statement statement = Statement.Parse(bytes, "s");
            InspectionPredicate predicate = InspectionPredicate.From(statement, "s");
            WrongAnswerException.Unless(predicate.ToJson().AsSpan().SequenceEqual(statement.Predicate.Span), "taken and not canonical");
            Verdict verdict = Judge.Of(PolicyFile.BuiltIn(), predicate.Inspection, ReportBuilder.Now);
            WrongAnswerException.Unless(verdict.Outcome == (verdict.Reasons.Count == 0 ? Outcome.Passed : verdict.Reasons.Max(r => r.Outcome)), "the outcome is not the worst reason's");
        },
    };

    private static FuzzTarget PolicyCasesYaml => new()
    {
        Name = "policy-cases",
        Seeds = () => Utf8("tests: 1\ncases:\n- name: a\n  now: 2026-03-01\n  image: x\n  inspection: {verified: true, checks: [secret], engines: [clamav], age: 3d, undecided: [gap/x y]}\n  database: {present: true, age: 2d}\n  findings:\n  - {id: CVE-1, severity: high, fixable: true, epss: 0.5}\n  packages: [{name: b, licences: [MIT]}]\n  expect: {outcome: refused, reasons: [severity]}\n"),
        Words = [.. PolicyParts, "expect: {outcome: passed}", "findings:\n  - ", "age: 36501d"],
        Refusal = e => e is DocumentException,
        Run = bytes =>
        {
            foreach (PolicyCase one in PolicyCases.Parse(bytes, "c", "/nonexistent"))
                _ = PolicyCases.Run(one, PolicyFile.BuiltIn(), ReportBuilder.Now);
        },
    };
}
