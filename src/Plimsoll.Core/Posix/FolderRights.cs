using System.Buffers;
using System.Globalization;
using System.Text;

namespace Plimsoll.Posix;

/// <summary>Who may do what with a folder.</summary>
internal static class FolderRights
{
    /// <summary>Bytes of the names of all attributes, and of the value of one, as the kernel allows.</summary>
    private const int MaxAttributeBytes = 64 * 1024;

    /// <summary>Mode, owner and attributes in one line, ACLs among them; without overlayfs's own notes and the labels that a host sets. Null where it cannot be looked at.</summary>
    public static string? Of(int folder)
    {
        if (Native.GetStat(folder, out Stat stat) != 0)
            return null;
        StringBuilder text = new(string.Create(CultureInfo.InvariantCulture, $"{stat.Permissions:x} {stat.Uid}:{stat.Gid}"));
        // The calls for attributes take no descriptor that stands for a path alone.
        byte[] path = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{folder}/.\0")), buffer = ArrayPool<byte>.Shared.Rent(MaxAttributeBytes);
        try
        {
            int length = Native.ListAttributes(path, buffer);
            if (length == -Errno.EOPNOTSUPP)
                return text.ToString();
            if (length < 0)
                return null;
            foreach (string name in Encoding.UTF8.GetString(buffer, 0, length).Split('\0', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))
            {
                if (name.StartsWith("trusted.overlay.", StringComparison.Ordinal) || name is "security.selinux" or "security.ima" or "security.evm" or "security.SMACK64")
                    continue;
                int got = Native.GetAttribute(path, Encoding.UTF8.GetBytes(name + '\0'), buffer);
                if (got < 0)
                    return null;
                text.Append(' ').Append(name).Append('=').Append(Convert.ToHexStringLower(buffer.AsSpan(0, got)));
            }
            return text.ToString();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
