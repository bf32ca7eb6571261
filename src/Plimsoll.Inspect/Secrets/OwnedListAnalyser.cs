using System.Buffers.Binary;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Secrets;

/// <summary>What dpkg's and apk's lists claim, in twelve bytes a file: enough to know a text that a distribution's package brought.</summary>
/// <remarks>
/// The facts on packages keep claims only on files that packages of languages may be read from; secrets are looked for in all others too. A claim
/// counts where path and checksum agree and only distributions write there (<see cref="Ownership.IsSystemPath"/>). rpm's database is not read a second time.
/// </remarks>
internal sealed class OwnedListAnalyser : IAnalyser
{
    public const string AnalyserId = "secret-owned";

    /// <summary>Six bytes of the path's hash, six of the checksum.</summary>
    private const int ClaimBytes = 12, HalfBytes = 6;
    private const int MaxClaims = 500_000;
    private static readonly DpkgLists Dpkg = new();

    public string Id => AnalyserId;

    public int Version => 1;

    public long MaxFileBytes => 64L << 20;

    public bool Wants(ReadOnlySpan<byte> path) => Dpkg.Wants(path) || path.SequenceEqual("lib/apk/db/installed"u8) || path.SequenceEqual("usr/lib/apk/db/installed"u8);

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        List<Hit> hits = path.EndsWith("/installed", StringComparison.Ordinal) ? Apk(content.Span) : DpkgList(path, content.Span);
        return hits.Count == 0 ? null : new FileFacts { Path = path, Analyser = Id, Hits = hits };
    }

    private sealed class DpkgLists
    {
        private readonly Packages.Dpkg.DpkgOwnedAnalyser _lists = new();

        public bool Wants(ReadOnlySpan<byte> path) => _lists.Wants(path);
    }

    private static List<Hit> DpkgList(string path, ReadOnlySpan<byte> rest)
    {
        string package = path[(path.LastIndexOf('/') + 1)..^".md5sums".Length];
        int architecture = package.IndexOf(':', StringComparison.Ordinal);
        ClaimWriter claims = new($"deb/{(architecture > 0 ? package[..architecture] : package)}");
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = NextLine(ref rest);
            if (line.Length > 34 && line[32] == (byte)' ' && MayHoldText(line[34..]))
                claims.Add(line[34..], line[..12]);
        }
        return claims.ToHits();
    }

    /// <remarks>Source: apk's index format: P names the package, F a folder, R a file in it, Z its checksum, <c>Q1</c> and base64 of SHA-1.</remarks>
    private static List<Hit> Apk(ReadOnlySpan<byte> rest)
    {
        List<Hit> hits = [];
        ClaimWriter? claims = null;
        byte[] file = new byte[4096];
        int folder = 0, length = 0;
        Span<byte> hash = stackalloc byte[20];
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = NextLine(ref rest);
            if (line.Length < 2 || line[1] != (byte)':')
                continue;
            ReadOnlySpan<byte> value = line[2..];
            switch (line[0])
            {
                case (byte)'P':
                    hits.AddRange(claims?.ToHits() ?? []);
                    claims = new ClaimWriter($"apk/{Encoding.UTF8.GetString(value)}");
                    break;
                case (byte)'F' when value.Length < file.Length - 1:
                    value.CopyTo(file);
                    folder = value.Length;
                    if (folder > 0)
                        file[folder++] = (byte)'/';
                    break;
                case (byte)'R' when folder + value.Length <= file.Length:
                    value.CopyTo(file.AsSpan(folder));
                    length = folder + value.Length;
                    break;
                case (byte)'Z' when length > 0 && value.StartsWith("Q1"u8):
                    if (System.Buffers.Text.Base64.DecodeFromUtf8(value[2..], hash, out _, out int written) == System.Buffers.OperationStatus.Done && written == 20 && MayHoldText(file.AsSpan(0, length)))
                        claims?.Add(file.AsSpan(0, length), Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash[..HalfBytes])));
                    length = 0;
                    break;
            }
        }
        hits.AddRange(claims?.ToHits() ?? []);
        return hits;
    }

    private static ReadOnlySpan<byte> NextLine(ref ReadOnlySpan<byte> rest)
    {
        int end = rest.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return line;
    }

    /// <summary>Pictures, programs and what is compressed are never looked into, so nobody asks whose they are.</summary>
    private static bool MayHoldText(ReadOnlySpan<byte> path)
    {
        if (!Ownership.IsSystemPath(path))
            return false;
        int dot = path.LastIndexOf((byte)'.');
        ReadOnlySpan<byte> ending = dot < 0 ? default : path[dot..];
        return !(ending.SequenceEqual(".gz"u8) || ending.SequenceEqual(".mo"u8) || ending.SequenceEqual(".png"u8) || ending.SequenceEqual(".pyc"u8) || ending.SequenceEqual(".so"u8) || ending.SequenceEqual(".svg"u8) || ending.SequenceEqual(".dll"u8)
            || ending.SequenceEqual(".h"u8) || ending.SequenceEqual(".a"u8) || ending.SequenceEqual(".ko"u8) || ending.SequenceEqual(".tfm"u8) || ending.SequenceEqual(".xz"u8) || ending.SequenceEqual(".page"u8));
    }

    /// <summary>The claims of one package.</summary>
    private sealed class ClaimWriter(string owner)
    {
        private readonly List<byte> _claims = [];

        /// <param name="checksum">At least twelve hex digits.</param>
        public void Add(ReadOnlySpan<byte> path, ReadOnlySpan<byte> checksum)
        {
            Span<byte> claim = stackalloc byte[ClaimBytes];
            Write(claim, HashOf(path));
            if (_claims.Count >= (long)MaxClaims * ClaimBytes || Convert.FromHexString(Encoding.ASCII.GetString(checksum), claim[HalfBytes..], out _, out int written) != System.Buffers.OperationStatus.Done || written != HalfBytes)
                return;
            _claims.AddRange(claim);
        }

        public List<Hit> ToHits() => _claims.Count == 0 ? [] : [new Hit("owned", 0, owner, Convert.ToBase64String(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_claims)))];
    }

    private static void Write(Span<byte> to, ulong hash)
    {
        Span<byte> eight = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(eight, hash);
        eight[..HalfBytes].CopyTo(to);
    }

    /// <summary>FNV-1a; of a path with and without the leading <c>usr/</c> the same, since one may be a link to the other.</summary>
    private static ulong HashOf(ReadOnlySpan<byte> path)
    {
        if (path.StartsWith("usr/"u8))
            path = path[4..];
        ulong hash = 14695981039346656037;
        foreach (byte b in path)
            hash = (hash ^ b) * 1099511628211;
        return hash ^ (hash >> 32);
    }

    /// <summary>Who owns which of some files.</summary>
    /// <param name="lists">Hits of this analyser.</param>
    /// <param name="files">Paths with the first twelve hex digits of their checksums.</param>
    public static Dictionary<string, string> OwnersOf(IEnumerable<Hit> lists, IReadOnlyDictionary<string, string[]> files)
    {
        Dictionary<string, string> owners = new(StringComparer.Ordinal);
        if (files.Count == 0)
            return owners;
        Dictionary<(ulong, ulong), string> wanted = [];
        Span<byte> eight = stackalloc byte[8];
        foreach ((string path, string[] sums) in files)
            foreach (string sum in sums)
            {
                eight.Clear();
                Convert.FromHexString(sum, eight, out _, out _);
                wanted[(HashOf(Encoding.UTF8.GetBytes(path)) & 0xFFFF_FFFF_FFFF, BinaryPrimitives.ReadUInt64LittleEndian(eight))] = path;
            }
        foreach (Hit list in lists)
        {
            byte[] claims = Convert.FromBase64String(list.Detail);
            for (int at = 0; at + ClaimBytes <= claims.Length; at += ClaimBytes)
            {
                ulong path = Read(claims.AsSpan(at, HalfBytes)), sum = Read(claims.AsSpan(at + HalfBytes, HalfBytes));
                if (wanted.TryGetValue((path, sum), out string? file))
                    owners.TryAdd(file, list.Evidence);
            }
        }
        return owners;
    }

    private static ulong Read(ReadOnlySpan<byte> six) => BinaryPrimitives.ReadUInt32LittleEndian(six) | (ulong)BinaryPrimitives.ReadUInt16LittleEndian(six[4..]) << 32;
}
