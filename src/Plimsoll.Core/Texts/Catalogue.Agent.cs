namespace Plimsoll.Texts;

/// <content>plimsoll-agent: help, wrong usage, and what it says while it runs. Made when asked for, so that no start pays for them.</content>
public static partial class Catalogue
{
    public static Text AgentSummary => new("plimsoll-agent: decides on a Docker host which containers start", "plimsoll-agent：决定 Docker 主机上哪些容器可以启动");
    public static Text AgentRunSummary => new("Run the agent; its unit does", "运行 agent；由其 systemd 单元调用");
    public static Text AgentInstallSummary => new("Put the gate in, or bring it up to date: all of it or nothing", "安装或更新门控：要么全部完成，要么不作任何更改");
    public static Text AgentUninstallSummary => new("Take the gate out; policy, statements and the evidence log stay", "移除门控；保留策略、证明和证据日志");
    public static Text AgentStatusSummary => new("Show what is installed, and whether both gates answer", "显示已安装的内容，以及两道门控是否应答");
    public static Text AgentDoctorSummary => new("Prove on the spot that both gates refuse", "现场证明两道门控都会拒绝");
    public static Text AgentClockSummary => new("Show whether the clock is behind; --accept: it is right, and the later time was wrong", "显示时钟是否落后；--accept：时钟无误，错的是那个更晚的时间");
    public static Text AgentCounterSummary => new("Show whether the log is level with its counter in the TPM; --accept: what is wrong is explained", "显示日志与 TPM 中的计数器是否一致；--accept：问题已查清");
    public static Text AgentOptionsOf => new("Options of {0}", "{0} 的选项");
    public static Text AgentMoreHelp => new("plimsoll-agent COMMAND --help shows the options of one command.", "plimsoll-agent 命令 --help 只显示该命令的选项。");
    public static Text AgentDefault => new("{0} (default: {1})", "{0}（默认：{1}）");

    public static Text AgentHelpState => new("Policy, statements, revocations and the evidence log", "策略、证明、吊销列表和证据日志所在文件夹");
    public static Text AgentHelpRun => new("Sockets", "套接字所在文件夹");
    public static Text AgentHelpDataRoot => new("Docker's data root", "Docker 的数据根目录");
    public static Text AgentHelpDocker => new("The daemon's unix socket", "守护进程的 unix 套接字");
    public static Text AgentHelpMeasureEvery => new("Seconds for which the measurement of a layer counts; 0: every start reads every layer", "层的度量结果有效的秒数；0：每次启动都读取每一层");
    public static Text AgentHelpRunOptions => new("install: more options of run for the agent's unit, as -- --tpm device:/dev/tpmrm0", "install：agent 单元的更多 run 选项，例如 -- --tpm device:/dev/tpmrm0");
    public static Text AgentHelpUntilWrite => new("A layer that was measured is read again when somebody wrote to it, and not before", "已度量的层只在有人写入后才重新读取");
    public static Text AgentHelpLookEvery => new("Seconds between looks at running containers", "检查运行中容器的间隔秒数");
    public static Text AgentHelpAskEvery => new("Seconds after which registries that policy names are asked again for fetched statements; 0: never", "再次向策略所列仓库询问已获取声明的间隔秒数；0 表示从不");
    public static Text AgentHelpMetrics => new("Serve numbers for Prometheus also here, such as 127.0.0.1:9464; loopback only", "同时在此地址提供 Prometheus 指标，例如 127.0.0.1:9464；仅限回环地址");
    public static Text AgentHelpRuntime => new("A name under which Docker knows our launcher; repeatable", "Docker 所知的启动器名称；可重复");
    public static Text AgentHelpTpm => new("Extend what each started image measures to there: device:/dev/tpmrm0, swtpm:host=HOST,port=PORT", "将每个已启动镜像的度量值扩展到该 TPM：device:/dev/tpmrm0、swtpm:host=主机,port=端口");
    public static Text AgentHelpTpmNv => new("… into this NV index of type extend", "……扩展到此 extend 类型的 NV 索引");
    public static Text AgentHelpPcr => new("… into this PCR instead, 11 to 15", "……改为扩展到此 PCR，11 至 15");
    public static Text AgentHelpTpmCounter => new("Count the evidence log's checkpoints in this NV index; none: in none", "在此 NV 索引中为证据日志的检查点计数；none：不计数");
    public static Text AgentHelpTpmCountEvery => new("Seconds between two counts at least; 0: each checkpoint", "两次计数之间至少间隔的秒数；0：每个检查点都计数");
    public static Text AgentHelpTpmAuth => new("Passwords of the TPM's hierarchies", "TPM 各层级的密码文件");
    public static Text AgentHelpTpmFailure => new("refuse or report a start that cannot be extended, and all starts while the log is not level with its counter", "无法扩展时、以及日志与其计数器不一致时的处理：refuse（拒绝启动）或 report（仅记录）");
    public static Text AgentHelpLogSync => new("When a line of the evidence log counts as written: grouped, each-line or never", "证据日志的行何时算作已写入：grouped、each-line 或 never");
    public static Text AgentHelpLogFile => new("Size at which the log goes on in another file", "日志换用新文件的大小（MiB）");
    public static Text AgentHelpLogFiles => new("Files that are kept", "保留的文件数");

    public static Text AgentHelpFrom => new("plimsoll-agent, plimsoll-launcher and plimsoll-front to copy", "要复制的 plimsoll-agent、plimsoll-launcher 和 plimsoll-front 所在文件夹");
    public static Text AgentHelpFromDefault => new("the folder of this program", "本程序所在文件夹");
    public static Text AgentHelpLib => new("Where they go", "安装到的文件夹");
    public static Text AgentHelpDaemonJson => new("The daemon's configuration", "守护进程的配置文件");
    public static Text AgentHelpUnits => new("systemd's units", "systemd 单元所在文件夹");
    public static Text AgentHelpRunc => new("The runtime behind the gate", "门控之后的运行时");
    public static Text AgentHelpRuncDefault => new("found in /usr and /usr/local", "在 /usr 和 /usr/local 中查找");
    public static Text AgentHelpRunsc => new("gVisor's, behind the second launcher", "gVisor 的运行时，位于第二个启动器之后");
    public static Text AgentHelpRunscDefault => new("as above; none: left out", "同上；没有则不安装");
    public static Text AgentHelpRunscArgument => new("A further argument for it, such as --network=none; repeatable", "它的附加参数，例如 --network=none；可重复");
    public static Text AgentHelpPlugin => new("What dockerd calls the authorization plugin", "dockerd 所用的授权插件名称");
    public static Text AgentHelpRoot => new("Install below this folder, and start nothing", "安装到此文件夹之下，不启动任何程序");
    public static Text AgentHelpReplaceDefault => new("Also where daemon.json names another default runtime", "即使 daemon.json 指定了其他默认运行时也安装");
    public static Text AgentHelpDryRun => new("Say what would be done", "只说明将要做什么");
    public static Text AgentHelpImage => new("doctor: image of which a container is made to prove the runtime gate", "doctor：用此镜像创建容器以证明运行时门控");
    public static Text AgentHelpImageDefault => new("a small one that policy lets through", "策略放行的较小镜像");
    public static Text AgentHelpJson => new("doctor: write the result as JSON, whose texts are English", "doctor：将结果以 JSON 输出，其中文字为英文");

    public static Text AgentHelpAccept => new("Take it for right from now on; root only, and a line of the evidence log", "从此视为无误；仅限 root，并记入证据日志");
    public static Text AgentNothingWrong => new("nothing is wrong", "没有问题");
    public static Text AgentAcceptRoot => new("only root may say so", "只有 root 可以这样做");
    public static Text AgentLookRoot => new("only root can read {0}, and so whether anything is wrong", "只有 root 能读取 {0}，因而无法得知是否有问题");
    public static Text AgentAcceptNotTaken => new("the agent did not take it within {0} seconds; say it again when it runs and reaches the TPM", "agent 未在 {0} 秒内处理；请在它运行且能访问 TPM 时再次执行");
    public static Text AgentAcceptDone => new("accepted, and a line of the evidence log", "已接受，并已记入证据日志");
    public static Text AgentAcceptLeft => new("the agent did not take it within {0} seconds; it does when it runs", "agent 未在 {0} 秒内处理；它运行时会处理");

    public static Text AgentUnknownCommand => new("unknown command {0}", "未知命令 {0}");
    public static Text AgentUnknownOption => new("unknown option {0}", "未知选项 {0}");
    public static Text AgentDidYouMean => new("did you mean {0}?", "您是否想输入 {0}？");
    public static Text AgentHelpHint => new("plimsoll-agent --help shows how it is used", "用 plimsoll-agent --help 查看用法");
    public static Text AgentWantsValue => new("{0} wants a value", "{0} 需要一个值");
    public static Text AgentWantedWord => new("{0}: {1} is not understood; wanted {2}", "{0}：无法理解 {1}；应为 {2}");
    public static Text AgentWantedNumber => new("{0}: {1} is not understood; wanted a number from {2} to {3}", "{0}：无法理解 {1}；应为 {2} 至 {3} 的数");
    public static Text AgentWantedSeconds => new("{0}: {1} is not understood; wanted seconds from {2} to {3}", "{0}：无法理解 {1}；应为 {2} 至 {3} 的秒数");
    public static Text AgentNotAbsolute => new("{0}: {1} is no absolute path", "{0}：{1} 不是绝对路径");
    public static Text AgentNotPlainWord => new("{0} behind -- is no word of plain characters without spaces", "-- 之后的 {0} 不是由普通字符组成、不含空格的词");
    public static Text AgentGivenBefore => new("{0} cannot stand behind --: install says it itself", "{0} 不能写在 -- 之后：由 install 自行给出");
    public static Text AgentNotPlainPath => new("{0}: {1} is no absolute path of plain characters without spaces", "{0}：{1} 不是由普通字符组成、不含空格的绝对路径");
    public static Text AgentNotPlainArgument => new("{0}: {1} is no option of plain characters without spaces, or there are more than {2}", "{0}：{1} 不是由普通字符组成、不含空格的选项，或数量超过 {2} 个");
    public static Text AgentNotPluginName => new("{0}: {1} is no name of letters, digits, - and _", "{0}：{1} 不是由字母、数字、- 和 _ 组成的名称");
    public static Text AgentNotImageId => new("{0}: {1} is no image's id; wanted sha256:… as docker images --no-trunc shows it", "{0}：{1} 不是镜像标识；应为 docker images --no-trunc 所显示的 sha256:…");
    public static Text AgentNotAddress => new("{0}: {1} is no address with a port; wanted one such as 127.0.0.1:9464 or [::1]:9464", "{0}：{1} 不是带端口的地址；应如 127.0.0.1:9464 或 [::1]:9464");
    public static Text AgentNotLoopback => new("{0}: {1} can be reached from other machines; wanted a loopback address such as 127.0.0.1:9464", "{0}：其他机器可以访问 {1}；应为回环地址，例如 127.0.0.1:9464");
    public static Text AgentRunOptionsOfInstall => new("{0} takes no options of run behind --; install does, for the agent's unit", "{0} 不接受 -- 之后的 run 选项；只有 install 接受，用于 agent 的单元");
    public static Text AgentTpmMissing => new("--tpm-nv, --pcr, --tpm-counter, --tpm-count-every, --tpm-auth and --tpm-failure are for --tpm", "--tpm-nv、--pcr、--tpm-counter、--tpm-count-every、--tpm-auth 和 --tpm-failure 须与 --tpm 一起使用");
    public static Text AgentTpmBoth => new("--tpm-nv and --pcr do not go together", "--tpm-nv 和 --pcr 不能同时使用");

    public static Text AgentTpmSame => new("{0} cannot be extended and counted up: --tpm-nv and --tpm-counter want an index each", "{0} 不能既用于扩展又用于计数：--tpm-nv 和 --tpm-counter 须各用一个索引");

    public static Text AgentReady => new("ready", "就绪");
    public static Text AgentLogTakesNoLine => new("the evidence log takes no line: {0}", "证据日志无法写入：{0}");
    public static Text AgentKeyNotExported => new("the evidence log's first key was not written to {0}: {1}", "证据日志的首个公钥未能写入 {0}：{1}");
    public static Text AgentOthersUnseen => new("what else runs on this host cannot be seen: {0}", "无法查看本机上还运行着什么：{0}");
    public static Text AgentFolderUnfollowed => new("changes in {0} are seen at the next look at running containers only: {1}", "{0} 中的变化只能在下次检查运行中容器时看到：{1}");
    public static Text AgentNoSocket => new("{0} is no socket, and stands where one belongs", "{0} 不是套接字，却占用了套接字的位置");
    public static Text AgentNoSocketHint => new("see whose file it is, and remove it", "先查明是谁的文件，再将其删除");
    public static Text AgentMetricsNotServed => new("metrics cannot be served on {0}: {1}", "无法在 {0} 提供指标：{1}");
    public static Text AgentAnd => new("{0} and {1}", "{0} 和 {1}");

    /// <summary>How to go on when the evidence log cannot be opened; null where its own words say all there is to say.</summary>
    /// <param name="code"><c>log-damaged</c> and the like.</param>
    public static Text? AgentLogHint(string code) => code switch
    {
        "log-disk-full" => new("make room; nothing starts while nothing can be written down", "请腾出空间；无法写入日志时不放行任何启动"),
        "log-in-use" => new("another plimsoll-agent runs with this state folder: systemctl status plimsoll-agent", "另有 plimsoll-agent 正在使用此文件夹：systemctl status plimsoll-agent"),
        "log-damaged" => new("plimsoll log verify says what is wrong; move the log's folder and its key away to begin a new one", "plimsoll log verify 会指出问题；移走日志文件夹及其密钥后可开始新日志"),
        "log-key-missing" => new("put log.key back; move the log's folder away to begin a new one", "请恢复 log.key；移走日志文件夹后可开始新日志"),
        "log-folder" => new("the folder must be root's alone: chmod 700", "该文件夹只能由 root 访问：chmod 700"),
        _ => null,
    };
}
