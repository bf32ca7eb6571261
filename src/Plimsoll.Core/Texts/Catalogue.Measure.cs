namespace Plimsoll.Texts;

/// <content>The verb measure.</content>
public static partial class Catalogue
{
    public static Text MeasureSummary { get; } = new("Say exactly which bytes images are, and whether the unpacked files are still these bytes", "准确说明镜像由哪些字节组成，以及解包后的文件是否仍是这些字节");
    public static Text HelpMeasureImage { get; } = new(
        "Image: archive or layout path, docker:NAME, registry:NAME, or a name in the local daemon", "镜像：归档或布局的路径、docker:名称、registry:名称，或本地守护进程中的名称");
    public static Text HelpMeasureJson { get; } = new("Write JSON to standard output; with --watch one object a line", "将 JSON 写到标准输出；与 --watch 合用时每行一个对象");
    public static Text HelpMeasureFiles { get; } = new("Hash every file and write the list of them, which names a changed file later", "计算每个文件的哈希并写出列表，以后可据此指出被改动的文件");
    public static Text HelpMeasureCheck { get; } = new("Compare with the baseline, store nothing; exit 1 on a difference, 3 when there is no baseline", "与基线比较，不保存；有差异时退出码为 1，没有基线时为 3");
    public static Text HelpMeasureAgainst { get; } = new("Compare with a measurement, or list of files, in a file instead of the baseline", "与文件中的度量值或文件列表比较，而不是与基线比较");
    public static Text HelpMeasureAccept { get; } = new("Store as vouched for by you (origin: operator), in place of the baseline", "以您本人担保的名义（来源：operator）保存，替换已有基线");
    public static Text HelpMeasureForget { get; } = new("Remove the baselines of images, named or by config digest; nothing is measured", "删除镜像（按名称或配置摘要）的基线；不做度量");
    public static Text HelpMeasureNoStore { get; } = new("Store no baseline", "不保存基线");
    public static Text HelpMeasureSeal { get; } = new("Key that seals baselines in place of this host's own: NAME@vN, FILE, or pkcs11:…", "用于封印基线的密钥，替代本机自有密钥：NAME@vN、文件或 pkcs11:…");
    public static Text HelpMeasureWatch { get; } = new("Follow the Docker daemon: measure after pull, build, load and tag, and at intervals, until interrupted", "跟随 Docker 守护进程：在拉取、构建、加载、打标签之后以及定期度量，直到被中断");
    public static Text HelpMeasureInterval { get; } = new("With --watch: measure every image again after this time; default 1h", "与 --watch 合用：每隔此时间重新度量所有镜像；默认 1h");

    public static Text MeasureConfig { get; } = new("config", "配置");
    public static Text MeasureValue { get; } = new("measurement", "度量值");
    public static Text MeasureLayer { get; } = new("layer {0}", "第 {0} 层");
    public static Text MeasureLayerLine { get; } = new("{0}  {1} bytes  {2}", "{0}  {1} 字节  {2}");
    public static Text MeasureUnpacked { get; } = new("unpacked files", "解包的文件");
    public static Text MeasureUnpackedSame { get; } = new("compared: as the layers say", "已比较：与各层一致");
    public static Text MeasureUnpackedDiffer { get; } = new("compared: NOT as the layers say", "已比较：与各层不一致");
    public static Text MeasureUnpackedNot { get; } = new("not compared: the image was not read from a store on this host", "未比较：镜像不是从本机的存储中读取的");
    public static Text MeasureBaseline { get; } = new("baseline", "基线");
    public static Text MeasureBaselineStored { get; } = new("stored, {0}", "已保存，{0}");
    public static Text MeasureBaselineSame { get; } = new("equal, {0}, of {1}", "相同，{0}，{1}");
    public static Text MeasureBaselineDiffers { get; } = new("DIFFERENT, {0}, of {1}", "不同，{0}，{1}");
    public static Text MeasureBaselineNone { get; } = new("none", "没有");
    public static Text MeasureBaselineNotStored { get; } = new("not stored: only what is as its layers say is stored", "未保存：只保存与各层一致的结果");
    public static Text MeasureBaselineFault { get; } = new("NOT AS IT WAS SEALED: {0}", "与封存时不符：{0}");
    public static Text MeasureFirstUse { get; } = new("first-use (trusted because it was there first)", "first-use（因最先见到而信任）");
    public static Text MeasureAgainstSame { get; } = new("equal to {0}", "与 {0} 相同");
    public static Text MeasureAgainstDiffers { get; } = new("DIFFERENT from {0}", "与 {0} 不同");
    public static Text MeasureLeftOut { get; } = new("{0} more differences are not listed", "另有 {0} 处差异未列出");
    public static Text MeasureSeen { get; } = new("seen {0}", "实际 {0}");
    public static Text MeasureWanted { get; } = new("wanted {0}", "应为 {0}");
    public static Text MeasureNothing { get; } = new("nothing", "无");
    public static Text MeasureForgotten { get; } = new("{0}: baseline removed", "{0}：基线已删除");

    public static Text MeasureKind(string kind) => kind switch
    {
        "changed" => new("changed", "内容改变"),
        "planted" => new("planted", "多出"),
        "missing" => new("missing", "缺失"),
        "mode" => new("mode", "权限"),
        "owner" => new("owner", "属主"),
        "link" => new("link", "链接"),
        "xattr" => new("xattr", "扩展属性"),
        "device" => new("device", "设备号"),
        "whiteout" => new("whiteout", "删除标记"),
        "stack" => new("stack", "层叠放"),
        "layer" => new("layer", "层"),
        "config" => new("config", "配置"),
        "measurement" => new("measurement", "度量值"),
        _ => new("baseline", "基线"),
    };

    public static Text WatchStarted { get; } = new("watching {0}; every image is measured again each {1}", "正在监视 {0}；每隔 {1} 重新度量所有镜像");
    public static Text WatchRemoved { get; } = new("removed from the daemon", "已从守护进程中删除");
    public static Text WatchFailed { get; } = new("could not be measured: {0}", "无法度量：{0}");
    public static Text WatchLost { get; } = new("the daemon does not answer: {0}; trying again", "守护进程没有应答：{0}；将重试");
    public static Text WatchBack { get; } = new("the daemon answers again", "守护进程恢复应答");
    public static Text WatchStopped { get; } = new("stopped", "已停止");
}
