using Plimsoll.Texts;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Codes of the notes that matching and suppressing make, and their texts.</summary>
public static class MatchNotes
{
    /// <summary>{0} distribution.</summary>
    public const string NoPackageDatabase = "no-package-database";

    /// <summary>{0} number of packages.</summary>
    public const string NoDistribution = "no-distribution";

    /// <summary>No arguments: neither a distribution nor a package was found.</summary>
    public const string NothingFound = "nothing-found";

    /// <summary>{0} ecosystem or distribution, {1} release, {2} number of packages that were not looked up.</summary>
    public const string NoAdvisoriesForRelease = "no-advisories-for-release";

    /// <summary>{0} distribution, {1} release, {2} last day of support.</summary>
    public const string EndOfLife = "end-of-life";

    /// <summary>{0} distribution as it calls itself.</summary>
    public const string RollingRelease = "rolling-release";

    /// <summary>{0} id, {1} last day, {2} file and line.</summary>
    public const string SuppressionExpired = "suppression-expired";

    /// <summary>{0} id, {1} file and line.</summary>
    public const string SuppressionUnused = "suppression-unused";

    /// <summary>The text of a code, or null for a code of someone else.</summary>
    public static Text? TextOf(string code) => code switch
    {
        NoPackageDatabase => new Text(
            "the image says it is {0} but has no package database: its packages could not be looked at",
            "镜像声明自己是 {0}，但没有软件包数据库：无法检查其软件包"),
        NoDistribution => new Text(
            "{0} packages but nothing says which distribution they are of: they could not be matched",
            "有 {0} 个软件包，但没有任何文件说明其发行版：无法匹配漏洞"),
        NothingFound => new Text(
            "no distribution and no packages were found: nothing was matched",
            "未发现发行版和软件包：没有进行任何匹配"),
        NoAdvisoriesForRelease => new Text(
            "the advisory database has nothing on {0} {1}: {2} packages were not matched",
            "漏洞数据库没有关于 {0} {1} 的数据：{2} 个软件包未匹配"),
        EndOfLife => new Text(
            "{0} {1} has had no security support since {2}: newer flaws may be unknown or stay unfixed",
            "{0} {1} 自 {2} 起不再有安全支持：新的漏洞可能未被记录或不会修复"),
        RollingRelease => new Text(
            "{0} is no released version: no advisories name its packages",
            "{0} 不是正式发布的版本：没有针对其软件包的漏洞公告"),
        SuppressionExpired => new Text(
            "the suppression of {0} ended on {1} ({2}) and no longer counts",
            "对 {0} 的豁免已于 {1} 到期（{2}），不再生效"),
        SuppressionUnused => new Text(
            "the suppression of {0} ({1}) matches no finding",
            "对 {0} 的豁免（{1}）没有匹配任何发现"),
        _ => null,
    };
}
