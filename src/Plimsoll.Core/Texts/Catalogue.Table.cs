namespace Plimsoll.Texts;

/// <summary>Texts of the table that people read.</summary>
public static partial class Catalogue
{
    public static Text ColumnSeverity { get; } = new("SEVERITY", "严重程度");
    public static Text ColumnId { get; } = new("ID", "编号");
    public static Text ColumnFixed { get; } = new("FIXED IN", "修复版本");
    public static Text ColumnTitle { get; } = new("TITLE", "标题");
    public static Text ColumnPackage { get; } = new("PACKAGE", "软件包");
    public static Text ColumnInstalled { get; } = new("INSTALLED", "已安装");
    public static Text ColumnUpgradeTo { get; } = new("UPGRADE TO", "升级到");
    public static Text ColumnFixes { get; } = new("FIXES", "修复");

    public static Text Critical { get; } = new("CRITICAL", "严重");
    public static Text High { get; } = new("HIGH", "高危");
    public static Text Medium { get; } = new("MEDIUM", "中危");
    public static Text Low { get; } = new("LOW", "低危");
    public static Text Negligible { get; } = new("NEGLIGIBLE", "可忽略");
    public static Text Unknown { get; } = new("UNKNOWN", "未知");

    public static Text NoFix { get; } = new("no fix known", "尚无修复");
    public static Text WillNotFix { get; } = new("will not be fixed", "不会修复");
    public static Text Malicious { get; } = new("malicious: remove it", "恶意软件包：请移除");
    public static Text EndOfLife { get; } = new("end of life", "已停止支持");
    public static Text CountNoFix { get; } = new("{0} without a known fix", "{0} 个尚无修复");
    public static Text CountWillNotFix { get; } = new("{0} that will not be fixed", "{0} 个不会修复");
    public static Text CountFixedIn { get; } = new("{0} fixed in {1}", "{0} 个，修复于 {1}");
    public static Text Layer { get; } = new("layer {0}", "第 {0} 层");
    public static Text LayerFolder { get; } = new("folder", "文件夹");
    public static Text Binaries { get; } = new("as {0}", "包含 {0}");

    public static Text Claimed { get; } = new("{0} (claimed by {1})", "{0}（由 {1} 声明）");
    public static Text NoDistribution { get; } = new("distribution unknown", "发行版未知");
    public static Text PackageCount { get; } = new("{0} packages", "{0} 个软件包");
    public static Text PackageCountOne { get; } = new("1 package", "1 个软件包");
    public static Text LayerCount { get; } = new("{0} layers", "{0} 层");
    public static Text LayerCountOne { get; } = new("1 layer", "1 层");
    public static Text Verified { get; } = new("verified", "已校验");
    public static Text VerifiedFolder { get; } = new("folder: there is no digest to check", "文件夹：没有可校验的摘要");
    public static Text Unverified { get; } = new("UNVERIFIED", "未校验");
    public static Text FailedImage { get; } = new("not scanned: {0}", "未扫描：{0}");

    public static Text Clean { get; } = new("No known vulnerabilities in {0} packages.", "{0} 个软件包中没有已知漏洞。");
    public static Text CleanOne { get; } = new("No known vulnerabilities in 1 package.", "1 个软件包中没有已知漏洞。");
    public static Text NothingToMatch { get; } = new(
        "No packages were found in the image, so there was nothing to match.", "镜像中没有找到软件包，没有可匹配的内容。");
    public static Text NotDecided { get; } = new(
        "Not decided: no vulnerability was found, but that does not mean there is none:",
        "无法判定：没有发现漏洞，但这并不表示没有漏洞：");
    public static Text Incomplete { get; } = new(
        "Incomplete: there may be more vulnerabilities than these:", "结果不完整：可能还有其他漏洞：");
    public static Text NothingShown { get; } = new("No vulnerabilities are left to show.", "没有需要显示的漏洞。");
    public static Text Total { get; } = new("{0} vulnerabilities", "{0} 个漏洞");
    public static Text TotalOne { get; } = new("1 vulnerability", "1 个漏洞");
    public static Text Fixable { get; } = new("{0} fixable", "{0} 个可修复");
    public static Text Exploited { get; } = new("{0} known exploited (KEV)", "{0} 个已知被利用（KEV）");
    public static Text CountedOnce { get; } = new(
        "Counted once per source package; counted per installed package they are {0} findings.",
        "按源码包计数；按已安装的软件包计为 {0} 项。");
    public static Text Suppressed { get; } = new("{0} suppressed by your files", "{0} 项被您的文件抑制");
    public static Text SuppressedByDistribution { get; } = new(
        "{0} not counted: in files that packages of the distribution own, by the image's own lists; the distribution's advisories decide",
        "{0} 项未计入：所在文件按镜像自身的清单属于发行版软件包，以发行版的公告为准");
    public static Text SuppressedAsDevelopment { get; } = new(
        "{0} not counted: in dependencies for development or building alone", "{0} 项未计入：仅用于开发或构建的依赖");
    public static Text WhereTheyAre { get; } = new(
        "{0} in packages of the distribution, {1} in packages of languages", "发行版软件包 {0} 个，语言软件包 {1} 个");
    public static Text InPlace { get; } = new("in {0}", "位于 {0}");
    public static Text MorePlaces { get; } = new("and in {0} more places; --json lists all", "另有 {0} 处；--json 列出全部");
    public static Text Hidden { get; } = new("{0} findings not shown ({1})", "{0} 项未显示（{1}）");
    public static Text WhatToUpgrade { get; } = new("What to upgrade", "升级建议");
    public static Text FixesCount { get; } = new("{0} of {1}", "{1} 个中的 {0} 个");
    public static Text Notes { get; } = new("Notes", "说明");
    public static Text AllRowsHint { get; } = new("--all gives each of them a row of its own", "使用 --all 逐行列出");
}
