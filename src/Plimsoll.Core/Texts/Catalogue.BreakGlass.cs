namespace Plimsoll.Texts;

/// <content>The verb break-glass.</content>
public static partial class Catalogue
{
    public static Text GlassSummary { get; } = new("Make and sign tokens that let a refused start through on one host", "制作并签署令牌，在某台主机上放行被拒绝的启动");
    public static Text GlassCreateSummary { get; } = new("Make a token, which nobody has signed yet", "制作一个尚未签名的令牌");
    public static Text GlassSignSummary { get; } = new("Show a token and add a signature to it", "显示令牌并为其添加签名");
    public static Text GlassShowSummary { get; } = new("Show a token, and whether a policy lets it count", "显示令牌，以及策略是否承认它");

    public static Text HelpGlassHost { get; } = new("The host: its log.pub, or the id that plimsoll-agent status shows", "主机：其 log.pub 文件，或 plimsoll-agent status 显示的标识");
    public static Text HelpGlassImage { get; } = new("Only this image, by id (sha256:…); repeatable", "仅限此镜像，按标识（sha256:…）；可重复");
    public static Text HelpGlassContainer { get; } = new("Only this container, by its whole id; repeatable", "仅限此容器，按完整标识；可重复");
    public static Text HelpGlassAny { get; } = new("Any image and any container; in place of --image and --container", "任何镜像与容器；代替 --image 和 --container");
    public static Text HelpGlassCode { get; } = new("Only refusals with this code, such as not-intact or signature/*; repeatable. Default: all but host-changed and tpm-unavailable", "仅限此代码的拒绝，例如 not-intact 或 signature/*；可重复。默认：除 host-changed 和 tpm-unavailable 外的全部");
    public static Text HelpGlassUses { get; } = new("How many starts; default 1", "可放行的启动次数；默认 1");
    public static Text HelpGlassValid { get; } = new("How long it counts from now on, such as 30m or 4h; default 4h", "自现在起的有效时长，例如 30m 或 4h；默认 4h");
    public static Text HelpGlassReason { get; } = new("Why, for the evidence log of the host", "原因，写入主机的证据日志");
    public static Text HelpGlassOutput { get; } = new("File to write", "要写入的文件");
    public static Text HelpGlassSignOutput { get; } = new("File to write; default the token itself", "要写入的文件；默认写回令牌文件");
    public static Text HelpGlassFile { get; } = new("The token", "令牌文件");
    public static Text HelpGlassKey { get; } = new("Private key that signs", "用于签名的私钥");
    public static Text HelpGlassPolicy { get; } = new("Policy of the host: says who of its keys signed and whether that is enough", "主机的策略：据此判断哪些密钥已签名、是否足够");
    public static Text HelpGlassJson { get; } = new("Write the token as JSON to standard output", "将令牌以 JSON 写到标准输出");

    public static Text GlassHost { get; } = new("host", "主机");
    public static Text GlassNonce { get; } = new("nonce", "随机数");
    public static Text GlassTime { get; } = new("counts", "有效期");
    public static Text GlassFromTo { get; } = new("{0} to {1}", "{0} 至 {1}");
    public static Text GlassUses { get; } = new("uses", "次数");
    public static Text GlassReason { get; } = new("reason", "原因");
    public static Text GlassImages { get; } = new("images", "镜像");
    public static Text GlassContainers { get; } = new("containers", "容器");
    public static Text GlassOverrides { get; } = new("overrides", "可放行");
    public static Text GlassAny { get; } = new("any", "任意");
    public static Text GlassAllCodes { get; } = new("every refusal but host-changed and tpm-unavailable", "除 host-changed 和 tpm-unavailable 外的一切拒绝");
    public static Text GlassSignatures { get; } = new("signatures", "签名");
    public static Text GlassNone { get; } = new("none yet", "尚无");
    public static Text GlassSigners { get; } = new("signed by", "签名者");
    public static Text GlassEnough { get; } = new("{0} ({1} of {2} wanted)", "{0}（{1}／需 {2}）");
    public static Text GlassCounts { get; } = new("It counts under policy {0}", "策略 {0} 承认此令牌");
    public static Text GlassCountsNot { get; } = new("It does not count under policy {0}: {1}", "策略 {0} 不承认此令牌：{1}");
    public static Text GlassMade { get; } = new("{0}: a token that nobody has signed yet; plimsoll break-glass sign adds signatures", "{0}：尚未签名的令牌；用 plimsoll break-glass sign 添加签名");
    public static Text GlassSigned { get; } = new("{0}: signed by key {1}…, {2} signatures", "{0}：已由密钥 {1}… 签名，共 {2} 个签名");
}
