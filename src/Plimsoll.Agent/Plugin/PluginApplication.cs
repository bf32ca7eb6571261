using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Plugin;

/// <summary>The three calls of Docker's plugin protocol.</summary>
/// <remarks>Source: moby/moby, pkg/plugins and pkg/authorization. Every answer to AuthZReq is 200, whatever it says: dockerd asks again, for half a minute, a plugin that fails.</remarks>
internal sealed class PluginApplication(Decider decider, TimeProvider clock, Action<PluginRecord> record, PluginOptions options)
{
    /// <summary>A body of 1 MiB in base64 with a megabyte of headers, escaped.</summary>
    public const int MaxMessageBytes = 8 * 1024 * 1024;

    public const string JsonType = "application/vnd.docker.plugins.v1.1+json";

    private static readonly byte[] Activated = """{"Implements":["authz"]}"""u8.ToArray();
    private static readonly byte[] Allowed = """{"Allow":true,"Msg":"","Err":""}"""u8.ToArray();

    /// <summary>Answers one call.</summary>
    /// <param name="message">Null: it is longer than <see cref="MaxMessageBytes"/>.</param>
    /// <param name="isGone">Whether whoever asked waits no more.</param>
    public (int Status, ReadOnlyMemory<byte> Content) Answer(string method, string path, ReadOnlyMemory<byte>? message, Func<bool> isGone)
    {
        if (method != "POST")
            return (405, default);
        switch (path)
        {
            case "/AuthZPlugin.AuthZReq":
                Decision decision = Decide(message, isGone);
                if (decision is { Answer.Allowed: true, Starts: { } container })
                    options.Started(container);
                return (200, decision.Answer.Allowed ? Allowed : Message(decision.Answer));
            // Everything was decided by the request.
            case "/AuthZPlugin.AuthZRes":
                return (200, Allowed);
            case "/Plugin.Activate":
                return (200, Activated);
            default:
                return (404, default);
        }
    }

    private Decision Decide(ReadOnlyMemory<byte>? message, Func<bool> isGone)
    {
        long began = Stopwatch.GetTimestamp();
        AuthzRequest? request = null;
        Decision decision;
        using CancellationTokenSource deadline = new(options.Deadline);
        try
        {
            decision = message is not { } bytes ? Decision.Deny("unreadable-message", $"dockerd's message to the plugin is longer than {MaxMessageBytes} bytes")
                : AuthzRequest.TryRead(bytes.Span, out request, out Denial? denial) ? Await(decider.DecideAsync(request, deadline.Token))
                : Decision.Deny(denial);
            // dockerd was told to deny it meanwhile, and so is the log.
            if (decision.Answer.Allowed && isGone())
                decision = Decision.Deny("decision-timeout", "whoever asked did not wait for the decision");
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
        return Recorded(decision, request, Stopwatch.GetElapsedTime(began));
    }

    /// <summary>Sleeps until it is there: a task's own way of waiting spins first, on the processors on which the daemon makes its answer.</summary>
    private static Decision Await(Task<Decision> decision)
    {
        if (!decision.IsCompleted)
            ((IAsyncResult)decision).AsyncWaitHandle.WaitOne();
        return decision.GetAwaiter().GetResult();
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
                Uri = PluginRecord.Shortened(request?.Uri ?? ""),
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
}
