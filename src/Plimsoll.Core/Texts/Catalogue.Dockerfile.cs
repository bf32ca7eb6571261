namespace Plimsoll.Texts;

/// <summary>What a rule says, and what to do about it.</summary>
public readonly record struct RuleText(Text Title, Text Advice);

/// <content>The linter of Dockerfiles and its verb. Ids and meaning of the rules are hadolint's, the words are ours.</content>
public static partial class Catalogue
{
    public static Text LintSummary { get; } = new("Check Dockerfiles, or the history of an image", "检查 Dockerfile，或镜像的历史记录");
    public static Text HelpDockerfile { get; } = new("Dockerfile; - for standard input", "Dockerfile；- 表示标准输入");
    public static Text HelpLintImage { get; } = new("Rebuild this image's Dockerfile from its history, print and check it", "根据该镜像的历史记录还原 Dockerfile，输出并检查");
    public static Text HelpLintOutput { get; } = new("table (default), json or sarif, to standard output or a file", "table（默认）、json 或 sarif，输出到标准输出或文件");
    public static Text HelpLintConfig { get; } = new("hadolint's configuration file (default: .hadolint.yaml here)", "hadolint 的配置文件（默认为当前目录的 .hadolint.yaml）");
    public static Text HelpLintIgnore { get; } = new("Leave this rule out; repeatable", "不使用该规则；可重复");
    public static Text HelpLintFailOn { get; } = new("Exit 1 on a finding at or above: error, warning, info (default), style, ignore, none", "有达到该级别的结果时退出码为 1：error、warning、info（默认）、style、ignore、none");
    public static Text HelpNoShellCheck { get; } = new("Do not run ShellCheck on RUN lines", "不对 RUN 行运行 ShellCheck");
    public static Text LintClean { get; } = new("{0}: nothing to remark", "{0}：没有问题");
    public static Text LintCount { get; } = new("{0} findings in {1} files", "{1} 个文件中有 {0} 个结果");
    public static Text LintNoShellCheck { get; } = new("shellcheck is not installed: RUN lines were not looked at by it", "未安装 shellcheck：没有用它检查 RUN 行");
    public static Text LintShellCheckFailed { get; } = new("shellcheck failed: {0}", "shellcheck 失败：{0}");
    public static Text LintUnknownBase { get; } = new("the base image is not known by name", "基础镜像的名称未知");
    public static Text LintError { get; } = new("error", "错误");
    public static Text LintWarning { get; } = new("warning", "警告");
    public static Text LintInfo { get; } = new("info", "提示");
    public static Text LintStyle { get; } = new("style", "风格");
    public static Text LintIgnore { get; } = new("ignore", "忽略");

    /// <summary>By hadolint's id; arguments as the rule gives them.</summary>
    public static RuleText DockerfileRule(string id) => id switch
    {
        "DL1001" => new(new("An inline \"hadolint ignore\" is used", "使用了行内 hadolint ignore 注释"), new("Fix what the rule says, or accept it in the configuration file", "按规则修正，或在配置文件中接受")),
        "DL3000" => new(new("WORKDIR {0} is not absolute", "WORKDIR {0} 不是绝对路径"), new("Begin the path with /", "路径以 / 开头")),
        "DL3001" => new(new("{0} makes no sense in a container", "{0} 在容器中没有意义"), new("Leave the command out", "去掉该命令")),
        "DL3002" => new(new("The last USER is root", "最后的 USER 是 root"), new("Switch to an ordinary user at the end", "最后切换到普通用户")),
        "DL3003" => new(new("cd is used where WORKDIR belongs", "应使用 WORKDIR，而不是 cd"), new("Use WORKDIR to change the folder", "用 WORKDIR 切换目录")),
        "DL3004" => new(new("sudo is used", "使用了 sudo"), new("RUN is root already unless USER says otherwise; use gosu at run time", "RUN 默认已是 root；运行时可用 gosu")),
        "DL3006" => new(new("The base image {0} has no tag", "基础镜像 {0} 没有标签"), new("Name a version or a digest: image:1.2 or image@sha256:…", "写明版本或摘要：image:1.2 或 image@sha256:…")),
        "DL3007" => new(new("The base image {0} is taken as latest", "基础镜像 {0} 使用 latest 标签"), new("Name a version: latest moves", "写明版本：latest 会变动")),
        "DL3008" => new(new("apt-get install without a version: {0}", "apt-get install 未固定版本：{0}"), new("Write package=version", "写成 软件包=版本")),
        "DL3009" => new(new("The lists of apt stay in the layer", "apt 的列表留在层中"), new("End the same RUN with rm -rf /var/lib/apt/lists/*", "在同一个 RUN 末尾执行 rm -rf /var/lib/apt/lists/*")),
        "DL3010" => new(new("The archive {0} is copied and then unpacked", "归档 {0} 先复制再解包"), new("ADD unpacks local archives itself", "ADD 会自动解包本地归档")),
        "DL3011" => new(new("EXPOSE {0} is no port from 0 to 65535", "EXPOSE {0} 不是 0 到 65535 之间的端口"), new("Name a port from 0 to 65535", "写 0 到 65535 之间的端口")),
        "DL3012" => new(new("A stage has more than one HEALTHCHECK", "一个阶段有多个 HEALTHCHECK"), new("Only the last one counts: keep one", "只有最后一个生效：保留一个")),
        "DL3013" => new(new("pip install without a version: {0}", "pip install 未固定版本：{0}"), new("Write package==version, or use a requirements file", "写成 软件包==版本，或使用 requirements 文件")),
        "DL3014" => new(new("apt-get install without -y", "apt-get install 缺少 -y"), new("Add -y: nobody answers during a build", "加上 -y：构建时无人应答")),
        "DL3015" => new(new("apt-get install without --no-install-recommends", "apt-get install 缺少 --no-install-recommends"), new("Add --no-install-recommends and name what is needed", "加上 --no-install-recommends，并写明需要的软件包")),
        "DL3016" => new(new("npm install without a version: {0}", "npm install 未固定版本：{0}"), new("Write package@version", "写成 软件包@版本")),
        "DL3018" => new(new("apk add without a version: {0}", "apk add 未固定版本：{0}"), new("Write package=version", "写成 软件包=版本")),
        "DL3019" => new(new("apk add without --no-cache", "apk add 缺少 --no-cache"), new("Add --no-cache: the index then stays out of the layer", "加上 --no-cache：索引就不会留在层中")),
        "DL3020" => new(new("ADD is used for the file or folder {0}", "对文件或文件夹 {0} 使用了 ADD"), new("Use COPY", "使用 COPY")),
        "DL3021" => new(new("COPY of several sources into {0}, which does not end in /", "COPY 多个来源到 {0}，但它不以 / 结尾"), new("End the target with /", "目标以 / 结尾")),
        "DL3022" => new(new("COPY --from={0} names no earlier stage", "COPY --from={0} 不是前面的阶段"), new("Name a stage that stands before, or an image with its tag", "写前面的阶段名，或带标签的镜像")),
        "DL3023" => new(new("COPY --from={0} names its own stage", "COPY --from={0} 指向自身所在的阶段"), new("Name another stage", "写另一个阶段")),
        "DL3024" => new(new("The stage name {0} is used twice", "阶段名 {0} 用了两次"), new("Give each stage a name of its own", "每个阶段使用不同的名字")),
        "DL3025" => new(new("{0} is not in the JSON form", "{0} 没有使用 JSON 形式"), new("Write it as [\"program\", \"argument\"]: signals then reach the program", "写成 JSON 列表 [\"程序\", \"参数\"]：信号才能到达程序")),
        "DL3026" => new(new("The base image {0} is from no trusted registry", "基础镜像 {0} 不来自受信任的仓库"), new("Use one of trustedRegistries", "使用 trustedRegistries 中的仓库")),
        "DL3027" => new(new("apt is made for people, not for scripts", "apt 供人使用，不适合脚本"), new("Use apt-get or apt-cache", "使用 apt-get 或 apt-cache")),
        "DL3028" => new(new("gem install without a version: {0}", "gem install 未固定版本：{0}"), new("Write gem:version", "写成 gem:版本")),
        "DL3029" => new(new("FROM has a fixed --platform", "FROM 固定了 --platform"), new("Leave it to the build: docker build --platform", "由构建指定：docker build --platform")),
        "DL3030" => new(new("yum install without -y", "yum install 缺少 -y"), new("Add -y: nobody answers during a build", "加上 -y：构建时无人应答")),
        "DL3032" => new(new("No yum clean all after yum install", "yum install 之后没有 yum clean all"), new("End the same RUN with yum clean all", "在同一个 RUN 末尾执行 yum clean all")),
        "DL3033" => new(new("yum install without a version: {0}", "yum install 未固定版本：{0}"), new("Write package-version", "写成 软件包-版本")),
        "DL3034" => new(new("zypper without a non-interactive switch", "zypper 缺少非交互开关"), new("Add -n or -y: nobody answers during a build", "加上 -n 或 -y：构建时无人应答")),
        "DL3035" => new(new("zypper dist-upgrade is used", "使用了 zypper dist-upgrade"), new("Use a newer base image instead", "改用更新的基础镜像")),
        "DL3036" => new(new("No zypper clean after zypper install", "zypper install 之后没有 zypper clean"), new("End the same RUN with zypper clean", "在同一个 RUN 末尾执行 zypper clean")),
        "DL3037" => new(new("zypper install without a version: {0}", "zypper install 未固定版本：{0}"), new("Write package=version", "写成 软件包=版本")),
        "DL3038" => new(new("dnf install without -y", "dnf install 缺少 -y"), new("Add -y: nobody answers during a build", "加上 -y：构建时无人应答")),
        "DL3040" => new(new("No dnf clean all after dnf install", "dnf install 之后没有 dnf clean all"), new("End the same RUN with dnf clean all", "在同一个 RUN 末尾执行 dnf clean all")),
        "DL3041" => new(new("dnf install without a version: {0}", "dnf install 未固定版本：{0}"), new("Write package-version", "写成 软件包-版本")),
        "DL3042" => new(new("pip install keeps its cache in the layer", "pip install 把缓存留在层中"), new("Add --no-cache-dir", "加上 --no-cache-dir")),
        "DL3043" => new(new("ONBUILD wraps {0}", "ONBUILD 包含 {0}"), new("ONBUILD may not wrap ONBUILD, FROM or MAINTAINER", "ONBUILD 不能包含 ONBUILD、FROM 或 MAINTAINER")),
        "DL3044" => new(new("ENV uses {0}, which the same ENV sets", "ENV 使用了同一条 ENV 中才设置的 {0}"), new("Set it in an ENV before", "在前面的 ENV 中设置")),
        "DL3045" => new(new("COPY to the relative target {0} and no WORKDIR is set", "COPY 到相对路径 {0}，但没有设置 WORKDIR"), new("Set WORKDIR before, or begin the target with /", "先设置 WORKDIR，或目标以 / 开头")),
        "DL3046" => new(new("useradd with a high UID and without -l", "useradd 使用很大的 UID 但没有 -l"), new("Add -l, or the layer holds a very large sparse file", "加上 -l，否则层中会有很大的稀疏文件")),
        "DL3047" => new(new("wget without a progress switch fills the log", "wget 没有进度选项，日志会很长"), new("Add --progress=dot:giga, -q or -nv", "加上 --progress=dot:giga、-q 或 -nv")),
        "DL3048" => new(new("The label key {0} is not valid", "标签键 {0} 无效"), new("Use small letters, digits, dots and dashes, and no name of Docker's own", "使用小写字母、数字、点和连字符，不用 Docker 保留的名称")),
        "DL3049" => new(new("The label {0} is missing", "缺少标签 {0}"), new("Add it with LABEL", "用 LABEL 添加")),
        "DL3050" => new(new("The label {0} is not in the schema", "标签 {0} 不在规定之中"), new("Leave it out, or add it to label-schema", "去掉它，或加入 label-schema")),
        "DL3051" => new(new("The label {0} is empty", "标签 {0} 为空"), new("Give it a value", "给它一个值")),
        "DL3052" => new(new("The label {0} is no URL", "标签 {0} 不是 URL"), new("Write an absolute URL", "写绝对 URL")),
        "DL3053" => new(new("The label {0} is no RFC 3339 time", "标签 {0} 不是 RFC 3339 时间"), new("Write it like 2026-01-31T12:00:00Z", "写成 2026-01-31T12:00:00Z 的形式")),
        "DL3054" => new(new("The label {0} is no SPDX licence id", "标签 {0} 不是 SPDX 许可证标识"), new("Write an id of the SPDX list", "写 SPDX 列表中的标识")),
        "DL3055" => new(new("The label {0} is no git hash", "标签 {0} 不是 git 哈希"), new("Write 7 to 40 hexadecimal digits", "写 7 到 40 位十六进制数字")),
        "DL3056" => new(new("The label {0} is no semantic version", "标签 {0} 不是语义化版本"), new("Write it like 1.2.3", "写成 1.2.3 的形式")),
        "DL3057" => new(new("The stage has no HEALTHCHECK", "该阶段没有 HEALTHCHECK"), new("Add HEALTHCHECK", "添加 HEALTHCHECK")),
        "DL3058" => new(new("The label {0} is no e-mail address", "标签 {0} 不是电子邮件地址"), new("Write it like name@example.org", "写成 name@example.org 的形式")),
        "DL3059" => new(new("Several RUN lines follow each other", "多个 RUN 连续出现"), new("Join them with &&", "用 && 合并")),
        "DL3060" => new(new("No yarn cache clean after yarn install", "yarn install 之后没有 yarn cache clean"), new("End the same RUN with yarn cache clean", "在同一个 RUN 末尾执行 yarn cache clean")),
        "DL3061" => new(new("{0} stands before the first FROM", "{0} 出现在第一个 FROM 之前"), new("Only ARG and comments may stand there", "那里只能有 ARG 和注释")),
        "DL3062" => new(new("go install without a version: {0}", "go install 未固定版本：{0}"), new("Write package@version", "写成 软件包@版本")),
        "DL3063" => new(new("The stage name {0} is a reserved word", "阶段名 {0} 是保留字"), new("Choose another name than scratch and context", "不要使用 scratch 和 context")),
        "DL3064" => new(new("{0} {1} looks like a secret and stays in the image", "{0} {1} 像是密钥，会留在镜像中"), new("Use RUN --mount=type=secret, or give it at run time", "使用 RUN --mount=type=secret，或在运行时提供")),
        "DL3065" => new(new("FROM --platform=$TARGETPLATFORM is the default", "FROM --platform=$TARGETPLATFORM 就是默认值"), new("Leave it out", "去掉它")),
        "DL3066" => new(new("USER {0} is a name, not a number", "USER {0} 是名称而不是数字"), new("Use the user's number, which hosts can check", "使用用户编号，主机可以检查")),
        "DL3067" => new(new("A whole file system is copied from another stage", "从其他阶段复制了整个文件系统"), new("Copy only what is needed", "只复制需要的内容")),
        "DL4000" => new(new("MAINTAINER is deprecated", "MAINTAINER 已弃用"), new("Use LABEL org.opencontainers.image.authors", "使用 LABEL org.opencontainers.image.authors")),
        "DL4001" => new(new("Both wget and curl are used", "同时使用了 wget 和 curl"), new("Use one of them", "只用其中一个")),
        "DL4003" => new(new("A stage has more than one CMD", "一个阶段有多个 CMD"), new("Only the last one counts: keep one", "只有最后一个生效：保留一个")),
        "DL4004" => new(new("A stage has more than one ENTRYPOINT", "一个阶段有多个 ENTRYPOINT"), new("Only the last one counts: keep one", "只有最后一个生效：保留一个")),
        "DL4005" => new(new("The shell is changed by replacing /bin/sh", "通过替换 /bin/sh 更改 shell"), new("Use SHELL", "使用 SHELL")),
        "DL4006" => new(new("A pipe in RUN, and SHELL does not set pipefail", "RUN 中有管道，但 SHELL 没有设置 pipefail"), new("Set SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"] before", "在前面设置 SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]")),
        _ => new(new(id, id), new(id, id)),
    };
}
