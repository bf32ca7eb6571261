using System.Net;

namespace Plimsoll.Registry;

/// <summary>The body of a request, sent in pieces so that its progress can be told: bytes that are here, and after them what a stream has.</summary>
internal sealed class UploadContent : HttpContent
{
    private const int PieceBytes = 64 * 1024;

    private readonly ReadOnlyMemory<byte> _start;
    private readonly Stream? _rest;

    /// <param name="rest">Read once and not disposed; null: nothing follows.</param>
    /// <param name="length">Of both together.</param>
    /// <param name="mediaType">Value of Content-Type.</param>
    public UploadContent(ReadOnlyMemory<byte> start, Stream? rest, long length, string mediaType)
    {
        (_start, _rest) = (start, rest);
        Headers.ContentLength = length;
        Headers.TryAddWithoutValidation("Content-Type", mediaType);
    }

    /// <summary>Called after each piece that the connection took.</summary>
    public Action? Progressed { get; set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        for (int at = 0; at < _start.Length; at += PieceBytes)
        {
            await stream.WriteAsync(_start.Slice(at, Math.Min(PieceBytes, _start.Length - at)), cancellationToken).ConfigureAwait(false);
            Progressed?.Invoke();
        }
        if (_rest is null)
            return;
        byte[] buffer = new byte[PieceBytes];
        for (int got; (got = await _rest.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            await stream.WriteAsync(buffer.AsMemory(0, got), cancellationToken).ConfigureAwait(false);
            Progressed?.Invoke();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = Headers.ContentLength ?? 0;
        return true;
    }
}
