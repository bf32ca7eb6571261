using System.Buffers.Binary;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>
/// rpm's package database in each form that rpm has written: SQLite (<c>rpmdb.sqlite</c>), ndb (<c>Packages.db</c>) and
/// Berkeley DB hash (<c>Packages</c>).
/// </summary>
/// <remarks>
/// <para>Read without librpm, libsqlite or libdb, which are not made for files that someone wishes them ill with. Each form hands
/// out the same thing: one header blob for each installed package (<see cref="RpmHeader"/>).</para>
/// <para>A fault ends at the page or header it is in and becomes a gap <c>package-database-corrupt</c>; the rest is read.</para>
/// </remarks>
public sealed class RpmDatabaseAnalyser : IAnalyser
{
    internal const string Corrupt = "package-database-corrupt";

    private static readonly string[] Folders = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];

    private static readonly string[] Files = ["rpmdb.sqlite", "Packages.db", "Packages"];

    public string Id => "rpm-database";

    public int Version => 1;

    /// <summary>512 MiB; a desktop of 5 000 packages has about 300.</summary>
    public long MaxFileBytes => 512L << 20;

    public IReadOnlyList<string> Anchors { get; } = [.. Folders, .. Folders.SelectMany(folder => Files.Select(file => $"{folder}/{file}"))];

    public bool Wants(ReadOnlySpan<byte> path) => NameOf(path) is var name && (
        name.SequenceEqual("rpmdb.sqlite"u8) || name.SequenceEqual("rpmdb.sqlite-wal"u8) || name.SequenceEqual("rpmdb.sqlite-journal"u8)
        || name.SequenceEqual("Packages.db"u8) || name.SequenceEqual("Packages"u8));

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        GapList gaps = new(path);
        RpmPackages packages = new(gaps, content.Length);
        if (path.EndsWith("-wal", StringComparison.Ordinal) || path.EndsWith("-journal", StringComparison.Ordinal))
            TellJournal(content.Span, gaps);
        else if (path.EndsWith("sqlite", StringComparison.Ordinal))
            SqliteTable.Read(content, packages);
        else if (path.EndsWith(".db", StringComparison.Ordinal))
            NdbFile.Read(content, packages);
        else
            BerkeleyHash.Read(content, packages);
        IReadOnlyList<Gap> found = gaps.ToList();
        return packages.Packages.Count == 0 && found.Count == 0 ? null
            : new FileFacts { Path = path, Analyser = Id, Packages = packages.Packages, Owned = packages.Owned, Gaps = found };
    }

    /// <summary>
    /// What a journal holds is newer than the database (-wal), or what must be put back into it (-journal). rpm leaves one
    /// with content only when it was stopped or the file was copied while it ran.
    /// </summary>
    private static void TellJournal(ReadOnlySpan<byte> content, GapList gaps)
    {
        bool isLog = content.Length > 32 && (BinaryPrimitives.ReadUInt32BigEndian(content) | 1) == 0x377f0683;
        if (isLog || content.ContainsAnyExcept((byte)0) && !(content.Length <= 32))
            gaps.Add("package-database-journal", $"{content.Length} bytes that are not yet in the database beside it; packages in them were not seen");
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> rest = path.StartsWith("var/lib/rpm/"u8) ? path["var/lib/rpm/"u8.Length..]
            : path.StartsWith("usr/lib/sysimage/rpm/"u8) ? path["usr/lib/sysimage/rpm/"u8.Length..]
            : path.StartsWith("usr/share/rpm/"u8) ? path["usr/share/rpm/"u8.Length..] : default;
        return rest;
    }
}
