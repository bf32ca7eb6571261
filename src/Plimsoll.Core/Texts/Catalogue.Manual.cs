namespace Plimsoll.Texts;

/// <summary>Texts of the manual page and of shell completion.</summary>
public static partial class Catalogue
{
    public static Text CompletionSummary { get; } = new("Print a script that completes the command line", "输出命令行补全脚本");
    public static Text HelpShell { get; } = new("bash, zsh or fish", "bash、zsh 或 fish");
    public static Text ManSummary { get; } = new("Print the manual page", "输出手册页");
    public static Text ManTitle { get; } = new("Plimsoll Manual", "Plimsoll 手册");
    public static Text ManName { get; } = new("Name", "名称");
    public static Text ManSynopsis { get; } = new("Synopsis", "概要");
    public static Text ManCommands { get; } = new("Commands", "命令");
    public static Text ManExit { get; } = new("Exit status", "退出状态");
    public static Text ManFiles { get; } = new("Files", "文件");
    public static Text ManEnvironment { get; } = new("Environment", "环境变量");

    public static IReadOnlyList<(string Code, Text Meaning)> ManExitCodes { get; } =
    [
        ("0", new("Done.", "完成。")),
        ("1", new("Refused, or a threshold (--fail-on) was crossed.", "被拒绝，或超过阈值（--fail-on）。")),
        ("2", new("Wrong usage.", "用法错误。")),
        ("3", new("Undecided or incomplete: no database, an image that could not be read whole. 1 wins over 3.", "无法判定或结果不完整：没有漏洞库，或镜像未能完整读取。1 优先于 3。")),
        ("130", new("Interrupted.", "被中断。")),
    ];

    public static IReadOnlyList<(string File, Text Meaning)> ManFileList { get; } =
    [
        ("~/.config/plimsoll/config.yaml", new("Options that hold for every call.", "对每次调用都有效的选项。")),
        ("~/.local/share/plimsoll/advisories.db", new("The advisory database.", "漏洞公告数据库。")),
        ("~/.cache/plimsoll", new("Facts of layers that were read before; may be removed at any time.", "已读取层的缓存；可随时删除。")),
    ];

    public static IReadOnlyList<(string Variable, Text Meaning)> ManVariables { get; } =
    [
        ("PLIMSOLL_HOME", new("One folder for data, cache and configuration instead of the XDG folders.", "用一个文件夹代替 XDG 的数据、缓存和配置文件夹。")),
        ("PLIMSOLL_CONFIG", new("Configuration file.", "配置文件。")),
        ("PLIMSOLL_SCAN_NAME", new("Value of the scan option --name, for example PLIMSOLL_SCAN_FAIL_ON=high.", "scan 选项 --name 的值，例如 PLIMSOLL_SCAN_FAIL_ON=high。")),
        ("DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG", new("As the docker command has them.", "与 docker 命令相同。")),
        ("NO_COLOR", new("No colours.", "不使用颜色。")),
    ];
}
