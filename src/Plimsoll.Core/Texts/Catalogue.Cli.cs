namespace Plimsoll.Texts;

/// <summary>Summaries of verbs and options, and what the program says on standard error.</summary>
public static partial class Catalogue
{
    public static Text ProgramSummary { get; } = new(
        "Plimsoll: a container may start only when its evidence shows", "Plimsoll：只有证据齐全的容器才可以启动");
    public static Text ScanSummary { get; } = new("Show what is wrong with images: known vulnerabilities, malware, secrets, history, configuration, licences", "显示镜像中的问题：已知漏洞、恶意软件、密钥、构建历史、配置、许可证");
    public static Text Usage { get; } = new("Usage", "用法");
    public static Text Commands { get; } = new("Commands", "命令");
    public static Text Options { get; } = new("Options", "选项");
    public static Text Arguments { get; } = new("Arguments", "参数");
    public static Text Examples { get; } = new("Examples", "示例");
    public static Text MoreHelp { get; } = new(
        "plimsoll COMMAND --help shows a command's options.", "plimsoll 命令 --help 显示该命令的选项。");
    public static Text ScanFooter { get; } = new(
        "Options may also stand in config.yaml (scan: fail-on: high) or in the environment (PLIMSOLL_SCAN_FAIL_ON=high). Exit codes: 0 done, 1 refused or threshold crossed, 2 wrong usage, 3 undecided or incomplete.",
        "选项也可以写在 config.yaml（scan: fail-on: high）或环境变量（PLIMSOLL_SCAN_FAIL_ON=high）中。退出码：0 完成，1 被拒绝或超过阈值，2 用法错误，3 无法判定或结果不完整。");

    public static Text HelpHelp { get; } = new("Show this text", "显示本说明");
    public static Text HelpVersion { get; } = new("Show version, commit and database date", "显示版本、提交和漏洞库日期");
    public static Text HelpImage { get; } = new(
        "Image: archive or layout path, dir:FOLDER, docker:NAME, registry:NAME, or a name in the local daemon; or sbom:FILE",
        "镜像：归档或布局的路径、dir:文件夹、docker:名称、registry:名称，或本地守护进程中的名称；或 sbom:文件");
    public static Text HelpOutput { get; } = new(
        "table, html, json, cyclonedx, spdx-json, spdx, sarif, junit, gitlab, openvex, inspection or template:FILE, to standard output or a file; repeatable",
        "table、html、json、cyclonedx、spdx-json、spdx、sarif、junit、gitlab、openvex、inspection 或 template:文件，输出到标准输出或文件；可重复");
    public static Text HelpJson { get; } = new("Same as --output json", "等同于 --output json");
    public static Text HelpFailOn { get; } = new("Exit 1 on a finding at or above a severity; also kev, unknown, any, none", "有达到该严重程度的结果时退出码为 1；也可用 kev、unknown、any、none");
    public static Text HelpOnlyFixed { get; } = new("Only findings for which a fixed version exists", "只考虑已有修复版本的结果");
    public static Text HelpSeverity { get; } = new("One severity and above (high), or exactly these (high,unknown)", "某一级及以上（high），或仅这几级（high,unknown）");
    public static Text HelpPlatform { get; } = new("Which image of an index: os/arch[/variant]", "选择索引中的镜像：os/arch[/variant]");
    public static Text HelpTimeout { get; } = new("Give up after this time: 30s, 5m, 1h (default: never)", "超过该时间后放弃：30s、5m、1h（默认不限）");
    public static Text HelpQuiet { get; } = new("No progress and no remarks on standard error; errors only", "标准错误只输出错误");
    public static Text HelpUnverified { get; } = new("Check no digest; faster, and every output says so", "不校验摘要；更快，所有输出都会注明");
    public static Text HelpNoCache { get; } = new("Neither use nor fill the layer cache", "不使用也不写入层缓存");
    public static Text HelpGroup { get; } = new("Table grouped by package (default) or layer", "表格按软件包（默认）或按层分组");
    public static Text HelpAll { get; } = new("Table: a row for every vulnerability", "表格：每个漏洞一行");
    public static Text HelpSuppress { get; } = new("Suppression file (YAML); repeatable", "抑制文件（YAML）；可重复");
    public static Text HelpDb { get; } = new("Advisory database to use", "使用的漏洞库");
    public static Text HelpUpdate { get; } = new("First update the database when absent or older than a day", "漏洞库不存在或超过一天时先更新");
    public static Text HelpLang { get; } = new("en or zh (default: the locale)", "en 或 zh（默认取自区域设置）");
    public static Text HelpColor { get; } = new("auto (default), always or never", "auto（默认）、always 或 never");
    public static Text HelpParallel { get; } = new("Layers read at once (default: processors)", "同时读取的层数（默认为处理器数）");
    public static Text HelpConfig { get; } = new("Configuration file (default: config.yaml in the configuration folder)", "配置文件（默认为配置目录中的 config.yaml）");

    public static Text OfferDownload { get; } = new(
        "No advisory database is there. Download it from the public OSV bucket now? [y/N] ", "没有漏洞库。现在从公共 OSV 存储下载吗？[y/N] ");
    public static Text ThresholdCrossed { get; } = new(
        "threshold crossed: findings that meet --fail-on {1}: {0}", "超过阈值（--fail-on {1}）：{0} 项结果");
    public static Text ProgressLayers { get; } = new("layer {0}/{1}", "层 {0}/{1}");

    /// <summary>What a phase of the work is called; the phase itself when it has no text.</summary>
    public static Text Phase(string phase) => phase switch
    {
        "open" => new("opening the image", "打开镜像"),
        "layers" => new("reading layers", "读取层"),
        "match" => new("matching advisories", "匹配公告"),
        "database" => new("opening the database", "打开漏洞库"),
        _ => new(phase, phase),
    };
}
