namespace Plimsoll.Texts;

/// <content>Rules of the configuration check. Advice is shown as it stands; only titles have arguments.</content>
public static partial class Catalogue
{
    /// <summary>Title and advice of a rule, or null for one that does not exist.</summary>
    public static (Text Title, Text? Advice)? FindConfigurationRule(string rule) => rule switch
    {
        "CIS-4.1" => (
            new("The container runs as root (user {0})", "容器以 root 运行（用户 {0}）"),
            new("Create a user in the Dockerfile and end with USER NAME, or a number other than 0", "在 Dockerfile 中创建用户，并以 USER 用户名（或非 0 的编号）结尾")),
        "user-unknown" => (
            new("USER {0} is no account of the image, so the container cannot start", "USER {0} 不是镜像中的账户，容器无法启动"),
            new("Add the account, or give a number", "添加该账户，或改用数字编号")),
        "CIS-4.6" => (
            new("The image has no health check", "镜像没有健康检查"),
            new("Add HEALTHCHECK CMD … to the Dockerfile; orchestrators with probes of their own need none", "在 Dockerfile 中添加 HEALTHCHECK CMD …；编排系统自带探针时可不加")),
        "CIS-4.7" => (
            new("A line of the Dockerfile updates package lists alone", "Dockerfile 中有一行只更新软件包列表"),
            new("Put update and install into one RUN: the list is cached with its layer and grows old", "把 update 与 install 写进同一个 RUN：列表会随该层缓存而过期")),
        "CIS-4.9" => (
            new("A file was added by ADD, which also fetches and unpacks", "文件由 ADD 加入，而 ADD 还会下载和解包"),
            new("Use COPY for files; for addresses use ADD --checksum, or download and verify in a RUN", "普通文件用 COPY；网址用 ADD --checksum，或在 RUN 中下载并校验")),
        "CIS-4.11" => (
            new("Packages are installed without verifying their signature ({0})", "安装软件包时不验证签名（{0}）"),
            new("Remove the switch and give the repository's key (signed-by, gpgkey)", "去掉该选项，并配置软件源的密钥（signed-by、gpgkey）")),
        "CIS-4.8" => (
            new("Programs with setuid or setgid rights as distributions bring them: {0}", "发行版常见的 setuid 或 setgid 程序：{0} 个"),
            new("RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} + where nothing needs them, or run with --security-opt no-new-privileges", "若无需要，可执行 RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +，或以 --security-opt no-new-privileges 运行")),
        "setuid-unusual" => (
            new("{0} has setuid or setgid rights, and no package brought it", "{0} 具有 setuid 或 setgid 权限，且不属于任何软件包"),
            new("Find out who put it there; take the right away with chmod a-s", "查明其来源；用 chmod a-s 去掉该权限")),
        "setuid-not-the-packages" => (
            new("{0} is setuid or setgid under a known name, but is not the file that the package brought", "{0} 以常见程序名具有 setuid 或 setgid 权限，但并非软件包所带的文件"),
            new("Reinstall the package and compare; a replaced su or sudo is how a backdoor looks", "重新安装软件包并比较；被替换的 su 或 sudo 正是后门的样子")),
        "setuid-uncommon" => (
            new("{0} has setuid or setgid rights from its package", "{0} 由其软件包赋予 setuid 或 setgid 权限"),
            new("Take the right away with chmod a-s unless the program is used", "除非要用到该程序，否则用 chmod a-s 去掉权限")),
        "setuid-script" => (
            new("{0} is a script with setuid or setgid rights, which the kernel ignores", "{0} 是带 setuid 或 setgid 权限的脚本，内核会忽略该权限"),
            new("Take the right away with chmod a-s", "用 chmod a-s 去掉权限")),
        "capabilities" => (
            new("{0} has file capabilities that amount to much", "{0} 具有影响较大的文件能力（capabilities）"),
            new("Remove them with setcap -r, or give the container the capability instead of the file", "用 setcap -r 去掉，或把能力授予容器而不是文件")),
        "capabilities-everyday" => (
            new("{0} has file capabilities", "{0} 具有文件能力（capabilities）"),
            new("Remove them with setcap -r where nothing needs them", "若无需要，用 setcap -r 去掉")),
        "capabilities-everyday-many" => (
            new("Files with file capabilities in {1}: {0}", "{1} 中有 {0} 个文件具有文件能力（capabilities）"),
            new("Remove them with setcap -r where nothing needs them", "若无需要，用 setcap -r 去掉")),
        "capabilities-unreadable" => (
            new("{0} has a capability attribute that is none", "{0} 的能力属性无法解读"),
            new("Remove the attribute; the kernel refuses to start such a program", "删除该属性；内核会拒绝启动这样的程序")),
        "world-writable-file" => (
            new("Everybody may write to {0}", "任何人都可写 {0}"),
            new("Take the right away: chmod o-w", "取消该权限：chmod o-w")),
        "world-writable-files" => (
            new("Files that everybody may write to in {1}: {0}", "任何人都可写 {1} 中的 {0} 个文件"),
            new("Take the right away: chmod -R o-w; in a Dockerfile: COPY --chmod=…", "取消该权限：chmod -R o-w；在 Dockerfile 中：COPY --chmod=…")),
        "world-writable-folder" => (
            new("Everybody may write to the folder {0}, which has no sticky bit", "任何人都可写文件夹 {0}，且没有粘滞位"),
            new("Take the right away: chmod o-w, or chmod +t for a shared folder", "取消该权限：chmod o-w；共享文件夹则 chmod +t")),
        "world-writable-folders" => (
            new("Folders without sticky bit that everybody may write to in {1}: {0}", "任何人都可写 {1} 中的 {0} 个文件夹，且没有粘滞位"),
            new("Take the right away: chmod -R o-w, or chmod +t for shared folders", "取消该权限：chmod -R o-w；共享文件夹则 chmod +t")),
        "device-node" => (
            new("{0} is a device node", "{0} 是设备节点"),
            new("Remove it; runtimes make the devices a container needs", "将其删除；运行时会创建容器所需的设备")),
        "device-nodes" => (
            new("Device nodes in {1}: {0}", "{1} 中有 {0} 个设备节点"),
            new("Remove them; runtimes make the devices a container needs", "将其删除；运行时会创建容器所需的设备")),
        "docker-socket" => (
            new("{0} stands where Docker's socket would be", "{0} 位于 Docker 套接字的位置"),
            new("Remove it; a container that reaches the daemon's socket owns the host", "将其删除；能访问守护进程套接字的容器等于拥有主机")),
        "owner-unknown" => (
            new("Folders belong to uid {0}, which is no account of the image", "有文件夹属于 uid {0}，而镜像中没有该账户"),
            new("Add the account, or chown to one that exists", "添加该账户，或 chown 给已有的账户")),
        "second-root" => (
            new("The account {0} has uid 0 beside root", "除 root 外，账户 {0} 的 uid 也是 0"),
            new("Remove the account or give it a number of its own", "删除该账户，或为其分配自己的编号")),
        "sshd-root-login" => (
            new("sshd lets root log in with a password", "sshd 允许 root 用密码登录"),
            new("PermitRootLogin no, or prohibit-password", "改为 PermitRootLogin no 或 prohibit-password")),
        "sshd-passwords" => (
            new("sshd takes passwords", "sshd 接受密码登录"),
            new("PasswordAuthentication no, and keys", "改为 PasswordAuthentication no，使用密钥")),
        "sshd-empty-passwords" => (
            new("sshd takes empty passwords", "sshd 接受空密码"),
            new("PermitEmptyPasswords no", "改为 PermitEmptyPasswords no")),
        "authorized-keys" => (
            new("{0} lets keys of the image log in", "{0} 允许镜像中的公钥登录"),
            new("Mount keys at run time; whoever has the private key enters every container of this image", "在运行时挂载公钥；持有私钥者可进入该镜像的所有容器")),
        "sudo-without-password" => (
            new("{0} gives rights without asking for a password", "{0} 授予权限而不要求密码"),
            new("Remove the line; start the container as the user that the work needs", "删除该行；以工作所需的用户启动容器")),
        "preloaded-library" => (
            new("Every program is made to load {0}", "所有程序都会被强制加载 {0}"),
            new("Remove etc/ld.so.preload, unless the library is known; that is how rootkits hide", "除非确知该库的用途，否则删除 etc/ld.so.preload；rootkit 常以此隐藏")),
        "scheduled-task" => (
            new("{0} has a scheduled task that no package brought", "{0} 含有不属于任何软件包的计划任务"),
            new("Run tasks from outside the container; remove what nobody knows", "从容器外执行计划任务；来历不明的应删除")),
        "exposed-port" => (
            new("Port {0} is exposed: {1}", "暴露了端口 {0}：{1}"),
            new("Remove EXPOSE unless the service is wanted, and then only with encryption and a password", "除非确需该服务，否则去掉 EXPOSE；需要时须加密并设密码")),
        "sensitive-volume" => (
            new("The folder {0} is declared a volume", "文件夹 {0} 被声明为卷"),
            new("Declare a folder of the application's data instead; what is mounted there takes the system's place", "改为声明应用的数据文件夹；挂载内容会取代系统文件")),
        "no-command" => (
            new("The image names neither ENTRYPOINT nor CMD", "镜像既没有 ENTRYPOINT 也没有 CMD"),
            new("Say what is to run", "写明要运行的程序")),
        "onbuild" => (
            new("Lines that run in every image built on this one: {0}", "基于此镜像构建时会自动执行 {0} 行指令"),
            new("Remove ONBUILD and write the lines where they are needed", "去掉 ONBUILD，把指令写到需要的地方")),
        "stop-signal-kill" => (
            new("The container is stopped by SIGKILL and gets no time to end", "容器以 SIGKILL 停止，没有时间正常退出"),
            new("STOPSIGNAL SIGTERM", "STOPSIGNAL SIGTERM")),
        "labels-missing" => (
            new("Labels that name the image's origin are missing", "缺少说明镜像来源的标签"),
            new("LABEL org.opencontainers.image.source=… (and version, revision)", "LABEL org.opencontainers.image.source=…（以及 version、revision）")),
        "latest-tag" => (
            new("The image has no tag but latest", "镜像只有 latest 标签"),
            new("Give it a version as tag and deploy by digest", "用版本号作标签，并按摘要部署")),
        "platform-unknown" => (
            new("The config names no known platform", "配置中没有已知的平台"),
            new("Build with --platform, such as linux/amd64", "用 --platform 构建，例如 linux/amd64")),
        "preload-variable" => (
            new("{0} makes every program load a library", "{0} 使所有程序加载一个库"),
            new("Remove the variable, or set it for the one program that needs it", "去掉该变量，或只为需要的程序设置")),
        "library-path" => (
            new("LD_LIBRARY_PATH searches the current folder", "LD_LIBRARY_PATH 会搜索当前文件夹"),
            new("Remove empty and relative parts; ${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} leaves none", "去掉空的和相对的部分；可用 ${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}")),
        "search-path-relative" => (
            new("PATH has empty or relative parts, so that programs of the current folder run", "PATH 含有空的或相对的部分，会运行当前文件夹中的程序"),
            new("Use absolute folders only", "只使用绝对路径")),
        "search-path-writable" => (
            new("PATH holds a folder that everybody may write to: {0}", "PATH 中有任何人都可写的文件夹：{0}"),
            new("Remove it from PATH, or chmod o-w", "从 PATH 中去掉，或 chmod o-w")),
        "checks-disabled" => (
            new("{0} switches off the verification of certificates or sources", "{0} 关闭了证书或来源校验"),
            new("Remove the variable and add the CA's certificate to the image", "去掉该变量，并把 CA 证书加入镜像")),
        "access-without-password" => (
            new("{0} lets people in without a password", "{0} 允许无密码访问"),
            new("Remove the variable; give the password at run time", "去掉该变量；在运行时提供密码")),
        "debugger-open" => (
            new("{0} opens a debugger to the network", "{0} 向网络开放调试器"),
            new("Remove the variable from images that are deployed", "在部署的镜像中去掉该变量")),
        "proxy-password" => (
            new("{0} holds a name and password for a proxy", "{0} 中含有代理的用户名和密码"),
            new("Give proxies as build arguments that Docker knows (they are not kept), and change the password", "用 Docker 预定义的构建参数传入代理（不会被保存），并更换密码")),
        "ssh-server" => (
            new("An SSH server is installed", "安装了 SSH 服务器"),
            new("Remove it; docker exec does what it is used for", "将其移除；用 docker exec 代替")),
        "telnet-server" => (
            new("A telnet server is installed", "安装了 telnet 服务器"),
            new("Remove it; it sends passwords in the clear", "将其移除；telnet 以明文传送密码")),
        "rsh-server" => (
            new("A server for rsh, rlogin or rexec is installed", "安装了 rsh、rlogin 或 rexec 服务器"),
            new("Remove it; it believes whatever address asks", "将其移除；它信任任何来源地址")),
        "ftp-server" => (
            new("An FTP or TFTP server is installed", "安装了 FTP 或 TFTP 服务器"),
            new("Remove it, unless it is what the image is for; FTP sends passwords in the clear, TFTP asks for none", "除非镜像就是为此而做，否则移除；FTP 明文传送密码，TFTP 不需要密码")),
        "remote-desktop" => (
            new("A remote desktop server is installed", "安装了远程桌面服务器"),
            new("Remove it, unless it is what the image is for", "除非镜像就是为此而做，否则移除")),
        "package-manager" => (
            new("A package manager is installed: {0}", "安装有软件包管理器：{0}"),
            new("Build on a slim or distroless base, or in several stages", "使用精简或 distroless 基础镜像，或分阶段构建")),
        "compilers" => (
            new("Compilers are installed: {0}", "安装有编译器：{0}"),
            new("Build in an earlier stage and copy the result", "在前一阶段构建，只复制结果")),
        "debug-tools" => (
            new("Tools to watch or attack programs and networks are installed: {0}", "安装有调试或网络探测工具：{0}"),
            new("Leave them to a debug image (docker debug, ephemeral containers)", "留给调试镜像（docker debug、临时容器）")),
        "network-tools" => (
            new("Tools that fetch or listen are installed: {0}", "安装有下载或监听工具：{0}"),
            new("Remove what only the build needed", "移除只有构建时才需要的工具")),
        _ => null,
    };
}
