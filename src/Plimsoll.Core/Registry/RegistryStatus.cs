using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>What statuses mean.</summary>
internal static class RegistryStatus
{
    private const int MaxErrorBytes = 16 * 1024;

    /// <exception cref="TransientException">The server is overloaded, restarting, or asked to wait.</exception>
    /// <exception cref="ImageException">It asked to wait longer than is waited.</exception>
    public static void ThrowIfTransient(HttpResponseMessage response, string where, RegistryLimits limits, TimeProvider time)
    {
        if (response.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or HttpStatusCode.InternalServerError
            or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout))
            return;
        string status = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
        string meaning = response.StatusCode == HttpStatusCode.TooManyRequests ? $"too many requests (status {status})" : $"status {status}";
        TimeSpan? after = response.Headers.RetryAfter is { } header ? header.Delta ?? header.Date - time.GetUtcNow() : null;
        if (after > limits.MaxRetryAfter)
            throw new ImageException(ImageError.PeerFailed, $"{where}: {meaning}; it asks to wait {RegistryTransport.Seconds(after.Value)}, at most {RegistryTransport.Seconds(limits.MaxRetryAfter)} (MaxRetryAfter) are waited",
                response.StatusCode == HttpStatusCode.TooManyRequests ? "a registry may allow more to who has logged in (docker login), and a mirror spares it (--registry-mirror)" : null);
        throw new TransientException(new ImageException(ImageError.PeerFailed, $"{where}: {meaning}"), after > TimeSpan.Zero ? after : null);
    }

    /// <summary>The registry's own words for an error, quoted; empty when it has none.</summary>
    public static string Words(HttpResponseMessage response, RegistryTransport transport, CancellationToken cancellationToken)
    {
        byte[] body;
        try
        {
            using BodyStream stream = new(response, transport, "", cancellationToken);
            body = stream.ReadAll(MaxErrorBytes, nameof(MaxErrorBytes));
        }
        catch (Exception e) when (e is ImageException or TransientException)
        {
            return "";
        }
        return Of(body);
    }

    internal static string Of(byte[] body)
    {
        try
        {
            if (JsonSerializer.Deserialize(body, RegistryJson.Default.ErrorList)?.Errors is [{ } first, ..])
                return $": {Escape.Quote(string.Join(": ", ((string?[])[first.Code, first.Message]).OfType<string>()))}";
        }
        catch (JsonException)
        {
            // Some servers and proxies answer in HTML or plain text.
        }
        string text = Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, Escape.MaxShown))).Trim();
        return text.Length > 0 ? $": {Escape.Quote(text)}" : "";
    }
}
