using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Agent.Plugin;

namespace Plimsoll.Tests.Agent.Plugin;

/// <summary>A request to dockerd, and the message that dockerd makes of it for its plugins.</summary>
/// <remarks>Source: moby/moby 20.10, pkg/authorization/authz.go: which bodies are passed on, and which headers are left of a request.</remarks>
internal sealed record DockerdMessage(string Method, string Uri)
{
    private const int DaemonLimit = 1024 * 1024;

    public string? Body { get; init; }
    public string? ContentType { get; init; } = "application/json";

    /// <summary>Sent in chunks: Go takes Content-Length and Transfer-Encoding off the headers.</summary>
    public bool Chunked { get; init; }

    /// <summary>Further headers; they replace those that are made here.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
    public string User { get; init; } = "";

    /// <summary>How the client proved its name.</summary>
    public string Proof { get; init; } = "TLS";

    public static DockerdMessage Post(string uri, string? body = null) => new("POST", uri) { Body = body, ContentType = body is null ? null : "application/json" };

    public static DockerdMessage Get(string uri) => new("GET", uri) { ContentType = null };

    public byte[] ToBytes()
    {
        int length = Encoding.UTF8.GetByteCount(Body ?? "");
        JsonObject headers = new() { ["User-Agent"] = "Docker-Client/20.10.24 (linux)" };
        if (ContentType is not null)
            headers["Content-Type"] = ContentType;
        if (!Chunked && (Body is not null || Method == "POST"))
            headers["Content-Length"] = length.ToString(CultureInfo.InvariantCulture);
        foreach ((string name, string value) in Headers)
            headers[name] = value;
        JsonObject message = new() { ["RequestMethod"] = Method, ["RequestUri"] = Uri, ["RequestHeaders"] = headers };
        if (User.Length > 0)
            (message[nameof(User)], message["UserAuthNMethod"]) = (User, Proof);
        bool passedOn = ContentType is not null && ContentType.Split(';')[0].Trim() == "application/json" && !Uri.EndsWith("/auth", StringComparison.Ordinal);
        if (passedOn && !Chunked && length is > 0 and < DaemonLimit)
            message["RequestBody"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(Body!));
        return Encoding.UTF8.GetBytes(message.ToJsonString());
    }

    public AuthzRequest ToRequest()
    {
        Assert.True(AuthzRequest.TryRead(ToBytes(), out AuthzRequest? request, out _));
        return request;
    }
}
