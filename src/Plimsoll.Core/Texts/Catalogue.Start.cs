namespace Plimsoll.Texts;

/// <content>Verdicts on starts of containers.</content>
public static partial class Catalogue
{
    public static Text StartLearnt => new("learning ended on {0}; refusals refuse", "学习模式已于 {0} 结束，拒绝即生效");
    public static Text StartLearning => new("until {0} what start refuses is only a warning, but for privileged containers, engine sockets, untrusted images outside a sandbox and executables of the container's own", "在 {0} 之前，除特权容器、引擎套接字、沙箱外的不受信任镜像和容器自身的可执行文件外，启动时的拒绝仅为警告");
    public static Text StartRuleOver => new("this rule ended on {0} and lets nothing start", "该规则已于 {0} 结束，不再允许任何启动");
    public static Text StartPrivileged => new("privileged containers may start: each is as good as root on the host", "允许特权容器启动：等同于主机 root");
    public static Text StartSockets => new("containers may have the engine's socket: each is as good as root on the host", "允许容器使用引擎套接字：等同于主机 root");
    public static Text StartBindSensitive => new("{0} can do nothing: it lies in {1}, which is refused unless sensitive-paths names it", "{0} 不起作用：它位于敏感路径 {1} 中，除非 sensitive-paths 列出");
    public static Text StartRuleFor => new("Starts of {0} ({1})", "{0} 的启动规则（{1}）");
    public static Text StartDenies => new("may not start: {0}", "不得启动：{0}");
    public static Text StartLabels => new("only images with the labels {0}", "仅限带有标签 {0} 的镜像");
    public static Text StartUsers => new("only for the clients {0}", "仅限客户端 {0}");
    public static Text StartWindowText => new("at {0}", "时间：{0}");
    public static Text StartFirst => new("from {0}", "自 {0} 起");
    public static Text StartLast => new("until {0}", "至 {0} 止");
    public static Text StartEngine => new("Lets the engine be asked for: {0}", "允许的引擎操作：{0}");
    public static Text StartBreakGlass => new("A token signed by {0} of {1} lets a refused start through, for at most {2} hours", "由 {1} 中 {0} 方签名的令牌可放行被拒绝的启动，最长 {2} 小时");
    public static Text StartBuilders => new("may build: {0}", "可以构建：{0}");

    public static Text StartRunningActs => new("running containers are touched too: a key that is revoked, a statement that grows too old or a newer policy ends or freezes a service within one look",
        "会影响正在运行的容器：密钥被吊销、声明过期或策略更新后，服务会在一次检查内被停止或冻结");

    public static Text StartUntrusted => new("Images that nobody vouches for (signed: none) start under these runtimes alone: {0}", "无人担保的镜像（signed: none）只能在以下运行时下启动：{0}");
    public static Text StartUntrustedIdle => new("it does nothing: no rule of trust.images says signed: none", "不起作用：trust.images 中没有 signed: none 的规则");
    public static Text StartUntrustedNowhere => new("untrusted images start nowhere: no rule has one of these in runtime.names", "不受信任的镜像无处可启动：没有规则的 runtime.names 包含其中之一");

    public static Text StartOwnAnywhere => new("whatever a container writes may be run when it is started again", "容器写入的任何文件在重新启动后都可执行");

    public static Text StartEvidence => new("Statements that the drop folder lacks are fetched from: {0}", "本地证据文件夹缺少的声明将从以下仓库获取：{0}");

    public static Text StartEvidencePlain => new("{0}: spoken to without TLS, so that whoever stands between can hold statements back and read credentials",
        "{0}：不使用 TLS 连接，中间人可以扣留声明并读取凭据");

    public static Text StartRunning(string action) => action switch
    {
        "pause" => new("Running containers that would not start now are paused", "现在不允许启动的运行中容器将被暂停"),
        "stop" => new("Running containers that would not start now are stopped", "现在不允许启动的运行中容器将被停止"),
        _ => new("Running containers that would not start now are reported and run on", "现在不允许启动的运行中容器仅报告，继续运行"),
    };

    private static Text? StartReason(string code) => code switch
    {
        "no-start-rules" => new("the policy {0} has no section start, so that nothing may start", "策略 {0} 没有 start 部分，任何容器都不得启动"),
        "no-start-rule" => new("no rule of the policy lets {0} start now (client {1})", "策略中没有允许 {0} 此时启动的规则（客户端 {1}）"),
        "start-denied" => new("the policy denies this start: {0}", "策略禁止启动：{0}"),
        "learning" => new("the policy is learning until {0}: what it would refuse is only said", "策略在 {0} 之前处于学习模式：应拒绝的仅作提示"),
        "malformed-json" or "trailing-bytes" or "not-unicode" or "duplicate-key" or "bad-value" or "body-absent" or "body-too-long" or "body-too-deep" or "body-too-many-values" =>
            new("the request cannot be read for certain: {0}", "无法确定请求的含义：{0}"),
        "config-unreadable" => new("the image's config cannot be read for certain: {0}", "无法确定镜像配置的含义：{0}"),
        "unknown-field" => new("fields that are not known here and so cannot be judged: {0}", "含有无法判定的未知字段：{0}"),
        "privileged" => new("the container would be privileged", "容器请求特权模式"),
        "capability-added" => new("capabilities that are not allowed: {0}", "不允许的 capability：{0}"),
        "runs-as-root" => new("runs as root ({0})", "以 root 身份运行（{0}）"),
        "user-changed" => new("runs as {0}, which is not the user of the image", "以 {0} 身份运行，与镜像指定的用户不同"),
        "group-added" => new("groups that are not allowed: {0}", "不允许的附加组：{0}"),
        "seccomp-unconfined" => new("system calls would not be filtered (seccomp {0})", "系统调用不受过滤（seccomp {0}）"),
        "seccomp-profile" => new("system calls would be filtered by {0}", "系统调用过滤使用了自带的配置（{0}）"),
        "apparmor-unconfined" => new("AppArmor would not confine it ({0})", "不受 AppArmor 约束（{0}）"),
        "apparmor-profile" => new("another AppArmor profile: {0}", "使用其他 AppArmor 配置：{0}"),
        "selinux-label" => new("another SELinux label: {0}", "使用其他 SELinux 标签：{0}"),
        "security-option" => new("security options that are not known: {0}", "未知的安全选项：{0}"),
        "new-privileges" => new("it may gain privileges ({0} is not set)", "可能获得新权限（未设置 {0}）"),
        "entrypoint-changed" => new("the entrypoint is not the image's: {0}", "入口点与镜像的配置不同：{0}"),
        "command-changed" => new("the command is not the image's: {0}", "命令与镜像的配置不同：{0}"),
        "environment-dangerous" => new("variables that make programs load other code: {0}", "会使程序加载其他代码的环境变量：{0}"),
        "environment-changed" => new("variables that may not be set: {0}", "不允许设置的环境变量：{0}"),
        "working-dir-changed" => new("the working directory is not the image's: {0}", "工作目录与镜像不同：{0}"),
        "health-check-changed" => new("the health check is not the image's: {0}", "健康检查与镜像不同：{0}"),
        "shell" => new("the shell of health checks is not the image's: {0}", "健康检查所用的 shell 与镜像不同：{0}"),
        "init-added" => new("an init of the host's would run before the image's process ({0})", "会先运行主机的 init 程序（{0}）"),
        "hook" => new("programs on the host that are run around the start: {0}", "启动前后在主机上运行的程序：{0}"),
        "pid-host" => new("sees the processes of the host (pid mode {0})", "可见主机进程（pid 模式 {0}）"),
        "pid-container" => new("sees the processes of another container: {0}", "可见其他容器的进程：{0}"),
        "ipc-host" => new("shares memory with the host (ipc mode {0})", "与主机共享内存（ipc 模式 {0}）"),
        "ipc-container" => new("shares memory with another container: {0}", "与其他容器共享内存：{0}"),
        "uts-host" => new("may rename the host (uts mode {0})", "可修改主机名（uts 模式 {0}）"),
        "uts-container" => new("shares the host name of another container: {0}", "与其他容器共享主机名：{0}"),
        "user-namespace-host" => new("users would not be mapped (user namespace {0})", "不映射用户（用户命名空间 {0}）"),
        "user-namespace-container" => new("shares the user namespace {0}", "共享用户命名空间 {0}"),
        "cgroup-namespace-host" => new("sees the cgroups of the host (cgroup namespace {0})", "可见主机的 cgroup（cgroup 命名空间 {0}）"),
        "cgroup-namespace-container" => new("shares the cgroup namespace {0}", "共享 cgroup 命名空间 {0}"),
        "network-host" => new("uses the network of the host", "使用主机网络"),
        "network-container" => new("uses the network of another container: {0}", "使用其他容器的网络：{0}"),
        "network-not-allowed" => new("networks that are not allowed: {0}", "不允许的网络：{0}"),
        "port-not-allowed" => new("ports of the host that are not allowed: {0}", "不允许的主机端口：{0}"),
        "address-not-allowed" => new("addresses of the host that are not allowed: {0}", "不允许的主机地址：{0}"),
        "publish-all" => new("publishes every port of the image", "发布镜像的所有端口"),
        "link" => new("links to other containers: {0}", "链接到其他容器：{0}"),
        "dns" => new("name servers of its own: {0}", "自定 DNS 服务器：{0}"),
        "extra-hosts" => new("names of hosts of its own: {0}", "自定主机名：{0}"),
        "bind-not-allowed" => new("paths of the host that are not allowed: {0}", "不允许的主机路径：{0}"),
        "sensitive-path" => new("sensitive paths of the host: {0}", "敏感的主机路径：{0}"),
        "path-unresolved" => new("paths of the host of which nobody can say where they lead: {0}", "无法确定指向的主机路径：{0}"),
        "engine-socket" => new("sockets by which one is root on the host: {0}", "可取得主机 root 权限的套接字：{0}"),
        "volume-driver" => new("drivers of volumes that are not allowed: {0}", "不允许的卷驱动：{0}"),
        "volume-options" => new("options of a volume that are not allowed: {0}", "不允许的卷选项：{0}"),
        "volumes-from" => new("takes over the volumes of other containers: {0}", "使用其他容器的卷：{0}"),
        "propagation" => new("mounts that spread between host and container: {0}", "挂载在主机与容器间传播：{0}"),
        "mount-type" => new("mounts of a type that is not known: {0}", "未知类型的挂载：{0}"),
        "system-target" => new("mounts over folders of programs and libraries: {0}", "挂载覆盖了程序和库目录：{0}"),
        "executable-from-volume" => new("the program would come out of a mount and not out of the image: {0}", "程序来自挂载而非镜像：{0}"),
        "own-executable" => new("files of the container's own that can be run, and that neither the image has nor the policy lists: {0}", "容器自身层中的可执行文件，既不属于镜像，也未被策略列出：{0}"),
        "device" => new("devices that are not allowed: {0}", "不允许的设备：{0}"),
        "device-rule" => new("rules for devices that are not allowed: {0}", "不允许的设备规则：{0}"),
        "device-request" => new("devices asked of drivers: {0}", "向驱动请求的设备：{0}"),
        "sysctl" => new("kernel parameters that are not allowed: {0}", "不允许的内核参数：{0}"),
        "paths-unmasked" => new("paths of the kernel that would be open: {0}", "未屏蔽的内核路径：{0}"),
        "cgroup-parent" => new("another cgroup parent: {0}", "使用其他 cgroup 父级：{0}"),
        "log-driver" => new("log drivers that are not allowed: {0}", "不允许的日志驱动：{0}"),
        "log-address" => new("sends its log to where it may not: {0}", "日志发送到不允许的地址：{0}"),
        "no-memory-limit" => new("no limit for memory", "没有内存限制"),
        "no-cpu-limit" => new("no limit for processors", "没有处理器限制"),
        "no-pids-limit" => new("no limit for processes", "没有进程数限制"),
        "limit-above" => new("more than the policy gives: {0}", "超过策略上限：{0}"),
        "oom-protected" => new("would be spared when memory runs out: {0}", "内存不足时不会被终止：{0}"),
        "real-time" => new("may take processors for itself ({0})", "可独占处理器（{0}）"),
        "ulimit" => new("limits of its own: {0}", "自定 ulimit：{0}"),
        "runtime-not-secure" => new("the image is untrusted, as nothing signed is asked for, and the runtime is {0}; wanted a secure one: {1}", "镜像不受信任（未要求任何签名），而运行时为 {0}；须使用安全运行时：{1}"),
        "runtime-not-allowed" => new("the runtime is {0}, which is not allowed for this image", "运行时 {0} 不允许用于该镜像"),
        "isolation" => new("another isolation: {0}", "使用其他隔离方式：{0}"),
        "storage-option" => new("options for storage that are not allowed: {0}", "不允许的存储选项：{0}"),
        "annotation" => new("annotations for the runtime that are not allowed: {0}", "不允许的运行时注解：{0}"),
        "root-writable" => new("the root file system can be written ({0} is not set)", "根文件系统可写（未设置 {0}）"),
        "restart-policy" => new("is started again by the engine itself ({0})", "由引擎自动重新启动（{0}）"),
        "image-by-name" => new("the image is asked for by a name and not by its digest: {0}", "镜像按名称而非摘要指定：{0}"),
        _ => null,
    };
}
