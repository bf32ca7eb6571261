namespace Plimsoll.Texts;

/// <content>The verb log.</content>
public static partial class Catalogue
{
    public static Text LogSummary { get; } = new("Check and read the evidence log of a gated host", "核验并查看受控主机的证据日志");
    public static Text LogVerifySummary { get; } = new("Find changed, removed, reordered, inserted and cut-off lines", "找出被更改、删除、调换、插入和截断的行");
    public static Text LogShowSummary { get; } = new("Show lines; proves nothing", "显示日志行；不作核验");
    public static Text LogExportSummary { get; } = new("Write the last signed checkpoint to a file, for another machine", "将最后一个已签名的检查点写入文件，交由另一台机器保存");

    public static Text HelpLogFolder { get; } = new("Folder of the log, or a copy of it", "日志所在文件夹或其副本");
    public static Text HelpLogKey { get; } = new("Public key that the log begins with, PEM, as it was exported at install", "日志起始公钥（PEM），安装时导出");
    public static Text HelpLogCheckpoint { get; } = new("Checkpoint of this log that was kept elsewhere", "此前保存在别处的该日志检查点");
    public static Text HelpLogOlder { get; } = new("Take a checkpoint that is older than every line that is kept; it then proves next to nothing", "允许检查点早于现存的所有日志行；此时它几乎不能证明什么");
    public static Text HelpLogTpm { get; } = new("Compare with this TPM's counter: device:/dev/tpmrm0, swtpm:host=HOST,port=PORT", "与此 TPM 的计数器比较：device:/dev/tpmrm0、swtpm:host=主机,port=端口");
    public static Text HelpLogTpmCounter { get; } = new("NV index of that counter; default {0}", "该计数器的 NV 索引；默认 {0}");
    public static Text HelpLogJson { get; } = new("Write the result as JSON to standard output", "将结果以 JSON 写到标准输出");
    public static Text HelpLogLinesJson { get; } = new("Write the lines as they are in the log", "按日志中的原样输出各行");
    public static Text HelpLogKind { get; } = new("Only lines of this kind; repeatable", "仅显示此类行；可重复");
    public static Text HelpLogSince { get; } = new("Only lines since then: 30m, 2h, or 2026-11-21T08:00:00Z", "仅显示此后的行：30m、2h 或 2026-11-21T08:00:00Z");
    public static Text HelpLogLast { get; } = new("At most so many, the newest; default {0}", "最多显示最新的若干行；默认 {0}");
    public static Text HelpLogOutput { get; } = new("File to write", "要写入的文件");

    public static Text LogGood { get; } = new("Good: every line is as it was written", "通过：每一行均与写入时一致");
    public static Text LogBad { get; } = new("Not as it was written: {0} faults", "与写入时不一致：{0} 处错误");
    public static Text LogLabelOrigin { get; } = new("log of", "来源");
    public static Text LogLabelLines { get; } = new("lines", "行");
    public static Text LogLines { get; } = new("{0} to {1} in {2} files, the last of {3}", "第 {0} 至 {1} 行，共 {2} 个文件，最后一行时间 {3}");
    public static Text LogLabelCheckpoint { get; } = new("signed up to", "签名至");
    public static Text LogCheckpointLine { get; } = new("line {0}, {1}, epoch {2}", "第 {0} 行，{1}，第 {2} 期");
    public static Text LogLabelCounter { get; } = new("counter", "计数器");
    public static Text LogNoCheckpoint { get; } = new("no good checkpoint", "没有有效的检查点");
    public static Text LogMore { get; } = new("and {0} more findings", "另有 {0} 项发现");
    public static Text LogNotProved { get; } = new("not proved; plimsoll log verify proves it", "未经核验；请用 plimsoll log verify 核验");
    public static Text LogNotExported { get; } = new("the log is not as it was written, and no checkpoint of it is exported", "日志与写入时不一致，不导出其检查点");

    /// <summary>What a verifier's finding is called.</summary>
    /// <param name="word">As the finding has it, kebab-case; an unknown one stands for itself.</param>
    public static Text LogFinding(string word) => word switch
    {
        "line-broken" => new("no line of a log", "不是日志行"),
        "line-changed" => new("line changed", "行被更改"),
        "line-missing" => new("line missing", "行缺失"),
        "line-out-of-order" => new("line out of order", "行顺序被调换"),
        "line-inserted" => new("line inserted", "行系插入"),
        "cut-off" => new("cut off", "被截断"),
        "file-missing" => new("file missing", "文件缺失"),
        "signature-wrong" => new("signature wrong", "签名错误"),
        "key-chain-broken" => new("keys do not follow each other", "密钥链中断"),
        "wrong-key" => new("another log's key", "不是该日志的密钥"),
        "checkpoint-differs" => new("not what the checkpoint says", "与检查点不符"),
        "origin-differs" => new("of another log", "属于另一日志"),
        "counter-set-back" => new("counter set back", "计数器被回拨"),
        "rolled-back" => new("older copy put back", "日志被换回旧副本"),
        "clock-set-back" => new("clock set back", "时钟被回拨"),
        "torn-line" => new("a crash tore a line", "崩溃造成残行"),
        "torn-end" => new("last line has no end", "最后一行不完整"),
        "files-removed" => new("old files removed", "旧文件已移除"),
        "checkpoint-too-old" => new("checkpoint older than the log", "检查点早于现存日志"),
        "unsigned-end" => new("not signed yet", "尚未签名"),
        _ => new(word, word),
    };
}
