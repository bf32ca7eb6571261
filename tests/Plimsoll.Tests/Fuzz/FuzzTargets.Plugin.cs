using System.Text;
using Plimsoll.Agent.Plugin;

namespace Plimsoll.Tests.Fuzz;

/// <content>What clients ask of dockerd, and dockerd of the plugin.</content>
internal static partial class FuzzTargets
{
    /// <summary>The parsers of the plugin answer by false, and the fuzzer wants to hear it.</summary>
    private sealed class DeniedException(string message) : Exception(message);

    private static FuzzTarget EnginePath => new()
    {
        Name = "engine-path",
        Seeds = () => Utf8("/v1.41/containers/create?name=a&platform=linux%2Famd64", "/%63ontainers/json", "/images/reg:5000/a/b/json", "/v1.24/containers/web/start?checkpoint=c1", "/_ping"),
        Words = ["%2e", "%2F", "%25", "%00", "..", "//", "/v1.", "v1.23", "?", "&", ";", "=", "+", "\\", "containers", "create", "start"],
        Refusal = e => e is DeniedException,
        Run = bytes =>
        {
            string uri = Encoding.Latin1.GetString(bytes);
            if (!RequestPath.TryParse(uri, out RequestPath? path, out Denial? denial))
                throw new DeniedException(denial.Code);
            WrongAnswerException.Unless(path.Segments.All(s => s is not ("" or "." or "..") && !s.Contains('%') && !s.Contains('\\') && !s.Contains('/')), "a segment that could be read in two ways");
            WrongAnswerException.Unless(path.Minor is null or (>= RequestPath.OldestMinor and <= RequestPath.NewestMinor), "a version that is not known");
            // What was decoded once is the same when it is read again, but for versions, of which one is taken off each time.
            if (path.Segments.Count > 0 && RequestPath.TryParse(path.ToString(), out RequestPath? again, out _))
                WrongAnswerException.Unless(again.Minor is not null || again.ToString() == path.ToString(), "decoded again, another path");
            if (EndpointTable.TryFind("POST", path, out Endpoint? endpoint, out string name, out _) && endpoint.First == "containers")
                WrongAnswerException.Unless(name.Length == 0 || EndpointTable.IsName(name), "a container's name that is none");
        },
    };

    private static FuzzTarget PluginMessage => new()
    {
        Name = "plugin-message",
        Seeds = () => Utf8("""{"User":"ops","UserAuthNMethod":"TLS","RequestMethod":"POST","RequestUri":"/v1.41/containers/create","RequestBody":"e30=","RequestHeaders":{"Content-Length":"2","Content-Type":"application/json; charset=utf-8"},"RequestPeerCertificates":["LS0="]}"""),
        Words = ["RequestUri", "RequestBody", "RequestHeaders", "null", "\\ud800", "\\u0000", "Content-Type", "application/json"],
        Refusal = e => e is DeniedException,
        Run = bytes =>
        {
            if (!AuthzRequest.TryRead(bytes, out AuthzRequest? request, out Denial? denial))
                throw new DeniedException(denial.Code);
            WrongAnswerException.Unless(request.Method.Length > 0 && request.Uri.Length > 0, "a request for nothing");
            WrongAnswerException.Unless(RequestBody.NeedJson(request) is not null || !request.Body.IsEmpty, "a body that is not there");
        },
    };

    private static FuzzTarget ExecBody => new()
    {
        Name = "exec-body",
        Seeds = () => Utf8("""{"AttachStdin":false,"Privileged":true,"User":"1000","Env":["A=1"],"Cmd":["ls","-l"]}"""),
        Words = ["Privileged", "privileged", "\\u0050rivileged", "User", "Env", "null", "true", "\u017f", "\u212a"],
        Refusal = e => e is DeniedException,
        Run = bytes =>
        {
            if (!ClientJson.TryRead(bytes, out ClientJson? json, out Denial? denial) || !json.TryGetBoolean("Privileged", out _, out denial)
                || !json.TryGetText("User", out _, out denial) || !json.TryGetTexts("Env", out _, out denial))
                throw new DeniedException(denial.Code);
        },
    };
}
