using System.Collections.Frozen;
using System.Text;
using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Configuration;

/// <summary>Programs that distributions give special rights to.</summary>
/// <remarks>Sources: setuid and setgid files of Debian 11 to 13, Ubuntu 22.04 and 24.04, Alpine, Fedora, RHEL and openSUSE (its permissions package).</remarks>
internal static class KnownPrivileged
{
    private static readonly FrozenSet<string> Names = FrozenSet.Create(StringComparer.Ordinal,
        "su", "sudo", "sudoedit", "doas", "pkexec", "polkit-agent-helper-1", "mount", "umount", "passwd", "gpasswd", "chsh", "chfn", "newgrp", "sg", "chage", "expiry",
        "unix_chkpwd", "unix2_chkpwd", "pam_timestamp_check", "userhelper", "wall", "write", "write.ul", "bsd-write", "ssh-keysign", "ssh-agent", "dbus-daemon-launch-helper",
        "crontab", "at", "batch", "fusermount", "fusermount3", "newuidmap", "newgidmap", "ntfs-3g", "mount.nfs", "umount.nfs", "mount.nfs4", "umount.nfs4", "mount.cifs", "mount.fuse",
        "ping", "ping4", "ping6", "traceroute6.iputils", "arping", "clockdiff", "bbsuid", "locate", "mlocate", "plocate", "dotlockfile", "mail-lock", "mail-unlock", "mail-touchlock",
        "lockspool", "lockfile", "procmail", "usernetctl", "Xorg.wrap", "chrome-sandbox", "postdrop", "postqueue", "postlog", "exim4", "exim", "sendmail", "sendmail.sendmail",
        "snap-confine", "grub2-set-bootflag", "utempter", "ksu", "suexec", "vlock", "vlock-main", "krb5_child", "ldap_child", "selinux_child", "proxy_child", "p11_child", "sssd_pam",
        "staprun", "lockdev", "pppd", "qemu-bridge-helper", "cockpit-session", "nvidia-modprobe", "camel-lock-helper-1.2", "netreport", "screen", "mtr-packet", "gst-ptp-helper",
        "auth_pam_tool", "uuidd", "eject", "opiepasswd", "shutdown.sh", "smtpctl");

    /// <summary>Whether a program of this name is usual there: in a folder that distributions alone write to.</summary>
    public static bool IsKnown(string path) => Names.Contains(path[(path.LastIndexOf('/') + 1)..]) && Ownership.IsSystemPath(Encoding.UTF8.GetBytes(path));
}
