namespace Plimsoll.Texts;

public static partial class Catalogue
{
    /// <summary>The sentence of a report's note by its code, or null for a code that has none.</summary>
    public static Text? FindNote(string code) => code switch
    {
        "no-database" => new(
            "No advisory database is there; only the built-in starter set of {0} advisories was asked, so most vulnerabilities stay unseen. Get one with: plimsoll db update",
            "没有漏洞库；只查询了内置的 {0} 条入门公告，大多数漏洞无法发现。获取漏洞库：plimsoll db update"),
        "starter-set" => new(
            "The built-in starter set of {0} advisories was asked; it is not a database.",
            "查询的是内置的 {0} 条入门公告，不能算作漏洞库。"),
        "database-old" => new(
            "The advisory database is of {0}, more than {1} days old; newer vulnerabilities are not in it. Renew it with: plimsoll db update",
            "漏洞库的日期是 {0}，已超过 {1} 天；更新的漏洞不在其中。更新：plimsoll db update"),
        "no-advisories-for-release" => new(
            "The advisory database has nothing on {0} {1}; {2} packages were not matched, and that no vulnerability is shown means nothing there.",
            "漏洞库中没有关于 {0} {1} 的公告；{2} 个软件包未匹配，没有显示漏洞并不说明没有漏洞。"),
        "end-of-life" => new(
            "{0} {1} has had no security support since {2}; newer vulnerabilities get no advisory and no fix.",
            "{0} {1} 自 {2} 起不再有安全支持；更新的漏洞既没有公告也没有修复。"),
        "no-distribution" => new(
            "{0} packages, but nothing in the image says which distribution they are of; they could not be matched.",
            "有 {0} 个软件包，但镜像没有说明其发行版，无法匹配。"),
        "no-package-database" => new(
            "The image says it is {0} but has no package database; what is in it could not be told.",
            "镜像声明自己是 {0}，但没有软件包数据库，无法得知其内容。"),
        "secrets-of-distribution" => new(
            "{0} matches of your own rules for secrets lie in files that, by the image's lists, the distribution's packages brought unchanged; they are not listed.",
            "自定义密钥规则有 {0} 处匹配位于镜像清单称由发行版软件包原样带来的文件中，未列出。"),
        "nothing-found" => new(
            "Neither a distribution nor a package was found; nothing was matched.",
            "没有发现发行版和软件包，未进行任何匹配。"),
        "rolling-release" => new(
            "{0} is no released version; no advisory names its packages.",
            "{0} 不是正式发布的版本，没有针对其软件包的公告。"),
        "unverified" => new(
            "No digest was checked (--unverified); the image may not be what it says it is.",
            "没有校验任何摘要（--unverified）；镜像内容可能与其声明不符。"),
        "suppression-expired" => new(
            "The suppression of {0} ended on {1} and no longer counts ({2}).",
            "对 {0} 的抑制已于 {1} 到期，不再有效（{2}）。"),
        "suppression-unused" => new(
            "The suppression of {0} matched nothing ({1}).",
            "对 {0} 的抑制没有匹配任何结果（{1}）。"),
        "vex-unused" => new(
            "None of the {1} statements of {0} speaks of a finding here.",
            "{0} 的 {1} 条声明均与此处的结果无关。"),
        "report-filtered" => new(
            "The report was written with --severity or --only-fixed, which left {0} findings out of it.",
            "该报告是用 --severity 或 --only-fixed 生成的，其中略去了 {0} 项。"),
        "from-bom" => new(
            "The packages are those that a bill of materials lists ({0}); nothing of it was checked.",
            "软件包来自物料清单（{0}）；其内容未经校验。"),
        "vex-in-bom" => new(
            "The bill of materials clears itself of flaws in {0} analyses, which do not count; to believe them: --vex {1}",
            "物料清单自身的 {0} 条分析声明不受影响，未予采信；如需采信：--vex {1}"),
        _ => FindMatchingNote(code) ?? FindMalwareNote(code),
    };

    /// <summary>A note whose code this version does not know.</summary>
    public static Text NoteOther { get; } = new("{0}: {1}", "{0}：{1}");

    /// <summary>What a gap is, without its place and detail; null for a code that has none.</summary>
    public static Text? FindGap(string code) => code switch
    {
        "package-database-corrupt" => new("A package database could not be read wholly", "软件包数据库无法完整读取"),
        "file-too-large" => new("A file was too large to be looked at", "文件过大，未检查"),
        "path-leaves-root" => new("An entry's path leads out of the image and was passed over", "条目的路径超出镜像根目录，已跳过"),
        "distribution-unreadable" => new("The file that names the distribution could not be read", "无法读取说明发行版的文件"),
        "advisory-unreadable" => new("An advisory could not be compared", "无法比较一条公告"),
        "analyser-failed" => new("An analyser stumbled over a file", "分析器处理文件时出错"),
        "hard-link-unread" => new("A hard link's content had passed; standard input is read once", "硬链接的内容已经读过；标准输入只能读一次"),
        "hard-link-target-missing" => new("A hard link leads to nothing in its layer", "硬链接在其所在层中没有目标"),
        "database-behind-link" => new("A package database lies behind a symbolic link and was not read", "软件包数据库位于符号链接之后，未读取"),
        "entry-below-link" => new("An entry lies below a symbolic link of its own layer", "条目位于同一层的符号链接之下"),
        "opaque-root" => new("A layer asks to hide all layers below it, which engines do not agree on", "某一层要求隐藏其下所有层，各引擎对此处理不一"),
        "link-leaves-root" => new("A hard link leads out of the image and was passed over", "硬链接指向镜像根目录之外，已跳过"),
        "path-too-long" => new("An entry's path is too long and was passed over", "条目的路径过长，已跳过"),
        "more-of-the-same" => new("And more of them", "还有更多同类情况"),
        "version-unreadable" => new("A version could not be compared", "无法比较版本"),
        "package-database-journal" => new("A package database has a journal beside it that was not read", "软件包数据库旁有未读取的日志"),
        "too-many-files" => new("Packages claim more files than are remembered", "软件包声明的文件过多，未全部记录"),
        "component-without-purl" => new("A component has no package URL and was not matched", "组件没有软件包 URL，未匹配"),
        "component-without-version" => new("A component has no version and was not matched", "组件没有版本，未匹配"),
        "component-unreadable" => new("A component's package URL could not be read", "无法读取组件的软件包 URL"),
        "distribution-ambiguous" => new("Packages are said to be of another distribution", "部分软件包被声明属于另一发行版"),
        "too-many-hits" => new("More entries of a layer have odd rights than are remembered", "某一层中权限异常的条目过多，未全部记录"),
        "secret-scan-cut-short" => new("A file was not wholly looked at for secrets", "未能完整检查某个文件中的密钥"),
        "history-cut-short" => new("The image's history was not wholly looked at", "未能完整检查镜像的构建历史"),
        "too-many-packages" => new("A package database lists more packages than are looked at", "软件包数据库列出的软件包过多，未全部检查"),
        _ => FindMalwareGap(code),
    };

    public static Text GapOther { get; } = new("Not looked at ({0})", "未检查（{0}）");
    public static Text GapMore { get; } = new("… and {0} more; --json lists all", "……还有 {0} 处；--json 列出全部");
}
