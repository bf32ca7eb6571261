namespace Plimsoll.Texts;

/// <content>The verb quote.</content>
public static partial class Catalogue
{
    public static Text QuoteSummary { get; } = new("Have this host's TPM sign what the host runs, into a file that others can check", "由本机 TPM 对主机所运行的内容签名，写成他人可核验的文件");
    public static Text QuoteIdentitySummary { get; } = new("Write the keys and certificate of this host's TPM to a file, for a verifier", "将本机 TPM 的密钥与证书写入文件，供核验方使用");
    public static Text QuoteChallengeSummary { get; } = new("Make a challenge that only the TPM of that identity can answer; needs no TPM", "生成只有该身份的 TPM 才能应答的质询；不需要 TPM");
    public static Text QuoteVerifySummary { get; } = new("Check the evidence of another host; needs no TPM", "核验另一台主机的证据；不需要 TPM");

    public static Text HelpQuoteTpm { get; } = new("TPM: device:/dev/tpmrm0 (default), or swtpm:host=HOST,port=PORT; also PLIMSOLL_TPM", "TPM：device:/dev/tpmrm0（默认），或 swtpm:host=主机,port=端口；也可用 PLIMSOLL_TPM");
    public static Text HelpQuotePcrs { get; } = new("PCRs to quote, such as sha256:0-7,10+sha384:0-7; default sha256:0-15", "要引证的 PCR，例如 sha256:0-7,10+sha384:0-7；默认 sha256:0-15");
    public static Text HelpQuoteNonce { get; } = new("Nonce of the verifier, 16 to 64 hex digits", "核验方的随机数，16 到 64 位十六进制");
    public static Text HelpQuoteChallenge { get; } = new("Challenge of the verifier; brings the nonce, and the answer proves which TPM this is", "核验方的质询；其中带有随机数，应答可证明这是哪个 TPM");
    public static Text HelpQuoteAlgorithm { get; } = new("Attestation key: ecdsa-p256 (default), ecdsa-p384, rsa-ssa, rsa-pss", "证明密钥：ecdsa-p256（默认）、ecdsa-p384、rsa-ssa、rsa-pss");
    public static Text HelpQuoteEk { get; } = new("Endorsement key: ecc-p256, ecc-p384 or rsa-2048; default the first that has a certificate", "背书密钥：ecc-p256、ecc-p384 或 rsa-2048；默认取第一个有证书的");
    public static Text HelpQuoteChain { get; } = new("Certificates of the maker's authorities to send along, PEM; repeatable", "随附的制造商机构证书，PEM；可重复");
    public static Text HelpQuoteBootLog { get; } = new("Boot log; default the kernel's where it can be read, none for none", "启动日志；默认取内核提供的（若可读），none 表示不附");
    public static Text HelpQuoteImaLog { get; } = new("Kernel's list of measured files, in text; default the kernel's where it can be read, none for none", "内核的已度量文件列表（文本）；默认取内核提供的（若可读），none 表示不附");
    public static Text HelpQuoteOutput { get; } = new("File to write", "要写入的文件");
    public static Text HelpQuoteIdentityFile { get; } = new("Identity that plimsoll quote identity wrote on the host", "主机上由 plimsoll quote identity 写出的身份文件");
    public static Text HelpQuoteKeep { get; } = new("File for the verifier's copy with the secret, readable by you alone", "核验方留存的副本（含秘密），仅您可读");
    public static Text HelpQuoteFile { get; } = new("Evidence that plimsoll quote wrote", "由 plimsoll quote 写出的证据");
    public static Text HelpQuoteKept { get; } = new("The verifier's copy of the challenge", "核验方留存的质询副本");
    public static Text HelpQuoteCa { get; } = new("Certificates of trusted TPM makers, PEM; repeatable", "受信任的 TPM 制造商证书，PEM；可重复");
    public static Text HelpQuoteKnown { get; } = new("Identity whose key was bound to its TPM before; repeatable", "此前已与其 TPM 绑定的身份；可重复");
    public static Text HelpQuoteRule { get; } = new("What a PCR must hold: sha256:7=HEX, or one of several with commas; repeatable", "PCR 应有的值：sha256:7=十六进制，可用逗号给出多个；可重复");
    public static Text HelpQuoteRules { get; } = new("File with one such rule a line; # starts a comment", "每行一条此类规则的文件；# 开始注释");
    public static Text HelpQuotePrevious { get; } = new("Evidence of the same host accepted before: boots and clock may not go back", "同一主机此前被接受的证据：启动次数与时钟不得倒退");
    public static Text HelpQuoteMaxAge { get; } = new("How long a challenge holds; default 10m", "质询的有效期；默认 10m");
    public static Text HelpQuoteNeedBoot { get; } = new("Refuse when no boot log leads to the quoted PCRs 0 to 7", "若没有启动日志能推出所引证的 PCR 0 到 7，则拒绝");
    public static Text HelpQuoteJson { get; } = new("Write the verdict as JSON to standard output", "将结论以 JSON 写到标准输出");

    public static Text HelpTpmAuth { get; } = new("File of the TPM's passwords: lines owner=, endorsement=, lockout=; also PLIMSOLL_TPM_AUTH_FILE, PLIMSOLL_TPM_OWNER_AUTH, …", "TPM 口令文件：owner=、endorsement=、lockout= 各一行；也可用 PLIMSOLL_TPM_AUTH_FILE、PLIMSOLL_TPM_OWNER_AUTH 等");
    public static Text HelpQuoteNoMeasured { get; } = new("Leave out the lists of images that plimsoll measure --tpm extended", "不附 plimsoll measure --tpm 所扩展的镜像列表");
    public static Text HelpQuoteNeedMeasured { get; } = new("Refuse when no list of measured images leads to this: nv:0x01805001, pcr:14; repeatable", "若没有已度量镜像列表可推出此目标则拒绝：nv:0x01805001、pcr:14；可重复");
    public static Text HelpQuoteMeasurement { get; } = new("What an image should measure, as plimsoll measure --json wrote it; repeatable", "镜像应有的度量值，由 plimsoll measure --json 写出；可重复");
    public static Text HelpQuoteBundle { get; } = new("Signed measurements: what plimsoll sign --output wrote, a layout, or a statement in JSON; repeatable", "已签名的度量值：plimsoll sign --output 写出的文件、布局目录或 JSON 声明；可重复");
    public static Text HelpQuoteKey { get; } = new("Key whose signed measurements count, stored or a file; repeatable", "其签名的度量值有效的密钥（已保存的或文件）；可重复");
    public static Text HelpMeasureTpm { get; } = new("Extend the layers' values into the TPM as well, so that plimsoll quote covers them", "同时将各层的度量值扩展到 TPM，使 plimsoll quote 能覆盖它们");
    public static Text HelpMeasureTpmNv { get; } = new("With --tpm: NV index to extend, made where there is none; default {0}", "与 --tpm 合用：要扩展的 NV 索引，没有则创建；默认 {0}");
    public static Text HelpMeasurePcr { get; } = new("With --tpm: PCR to extend instead, 8, 9 or 11 to 15", "与 --tpm 合用：改为扩展 PCR，可用 8、9 或 11 到 15");
    public static Text MeasureTpm { get; } = new("TPM", "TPM");
    public static Text MeasureTpmExtended { get; } = new("{0}: {1} layers extended; its list has {2} entries", "{0}：扩展了 {1} 层；其列表有 {2} 项");
    public static Text MeasureTpmKnown { get; } = new("{0}: in its list already; {2} entries", "{0}：已在其列表中；共 {2} 项");
    public static Text HelpKeyTpmPcrs { get; } = new("For tpm:NAME: PCRs that the key signs by, as they are now; default {0}", "用于 tpm:名称：密钥签名所依据的 PCR（取当前值）；默认 {0}");
    public static Text KeyStateTpm { get; } = new("in the TPM, by {0}", "在 TPM 中，依据 {0}");
    public static Text KeyLabelPcrs { get; } = new("PCRs", "PCR");
    public static Text QuoteMeasuredLine { get; } = new("{0} entries lead to what the TPM signed", "{0} 项可推出 TPM 所签的值");
    public static Text QuoteImageLine { get; } = new("image", "镜像");
    public static Text QuoteImagePart { get; } = new("{0} of {1} layers", "{1} 层中的 {0} 层");

    public static Text QuoteGood { get; } = new("Good: signed by the TPM, fresh, and as wanted", "通过：由 TPM 签名，新鲜，且符合要求");
    public static Text QuoteRefused { get; } = new("Refused", "拒绝");
    public static Text QuoteUndecided { get; } = new("Undecided", "未定");
    public static Text QuoteKeyLine { get; } = new("attestation key", "证明密钥");
    public static Text QuoteBootLine { get; } = new("boot", "启动");
    public static Text QuoteBootCount { get; } = new("{0} resets, {1} restarts, clock {2} ms, firmware {3}", "复位 {0} 次，重启 {1} 次，时钟 {2} 毫秒，固件 {3}");
    public static Text QuoteExplainedByLog { get; } = new("(a log leads to it)", "（日志可推出）");
    public static Text QuoteImaLine { get; } = new("measured files", "已度量文件");
    public static Text QuoteImaLines { get; } = new("{0} lines are covered", "覆盖 {0} 行");

    /// <summary>A reason of evidence, by its word in JSON.</summary>
    public static Text QuoteReason(string word) => word switch
    {
        "malformed" => new("malformed", "格式错误"),
        "wrong-signature" => new("wrong signature", "签名错误"),
        "wrong-nonce" => new("wrong nonce", "随机数不符"),
        "expired" => new("expired", "已过期"),
        "rolled-back" => new("rolled back", "已回退"),
        "weak-key" => new("weak key", "密钥属性不足"),
        "other-key" => new("other key", "密钥不同"),
        "not-bound" => new("key not bound to a TPM", "密钥未与 TPM 绑定"),
        "untrusted-maker" => new("maker not trusted", "制造商不受信任"),
        "resettable-pcr" => new("resettable PCR", "可复位的 PCR"),
        "pcrs-differ" => new("PCR values differ from the quote", "PCR 值与引证不符"),
        "boot-log-differs" => new("boot log differs", "启动日志不符"),
        "ima-log-differs" => new("list of measured files differs", "已度量文件列表不符"),
        "resettable-index" => new("NV index is no evidence", "NV 索引不能作为证据"),
        "measured-differs" => new("list of measured images differs", "已度量镜像列表不符"),
        "image-unknown" => new("unknown image", "未知镜像"),
        "image-differs" => new("image differs from its measurement", "镜像与其度量值不符"),
        "pcr-refused" => new("PCR not as wanted", "PCR 不符合要求"),
        _ => new("undecided", "未定"),
    };
}
