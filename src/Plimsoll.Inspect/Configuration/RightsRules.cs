using System.Globalization;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Configuration;

/// <summary>What files' modes, owners and attributes allow: setuid, capabilities, who may write, devices, folders of nobody.</summary>
internal static class RightsRules
{
    private static readonly string[] AnybodysFolders = ["tmp/", "var/tmp/", "dev/shm/", "home/", "root/", "run/", "mnt/", "media/"];

    /// <summary>With one of these a program can make itself root, or read and write what it likes.</summary>
    /// <remarks>Source: capabilities(7), and "False Boundaries and Arbitrary Code Execution" of the grsecurity project on which capabilities amount to root.</remarks>
    private static readonly string[] RootLike =
    [
        "cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_setgid", "cap_setuid", "cap_setfcap", "cap_setpcap", "cap_sys_admin", "cap_sys_module",
        "cap_sys_ptrace", "cap_sys_rawio", "cap_mac_admin", "cap_mac_override", "cap_bpf", "cap_mknod", "cap_sys_boot",
    ];

    /// <summary>Rights that programs of distributions and servers of low ports have everywhere.</summary>
    private static readonly string[] Everyday =
        ["cap_net_raw", "cap_net_bind_service", "cap_net_broadcast", "cap_sys_nice", "cap_ipc_lock", "cap_audit_write", "cap_wake_alarm", "cap_sys_resource", "cap_block_suspend"];

    public static void Judge(ImageFacts facts, ProblemDraft draft)
    {
        Privileged(facts, draft);
        List<PathHit> weakCapabilities = [], writableFiles = [], writableFolders = [], devices = [];
        foreach ((FileHit hit, EntryFact fact) in facts.Entries)
        {
            if (fact.Capability.Length > 0)
                Capabilities(hit, fact, weakCapabilities, draft);
            if (fact.IsWritableByAll)
                (fact.IsFile ? writableFiles : writableFolders).Add(new PathHit(hit.Path, fact.OctalMode, WritableSeverity(hit.Path, fact, facts), hit.Origin));
            if (fact.Type is EntryType.CharDevice or EntryType.BlockDevice)
                devices.Add(new PathHit(hit.Path, string.Create(CultureInfo.InvariantCulture, $"{(fact.Type == EntryType.BlockDevice ? 'b' : 'c')} {fact.Major}:{fact.Minor} {fact.OctalMode}"), DeviceSeverity(hit.Path, fact), hit.Origin));
            if (EntryAnalyser.IsDockerSocket(Encoding.UTF8.GetBytes(hit.Path)))
                draft.OfFile("docker-socket", new PathHit(hit.Path, fact.OctalMode, Severity.Medium, hit.Origin), 0, null, hit.Path);
        }
        draft.OfFiles("capabilities-everyday", "capabilities-everyday-many", weakCapabilities);
        draft.OfFiles("world-writable-file", "world-writable-files", writableFiles);
        draft.OfFiles("world-writable-folder", "world-writable-folders", writableFolders);
        draft.OfFiles("device-node", "device-nodes", devices);
        WritableSearchPath(facts, draft);
        Owners(facts, draft);
    }

    private static void Privileged(ImageFacts facts, ProblemDraft draft)
    {
        // Where no list of a package proves any of them, nothing is known against those that no list proves.
        bool lists = facts.Contents.Values.Any(c => c.OwnedBy is not null);
        List<PathHit> usual = [];
        foreach ((FileHit hit, EntryFact fact) in facts.Entries)
        {
            if (!fact.IsPrivileged)
                continue;
            FileHit? content = facts.Contents.GetValueOrDefault(hit.Path);
            PathHit found = new(hit.Path, $"{fact.OctalMode} {fact.Uid}:{fact.Gid}", Severity.Low, hit.Origin, content?.OwnedBy);
            bool known = KnownPrivileged.IsKnown(hit.Path);
            if (known && (content?.OwnedBy is not null || !lists))
                usual.Add(found with { Severity = Severity.Negligible });
            else if (content?.Hit.Rule == PrivilegedFileAnalyser.Script)
                draft.OfFile("setuid-script", found, 0, "4.8", hit.Path);
            else if (known)
                draft.OfFile("setuid-not-the-packages", found with { Severity = Severity.High }, 0, "4.8", hit.Path);
            else if (content?.OwnedBy is not null)
                draft.OfFile("setuid-uncommon", found with { Severity = Severity.Medium }, 0, "4.8", hit.Path);
            else
                draft.OfFile("setuid-unusual", found with { Severity = UnusualSeverity(hit.Path, fact) }, 0, "4.8", hit.Path);
        }
        draft.OfFiles("CIS-4.8", "CIS-4.8", usual, "4.8", always: true);
    }

    /// <summary>Root's rights, or a place where anybody may have put it, are worse than those of another user.</summary>
    private static Severity UnusualSeverity(string path, EntryFact fact) =>
        (fact.Mode & EntryFact.Setuid) != 0 && fact.Uid == 0 || (fact.Mode & EntryFact.Setgid) != 0 && fact.Gid == 0
            || (fact.Mode & EntryFact.WritableByAll) != 0 || Array.Exists(AnybodysFolders, f => path.StartsWith(f, StringComparison.Ordinal)) ? Severity.High : Severity.Medium;

    private static void Capabilities(FileHit hit, EntryFact fact, List<PathHit> weak, ProblemDraft draft)
    {
        if (!FileCapabilities.TryDecode(Convert.FromHexString(fact.Capability), out FileCapabilities? capabilities))
        {
            draft.OfFile("capabilities-unreadable", new PathHit(hit.Path, ProblemDraft.Short(fact.Capability, 48), Severity.Low, hit.Origin), 0, null, hit.Path);
            return;
        }
        IReadOnlyList<string> names = FileCapabilities.NamesOf(capabilities.Permitted | capabilities.Inheritable);
        if (names.Count == 0)
            return;
        PathHit found = new(hit.Path, capabilities.ToString(), Severity.Negligible, hit.Origin);
        if (names.All(Everyday.Contains) || KnownPrivileged.IsKnown(hit.Path))
            weak.Add(found);
        else
            draft.OfFile("capabilities", found with { Severity = capabilities.Permitted != 0 && names.Any(RootLike.Contains) ? Severity.High : Severity.Medium }, 0, null, hit.Path);
    }

    /// <summary>What others run or read as settings is worse than data.</summary>
    private static Severity WritableSeverity(string path, EntryFact fact, ImageFacts facts)
    {
        bool system = Ownership.IsSystemPath(Encoding.UTF8.GetBytes(path)) || path.StartsWith("etc/", StringComparison.Ordinal) || path is "etc" or "usr" or "bin" or "sbin" or "lib" or "lib64" or "usr/bin" or "usr/sbin" or "usr/lib" or "usr/local/bin" or "usr/local";
        if (system && !path.StartsWith("usr/share/", StringComparison.Ordinal) || facts.SearchPath.Contains(path))
            return Severity.High;
        return !fact.IsFile || (fact.Mode & EntryFact.AnyExecute) != 0 ? Severity.Medium : Severity.Low;
    }

    private static Severity DeviceSeverity(string path, EntryFact fact)
    {
        // The runtime lays a file system of its own over /dev.
        if (path.StartsWith("dev/", StringComparison.Ordinal))
            return Severity.Negligible;
        return fact.Type == EntryType.BlockDevice || fact is { Major: 1, Minor: 1 or 2 or 4 } ? Severity.High : Severity.Medium;
    }

    private static void WritableSearchPath(ImageFacts facts, ProblemDraft draft)
    {
        foreach ((FileHit hit, EntryFact fact) in facts.Entries)
            if (fact.Type == EntryType.Directory && fact.IsWritableByAll && facts.SearchPath.Contains(hit.Path))
                draft.OfConfig("search-path-writable", Severity.High, "env PATH", $"/{hit.Path} ({fact.OctalMode})", null, $"/{hit.Path}");
    }

    /// <summary>Folders whose owner is no account of the image: whoever gets that number later owns them.</summary>
    private static void Owners(ImageFacts facts, ProblemDraft draft)
    {
        const long nobody = 65534;
        if (facts.Accounts.Count == 0)
            return;
        HashSet<long> known = [nobody, .. facts.Accounts.Select(a => (long)a.Uid)];
        // A number as USER is a choice: such images have no account for it.
        if (long.TryParse((facts.Process?.User ?? "").Split(':')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long user))
            known.Add(user);
        foreach (IGrouping<long, (FileHit Hit, EntryFact Fact)> group in facts.Entries.Where(e => e.Fact.Type == EntryType.Directory && e.Fact.Uid != 0 && !known.Contains(e.Fact.Uid)).GroupBy(e => e.Fact.Uid).OrderBy(g => g.Key))
        {
            string uid = group.Key.ToString(CultureInfo.InvariantCulture);
            List<string> folders = [.. group.Select(e => e.Hit.Path)];
            draft.Add("owner-unknown", Severity.Low, folders[0], null, 0, string.Join(", ", folders.Take(8)) + (folders.Count > 8 ? ", …" : ""), group.First().Hit.Origin, null, null,
                [("uid", uid), ("folders", folders.Count.ToString(CultureInfo.InvariantCulture))], $"uid {uid}", [uid]);
        }
    }
}
