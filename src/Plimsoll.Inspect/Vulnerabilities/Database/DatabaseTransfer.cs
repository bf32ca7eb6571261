using System.Buffers;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>
/// Carries a database over an air gap as one signed file. Source: docs/formats/advisory-database.md, "Export file".
/// </summary>
public static class DatabaseTransfer
{
    public const string PayloadType = "application/vnd.plimsoll.advisories.v1+json";

    /// <summary>Bytes of the line that holds the envelope.</summary>
    public const int MaxEnvelopeBytes = 64 * 1024;
    private const int BlockBytes = 128 * 1024;

    private static ReadOnlySpan<byte> Magic => "plimsoll-advisories-1\n"u8;

    /// <summary>What the signature covers.</summary>
    private sealed record Statement(
        int Schema, long Counter, DateTimeOffset Created, int Records, string Digest, long DatabaseBytes, string DatabaseSha256, long PackedBytes, string PackedSha256);

    /// <summary>Writes the database in use to a file, signed. The file appears when it is complete.</summary>
    /// <exception cref="AdvisoryException">No database, a damaged one, or no place to write.</exception>
    /// <exception cref="KeyException">The key cannot sign.</exception>
    public static DatabaseInfo Export(string databasePath, string file, ISigner key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        using AdvisoryDatabase database = AdvisoryDatabase.Open(databasePath);
        // What is damaged must not get a signature.
        database.Verify(cancellationToken);
        // Names that nobody can guess, made anew: in a shared folder a link laid out under a known name would be written through.
        string unique = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        string packed = $"{file}.tmp-{unique}-packed", whole = $"{file}.tmp-{unique}";
        try
        {
            (long Bytes, string Sha256) plain;
            // The open file is read, not the name: an update may replace it meanwhile, and the counter must be this one's.
            using (FileStream from = new(databasePath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
            using (FileStream to = new(packed, FileMode.CreateNew, FileAccess.Write))
            {
                using GZipStream gzip = new(to, CompressionLevel.Optimal);
                plain = Copy(from, gzip, long.MaxValue, cancellationToken);
            }
            (long Bytes, string Sha256) small;
            using (FileStream from = File.OpenRead(packed))
                small = Copy(from, Stream.Null, long.MaxValue, cancellationToken);
            DatabaseInfo info = database.Info;
            using (AdvisoryDatabase again = AdvisoryDatabase.Open(databasePath))
                if (again.Info.Counter != info.Counter)
                    throw new AdvisoryException(AdvisoryError.Busy, "an update replaced the database meanwhile", "run the export again");
            DsseEnvelope envelope = DsseSigning.Sign(PayloadType, ToJson(new Statement(AdvisoryDatabase.SchemaVersion, info.Counter, info.Created,
                info.Records, info.Digest, plain.Bytes, plain.Sha256, small.Bytes, small.Sha256)), key);
            using (FileStream to = new(whole, FileMode.CreateNew, FileAccess.Write))
            using (FileStream from = File.OpenRead(packed))
            {
                to.Write(Magic);
                to.Write(envelope.ToJson());
                to.WriteByte((byte)'\n');
                _ = Copy(from, to, long.MaxValue, cancellationToken);
                to.Flush(flushToDisk: true);
            }
            File.Move(whole, file, overwrite: true);
            return info;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AdvisoryException(AdvisoryError.AccessDenied, $"cannot write {file}: {e.Message}", inner: e);
        }
        finally
        {
            Remove(packed);
            Remove(whole);
        }
    }

    /// <summary>Puts an exported database in use: signature first, then size and digest, then its content, then the counter.</summary>
    /// <param name="keys">It must be signed by one of them: the versions of a key, the newest first.</param>
    /// <param name="keyName">What the key is called in errors.</param>
    /// <exception cref="AdvisoryException">Nothing was changed; the error says why.</exception>
    public static DatabaseInfo Import(string databasePath, string file, IReadOnlyList<PublicKey> keys, string keyName, OsvLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(keys);
        using UpdateLock held = UpdateLock.Take(databasePath);
        string made = UpdateLock.Temporary(databasePath, "import");
        try
        {
            using FileStream from = OpenExport(file);
            Statement statement = ReadStatement(from, file, keys, keyName);
            if (statement.Schema > AdvisoryDatabase.SchemaVersion)
                throw new AdvisoryException(AdvisoryError.NewerSchema, $"{file} has schema {statement.Schema}; this Plimsoll reads up to {AdvisoryDatabase.SchemaVersion}", "use a newer Plimsoll");
            if (statement.DatabaseBytes > limits.MaxDatabaseBytes)
                throw new AdvisoryException(AdvisoryError.LimitExceeded, $"{file} unpacks to {statement.DatabaseBytes} bytes; at most {limits.MaxDatabaseBytes} (MaxDatabaseBytes)");
            CheckCounter(databasePath, file, statement, held.Counter);
            Unpack(from, made, file, statement, cancellationToken);
            using (AdvisoryDatabase database = AdvisoryDatabase.Open(made))
            {
                if (database.Info.Counter != statement.Counter || database.Info.Digest != statement.Digest || database.Info.Records != statement.Records)
                    throw new AdvisoryException(AdvisoryError.Malformed, $"{file}: the database is not the one that its signed statement names");
                database.Verify(cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                held.Counter = Math.Max(held.Counter, statement.Counter);
                UpdateLock.Replace(made, databasePath);
                return database.Info;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AdvisoryException(AdvisoryError.AccessDenied, $"the import of {file} failed: {e.Message}", inner: e);
        }
        finally
        {
            Remove(made);
        }
    }

    private static Statement ReadStatement(FileStream from, string file, IReadOnlyList<PublicKey> keys, string keyName)
    {
        byte[] head = new byte[Magic.Length + MaxEnvelopeBytes + 1];
        int got = from.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        ReadOnlyMemory<byte> rest = head.AsMemory(0, got);
        if (!rest.Span.StartsWith(Magic))
            throw new AdvisoryException(AdvisoryError.Malformed, $"{file} is no exported advisory database");
        rest = rest[Magic.Length..];
        int end = rest.Span.IndexOf((byte)'\n');
        if (end < 0)
            throw new AdvisoryException(got < head.Length ? AdvisoryError.Truncated : AdvisoryError.LimitExceeded,
                $"{file}: the envelope does not end within {Math.Min(rest.Length, MaxEnvelopeBytes)} bytes (MaxEnvelopeBytes)");
        ReadOnlyMemory<byte> line = rest[..end];
        if (!DsseEnvelope.TryParse(line, out DsseEnvelope? envelope))
            throw new AdvisoryException(AdvisoryError.Malformed, $"{file}: the second line is no DSSE envelope");
        string signers = string.Join(", ", envelope.Signatures.Take(4).Select(s => s.KeyId.Length > 16 ? s.KeyId[..16] + "…" : s.KeyId).Select(Escape.ForTerminal));
        if (DsseSigning.FindSigner(envelope, keys) is not { } key)
            throw new AdvisoryException(AdvisoryError.BadSignature, $"{file} is not signed by {keyName} (key {keys[0].Id[..16]}…); it names {(signers.Length == 0 ? "no key" : $"key {signers}")}{DsseSigning.Incomplete(envelope, keys)}",
                "use the public key of who exported it; if that is this one, the file was changed");
        // One form only: bytes of the envelope that no signature covers cannot be varied either.
        if (!DsseSigning.Names(envelope, key) || !line.Span.SequenceEqual(envelope.ToJson()))
            throw new AdvisoryException(AdvisoryError.Malformed, $"{file}: the envelope was changed around its signed content");
        if (envelope.PayloadType != PayloadType)
            throw new AdvisoryException(AdvisoryError.Malformed, $"{file} holds {Escape.Quote(envelope.PayloadType)}; wanted {PayloadType}");
        from.Position = Magic.Length + end + 1;
        return Parse(envelope.Payload, file);
    }

    /// <param name="highest">What the lock remembers: damage to the database in use must not open the way back.</param>
    private static void CheckCounter(string databasePath, string file, Statement statement, long highest)
    {
        DatabaseInfo inUse;
        try
        {
            using AdvisoryDatabase current = AdvisoryDatabase.Open(databasePath);
            inUse = current.Info;
        }
        catch (AdvisoryException e) when (e.Error == AdvisoryError.NotFound)
        {
            return;
        }
        catch (AdvisoryException e) when (e.Error == AdvisoryError.Corrupt)
        {
            if (statement.Counter < highest)
                throw new AdvisoryException(AdvisoryError.LowerCounter, $"{file} has counter {statement.Counter}; the damaged database in use had {highest}",
                    "only one as new replaces it; to go back on purpose, move the database in use away first");
            return;
        }
        if (statement.Counter == inUse.Counter && statement.Digest == inUse.Digest)
            throw new AdvisoryException(AdvisoryError.AlreadyInUse, $"{file} (counter {statement.Counter}) is already in use");
        if (statement.Counter <= inUse.Counter)
            throw new AdvisoryException(AdvisoryError.LowerCounter,
                $"{file} has counter {statement.Counter}{(statement.Counter == inUse.Counter ? " and other content" : "")}; the database in use has {inUse.Counter}",
                "only a newer one replaces it; to go back on purpose, move the database in use away first");
    }

    private static void Unpack(FileStream from, string to, string file, Statement statement, CancellationToken cancellationToken)
    {
        long start = from.Position, packedBytes = from.Length - start;
        if (packedBytes != statement.PackedBytes)
            throw new AdvisoryException(packedBytes < statement.PackedBytes ? AdvisoryError.Truncated : AdvisoryError.Malformed,
                $"{file} has {packedBytes} bytes of data; its statement says {statement.PackedBytes}");
        // All of it is hashed before a byte is unpacked.
        (_, string packedSha256) = Copy(from, Stream.Null, long.MaxValue, cancellationToken);
        if (packedSha256 != statement.PackedSha256)
            throw new AdvisoryException(AdvisoryError.Malformed, $"{file}: its data has sha256:{packedSha256}; its statement says sha256:{statement.PackedSha256}");
        from.Position = start;
        (long Bytes, string Sha256) unpacked;
        try
        {
            using GZipStream gzip = new(from, CompressionMode.Decompress, leaveOpen: true);
            using FileStream made = new(to, FileMode.Create, FileAccess.Write);
            unpacked = Copy(gzip, made, statement.DatabaseBytes, cancellationToken);
        }
        catch (InvalidDataException e)
        {
            throw new AdvisoryException(AdvisoryError.Malformed, $"{file}: its data is no gzip", inner: e);
        }
        if (unpacked.Bytes != statement.DatabaseBytes || unpacked.Sha256 != statement.DatabaseSha256)
            throw new AdvisoryException(AdvisoryError.Malformed, $"{file}: the database has {unpacked.Bytes} bytes, sha256:{unpacked.Sha256}; its statement says {statement.DatabaseBytes}, sha256:{statement.DatabaseSha256}");
    }

    /// <summary>Copies and hashes, at most one byte more than the limit.</summary>
    private static (long Bytes, string Sha256) Copy(Stream from, Stream to, long maxBytes, CancellationToken cancellationToken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] block = new byte[BlockBytes];
        long bytes = 0;
        int read;
        while (bytes <= maxBytes && (read = from.Read(block, 0, (int)Math.Min(block.Length, Math.Max(1, maxBytes - bytes)))) > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(block, 0, read);
            to.Write(block, 0, read);
            bytes += read;
        }
        return (bytes, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static byte[] ToJson(Statement statement)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", statement.Schema);
            json.WriteNumber("counter", statement.Counter);
            json.WriteString("created", statement.Created.UtcDateTime);
            json.WriteNumber("records", statement.Records);
            json.WriteString("digest", statement.Digest);
            Member(json, "database", statement.DatabaseBytes, statement.DatabaseSha256);
            Member(json, "packed", statement.PackedBytes, statement.PackedSha256);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();

        static void Member(Utf8JsonWriter json, string name, long size, string sha256)
        {
            json.WriteStartObject(name);
            json.WriteNumber("size", size);
            json.WriteString("sha256", sha256);
            json.WriteEndObject();
        }
    }

    private static Statement Parse(ReadOnlyMemory<byte> payload, string file)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = 8 });
            JsonElement root = document.RootElement, database = root.GetProperty("database"), packed = root.GetProperty("packed");
            return new Statement(
                root.GetProperty("schema").GetInt32(), root.GetProperty("counter").GetInt64(), root.GetProperty("created").GetDateTimeOffset(),
                root.GetProperty("records").GetInt32(), root.GetProperty("digest").GetString()!,
                database.GetProperty("size").GetInt64(), database.GetProperty("sha256").GetString()!,
                packed.GetProperty("size").GetInt64(), packed.GetProperty("sha256").GetString()!);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new AdvisoryException(AdvisoryError.Malformed, $"{file}: its signed statement lacks a member: {e.Message}", inner: e);
        }
    }

    private static FileStream OpenExport(string file)
    {
        try
        {
            return new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AdvisoryException(AdvisoryError.NotFound, $"there is no file {file}", inner: e);
        }
    }

    private static void Remove(string path)
    {
        if (File.Exists(path))
            File.Delete(path);
    }
}
