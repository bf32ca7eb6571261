using Plimsoll.TestKit;
using Plimsoll.Tests.Verify.Start;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Fuzz;

/// <content>What clients of a gated engine send, and what the engine says of containers.</content>
internal static partial class FuzzTargets
{
    private static FuzzTarget StartBodies => new()
    {
        Name = "start-bodies",
        Seeds = () => [StartKit.With(), .. ((string[])["spec-plain", "spec-many", "inspect-plain", "inspect-many"]).Select(n => File.ReadAllBytes(Repository.At("tests", "vectors", "start", n + ".json")))],
        Words = ["\"Privileged\":true", "\"privileged\":true", "\"Binds\":[\"/:/x\"]", "\"HostConfig\":{", "\"\\u017f\"", "null", "1e400", "\"\\ud800\"", "{}{}", "[[[[[[[[", "\"type\":\"none\",\"o\":\"bind\",\"device\":\"/\"", "/../../", "\"Mounts\":[{\"Type\":\"bind\"}]"],
        Refusal = e => e is StartRequestException,
        Run = bytes =>
        {
            foreach (Func<ReadOnlyMemory<byte>, StartRequest> read in (Func<ReadOnlyMemory<byte>, StartRequest>[])[StartRequest.FromCreate, StartRequest.FromInspect, StartRequest.FromSpec])
            {
                StartRequest request = read(bytes) with { Runtime = "" };
                Verdict verdict = StartJudge.Of(StartKit.Default, request, StartKit.Image(), StartClient.Unknown, StartKit.Now);
                WrongAnswerException.Unless(verdict.Outcome == (verdict.Reasons.Count == 0 ? Outcome.Passed : verdict.Reasons.Max(r => r.Outcome)), "the outcome is not the worst reason's");
                WrongAnswerException.Unless(!request.Process.Privileged || verdict.Reasons.Any(r => r.Code == "privileged" && r.Outcome == Outcome.Refused), "privileged and not refused");
                WrongAnswerException.Unless(request.Unknown.Count == 0 || verdict.Reasons.Any(r => r.Code == "unknown-field"), "an unknown field and not refused");
            }
            // What an update lays over a start can be read as well as the start.
            _ = StartRequest.FromCreate("{}"u8.ToArray()).WithUpdate(bytes);
            _ = StartRequest.FromVolume(bytes);
        },
    };
}
