using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Plimsoll.Posix;

/// <summary>Runs what parses hostile bytes on threads that cannot use root's rights, when the process is root.</summary>
/// <remarks>
/// On Linux rights belong to a thread; the C library's setuid changes all of them, the bare system call only the caller's.
/// Such a thread is the user who called sudo, else nobody, and keeps one capability: to read any file, which the Docker
/// store needs. Threads that it starts are like it. This stops a parser's mistake from writing or deleting anything; it
/// does not hold back code that already runs machine instructions of its own in this process. See docs/decisions/0003.
/// Source: capabilities(7), setresuid(2), "C library/kernel differences".
/// </remarks>
public static unsafe partial class Unprivileged
{
    private const int Nobody = 65534;
    private const int PrSetKeepCaps = 8;
    private const uint CapabilityVersion3 = 0x20080522;
    private const uint CapDacReadSearch = 1 << 2;

    /// <summary>Whether this process has rights that <see cref="Run(Action)"/> takes from its thread.</summary>
    public static bool Matters { get; } = Environment.IsPrivilegedProcess;

    [ThreadStatic]
    private static bool _dropped;

    /// <summary>
    /// Runs the action on a thread of its own without root's rights and waits for it; as root only, else it just runs it. A thread
    /// that such a call made runs it itself.
    /// </summary>
    /// <exception cref="InvalidOperationException">The rights could not be dropped; the action did not run.</exception>
    public static void Run(Action action)
    {
        if (!Matters || _dropped)
        {
            action();
            return;
        }
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                DropThisThread();
                _dropped = true;
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        { IsBackground = true, Name = "unprivileged" };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    /// <summary>As <see cref="Run(Action)"/>, with an answer.</summary>
    public static T Run<T>(Func<T> question)
    {
        T answer = default!;
        Run(() => { answer = question(); });
        return answer;
    }

    private static void DropThisThread()
    {
        bool arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        long user = IdOf("SUDO_UID"), group = IdOf("SUDO_GID");
        Check(Call(arm ? 167 : 157, PrSetKeepCaps, 1, 0), "prctl");
        Check(Call(arm ? 159 : 116, 0, 0, 0), "setgroups");
        Check(Call(arm ? 149 : 119, group, group, group), "setresgid");
        Check(Call(arm ? 147 : 117, user, user, user), "setresuid");
        uint* header = stackalloc uint[2] { CapabilityVersion3, 0 };
        uint* sets = stackalloc uint[6] { CapDacReadSearch, CapDacReadSearch, 0, 0, 0, 0 };
        Check(Call(arm ? 91 : 126, (nint)header, (nint)sets, 0), "capset");
    }

    /// <summary>The user or group behind sudo; nobody for anything else, root included.</summary>
    private static long IdOf(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), out int id) && id > 0 ? id : Nobody;

    private static void Check(long result, string call)
    {
        if (result != 0)
            throw new InvalidOperationException($"could not give up root's rights before reading an image: {call}: {Errno.Describe(Marshal.GetLastPInvokeError())}");
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Call(long number, nint first, nint second, nint third);

    private static long Call(long number, long first, long second, long third) => Call(number, (nint)first, (nint)second, (nint)third);
}
