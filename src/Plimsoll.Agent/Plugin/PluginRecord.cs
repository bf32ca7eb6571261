using Plimsoll.Oci;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Plugin;

/// <summary>One decision, for the evidence log and for metrics.</summary>
public sealed record PluginRecord
{
    public required DateTimeOffset Time { get; init; }

    /// <summary>As it was sent, query and all; untrusted text.</summary>
    public required string Method { get; init; }

    /// <summary>As <see cref="Shortened"/> left it.</summary>
    public required string Uri { get; init; }
    public required StartClient Client { get; init; }

    /// <summary><c>POST /containers/create</c>; empty when it is no endpoint that is known.</summary>
    public string Endpoint { get; init; } = "";
    public required bool Allowed { get; init; }

    /// <summary>What the answer is called: <c>allowed</c>, <c>call-back</c>, <c>no-such-image</c>, or the reason of the denial.</summary>
    public required string Code { get; init; }

    /// <summary>What the daemon was told; empty when allowed.</summary>
    public required string Text { get; init; }

    /// <summary>As <see cref="Plugin.Endpoint.OnlyReads"/>.</summary>
    public bool OnlyReads { get; init; }

    /// <summary>The container, exec, image or the like that the path names; untrusted text.</summary>
    public string Subject { get; init; } = "";
    public Digest? Image { get; init; }

    /// <summary>The verdict that decided, also one that allowed with warnings.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>What was said of a request that was allowed all the same, of its image and of itself.</summary>
    public IReadOnlyList<Reason> Warnings { get; init; } = [];
    public required TimeSpan Took { get; init; }

    public const int MaxUri = 2000;

    /// <summary>At most <see cref="MaxUri"/> characters: the beginning, and of the query's end what is whole, so that no secret is parted from its name.</summary>
    public static string Shortened(string uri)
    {
        if (uri.Length <= MaxUri)
            return uri;
        int half = MaxUri / 2, end = uri.AsSpan(uri.Length - half + 1).IndexOfAny('?', '&');
        return end < 0 ? uri[..MaxUri] : $"{uri[..half]}…{uri[(uri.Length - half + 1 + end)..]}";
    }
}
