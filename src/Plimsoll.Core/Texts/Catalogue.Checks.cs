namespace Plimsoll.Texts;

/// <content>What all checks beside the known vulnerabilities share; each check has a file of its own for its rules.</content>
public static partial class Catalogue
{
    public static Text HelpChecks { get; } = new(
        "What to look for: all (default), or some of vulnerability, malware, secret, history, configuration, licence",
        "检查哪些内容：all（默认），或 vulnerability、malware、secret、history、configuration、licence 中的几项");
    public static Text HelpSecretRules { get; } = new("Further rules for secrets, in gitleaks' form; repeatable", "更多的密钥检测规则（gitleaks 格式）；可重复");
    public static Text HelpYara { get; } = new("YARA rules: a file or a folder; repeatable", "YARA 规则：文件或文件夹；可重复");
    public static Text HelpClamd { get; } = new("clamd's socket, tcp:HOST:PORT, or none (default: found by itself); stream:, fildes: or scan: before it says how contents come there", "clamd 的套接字、tcp:主机:端口，或 none（默认自动查找）；前面加 stream:、fildes: 或 scan: 指定内容的传送方式");
}
