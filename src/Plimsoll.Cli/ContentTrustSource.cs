using Plimsoll.ContentTrust;
using Plimsoll.Oci;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Cli;

/// <summary>Opens Docker Content Trust metadata by the name a user gives it, and remembers its versions.</summary>
internal static class ContentTrustSource
{
    /// <summary>What Docker's own client reads the server's address from.</summary>
    public const string ServerVariable = "DOCKER_CONTENT_TRUST_SERVER";

    private static bool IsAddress(string text) => text.StartsWith("https://", StringComparison.Ordinal) || text.StartsWith("http://", StringComparison.Ordinal);

    /// <summary>An address or an existing folder, or null.</summary>
    /// <exception cref="CommandException">Usage.</exception>
    public static string? Checked(string? given, string option)
    {
        if (given is null)
            return null;
        if (!IsAddress(given))
            return Directory.Exists(given) ? given : throw CommandException.Usage($"{option}: there is no folder {Escape.Quote(given)}", "a server is https://HOST[:PORT]");
        try
        {
            NotaryServer.Parse(given);
            return given;
        }
        catch (ContentTrustException e)
        {
            throw CommandException.Usage($"{option}: {Escape.ForTerminal(e.Message)}");
        }
    }

    /// <param name="given">A folder or address that takes the place of <paramref name="server"/>; null for none.</param>
    /// <param name="gun">The collection.</param>
    /// <returns>Null when there is neither.</returns>
    /// <exception cref="ContentTrustException">It cannot be opened.</exception>
    public static IMetadataSource? Open(string? given, string gun, string? server, ImageOptions options)
    {
        // A repository's name in a policy's pattern and an image's claim of a name are not proved to be one.
        if (!CollectionName.IsOne(gun))
            throw new ContentTrustException(ContentTrustError.Missing, "root", $"{Escape.Quote(gun)} is no name of a collection");
        if (given is not null && !IsAddress(given))
            return new FolderMetadata(given, gun);
        return (given ?? server) is { } address ? new NotaryServer(address, gun, options.Registry, options.Environment, options.Time) : null;
    }

    /// <summary>The versions that were seen of each role of each collection, in the user's data folder.</summary>
    internal sealed class Memory(CliContext context) : IContentTrustMemory
    {
        private readonly Counters _counters = new(context.Home.ContentTrust,
            reason => context.Error.WriteLine($"plimsoll: note: {Catalogue.TrustNotRemembered.In(context.Language, reason)}"));

        public SeenMetadata? Find(string gun, string role) => _counters.Find(gun, role) is var (counter, digest) ? new SeenMetadata(role, counter, digest) : null;

        public void Remember(string gun, IReadOnlyList<SeenMetadata> seen)
        {
            foreach (SeenMetadata one in seen)
                try
                {
                    _counters.Check(gun, [], one.Role, one.Version, one.Digest, $"{gun} {one.Role}", one.Role);
                }
                catch (CounterException e)
                {
                    // Another process saw a newer one meanwhile.
                    throw new ContentTrustException(ContentTrustError.RolledBack, one.Role, e.Message, e.Hint, e);
                }
        }
    }

    /// <summary>Keeps what passes through, to be saved once it is proved.</summary>
    internal sealed class Recorder(IMetadataSource source) : IMetadataSource
    {
        private readonly SortedDictionary<string, ReadOnlyMemory<byte>> _files = new(StringComparer.Ordinal);

        public string Name => source.Name;

        /// <summary>By the names of a folder of metadata: <c>root.json</c>, <c>1.root.json</c>, <c>targets/releases.json</c>.</summary>
        public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Files => _files;

        public ReadOnlyMemory<byte>? Find(string role, long? version, string? sha256, int maxBytes, CancellationToken cancellationToken)
        {
            ReadOnlyMemory<byte>? found = source.Find(role, version, sha256, maxBytes, cancellationToken);
            if (found is { } bytes)
                _files[version is { } number ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{number}.{role}.json") : $"{role}.json"] = bytes;
            return found;
        }

        public void Dispose() => source.Dispose();
    }
}
