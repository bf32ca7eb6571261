using System.Globalization;
using Plimsoll.ContentTrust;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Registry;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary>One call of <c>trust</c>: a collection is proved from a pinned root, then listed or signed anew.</summary>
internal sealed partial class TrustRun(CliContext context)
{
    /// <summary>As the user wrote it: a repository or a folder.</summary>
    public required string Name { get; init; }

    /// <summary>Files and key ids.</summary>
    public required IReadOnlyList<string> Roots { get; init; }
    public string? Server { get; init; }
    public string? Gun { get; init; }

    /// <summary>The day by which ends are judged; null: now, and versions are compared with those seen before.</summary>
    public DateTimeOffset? AsOf { get; init; }
    public ImageOptions Images { get; init; } = new();

    public int Show(bool json, string? save, CancellationToken cancellationToken)
    {
        if (save is not null && (Directory.Exists(save) || File.Exists(save)))
            throw CommandException.Usage($"--save: {Escape.Quote(save)} is there already", "name a folder that is to be made");
        (TrustedCollection collection, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> files) = Read(cancellationToken);
        if (save is not null)
            Save(save, files);
        if (json)
            context.WriteOut(stream => stream.Write([.. ToJson(collection), (byte)'\n']));
        else
            WriteTable(collection);
        return ExitCode.Done;
    }

    /// <exception cref="CommandException">It is not proved: refused, or undecided when it could not be read.</exception>
    private (TrustedCollection Collection, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Files) Read(CancellationToken cancellationToken)
    {
        List<RootPin> pins = Pins();
        try
        {
            (IMetadataSource opened, string gun) = Open(pins, cancellationToken);
            using ContentTrustSource.Recorder source = new(opened);
            if (AsOf is { } day)
                context.Error.WriteLine($"plimsoll: note: {Catalogue.TrustAsOfNote.In(context.Language, Day(day))}");
            TrustedCollection collection = CollectionReader.Read(source, gun, pins, AsOf is null ? new ContentTrustSource.Memory(context) : null, AsOf ?? context.Time.GetUtcNow(), null, cancellationToken);
            foreach (ContentTrustRemark remark in collection.Remarks)
                context.Error.WriteLine($"plimsoll: note: {Catalogue.TrustRemark.In(context.Language, Escape.ForTerminal(remark.Text))}");
            return (collection, source.Files);
        }
        catch (ContentTrustException e)
        {
            throw new CommandException(e.Error == ContentTrustError.Unreachable ? ExitCode.Undecided : ExitCode.Refused, Escape.ForTerminal(e.Message), e.Hint ?? HintOf(e.Error), e);
        }
        catch (ImageException e)
        {
            throw new CommandException(ExitCode.Undecided, Escape.ForTerminal(e.Message), e.Hint, e);
        }
    }

    private string? HintOf(ContentTrustError error) => error switch
    {
        ContentTrustError.RolledBack => $"versions that were seen are kept in {Escape.ForTerminal(context.Home.ContentTrust)}; remove it only when the collection was begun anew on purpose",
        ContentTrustError.Expired => "a server has newer metadata; --as-of DATE judges by an earlier day when nobody signs it any more",
        _ => null,
    };

    private List<RootPin> Pins()
    {
        if (Roots.Count == 0)
            throw CommandException.Usage("plimsoll trust needs --root: nothing is believed on first sight",
                "--root FILE pins a root.json or an authority's certificate, --root ID the id of a root key; get it from whoever made it, not from the server");
        List<string> ids = [.. Roots.Where(RootPin.IsKeyId)];
        List<RootPin> pins = [];
        try
        {
            if (ids.Count > 0)
                pins.Add(RootPin.OfKeys(ids, "--root"));
            foreach (string file in Roots.Where(r => !RootPin.IsKeyId(r)))
                pins.Add(RootPin.OfFile(SmallFile.Read(file, ContentTrustLimits.Default.MaxRootBytes)
                    ?? throw CommandException.Usage($"--root: {Escape.Quote(file)} has more than {ContentTrustLimits.Default.MaxRootBytes} bytes (MaxRootBytes)"), $"--root {Escape.ForTerminal(file)}"));
            return pins;
        }
        catch (ContentTrustException e)
        {
            throw CommandException.Usage(Escape.ForTerminal(e.Message), e.Hint);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"--root: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", "an id has 64 lower-case hex digits");
        }
    }

    private (IMetadataSource Source, string Gun) Open(List<RootPin> pins, CancellationToken cancellationToken)
    {
        bool isFolder = Name.StartsWith('.') || Name.StartsWith('/') || (Directory.Exists(Name) && !Name.StartsWith("registry:", StringComparison.Ordinal));
        if (isFolder && !Name.StartsWith('.') && !Name.StartsWith('/') && RegistryName.HasHost(Name))
            throw CommandException.Usage($"{Escape.Quote(Name)} is a folder and a repository's name", $"say ./{Escape.ForTerminal(Name)} or registry:{Escape.ForTerminal(Name)}");
        if (!isFolder)
        {
            if (Gun is not null)
                throw CommandException.Usage("--gun goes with a folder");
            string named = CollectionName.Parse(Name.StartsWith("registry:", StringComparison.Ordinal) ? Name["registry:".Length..] : Name);
            string server = Server ?? (context.Environment(ContentTrustSource.ServerVariable) is { Length: > 0 } variable ? variable : NotaryServer.DefaultFor(named));
            return (new NotaryServer(server, named, Images.Registry, Images.Environment, Images.Time), named);
        }
        if (Server is not null)
            throw CommandException.Usage("--server goes with a repository's name");
        if (!Directory.Exists(Name))
            throw CommandException.Usage($"there is no folder {Escape.Quote(Name)}");
        string? gun = Gun is null ? null : CollectionName.Parse(Gun);
        FolderMetadata folder = new(Name, gun);
        if (gun is null && pins.Exists(p => p.Authorities.Length > 0))
            throw CommandException.Usage("a folder and an authority as --root need --gun: whatever it issued certificates for would do otherwise");
        return (folder, gun ?? CollectionReader.FindName(folder, cancellationToken)
            ?? throw CommandException.Usage($"the root in {Escape.Quote(Name)} does not say of which repository it is", "--gun REGISTRY/NAME says it"));
    }

    private static void Save(string folder, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> files)
    {
        try
        {
            foreach ((string name, ReadOnlyMemory<byte> bytes) in files)
            {
                string path = Path.Combine(folder, name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                using FileStream file = new(path, FileMode.CreateNew, FileAccess.Write);
                file.Write(bytes.Span);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Undecided, $"--save: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }

    private void WriteTable(TrustedCollection collection)
    {
        Language language = context.Language;
        context.Out.WriteLine(Catalogue.TrustCollection.In(language, collection.Gun));
        WriteRows([Catalogue.TrustRoleColumns.In(language).Split('\t'),
            .. collection.Roles.Select(r => new[] { r.Name, r.Version.ToString(CultureInfo.InvariantCulture), Day(r.Expires), $"{string.Join(", ", r.Signers.Select(s => s[..16] + "…"))} ({r.Signers.Count}/{r.Threshold})" })]);
        context.Out.WriteLine();
        if (collection.Targets.Count == 0)
            context.Out.WriteLine(Catalogue.TrustNoTargets.In(language));
        else
            WriteRows([Catalogue.TrustColumns.In(language).Split('\t'),
                .. collection.Targets.Select(t => new[] { Escape.ForTerminal(t.Name), DigestOf(t), t.Meta.Length.ToString(CultureInfo.InvariantCulture), t.Role })]);
    }

    private void WriteRows(IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(r => DisplayWidth.Of(r[column])))];
        foreach (string[] row in rows)
            context.Out.WriteLine(string.Concat(row.Select((cell, column) => column == row.Length - 1 ? cell : cell + new string(' ', widths[column] - DisplayWidth.Of(cell) + 2))));
    }

    internal static string DigestOf(TrustedTarget target) => !target.Meta.Sha256.IsEmpty ? $"sha256:{Convert.ToHexStringLower(target.Meta.Sha256.Span)}" : $"sha512:{Convert.ToHexStringLower(target.Meta.Sha512.Span)}";

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Second(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>In the order of docs/verbs/trust.md.</summary>
    private byte[] ToJson(TrustedCollection collection)
    {
        CanonicalJson json = new();
        json.BeginObject().Text("tool", AppVersion.Full).Text("gun", collection.Gun).Text("now", Second(AsOf ?? context.Time.GetUtcNow())).BeginArray("roles");
        foreach (TrustedRole role in collection.Roles)
            json.BeginObject().Text("name", role.Name).Number("version", role.Version).Text("expires", Second(role.Expires)).Text("digest", role.Digest)
                .Number("threshold", (long)role.Threshold).Texts("signers", role.Signers).EndObject();
        json.EndArray().BeginArray("targets");
        foreach (TrustedTarget target in collection.Targets)
        {
            json.BeginObject().Text("name", target.Name).Text("role", target.Role).Number("length", target.Meta.Length);
            json.Optional("sha256", Convert.ToHexStringLower(target.Meta.Sha256.Span)).Optional("sha512", Convert.ToHexStringLower(target.Meta.Sha512.Span)).EndObject();
        }
        json.EndArray().BeginArray("remarks");
        foreach (ContentTrustRemark remark in collection.Remarks)
            json.BeginObject().Text("code", remark.Code).Text("role", remark.Role).Text("text", remark.Text).EndObject();
        return json.EndArray().EndObject().ToBytes();
    }
}
