using System.Text;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Inspect.Policies;

/// <summary>One recorded start of a policy's tests: what the engine was asked for, the image's config and who asked.</summary>
internal sealed class StartCase
{
    private static readonly StartSource[] Kinds = [StartSource.Create, StartSource.Inspect, StartSource.Spec, StartSource.Volume];

    private readonly StartSource _kind;
    private readonly ReadOnlyMemory<byte> _body;
    private readonly StartImage _image;
    private readonly StartClient _client;
    private readonly string? _runtime;
    private readonly IReadOnlyList<string> _own;

    private StartCase(StartSource kind, ReadOnlyMemory<byte> body, StartImage image, StartClient client, string? runtime, IReadOnlyList<string> own) =>
        (_kind, _body, _image, _client, _runtime, _own) = (kind, body, image, client, runtime, own);

    /// <param name="folder">Where the files that it names are looked for.</param>
    /// <exception cref="DocumentException">Not of the form, or a file that cannot be read.</exception>
    public static StartCase Read(MapReader map, string folder)
    {
        StartSource kind = map.Find("kind") is { } node ? MapReader.WordOf(node, Word, Kinds) : StartSource.Create;
        ReadOnlyMemory<byte> body = JsonOf(map.Get("body"), map.Inner("body"), folder);
        // An image that says nothing of itself: every word of a command is then the start's own.
        ReadOnlyMemory<byte> config = map.Find("config") is { } own ? JsonOf(own, map.Inner("config"), folder) : "{}"u8.ToArray();
        StartImage image = new() { Config = Digest.Of(config.Span), ConfigJson = config, Names = [.. map.FindTexts("names").Select(ImageName.Parse)] };
        StartClient client = map.FindText("client") is { } user ? new StartClient(user, "TLS") : StartClient.Unknown;
        StartCase made = new(kind, body, image, client, map.FindText("runtime"), map.FindTexts("own-executables"));
        map.Done();
        return made;
    }

    public Verdict Judge(Policy policy, DateTimeOffset now)
    {
        try
        {
            if (_kind == StartSource.Volume)
                return StartJudge.OfVolume(policy, StartRequest.FromVolume(_body), now);
            StartRequest request = _kind switch
            {
                StartSource.Inspect => StartRequest.FromInspect(_body),
                StartSource.Spec => StartRequest.FromSpec(_body),
                _ => StartRequest.FromCreate(_body),
            } with
            { OwnExecutables = _own };
            return StartJudge.Of(policy, _runtime is null ? request : request with { Runtime = _runtime }, _image, _client, now);
        }
        catch (StartRequestException e)
        {
            return StartJudge.Of(policy, e);
        }
    }

    /// <summary>JSON itself, which begins with a brace, or the name of a file that holds it.</summary>
    private static ReadOnlyMemory<byte> JsonOf(DocumentNode node, string what, string folder)
    {
        string text = MapReader.TextOf(node, what, StartLimits.MaxBytes);
        if (text[0] == '{')
            return Encoding.UTF8.GetBytes(text);
        string path = Path.Combine(folder, text);
        try
        {
            return SmallFile.Read(path, StartLimits.MaxBytes) ?? throw new DocumentException(node.Where, $"{Escape.Quote(path)} is longer than {StartLimits.MaxBytes} bytes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DocumentException(node.Where, $"cannot read {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", e);
        }
    }

    private static string Word(StartSource kind) => kind switch
    {
        StartSource.Inspect => "inspect",
        StartSource.Spec => "spec",
        StartSource.Volume => "volume",
        _ => "create",
    };
}
