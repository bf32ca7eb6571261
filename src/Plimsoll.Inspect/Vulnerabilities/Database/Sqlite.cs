using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>A connection to one SQLite file through the system's library. Not thread safe: the owner locks.</summary>
internal sealed class SqliteConnection : IDisposable
{
    private readonly SqliteHandle _handle;

    private SqliteConnection(SqliteHandle handle, string path) => (_handle, Path) = (handle, path);

    public string Path { get; }

    /// <summary>Opens a file that nobody changes while it is open (it is only ever replaced by rename): no locks, no journal.</summary>
    public static SqliteConnection OpenImmutable(string path)
    {
        // A URI takes '%', '?' and '#' as its own, so that a path must hide them.
        string uri = $"file:{Uri.EscapeDataString(System.IO.Path.GetFullPath(path)).Replace("%2F", "/", StringComparison.Ordinal)}?immutable=1";
        return Open(path, uri, SqliteNative.OpenReadOnly | SqliteNative.OpenUri | SqliteNative.OpenNoMutex);
    }

    /// <summary>Makes a new file, or opens an empty one.</summary>
    public static SqliteConnection Create(string path) =>
        Open(path, path, SqliteNative.OpenReadWrite | SqliteNative.OpenCreate | SqliteNative.OpenNoMutex);

    private static SqliteConnection Open(string path, string name, int flags)
    {
        int code;
        SqliteHandle handle;
        try
        {
            code = SqliteNative.Open(name, out handle, flags, 0);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            throw new AdvisoryException(AdvisoryError.LibraryMissing, "SQLite (libsqlite3.so.0) is not installed",
                "install it: apt-get install libsqlite3-0", e);
        }
        SqliteConnection connection = new(handle, path);
        if (code != SqliteNative.Ok)
            using (connection)
                throw connection.Failure(code);
        // A damaged length must not make SQLite ask for a gigabyte.
        _ = SqliteNative.Limit(handle, SqliteNative.LimitLength, MaxValueBytes);
        return connection;
    }

    /// <summary>Bytes of the longest value that is written or read.</summary>
    public const int MaxValueBytes = 256 * 1024 * 1024;

    /// <summary>Runs statements that give no rows.</summary>
    public void Execute(string sql)
    {
        int code = SqliteNative.Execute(_handle, sql, 0, 0, 0);
        if (code != SqliteNative.Ok)
            throw Failure(code);
    }

    public SqliteStatement Prepare(string sql)
    {
        int code = SqliteNative.Prepare(_handle, sql, -1, SqliteNative.PreparePersistent, out SqliteStatementHandle statement, 0);
        if (code == SqliteNative.Ok)
            return new SqliteStatement(this, statement);
        statement.Dispose();
        throw Failure(code);
    }

    public AdvisoryException Failure(int code)
    {
        string text = $"{SqliteNative.ErrorString(code)} (SQLite code {code})";
        return (code & 0xff) switch
        {
            SqliteNative.CodeCorrupt or SqliteNative.CodeNotADatabase or SqliteNative.CodeError or SqliteNative.CodeTooBig =>
                AdvisoryException.Corrupt(Path, text),
            SqliteNative.CodeIoError when code == SqliteNative.CodeShortRead => AdvisoryException.Corrupt(Path, text),
            SqliteNative.CodeCannotOpen => new AdvisoryException(AdvisoryError.AccessDenied, $"cannot open {Path}: {text}"),
            SqliteNative.CodeReadOnly => new AdvisoryException(AdvisoryError.AccessDenied, $"cannot write {Path}: {text}"),
            SqliteNative.CodeFull => new AdvisoryException(AdvisoryError.AccessDenied, $"no space left for {Path}"),
            _ => new AdvisoryException(AdvisoryError.Malformed, $"{Path}: {text}"),
        };
    }

    public void Dispose() => _handle.Dispose();
}

/// <summary>A prepared statement. Parameters count from 1, columns from 0.</summary>
internal sealed unsafe class SqliteStatement(SqliteConnection connection, SqliteStatementHandle handle) : IDisposable
{
    public void Bind(int index, long value) => Check(SqliteNative.BindInt64(handle, index, value));

    public void Bind(int index, string value)
    {
        byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(value);
        fixed (byte* bytes = utf8)
            Check(SqliteNative.BindText(handle, index, bytes, utf8.Length, SqliteNative.Transient));
    }

    public void Bind(int index, ReadOnlySpan<byte> value)
    {
        // A null pointer would bind NULL instead of an empty blob.
        byte none = 0;
        fixed (byte* bytes = value)
            Check(SqliteNative.BindBlob(handle, index, bytes is null ? &none : bytes, value.Length, SqliteNative.Transient));
    }

    /// <summary>Goes to the next row; false after the last.</summary>
    public bool Step()
    {
        int code = SqliteNative.Step(handle);
        return code switch
        {
            SqliteNative.Row => true,
            SqliteNative.Done => false,
            _ => throw connection.Failure(code),
        };
    }

    /// <summary>Runs a statement that gives no row, ready to be bound again.</summary>
    public void Run()
    {
        _ = Step();
        Reset();
    }

    /// <summary>Ready to be bound again; an error was already told by <see cref="Step"/>.</summary>
    public void Reset() => _ = SqliteNative.Reset(handle);

    public long Int64(int column) => SqliteNative.ColumnInt64(handle, column);

    public string Text(int column) => System.Text.Encoding.UTF8.GetString(Blob(column));

    /// <summary>Valid until the next <see cref="Step"/> or <see cref="Reset"/>.</summary>
    public ReadOnlySpan<byte> Blob(int column)
    {
        byte* bytes = SqliteNative.ColumnBlob(handle, column);
        return bytes is null ? [] : new ReadOnlySpan<byte>(bytes, SqliteNative.ColumnBytes(handle, column));
    }

    public void Dispose() => handle.Dispose();

    private void Check(int code)
    {
        if (code != SqliteNative.Ok)
            throw connection.Failure(code);
    }
}

internal sealed class SqliteHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    // close_v2 waits for statements that are still open, whatever order the finalizers run in.
    protected override bool ReleaseHandle() => SqliteNative.Close(handle) == SqliteNative.Ok;
}

internal sealed class SqliteStatementHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        // finalize repeats the statement's last error, which was told when it happened.
        _ = SqliteNative.FinalizeStatement(handle);
        return true;
    }
}

/// <summary>The calls used of SQLite's C interface. Source: https://www.sqlite.org/c3ref/intro.html.</summary>
internal static unsafe partial class SqliteNative
{
    public const int Ok = 0, CodeError = 1, CodeReadOnly = 8, CodeIoError = 10, CodeCorrupt = 11, CodeFull = 13, CodeCannotOpen = 14,
        CodeTooBig = 18, CodeNotADatabase = 26, Row = 100, Done = 101, CodeShortRead = 522;
    public const int OpenReadOnly = 1, OpenReadWrite = 2, OpenCreate = 4, OpenUri = 0x40, OpenNoMutex = 0x8000;
    public const int PreparePersistent = 1, LimitLength = 0;

    /// <summary>SQLite copies what is bound.</summary>
    public const nint Transient = -1;
    private const string Library = "libsqlite3.so.0";

    [LibraryImport(Library, EntryPoint = "sqlite3_open_v2", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string name, out SqliteHandle connection, int flags, nint vfs);

    [LibraryImport(Library, EntryPoint = "sqlite3_close_v2")]
    public static partial int Close(nint connection);

    [LibraryImport(Library, EntryPoint = "sqlite3_limit")]
    public static partial int Limit(SqliteHandle connection, int id, int value);

    [LibraryImport(Library, EntryPoint = "sqlite3_exec", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Execute(SqliteHandle connection, string sql, nint callback, nint argument, nint message);

    [LibraryImport(Library, EntryPoint = "sqlite3_prepare_v3", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Prepare(SqliteHandle connection, string sql, int bytes, uint flags, out SqliteStatementHandle statement, nint tail);

    [LibraryImport(Library, EntryPoint = "sqlite3_finalize")]
    public static partial int FinalizeStatement(nint statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    public static partial int Step(SqliteStatementHandle statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_reset")]
    public static partial int Reset(SqliteStatementHandle statement);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_int64")]
    public static partial int BindInt64(SqliteStatementHandle statement, int index, long value);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text")]
    public static partial int BindText(SqliteStatementHandle statement, int index, byte* text, int bytes, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_blob")]
    public static partial int BindBlob(SqliteStatementHandle statement, int index, byte* blob, int bytes, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_int64")]
    public static partial long ColumnInt64(SqliteStatementHandle statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_blob")]
    public static partial byte* ColumnBlob(SqliteStatementHandle statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_bytes")]
    public static partial int ColumnBytes(SqliteStatementHandle statement, int column);

    [LibraryImport(Library, EntryPoint = "sqlite3_errstr")]
    private static partial nint ErrorText(int code);

    public static string ErrorString(int code) => Marshal.PtrToStringUTF8(ErrorText(code)) ?? "unknown error";
}
