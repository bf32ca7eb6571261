namespace Plimsoll.Texts;

/// <content>plimsoll-agent install, uninstall and status.</content>
public static partial class Catalogue
{
    public static Text AgentHint => new("hint: {0}", "提示：{0}");
    public static Text AgentNote => new("note: {0}", "注意：{0}");
    public static Text AgentWrites => new("write {0} (mode {1})", "写入 {0}（权限 {1}）");
    public static Text AgentWouldWrite => new("would write {0} (mode {1})", "将写入 {0}（权限 {1}）");
    public static Text AgentRemoves => new("remove {0}", "删除 {0}");
    public static Text AgentWouldRemove => new("would remove {0}", "将删除 {0}");
    public static Text AgentWouldBe => new("{0} would be:", "{0} 将变为：");
    public static Text AgentTakenBack => new("an interrupted run was taken back", "已撤销一次中断的运行");
    public static Text AgentWouldTakeBack => new("an interrupted run would be taken back first", "将先撤销一次中断的运行");
    public static Text AgentInstallNext => new("next: put policy.json and policy.pub into {0}, then: systemctl reload docker", "下一步：将 policy.json 和 policy.pub 放入 {0}，然后执行：systemctl reload docker");
    public static Text AgentNotStarted => new("{0} and {1} were installed, and one of them does not start", "已安装 {0} 和 {1}，但其中之一无法启动");
    public static Text AgentNotStartedHint => new("journalctl -u {0} -u {1} says why; do not reload docker before both run, or nothing starts there", "执行 journalctl -u {0} -u {1} 查看原因；两者运行之前不要重新加载 docker，否则任何容器都无法启动");
    public static Text AgentInstallRunning => new("containers that run already were not judged when they started", "已在运行的容器在启动时未经判定");
    public static Text AgentInstallKey => new("{0} is the key that the evidence log begins with: keep it on another machine", "{0} 是证据日志的起始公钥：请另存到其他机器");
    public static Text AgentInstallLogBusy => new("the agent runs and has the evidence log; this installation is no line of it", "agent 正在运行并占用证据日志；本次安装未记入日志");
    public static Text AgentInstallLogBroken => new("{0}: {1}; the agent will not start until this is mended", "{0}：{1}；修复之前 agent 不会启动");
    public static Text AgentSystemctlEnded => new("systemctl {0} ended with {1}", "systemctl {0} 以退出码 {1} 结束");
    public static Text AgentNothingInstalled => new("nothing is installed", "未安装任何内容");
    public static Text AgentUninstallKeeps => new("{0} stays: policy, statements and the evidence log", "保留 {0}：策略、证明和证据日志");
    public static Text AgentUninstallNext => new("next: systemctl restart docker, then: systemctl stop {0} {1}", "下一步：systemctl restart docker，然后：systemctl stop {0} {1}");
    public static Text AgentJsonEdited => new("{0} was edited since: only the gate's own members are taken out", "{0} 在安装后被编辑过：只移除门控自己的成员");
    public static Text AgentFileEdited => new("{0} was edited since; it goes as well", "{0} 在安装后被编辑过；同样会被删除");
    public static Text AgentDefaultWas => new("default-runtime was {0}; containers that were made for it are refused until policy and runtimes are changed", "default-runtime 原为 {0}；为其创建的容器将被拒绝，直到更改策略和运行时");
    public static Text AgentPluginLast => new("authorization-plugins: {0} stands last, so that what it allows is what is carried out", "authorization-plugins：{0} 位于最后，使其允许的请求即为实际执行的请求");
    public static Text AgentHostsTwice => new("{0} starts dockerd with -H and {1} has hosts: dockerd does not start so", "{0} 以 -H 启动 dockerd，而 {1} 含有 hosts：这样 dockerd 无法启动");

    public static Text AgentStateFolder => new("{0} is not a folder that only root can write in", "{0} 不是仅 root 可写的文件夹");
    public static Text AgentBackupGone => new("{0} is not there", "{0} 不存在");
    public static Text AgentBackupGoneHint => new("take the gate out of {0} by hand", "请手动从 {0} 中移除门控");
    public static Text AgentNoRunc => new("there is no runc in {0}", "在 {0} 中没有 runc");
    public static Text AgentNoRuncHint => new("--runc names it", "用 --runc 指定");
    public static Text AgentNoRuntime => new("there is no {0}", "没有 {0}");
    public static Text AgentNoProgram => new("there is no {0} in {1}", "{1} 中没有 {0}");
    public static Text AgentNoProgramHint => new("--from names the folder that holds plimsoll-agent, plimsoll-launcher and plimsoll-front", "用 --from 指定存放 plimsoll-agent、plimsoll-launcher 和 plimsoll-front 的文件夹");
    public static Text AgentNothingChanged => new("nothing was changed", "未作任何更改");
    public static Text AgentTooLong => new("{0} is no file of at most {1} bytes", "{0} 不是不超过 {1} 字节的文件");
    public static Text AgentBadRecord => new("{0} is not what install wrote: {1}", "{0} 不是 install 所写的内容：{1}");
    public static Text AgentJsonCasing => new("{0} has the member {1}; {2} is written so", "{0} 含有成员 {1}；正确写法是 {2}");
    public static Text AgentJsonCasingHint => new("correct it first", "请先更正");
    public static Text AgentRuntimeTaken => new("{0} has a runtime {1} already: {2}", "{0} 已有运行时 {1}：{2}");
    public static Text AgentRuntimeTakenHint => new("rename it first; containers that name it would run behind the gate", "请先改名；否则指定它的容器会在门控之后运行");
    public static Text AgentDefaultTaken => new("{0} has the default runtime {1}; wanted none, or Docker's own", "{0} 的默认运行时是 {1}；应为空或 Docker 自带的运行时");
    public static Text AgentDefaultTakenHint => new("--replace-default puts {0} in its place; {1} is then refused by the gate", "--replace-default 会以 {0} 取代；此后门控会拒绝 {1}");
    public static Text AgentNoJsonObject => new("{0} is no JSON object", "{0} 不是 JSON 对象");
    public static Text AgentNoJson => new("{0} is no JSON: {1}", "{0} 不是 JSON：{1}");
    public static Text AgentNoObject => new("{0}: {1} is no object", "{0}：{1} 不是对象");
    public static Text AgentNoList => new("{0}: {1} is no list", "{0}：{1} 不是列表");
    public static Text AgentNoText => new("{0}: {1} is no text", "{0}：{1} 不是文本");
    public static Text AgentNoJsonHint => new("dockerd would not start with it; correct it first", "dockerd 无法以此启动；请先更正");
    public static Text AgentAsItWas => new("{0} as it was", "原来的 {0}");
    public static Text AgentCommandLine => new("{0} starts dockerd with {1}; it belongs into {2}, and dockerd does not start when it stands in both", "{0} 以 {1} 启动 dockerd；该设置应写入 {2}，两处同时存在时 dockerd 无法启动");
    public static Text AgentCommandLineHint => new("move what it says to the file first", "请先将其移到该文件中");

    /// <summary>What a line of <c>status</c> or <c>doctor</c> is about.</summary>
    /// <param name="label">The word that stands for it in English and in JSON; names of programs and files stand for themselves.</param>
    public static Text AgentLabel(string label) => label switch
    {
        "installed" => new(label, "安装"),
        "file" => new(label, "文件"),
        "runtime" => new(label, "运行时"),
        "policy" => new(label, "策略"),
        "registries" => new(label, "仓库"),
        "host" => new(label, "主机"),
        "clock" => new(label, "时钟"),
        "counter" => new(label, "计数器"),
        "log" => new(label, "日志"),
        "others" => new(label, "其他"),
        "container" => new(label, "容器"),
        "plugin-gate" => new(label, "插件门控"),
        "plugin-body" => new(label, "请求正文"),
        "runtime-gate" => new(label, "运行时门控"),
        "cleanup" => new(label, "清理"),
        _ => new(label, label),
    };

    public static Text ClockBehind => new("the clock says {0}, and this host has seen {1}: what depends on the time cannot be decided before the clock is right; where that time was the wrong one: plimsoll-agent clock --accept",
        "时钟显示 {0}，而本机已见过 {1}：时钟校正之前，凡取决于时间的事项均无法判定；若该时间本身有误：plimsoll-agent clock --accept");
    public static Text ClockUnreadable => new("the latest time that this host has seen cannot be read ({0}), and what depends on the time cannot be decided; when the clock is right: plimsoll-agent clock --accept",
        "无法读取本机所见的最晚时间（{0}），凡取决于时间的事项均无法判定；若时钟无误：plimsoll-agent clock --accept");
    public static Text AgentNotInstalled => new("not installed", "未安装");
    public static Text AgentInstalled => new("version {0}, {1}, {2} files", "版本 {0}，{1}，{2} 个文件");
    public static Text AgentRecordGone => new("{0}, which says what was installed, is gone: no start is allowed; put it back, or install anew", "说明安装内容的 {0} 已不存在：不允许任何启动；请恢复该文件，或重新安装");
    public static Text AgentRunInterrupted => new("a run was interrupted; install or uninstall takes it back", "有一次运行被中断；install 或 uninstall 会将其撤销");
    public static Text AgentFileGone => new("{0} is gone", "{0} 已不存在");
    public static Text AgentFileOther => new("{0} is not what was installed", "{0} 与安装时不同");
    public static Text AgentRuntimeOther => new("{0} is not what it was when the gate was installed; starts are refused until install runs again", "{0} 与门控安装时不同；重新运行 install 之前拒绝启动");
    public static Text AgentJsonRight => new("names the plugin, the launchers and the default runtime", "已指定插件、启动器和默认运行时");
    public static Text AgentJsonWrong => new("{0} does not hold the gate", "{0} 中没有门控");
    public static Text AgentNoHttpAnswer => new("no HTTP answer", "没有 HTTP 应答");
    public static Text AgentInfoDenied => new("its plugins do not let it say how it is set up: {0}", "其插件不允许它说明自身设置：{0}");
    public static Text AgentInfoUnknown => new("its answer is not understood: {0}", "无法理解其应答：{0}");
    public static Text AgentDaemonRight => new("runs with the plugin, the launchers and the default runtime", "正以插件、启动器和默认运行时运行");
    public static Text AgentDefaultOther => new("its default runtime is {0}; wanted {1}", "其默认运行时是 {0}；应为 {1}");
    public static Text AgentPluginNotAsked => new("it asks no authorization plugin {0}", "它没有询问授权插件 {0}");
    public static Text AgentLaunchersUnknown => new("it does not know the launchers by their paths", "它所知的启动器路径不对");
    public static Text AgentAnswers => new("answers", "有应答");
    public static Text AgentAnswersOther => new("answers {0}", "应答为 {0}");
    public static Text AgentSocketGone => new("{0} is not there", "{0} 不存在");
    public static Text AgentPolicyGone => new("{0} is not there: no start is allowed", "{0} 不存在：不允许任何启动");
    public static Text AgentPolicyKeyChanged => new("signed by a key that is not among those in {0}: no start is allowed; to change the key on purpose, remove that file", "签名密钥不在 {0} 所列密钥之中：不允许任何启动；若确要更换密钥，请删除该文件");
    public static Text AgentPolicyRenamed => new("called {0}, where this host takes those called {1}: no start is allowed; to change the name on purpose, remove {2}", "名称为 {0}，而本主机只接受名为 {1} 的策略：不允许任何启动；若确要更换名称，请删除 {2}");
    public static Text AgentPolicyHeld => new("{0}, counter {1}, signed {2} ({3} days ago)", "{0}，计数器 {1}，签名于 {2}（{3} 天前）");
    public static Text AgentRegistries => new("{0}; last: {1}", "{0}；最近一次：{1}");
    public static Text AgentRegistriesUnasked => new("{0}; none was asked yet", "{0}；尚未询问过");
    public static Text AgentCredentialsOpen => new("{0} is no file of root's that nobody else may read (chmod 600), and is not used", "{0} 不是仅 root 可读的文件（chmod 600），不予使用");
    public static Text AgentHostId => new("id {0}", "标识 {0}");
    public static Text AgentLogLine => new("line {0}; last checkpoint at line {1}, {2} (not proved)", "第 {0} 行；最后的检查点在第 {1} 行，{2}（未经核验）");
    public static Text AgentLogLineOnly => new("line {0}; last checkpoint before the newest file (not proved)", "第 {0} 行；最后的检查点早于最新文件（未经核验）");
    public static Text AgentOther => new("{0} starts containers past the gate", "{0} 会绕过门控启动容器");
    public static Text AgentOtherProcess => new("{0} (process {1})", "{0}（进程 {1}）");
    public static Text AgentOtherSocket => new("{0} (socket {1})", "{0}（套接字 {1}）");
    public static Text AgentForeignPast => new("runs, and was started past the gate (runtime {0})", "正在运行，且绕过门控启动（运行时 {0}）");
    public static Text AgentForeignRuns => new("was made for runtime {0} and runs", "为运行时 {0} 创建，且正在运行");
    public static Text AgentForeign => new("was made for runtime {0}", "为运行时 {0} 创建");
}
