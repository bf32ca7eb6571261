using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <summary>
/// Baselines as small files, one per image, sealed by a key of this host. A record of all of them, sealed as well and counted, tells
/// when one was deleted, exchanged or set back; the highest counter is kept a second time, beside the key.
/// </summary>
/// <remarks>
/// Whoever is root can sign anything with the host's key, and can set all of it back together; docs/verbs/measure.md says so. A
/// baseline is written before the record and the record before the counter, so that a process that dies in between leaves nothing
/// that looks like an attack. Safe for several processes.
/// </remarks>
/// <param name="folder">Holds <c>HEX.json</c>, <c>HEX.files</c> and <c>index.json</c>.</param>
/// <param name="host">Holds <c>key.pem</c> and <c>counter</c>, and <c>pending</c> while a baseline is written.</param>
/// <param name="seal">A key and a counter outside of these files; null for <c>key.pem</c> alone, which sees no rollback of everything together.</param>
/// <param name="signer">Key that seals in place of <c>key.pem</c>, such as one that a token keeps, without a counter; null for the file's. Its owner disposes it.</param>
public sealed class BaselineStore(string folder, string host, TimeProvider time, IHostSeal? seal = null, ISigner? signer = null)
{
    public const string IndexPayloadType = "application/vnd.plimsoll.baseline-index.v1+json";

    /// <summary>Baselines of one host.</summary>
    public const int MaxBaselines = 20_000;

    private const int MaxIndexBytes = 16 * 1024 * 1024, MaxKeyBytes = 16 * 1024;
    private const UnixFileMode OwnerFolder = DurableFile.OwnerOnly | UnixFileMode.UserExecute;

    /// <summary>How long another process is waited for.</summary>
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(10);

    private string IndexFile => Path.Combine(folder, "index.json");

    private string PendingFile => Path.Combine(host, "pending");

    private string KeyFile => Path.Combine(host, "key.pem");

    private string CounterFile => Path.Combine(host, "counter");

    /// <summary>Names the host key that is not in <c>key.pem</c>.</summary>
    public const string KeyNameFile = "key";

    /// <summary>What is kept of the image with this config.</summary>
    /// <exception cref="IOException">The files cannot be read; nothing is said of them then.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public BaselineAnswer Find(Digest config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (IsNew)
            return BaselineAnswer.None;
        using FileStream? alone = LockIfThere();
        using ISigner? key = OpenKey();
        return Find(config, key, ReadIndex(key));
    }

    /// <summary>Whether nothing was ever stored; a counter outside of the files remembers it after all of them are gone.</summary>
    private bool IsNew => seal is null && !Directory.Exists(folder) && !File.Exists(CounterFile);

    /// <summary>The image that a name meant when it was last stored; null when it never was.</summary>
    public (Digest? Config, BaselineAnswer Record) FindName(string name)
    {
        if (IsNew)
            return (null, BaselineAnswer.None);
        using FileStream? alone = LockIfThere();
        using ISigner? key = OpenKey();
        (Index index, BaselineAnswer record) = ReadIndex(key);
        return (index.Names.GetValueOrDefault(name), record);
    }

    /// <summary>The files that were listed when the baseline was taken; null when none were, or the list is not the one that the baseline names.</summary>
    public FileList? FindFiles(Baseline baseline)
    {
        ArgumentNullException.ThrowIfNull(baseline);
        string path = FilesOf(baseline.Measurement.Config);
        if (baseline.Files is not { } digest || !File.Exists(path) || SmallFile.ReadRegular(path, FileList.MaxBytes) is not { } bytes || Measurement.Sha384(bytes) != digest)
            return null;
        return FileList.Parse(bytes, path);
    }

    /// <summary>Stores what an image measured, in place of what was there.</summary>
    /// <param name="names">What it is called; each name means this image from now on.</param>
    /// <param name="files">Kept beside it; null leaves a list that is there when the measurement is the same.</param>
    /// <exception cref="BaselineException">What is stored is not as it was sealed: it is not built upon.</exception>
    public Baseline Save(Measurement measurement, IReadOnlyList<string> names, BaselineOrigin origin, FileList? files)
    {
        ArgumentNullException.ThrowIfNull(measurement);
        ArgumentNullException.ThrowIfNull(names);
        Directory.CreateDirectory(folder, OwnerFolder);
        Directory.CreateDirectory(host, OwnerFolder);
        using FileStream alone = Lock();
        using ISigner key = OpenKey() ?? CreateKey();
        if (seal is not null && !File.Exists(Path.Combine(host, KeyNameFile)))
            Replace(Path.Combine(host, KeyNameFile), Encoding.UTF8.GetBytes(seal.Name + "\n"));
        Recover(key);
        (Index index, BaselineAnswer record) = ReadIndex(key);
        BaselineAnswer before = Find(measurement.Config, key, (index, record));
        if (before.Fault is not null)
            throw new BaselineException(before);
        if (index.Entries.Count >= MaxBaselines && !index.Entries.ContainsKey(measurement.Config))
            throw new IOException($"{folder} holds {MaxBaselines} baselines already (MaxBaselines)");
        Digest? list = before.Baseline?.Measurement == measurement ? before.Baseline.Files : null;
        if (files is not null)
        {
            byte[] bytes = files.ToBytes();
            list = Measurement.Sha384(bytes);
            Replace(FilesOf(measurement.Config), bytes);
        }
        long counter = Math.Max(index.Counter, ReadCounter()) + 1;
        Baseline baseline = new(counter, time.GetUtcNow(), origin, names, measurement, list);
        byte[] payload = baseline.ToJson();
        Replace(PendingFile, Encoding.ASCII.GetBytes(measurement.Config.ToString()));
        Replace(FileOf(measurement.Config), DsseSigning.Sign(Baseline.PayloadType, payload, key).ToJson());
        index.Entries[measurement.Config] = (counter, Measurement.Sha384(payload));
        foreach (string name in names)
            index.Names[name] = measurement.Config;
        WriteIndex(index with { Counter = counter }, key);
        File.Delete(PendingFile);
        return baseline;
    }

    /// <summary>Brings the record up to a baseline that was written by a process that died before it could write the record.</summary>
    private void Recover(ISigner key)
    {
        if (!File.Exists(PendingFile))
            return;
        (Index index, BaselineAnswer record) = ReadIndex(key);
        if (record.Fault is null && SmallFile.ReadRegular(PendingFile, 256) is { } text && Digest.TryParse(Encoding.ASCII.GetString(text), out Digest? config)
            && Find(config, key, (index, record)).Baseline is { } baseline && baseline.Counter == index.Counter + 1)
        {
            index.Entries[config] = (baseline.Counter, Measurement.Sha384(baseline.ToJson()));
            foreach (string name in baseline.Names)
                index.Names[name] = config;
            WriteIndex(index with { Counter = baseline.Counter }, key);
        }
        File.Delete(PendingFile);
    }

    /// <summary>Forgets an image: the way to remove a baseline on purpose.</summary>
    /// <returns>False when nothing is kept of it.</returns>
    public bool Remove(Digest config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (!Directory.Exists(folder))
            return false;
        using FileStream alone = Lock();
        using ISigner? key = OpenKey();
        (Index index, BaselineAnswer record) = ReadIndex(key);
        if (record.Fault is not null)
            throw new BaselineException(record);
        if (key is null || !index.Entries.Remove(config))
            return false;
        foreach (string name in index.Names.Where(n => n.Value == config).Select(n => n.Key).ToArray())
            index.Names.Remove(name);
        // The record first: a file that it does not name is no baseline, a name without its file would look deleted.
        WriteIndex(index with { Counter = Math.Max(index.Counter, ReadCounter()) + 1 }, key);
        File.Delete(FileOf(config));
        File.Delete(FilesOf(config));
        return true;
    }

    private BaselineAnswer Find(Digest config, ISigner? key, (Index Index, BaselineAnswer Record) read)
    {
        if (read.Record.Fault is not null)
            return read.Record;
        string path = FileOf(config);
        bool listed = read.Index.Entries.TryGetValue(config, out (long Counter, Digest Payload) wanted);
        if (!File.Exists(path))
            return listed ? Fault(BaselineFault.Deleted, $"{path} is gone; it was written with counter {wanted.Counter}") : BaselineAnswer.None;
        if (Open(path, Baseline.PayloadType, Baseline.MaxBytes, key) is not { } payload)
            return Fault(BaselineFault.Edited, $"{path} does not bear this host's seal");
        Baseline baseline;
        try
        {
            baseline = Baseline.Parse(payload, path);
        }
        catch (FormatException e)
        {
            return Fault(BaselineFault.Edited, e.Message);
        }
        if (baseline.Measurement.Config != config)
            return Fault(BaselineFault.Swapped, $"{path} is the baseline of {baseline.Measurement.Config}");
        // Written, and the process died before the record was.
        if (baseline.Counter == read.Index.Counter + 1)
            return new BaselineAnswer(baseline, null, "");
        if (!listed)
            return Fault(BaselineFault.Unlisted, $"{path} has counter {baseline.Counter} and is not among the baselines of this host");
        if (baseline.Counter < wanted.Counter)
            return Fault(BaselineFault.RolledBack, $"{path} has counter {baseline.Counter}; {wanted.Counter} was written last");
        return baseline.Counter == wanted.Counter && Measurement.Sha384(payload) == wanted.Payload
            ? new BaselineAnswer(baseline, null, "")
            : Fault(BaselineFault.Edited, $"{path} is not the one that was written with counter {wanted.Counter}");
    }

    private (Index, BaselineAnswer) ReadIndex(ISigner? key)
    {
        long highest = ReadCounter();
        long? outside = seal?.ReadCounter();
        if (!File.Exists(IndexFile))
        {
            if (outside is not null)
                return (Index.Empty, Fault(BaselineFault.SealMissing, $"{IndexFile} is gone; the counter of {seal!.Name} says that it was written"));
            bool any = highest > 0 || Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.json").Any();
            // The very first baseline may have been written without its record.
            return (Index.Empty, any && highest > 0 ? Fault(BaselineFault.SealMissing, $"{IndexFile} is gone; its counter was {highest}") : BaselineAnswer.None);
        }
        if (key is null)
            return (Index.Empty, Fault(BaselineFault.SealMissing, $"{KeyFile} is gone; no seal can be checked"));
        if (Open(IndexFile, IndexPayloadType, MaxIndexBytes, key) is not { } payload)
            return (Index.Empty, Fault(BaselineFault.Edited, $"{IndexFile} does not bear this host's seal"));
        Index index;
        try
        {
            index = Index.Parse(payload);
        }
        catch (FormatException e)
        {
            return (Index.Empty, Fault(BaselineFault.Edited, $"{IndexFile}: {e.Message}"));
        }
        // It is written after the record, so that only the very first record may be without it.
        if (highest == 0 && index.Counter > 1)
            return (index, Fault(BaselineFault.SealMissing, $"{CounterFile} is gone; {IndexFile} has counter {index.Counter}"));
        if (index.Counter < highest)
            return (index, Fault(BaselineFault.RolledBack, $"{IndexFile} has counter {index.Counter}; {highest} was written last, as {CounterFile} says"));
        return (index, seal is null ? BaselineAnswer.None : Outside(index, outside));
    }

    /// <summary>Compares the record with the counter that is not in these files. The record is written first: it may be ahead by one.</summary>
    private BaselineAnswer Outside(Index index, long? outside) =>
        outside is not { } counter ? Fault(BaselineFault.SealMissing, $"the counter of {seal!.Name} is gone; {IndexFile} was sealed at {index.Sealed}: the TPM was cleared, or is another")
        : index.Sealed is not { } at ? Fault(BaselineFault.RolledBack, $"{IndexFile} is from before {seal!.Name} counted; its counter is at {counter}")
        : at < counter ? Fault(BaselineFault.RolledBack, $"{IndexFile} was sealed when the counter of {seal!.Name} was at {at}; it is at {counter}: an old copy of the files was put back")
        : at > counter + 1 ? Fault(BaselineFault.SealMissing, $"{IndexFile} was sealed when the counter of {seal!.Name} was at {at}; it is at {counter}: the counter is another")
        : BaselineAnswer.None;

    private void WriteIndex(Index index, ISigner key)
    {
        long? outside = seal?.ReadCounter();
        if (outside is { } now)
            // A record whose process died before it counted is caught up with first, or it and this one could stand for each other.
            index = index with { Sealed = (index.Sealed > now ? seal!.Increment() : now) + 1 };
        else if (seal is not null)
            // The very first value is not known before.
            index = index with { Sealed = seal.Increment() };
        Replace(IndexFile, DsseSigning.Sign(IndexPayloadType, index.ToJson(), key).ToJson());
        Replace(CounterFile, Encoding.ASCII.GetBytes($"{index.Counter.ToString(CultureInfo.InvariantCulture)}\n"));
        if (outside is not null)
            seal!.Increment();
    }

    /// <summary>The payload of a file that this host sealed; null when it is not.</summary>
    private static byte[]? Open(string path, string type, int maxBytes, ISigner? key) =>
        key is not null && SmallFile.ReadRegular(path, 2 * maxBytes) is { } bytes && DsseEnvelope.TryParse(bytes, out DsseEnvelope? envelope)
        && envelope.PayloadType == type && DsseSigning.Verify(envelope, key.PublicKey) ? envelope.Payload.ToArray() : null;

    /// <summary>What cannot be read counts as the highest there is: damage must not open the way back.</summary>
    private long ReadCounter() => !File.Exists(CounterFile) ? 0
        : SmallFile.ReadRegular(CounterFile, 64) is { } bytes && long.TryParse(Encoding.ASCII.GetString(bytes).TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out long counter)
            ? counter : long.MaxValue - 1;

    /// <summary>The key that was given, which stays open.</summary>
    private sealed class Lent(ISigner key) : ISigner
    {
        public PublicKey PublicKey => key.PublicKey;

        public byte[] Sign(ReadOnlySpan<byte> data) => key.Sign(data);

        public void Dispose()
        {
        }
    }

    private ISigner? OpenKey()
    {
        if (seal is not null)
            return seal.OpenKey();
        if (signer is not null)
            return new Lent(signer);
        if (!File.Exists(KeyFile))
            return null;
        string pem = Encoding.ASCII.GetString(SmallFile.ReadRegular(KeyFile, MaxKeyBytes) ?? []);
        ECDsa key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            return new EcSigner(key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new KeyException($"{KeyFile} holds no key that can be read", $"it seals the baselines of this host; without it they must be taken anew: move {folder} and {host} away", e);
        }
    }

    private EcSigner CreateKey()
    {
        if (Directory.EnumerateFiles(folder, "*.json").Any())
            throw new BaselineException(Fault(BaselineFault.SealMissing, $"{KeyFile} is gone; no seal can be checked"));
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Replace(KeyFile, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        return new EcSigner(key);
    }

    private static void Replace(string path, ReadOnlySpan<byte> content) => DurableFile.Write(path, content, DurableFile.OwnerOnly);

    private FileStream? LockIfThere() => Directory.Exists(folder) && File.Exists(Path.Combine(folder, ".lock")) ? Lock() : null;

    private FileStream Lock() => DurableFile.Lock(Path.Combine(folder, ".lock"), LockPatience, CancellationToken.None, DurableFile.OwnerOnly);

    private string FileOf(Digest config) => Path.Combine(folder, $"{config.Hex}.json");

    private string FilesOf(Digest config) => Path.Combine(folder, $"{config.Hex}.files");

    private static BaselineAnswer Fault(BaselineFault fault, string detail) => new(null, fault, Escape.ForTerminal(detail));

    /// <summary>All baselines by config, and what names mean.</summary>
    private sealed record Index(long Counter, long? Sealed, Dictionary<Digest, (long Counter, Digest Payload)> Entries, Dictionary<string, Digest> Names)
    {
        public static Index Empty => new(0, null, [], new(StringComparer.Ordinal));

        public byte[] ToJson()
        {
            CanonicalJson json = new CanonicalJson().BeginObject().Number("counter", Counter).BeginArray("baselines");
            foreach ((Digest config, (long counter, Digest payload)) in Entries.OrderBy(e => e.Key.Hex, StringComparer.Ordinal))
                json.BeginObject().Text("config", config.ToString()).Number("counter", counter).Text("payload", payload.ToString()).EndObject();
            json.EndArray().BeginArray("names");
            foreach ((string name, Digest config) in Names.OrderBy(n => n.Key, StringComparer.Ordinal))
                json.BeginObject().Text("name", name).Text("config", config.ToString()).EndObject();
            json.EndArray();
            if (Sealed is { } at)
                json.Number("sealed", at);
            return json.EndObject().ToBytes();
        }

        /// <exception cref="FormatException">It is none.</exception>
        public static Index Parse(ReadOnlyMemory<byte> payload)
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = 4 });
                Index index = Empty with { Counter = document.RootElement.GetProperty("counter").GetInt64(), Sealed = document.RootElement.TryGetProperty("sealed", out JsonElement at) ? at.GetInt64() : null };
                foreach (JsonElement entry in document.RootElement.GetProperty("baselines").EnumerateArray())
                    index.Entries[Digest.Parse(entry.GetProperty("config").GetString() ?? "")] =
                        (entry.GetProperty("counter").GetInt64(), Digest.Parse(entry.GetProperty("payload").GetString() ?? ""));
                foreach (JsonElement entry in document.RootElement.GetProperty("names").EnumerateArray())
                    index.Names[entry.GetProperty("name").GetString() ?? ""] = Digest.Parse(entry.GetProperty("config").GetString() ?? "");
                return index;
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new FormatException($"no record of baselines: {e.Message}", e);
            }
        }
    }
}

/// <summary>The store of baselines is not as this host sealed it.</summary>
public sealed class BaselineException(BaselineAnswer answer) : Exception(answer.Detail)
{
    public BaselineAnswer Answer { get; } = answer;
}
