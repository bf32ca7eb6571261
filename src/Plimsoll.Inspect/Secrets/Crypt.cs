using System.Runtime.InteropServices;
using System.Text;

namespace Plimsoll.Inspect.Secrets;

/// <summary>The system's <c>crypt_r</c>, where it is installed.</summary>
/// <remarks>Source: crypt(3) of libxcrypt, whose <c>struct crypt_data</c> has 32 768 bytes; that of older glibc has 131 232.</remarks>
internal static unsafe partial class Crypt
{
    private const int DataBytes = 256 << 10;
    private static bool _missing;

    [LibraryImport("libcrypt.so.1", EntryPoint = "crypt_r")]
    private static partial byte* CryptR(byte* phrase, byte* setting, void* data);

    /// <summary>Whether a password has this hash; false also where the library is not there or does not know the method.</summary>
    public static bool Matches(string password, string hash)
    {
        if (_missing || hash.Contains('\0', StringComparison.Ordinal))
            return false;
        void* data = NativeMemory.AllocZeroed(DataBytes);
        try
        {
            fixed (byte* phrase = Encoding.Latin1.GetBytes(password + '\0'), setting = Encoding.Latin1.GetBytes(hash + '\0'))
            {
                byte* answer = CryptR(phrase, setting, data);
                return answer is not null && MemoryMarshal.CreateReadOnlySpanFromNullTerminated(answer).SequenceEqual(Encoding.Latin1.GetBytes(hash));
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            _missing = true;
            return false;
        }
        finally
        {
            NativeMemory.Free(data);
        }
    }
}
