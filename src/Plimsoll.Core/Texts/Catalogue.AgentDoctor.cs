namespace Plimsoll.Texts;

/// <content>plimsoll-agent doctor.</content>
public static partial class Catalogue
{
    public static Text DoctorInterrupted => new("interrupted; what doctor made is removed", "已中断；doctor 创建的内容已移除");
    public static Text DoctorNotInstalled => new("the gate is not installed", "门控未安装");
    public static Text DoctorNotInstalledHint => new("plimsoll-agent install puts it in", "用 plimsoll-agent install 安装");
    public static Text DoctorFrontSilent => new("the front does not answer, and dockerd was not asked: it refuses every request meanwhile", "front 没有应答，未询问 dockerd：此间它会拒绝所有请求");
    public static Text DoctorNotStarted => new("nothing was started; {0}", "未启动任何容器；{0}");
    public static Text DoctorMendFirst => new("mend what is above first", "请先修复上述问题");
    public static Text DoctorDaemonSilent => new("dockerd does not say how it is set up ({0}), and nothing was started; {1}", "dockerd 没有说明其设置（{0}），未启动任何容器；{1}");
    public static Text DoctorDaemonOther => new("dockerd does not run with the gate ({0}): nothing was started to prove it", "dockerd 未以门控运行（{0}）：未启动任何容器来证明");
    public static Text DoctorForeignDenied => new("denies a container under a runtime that is none of ours", "拒绝使用非本产品运行时的容器");
    public static Text DoctorBodyDenied => new("denies a request whose body it is not shown", "拒绝看不到正文的请求");
    public static Text DoctorDeniedOther => new("denies, but with {0} where {1} was wanted: {2}", "已拒绝，但理由是 {0} 而非 {1}：{2}");
    public static Text DoctorDaemonGone => new("dockerd does not answer: {0}", "dockerd 没有应答：{0}");
    public static Text DoctorPluginNotAsked => new("dockerd did not ask the plugin, or it did not answer; dockerd said {0}: {1}", "dockerd 没有询问插件，或插件没有应答；dockerd 返回 {0}：{1}");
    public static Text DoctorNoPlant => new("{0}, so that no change could be planted in a container; {1}", "{0}，因此无法在容器中植入改动；{1}");
    public static Text DoctorNoPlantHint => new("sign a small image, put what speaks for it into the evidence folder, and run doctor again with --image", "签署一个小镜像，将其证明放入 evidence 文件夹，再以 --image 运行 doctor");
    public static Text DoctorPlantFailed => new("nothing could be planted: {0}", "无法植入：{0}");
    public static Text DoctorDataRootHint => new("--data-root names Docker's data root", "用 --data-root 指定 Docker 的数据根目录");
    public static Text DoctorPlantRefused => new("refuses a container of {0} into which a file was planted ({1})", "拒绝植入了文件的 {0} 容器（{1}）");
    public static Text DoctorRefusedBefore => new("refused before it came to the planted file, with {0}: {1}", "在查到植入的文件之前已被拒绝，理由是 {0}：{1}");
    public static Text DoctorRefusedBeforeHint => new("mend that first, or choose another image with --image", "请先修复，或用 --image 选择其他镜像");
    public static Text DoctorPlantStarted => new("a container of {0} started although a file was planted in it; it was removed", "{0} 的容器虽被植入文件仍启动了；该容器已移除");
    public static Text DoctorPlantStartedHint => new("stop this daemon: systemctl stop docker; then plimsoll-agent install, and look at the evidence log", "请停止该守护进程：systemctl stop docker；然后运行 plimsoll-agent install，并查看证据日志");
    public static Text DoctorGateNotAsked => new("the gate was not asked; dockerd said {0}: {1}", "没有询问门控；dockerd 返回 {0}：{1}");
    public static Text DoctorNoImage => new("no image of this host is one that policy lets through", "本机没有策略放行的镜像");
    public static Text DoctorNotMade => new("a container of {0} cannot be made ({1})", "无法创建 {0} 的容器（{1}）");
    public static Text DoctorNoFolder => new("{0} is no folder of a container", "{0} 不是容器的文件夹");
    public static Text DoctorBundleRefused => new("a bundle that belongs to no container is refused ({0})", "不属于任何容器的 bundle 会被拒绝（{0}）");
    public static Text DoctorBundleNotRefused => new("and the launcher refused nothing", "且启动器什么也没有拒绝");
    public static Text DoctorLauncherSilent => new("the launcher cannot be asked: {0}", "无法询问启动器：{0}");
    public static Text DoctorNotRemoved => new("container {0} of doctor's own could not be removed: {1}", "无法移除 doctor 自己的容器 {0}：{1}");
    public static Text DoctorNoAnswer => new("no answer within {0} minutes", "{0} 分钟内没有应答");

    /// <summary>How to go on.</summary>
    /// <param name="label">Of the line of <c>status</c> that is not well.</param>
    public static Text DoctorHint(string label) => label switch
    {
        "installed" or "file" or "daemon.json" or "runtime" => new("plimsoll-agent install puts it back; look first at who changed it", "plimsoll-agent install 可恢复；请先查明是谁更改的"),
        "dockerd" => new("systemctl reload docker brings daemon.json into force; systemctl status docker says why it does not answer", "systemctl reload docker 使 daemon.json 生效；systemctl status docker 说明为何没有应答"),
        "front" => new("systemctl restart plimsoll-front; journalctl -u plimsoll-front says why it ended", "systemctl restart plimsoll-front；journalctl -u plimsoll-front 说明为何结束"),
        "agent" => new("systemctl restart plimsoll-agent; journalctl -u plimsoll-agent says why it ended", "systemctl restart plimsoll-agent；journalctl -u plimsoll-agent 说明为何结束"),
        "policy" => new("put a signed policy and its public key into the agent's state folder (docs/gate.md, Setting it up)", "将已签名的策略及其公钥放入 agent 的状态文件夹（docs/gate.md，Setting it up）"),
        "clock" => new("set the clock right; where it was the noted time that was wrong: plimsoll-agent clock --accept (docs/gate.md, When the clock is set back)",
            "请校正时钟；若错的是所记录的时间：plimsoll-agent clock --accept（docs/gate.md，When the clock is set back）"),
        "counter" => new("do what the line says; where an older state was put back, find out by whom before plimsoll-agent counter --accept (docs/gate.md, When an older state is put back)",
            "请按该行所述处理；若旧状态被换回，请先查明是谁所为，再执行 plimsoll-agent counter --accept（docs/gate.md，When an older state is put back）"),
        "log" => new("plimsoll log verify says what is wrong with it", "plimsoll log verify 会指出问题"),
        "container" => new("docker rm it and make it anew: it then starts under the gate", "用 docker rm 移除后重新创建：此后在门控下启动"),
        _ => new("plimsoll-agent status says more", "plimsoll-agent status 显示更多"),
    };
}
