using System.Runtime.InteropServices;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Hsm;

/// <summary>
/// A PKCS#11 module: C code of a token's maker, in our process and with our rights. Loaded from an absolute path that nobody but root and the user
/// can write to, and initialised once for all who use it at the same time.
/// </summary>
/// <remarks>Source: PKCS#11 v2.40, 5.4 (C_Initialize, C_GetFunctionList); pkcs11f.h for the order of the functions.</remarks>
internal sealed unsafe partial class HsmModule : IDisposable
{
    /// <summary>Environment variable with the path of the module.</summary>
    public const string Variable = "PLIMSOLL_PKCS11_MODULE";

    /// <summary>Where distributions put p11-kit's proxy (Debian: its library is one), which knows every module of the system, and softhsm.</summary>
    public static IReadOnlyList<string> UsualPlaces =>
    [
        .. from name in (string[])["p11-kit-proxy.so", "libp11-kit.so.0", "softhsm/libsofthsm2.so"]
           from folder in (string[])["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]
           select $"{folder}/{name}",
    ];

    private const int FirstFunctionAt = 8, MaxPathBytes = 4096;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, HsmModule> Loaded = new(StringComparer.Ordinal);

    private readonly nint* _functions;
    private readonly bool _finalize;
    private int _users = 1;

    /// <param name="functions">CK_FUNCTION_LIST.</param>
    internal HsmModule(string path, byte* functions)
    {
        Path = path;
        // CK_VERSION, then the functions. The lists of 2.x and 3.x begin alike.
        if (functions is null || functions[0] is not (2 or 3))
            throw HsmException.Malformed($"{Name}: the list of functions is not of PKCS#11 2 or 3");
        _functions = (nint*)(functions + FirstFunctionAt);
        _finalize = Initialize();
    }

    public string Path { get; }

    /// <summary>For messages.</summary>
    public string Name => Escape.ForTerminal(Path);

    /// <summary>The module of the URI, else of the environment, else the first that lies where they usually do.</summary>
    /// <exception cref="HsmException">There is none.</exception>
    public static string PathOf(Pkcs11Uri uri, string? fromEnvironment) => uri.ModulePath
        ?? (fromEnvironment is { Length: > 0 } named ? named : null)
        ?? UsualPlaces.FirstOrDefault(File.Exists)
        ?? throw new HsmException(HsmError.NoModule, "no PKCS#11 module is named and none lies where they usually do", $"name it: {Pkcs11Uri.Scheme}…?module-path=/usr/lib/…, or in the environment as {Variable}");

    /// <exception cref="HsmException">It cannot be loaded, or must not be.</exception>
    public static HsmModule Open(string path)
    {
        if (nint.Size != 8)
            throw new HsmException(HsmError.Unsupported, "PKCS#11 modules are loaded on 64-bit systems only");
        string real = Trusted(path);
        lock (Gate)
        {
            if (Loaded.TryGetValue(real, out HsmModule? open))
                return open.Share();
            HsmModule module = Load(real);
            Loaded[real] = module;
            return module;
        }
    }

    /// <summary>The path without links, each folder of which only root and the user can change.</summary>
    private static string Trusted(string path)
    {
        string shown = Escape.Quote(path);
        if (!path.StartsWith('/'))
            throw new HsmException(HsmError.UntrustedModule, $"the module {shown} is no absolute path; what is loaded must not depend on where the command runs");
        string real = OwnFiles.RealPath(path) ?? throw new HsmException(HsmError.NoModule, $"there is no module {shown}", "Debian's package of softhsm is softhsm2");
        if (!File.Exists(real))
            throw new HsmException(HsmError.NoModule, $"the module {shown} is no file");
        return OwnFiles.FindForeign(real) is { } foreign
            ? throw new HsmException(HsmError.UntrustedModule, $"the module {shown} is not loaded: others than root and you can write to {Escape.Quote(foreign)}", "it would run with your rights; put it where only root can write")
            : real;
    }

    private static HsmModule Load(string path)
    {
        string shown = Escape.Quote(path);
        if (!NativeLibrary.TryLoad(path, out nint library))
            throw new HsmException(HsmError.NoModule, $"{shown} does not load as a library", "is it of this processor, and is what it needs installed? ldd tells");
        if (!NativeLibrary.TryGetExport(library, "C_GetFunctionList", out nint export))
            throw new HsmException(HsmError.NoModule, $"{shown} is no PKCS#11 module: it has no C_GetFunctionList");
        byte* functions = null;
        ulong answer = ((delegate* unmanaged[Cdecl]<byte**, ulong>)export)(&functions);
        // The library stays loaded: threads that it made would run into nothing.
        return answer == Ck.OK ? new HsmModule(path, functions) : throw Ck.Error(answer, "C_GetFunctionList", Escape.ForTerminal(path));
    }

    /// <returns>Whether it is ours to end.</returns>
    private bool Initialize()
    {
        // CK_C_INITIALIZE_ARGS: four functions for locks, which we leave to the operating system; flags; reserved.
        nint* arguments = stackalloc nint[6] { 0, 0, 0, 0, (nint)Ck.CKF_OS_LOCKING_OK, 0 };
        ulong answer = ((delegate* unmanaged[Cdecl]<void*, ulong>)Function(0, "C_Initialize"))(arguments);
        return answer switch
        {
            Ck.OK => true,
            Ck.CRYPTOKI_ALREADY_INITIALIZED => false,
            _ => throw Ck.Error(answer, "C_Initialize", Name),
        };
    }

    /// <summary>The same for one user more.</summary>
    internal HsmModule Share()
    {
        lock (Gate)
            _users++;
        return this;
    }

    public void Dispose()
    {
        lock (Gate)
        {
            if (--_users > 0)
                return;
            Loaded.Remove(Path);
            if (_finalize)
                _ = ((delegate* unmanaged[Cdecl]<void*, ulong>)Function(1, "C_Finalize"))(null);
        }
    }

    private nint Function(int index, string name) => _functions[index] is not 0 and var function ? function
        : throw new HsmException(HsmError.Unsupported, $"{Name} has no {name}") { Code = Ck.FUNCTION_NOT_SUPPORTED };
}
