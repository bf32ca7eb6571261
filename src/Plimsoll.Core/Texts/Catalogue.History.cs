namespace Plimsoll.Texts;

/// <content>The check of an image's history.</content>
public static partial class Catalogue
{
    public static Text HistoryInBase { get; } = new("{0} (in the base image)", "{0}（位于基础镜像）");

    /// <summary>By the check's own id; arguments as the rule gives them.</summary>
    public static RuleText HistoryRule(string id) => id switch
    {
        "pipe-to-shell" => new(new("A download is run by a shell unseen", "下载内容直接交给 shell 执行"), new("Download to a file, check its digest, then run it", "先下载到文件，校验摘要后再执行")),
        "download-and-run" => new(new("A downloaded file is run without a check of its digest or signature", "下载的文件未校验摘要或签名就被执行"), new("Check it with sha256sum -c or gpg --verify in the same RUN", "在同一个 RUN 中用 sha256sum -c 或 gpg --verify 校验")),
        "unchecked-binary" => new(new("A downloaded file is made executable without a check of its digest or signature", "下载的文件未校验摘要或签名就被设为可执行"), new("Check it with sha256sum -c or gpg --verify in the same RUN", "在同一个 RUN 中用 sha256sum -c 或 gpg --verify 校验")),
        "world-writable" => new(new("chmod {0} lets everybody write", "chmod {0} 允许所有人写入"), new("Give rights to the user that needs them, as 755 or u+w", "只把权限给需要的用户，例如 755 或 u+w")),
        "setuid" => new(new("chmod {0} sets the setuid or setgid bit", "chmod {0} 设置了 setuid 或 setgid 位"), new("Leave the bit out; run as the user that is needed", "不要设置该位；以所需用户运行")),
        "file-capability" => new(new("setcap gives a file capabilities", "setcap 赋予文件 capability"), new("Give the container the capability instead", "改为赋予容器该 capability")),
        "root-group" => new(new("A user is added to the group {0}", "用户被加入 {0} 组"), new("Leave the user out of it", "不要把用户加入该组")),
        "root-user" => new(new("A second user with UID 0 is made", "创建了第二个 UID 为 0 的用户"), new("Use another UID", "使用其他 UID")),
        "sudo-nopasswd" => new(new("sudoers allows root without a password", "sudoers 允许免密码获得 root"), new("Leave sudo out of images", "镜像中不要使用 sudo")),
        "password-set" => new(new("A password is set in a command", "在命令中设置了密码"), new("Leave the account locked", "保持账户锁定")),
        "tls-off" => new(new("{0} is told not to check certificates", "{0} 被要求不校验证书"), new("Install the needed authority's certificate instead", "改为安装所需的机构证书")),
        "signature-off" => new(new("{0} is told not to check signatures", "{0} 被要求不校验签名"), new("Install the needed key instead", "改为安装所需的密钥")),
        "plain-http" => new(new("{0} takes software over plain HTTP", "{0} 通过明文 HTTP 获取软件"), new("Use https", "使用 https")),
        "add-unchecked" => new(new("ADD of an address without --checksum", "ADD 远程地址没有 --checksum"), new("Add --checksum=sha256:…", "加上 --checksum=sha256:…")),
        "unpinned" => new(new("{0} installs what is newest: {1}", "{0} 安装最新版本：{1}"), new("Name a version", "写明版本")),
        "account-file" => new(new("A command writes {0}", "命令写入了 {0}"), new("Use useradd or a later, reviewed step", "使用 useradd，或经过审查的步骤")),
        "preload" => new(new("A command writes {0}, which every program then loads", "命令写入了 {0}，之后每个程序都会加载它"), new("Leave it out", "去掉它")),
        "cron" => new(new("A command makes a cron job in {0}", "命令在 {0} 中创建了定时任务"), new("Run jobs outside of the image", "在镜像之外运行任务")),
        "ssh-root-login" => new(new("sshd is told to let root in", "sshd 被设置为允许 root 登录"), new("Leave the SSH server out of images", "镜像中不要放 SSH 服务器")),
        "authorized-keys" => new(new("A command writes {0}", "命令写入了 {0}"), new("Leave SSH keys out of images", "镜像中不要放 SSH 密钥")),
        "no-command" => new(new("A layer has no recorded command", "有一层没有记录命令"), new("Build the image from a Dockerfile", "用 Dockerfile 构建镜像")),
        "committed" => new(new("A layer was committed from a running container", "有一层是从运行中的容器提交的"), new("Build the image from a Dockerfile", "用 Dockerfile 构建镜像")),
        "imported" => new(new("A layer was imported as an archive", "有一层是作为归档导入的"), new("Build the image from a Dockerfile", "用 Dockerfile 构建镜像")),
        "history-mismatch" => new(new("The history speaks of {0} layers, the image has {1}", "历史记录有 {0} 层，镜像有 {1} 层"), new("Build the image anew; its history says nothing of the layers", "重新构建镜像；其历史记录不能说明各层")),
        "no-history" => new(new("The image has no history", "镜像没有历史记录"), new("Build with a tool that records what it did", "使用会记录步骤的工具构建")),
        "time-order" => new(new("A line of the history is older than the one before", "历史记录中有一行早于前一行"), new("Ask who built it how: lines may have been changed", "查明构建者与方式：记录可能被改动")),
        "secret-build-arg" => new(new("The build argument {0} looks like a secret and stays in the history", "构建参数 {0} 像是密钥，会留在历史记录中"), new("Use RUN --mount=type=secret", "使用 RUN --mount=type=secret")),
        "encoded-command" => new(new("An encoded text is decoded and run", "编码的文本被解码后执行"), new("Write commands so that they can be read", "命令应当可读")),
        _ => new(new(id, id), new(id, id)),
    };
}
