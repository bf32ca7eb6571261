using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Plimsoll.Agent.Plugin;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Install;

/// <summary>What the daemon answered.</summary>
/// <param name="Status">Of HTTP; 0: it did not answer, and <see cref="Trouble"/> says why.</param>
/// <param name="Message">Of a refusal; untrusted text.</param>
internal sealed record DoctorAnswer(int Status, ReadOnlyMemory<byte> Body, string Message)
{
    public FilledText? Trouble { get; init; }

    /// <summary>The code of our own denial in the message, <c>foreign-runtime</c>; null when neither gate denied.</summary>
    /// <remarks>Docker puts what it adds before, and separates with the same signs.</remarks>
    public string? Code => Message.Split("plimsoll: ") is [_, .., var denial] && denial.Split(": ", 2) is [var code, _] && code.Length is > 0 and < 64 && code.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '/') ? code : null;
}

/// <summary>Talks to the daemon as any other client does: without the agent's secret.</summary>
internal sealed class DoctorClient : IDisposable
{
    private const int MaxAnswerBytes = 16 * 1024 * 1024, MaxUnasked = 64 * 1024;

    /// <summary>A start that the agent measures for may take long; the launcher's own deadline ends it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly string _socket;
    private readonly HttpClient _http;

    public DoctorClient(string socket)
    {
        _socket = socket;
        _http = ClientOf(socket);
    }

    private static HttpClient ClientOf(string socket) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        Expect100ContinueTimeout = TimeSpan.FromSeconds(10),
        ConnectCallback = async (_, stop) =>
        {
            Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), stop);
                return new NetworkStream(connection, ownsSocket: true);
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        },
    })
    { BaseAddress = new Uri("http://docker/"), Timeout = Patience, MaxResponseContentBufferSize = MaxAnswerBytes };

    public Task<DoctorAnswer> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, cancellationToken);

    public Task<DoctorAnswer> PostAsync(string path, string? json, CancellationToken cancellationToken) => SendAsync(HttpMethod.Post, path, json, cancellationToken);

    public Task<DoctorAnswer> DeleteAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Delete, path, null, cancellationToken);

    private async Task<DoctorAnswer> SendAsync(HttpMethod method, string path, string? json, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(method, path);
        // A daemon that refuses by the head alone closes the connection on the body, and its reason is lost.
        request.Headers.ExpectContinue = json?.Length > MaxUnasked;
        if (json is not null)
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(json)) { Headers = { { "Content-Type", "application/json" } } };
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            string message = "";
            if (!response.IsSuccessStatusCode)
                message = DaemonFacts.TryRead(body, r => DaemonFacts.Text(r, "message"), out string? said) ? said : Encoding.UTF8.GetString(body, 0, Math.Min(body.Length, 1000));
            return new DoctorAnswer((int)response.StatusCode, body, message);
        }
        catch (HttpRequestException) when (!Path.Exists(_socket))
        {
            return Silent(Catalogue.AgentSocketGone.With(_socket));
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return Silent(e is OperationCanceledException ? Catalogue.DoctorNoAnswer.With((int)Patience.TotalMinutes) : FilledText.Verbatim(Escape.ForTerminal(e.Message)));
        }
    }

    private static DoctorAnswer Silent(FilledText why) => new(0, default, "") { Trouble = why };

    /// <summary>A member of an object in an answer; null when there is none.</summary>
    public static string? TextOf(DoctorAnswer answer, string name) => DaemonFacts.TryRead(answer.Body, r => DaemonFacts.Text(r, name), out string? text) ? text : null;

    /// <summary>The entries of a list that is an answer.</summary>
    public static IReadOnlyList<T> ListOf<T>(DoctorAnswer answer, Func<JsonElement, T> read)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(answer.Body);
            return document.RootElement.ValueKind == JsonValueKind.Array ? [.. document.RootElement.EnumerateArray().Select(read)] : [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return [];
        }
    }

    public void Dispose() => _http.Dispose();
}
