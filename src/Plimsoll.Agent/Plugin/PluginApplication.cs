using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Plugin;

/// <summary>The three calls of Docker's plugin protocol.</summary>
/// <remarks>Source: moby/moby, pkg/plugins and pkg/authorization. Every answer to AuthZReq is 200, whatever it says: dockerd asks again, for half a minute, a plugin that fails.</remarks>
internal sealed class PluginApplication(Decider decider, TimeProvider clock, Action<PluginRecord> record, PluginOptions options) : IHttpApplication<IFeatureCollection>
{
    /// <summary>A body of 1 MiB in base64 with a megabyte of headers, escaped.</summary>
    public const int MaxMessageBytes = 8 * 1024 * 1024;

    private const string JsonType = "application/vnd.docker.plugins.v1.1+json";

    private static readonly byte[] Activated = """{"Implements":["authz"]}"""u8.ToArray();
    private static readonly byte[] Allowed = """{"Allow":true,"Msg":"","Err":""}"""u8.ToArray();

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        IHttpRequestFeature request = context.GetRequiredFeature<IHttpRequestFeature>();
        CancellationToken gone = context.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        if (request.Method != "POST")
            await AnswerAsync(context, 405, ReadOnlyMemory<byte>.Empty);
        else if (request.Path == "/AuthZPlugin.AuthZReq")
        {
            Decision decision = await DecideAsync(request.Body, gone);
            await AnswerAsync(context, 200, decision.Answer.Allowed ? Allowed : Message(decision.Answer));
        }
        else if (request.Path == "/AuthZPlugin.AuthZRes")
        {
            // Everything was decided by the request. What is left unread would close the connection.
            await DrainAsync(request.Body, gone);
            await AnswerAsync(context, 200, Allowed);
        }
        else if (request.Path == "/Plugin.Activate")
            await AnswerAsync(context, 200, Activated);
        else
            await AnswerAsync(context, 404, ReadOnlyMemory<byte>.Empty);
    }

    private async Task<Decision> DecideAsync(Stream body, CancellationToken gone)
    {
        long began = Stopwatch.GetTimestamp();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        AuthzRequest? request = null;
        Decision decision;
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(gone);
        deadline.CancelAfter(options.Deadline);
        try
        {
            int length = 0;
            for (int got; length <= MaxMessageBytes && (got = await body.ReadAsync(buffer.AsMemory(length), deadline.Token)) > 0;)
            {
                length += got;
                if (length == buffer.Length)
                    buffer = Grow(buffer, length);
            }
            if (length > MaxMessageBytes)
            {
                // Whoever still writes would not read the reason.
                while (await body.ReadAsync(buffer, deadline.Token) > 0)
                {
                }
                decision = Decision.Deny("unreadable-message", $"dockerd's message to the plugin is longer than {MaxMessageBytes} bytes");
            }
            else
                decision = AuthzRequest.TryRead(buffer.AsSpan(0, length), out request, out Denial? denial)
                    ? await decider.DecideAsync(request, deadline.Token)
                    : Decision.Deny(denial);
        }
        catch (BadHttpRequestException)
        {
            decision = Decision.Deny("unreadable-message", "dockerd's message to the plugin ended early");
        }
        catch (OperationCanceledException)
        {
            decision = Decision.Deny("decision-timeout", $"no decision within {options.Deadline.TotalSeconds:0.#} s");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The last line before dockerd: whatever went wrong, the request does not go through.
            decision = Decision.Deny("internal-error", $"the decision failed with {e.GetType().Name}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return Recorded(decision, request, Stopwatch.GetElapsedTime(began));
    }

    /// <summary>A decision that nobody can look up afterwards is none.</summary>
    private Decision Recorded(Decision decision, AuthzRequest? request, TimeSpan took)
    {
        try
        {
            record(new PluginRecord
            {
                Time = clock.GetUtcNow(),
                Method = request?.Method is { Length: <= 32 } method ? method : "",
                Uri = request?.Uri is not { } uri ? "" : uri.Length <= PluginRecord.MaxUri ? uri : uri[..PluginRecord.MaxUri],
                Client = request is null ? StartClient.Unknown : new StartClient(request.User, request.UserAuthMethod),
                Endpoint = decision.Endpoint,
                Allowed = decision.Answer.Allowed,
                Code = decision.Code,
                Text = decision.Answer.Text,
                Subject = decision.Subject,
                OnlyReads = decision.OnlyReads,
                Image = decision.Image,
                Verdict = decision.Verdict,
                Warnings = decision.Warnings,
                Took = took,
            });
            return decision;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return Decision.Deny("no-evidence", $"the decision could not be written to the evidence log ({e.GetType().Name})");
        }
    }

    private static byte[] Grow(byte[] buffer, int length)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(2 * length);
        buffer.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private static async Task DrainAsync(Stream body, CancellationToken gone)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            while (await body.ReadAsync(buffer, gone) > 0)
            {
            }
        }
        catch (BadHttpRequestException)
        {
            // It ended early; nobody reads the answer.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static ReadOnlyMemory<byte> Message(Answer answer)
    {
        ArrayBufferWriter<byte> bytes = new(256);
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            json.WriteBoolean("Allow", answer.Allowed);
            json.WriteString("Msg", answer.Text);
            json.WriteString("Err", "");
            json.WriteEndObject();
        }
        return bytes.WrittenMemory;
    }

    private static async Task AnswerAsync(IFeatureCollection context, int status, ReadOnlyMemory<byte> content)
    {
        IHttpResponseFeature response = context.GetRequiredFeature<IHttpResponseFeature>();
        response.StatusCode = status;
        response.Headers.ContentLength = content.Length;
        if (!content.IsEmpty)
            response.Headers.ContentType = JsonType;
        await context.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(content);
    }
}
