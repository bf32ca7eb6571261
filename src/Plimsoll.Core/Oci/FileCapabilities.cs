using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Plimsoll.Oci;

/// <summary>The rights a program is given when it is started, as its file's extended attribute <c>security.capability</c> holds them.</summary>
/// <remarks>Source: Linux, include/uapi/linux/capability.h, struct vfs_cap_data and vfs_ns_cap_data; capabilities(7), "File capabilities".</remarks>
public sealed record FileCapabilities
{
    private const uint RevisionMask = 0xff00_0000, Revision1 = 0x0100_0000, Revision2 = 0x0200_0000, Revision3 = 0x0300_0000, EffectiveFlag = 1;
    private const int Bits = 64;

    /// <summary>By number, 0 to 40; later ones are shown as the kernel's tools do, <c>cap_41</c>.</summary>
    private static readonly string[] Names =
    [
        "cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid", "cap_setuid", "cap_setpcap",
        "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast", "cap_net_admin", "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner",
        "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice",
        "cap_sys_resource", "cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write", "cap_audit_control", "cap_setfcap",
        "cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm", "cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf",
        "cap_checkpoint_restore",
    ];

    /// <summary>A bit for each capability, by its number.</summary>
    public required ulong Permitted { get; init; }
    public required ulong Inheritable { get; init; }

    /// <summary>Whether the program has them from its start, without asking for them.</summary>
    public required bool Effective { get; init; }

    /// <summary>The user of the parent's name space who is root where this counts; null for a file that counts everywhere.</summary>
    public uint? RootUid { get; init; }

    /// <returns>False for an unknown revision or a length that is not the revision's own.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> value, [NotNullWhen(true)] out FileCapabilities? capabilities)
    {
        capabilities = null;
        if (value.Length < 4)
            return false;
        uint head = BinaryPrimitives.ReadUInt32LittleEndian(value);
        int length = (head & RevisionMask) switch { Revision1 => 12, Revision2 => 20, Revision3 => 24, _ => -1 };
        if (value.Length != length)
            return false;
        ulong permitted = BinaryPrimitives.ReadUInt32LittleEndian(value[4..]), inheritable = BinaryPrimitives.ReadUInt32LittleEndian(value[8..]);
        if (length > 12)
        {
            permitted |= (ulong)BinaryPrimitives.ReadUInt32LittleEndian(value[12..]) << 32;
            inheritable |= (ulong)BinaryPrimitives.ReadUInt32LittleEndian(value[16..]) << 32;
        }
        capabilities = new FileCapabilities
        {
            Permitted = permitted,
            Inheritable = inheritable,
            Effective = (head & EffectiveFlag) != 0,
            RootUid = length == 24 ? BinaryPrimitives.ReadUInt32LittleEndian(value[20..]) : null,
        };
        return true;
    }

    /// <summary>The names of the bits, lowest first.</summary>
    public static IReadOnlyList<string> NamesOf(ulong bits)
    {
        List<string> names = [];
        for (int i = 0; i < Bits; i++)
            if ((bits >> i & 1) != 0)
                names.Add(i < Names.Length ? Names[i] : $"cap_{i}");
        return names;
    }

    /// <summary>As getcap writes it: <c>cap_net_raw=ep</c>, <c>cap_chown,cap_fowner=p cap_kill=ei</c>; empty when it gives nothing.</summary>
    public override string ToString()
    {
        List<string> parts = [];
        Add(Permitted & Inheritable, "ip");
        Add(Permitted & ~Inheritable, "p");
        Add(Inheritable & ~Permitted, "i");
        return string.Join(' ', parts);

        void Add(ulong bits, string sets)
        {
            if (bits != 0)
                parts.Add($"{string.Join(',', NamesOf(bits))}={(Effective ? "e" : "")}{sets}");
        }
    }
}
