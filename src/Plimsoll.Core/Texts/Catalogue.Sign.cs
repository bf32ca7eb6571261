namespace Plimsoll.Texts;

/// <content>The verb sign.</content>
public static partial class Catalogue
{
    public static Text SignSummary { get; } = new("Inspect, judge and measure an image, and sign what came out", "检查、评判并度量镜像，并对结果签名");
    public static Text HelpSignImage { get; } = new(
        "Image: registry name with its host, registry:NAME, oci:FOLDER[:TAG], an archive's path, or docker:NAME", "镜像：带主机名的仓库名称、registry:名称、oci:文件夹[:标签]、归档的路径，或 docker:名称");
    public static Text HelpSignKey { get; } = new("Key that signs: a stored key's name or a file; may be repeated for several signers", "签名的密钥：已存密钥的名称或文件；可重复，表示多个签名者");
    public static Text HelpSignTo { get; } = new("Where signatures go: registry:HOST/NAME, oci:FOLDER or oci-archive:FILE; default: where the image is", "签名写到哪里：registry:主机/名称、oci:文件夹 或 oci-archive:文件；默认为镜像所在之处");
    public static Text HelpSignOutput { get; } = new("Write them into one bundle file for air gaps", "写入一个供气隙环境使用的捆绑文件");
    public static Text HelpSignIdentity { get; } = new("Repository that the signature names; default: the registry's", "签名中写明的仓库；默认为镜像仓库自身的名称");
    public static Text HelpSignAttest { get; } = new("Attach this predicate (JSON); needs --type, may be repeated", "附上此谓词（JSON）；需要 --type，可重复");
    public static Text HelpSignType { get; } = new("Type of the predicate: slsaprovenance, slsaprovenance1, cyclonedx, spdxjson, openvex, vuln, or a URI", "谓词的类型：slsaprovenance、slsaprovenance1、cyclonedx、spdxjson、openvex、vuln，或 URI");
    public static Text HelpSignPolicy { get; } = new("Policy that the image must satisfy; default: the built-in one", "镜像必须满足的策略；默认为内置策略");
    public static Text HelpSignOverride { get; } = new("Sign an image that fails the policy; every signature states this reason", "对不满足策略的镜像签名；每个签名都写明此原因");
    public static Text HelpSignPlatform { get; } = new("Sign this platform alone, and not the index", "只签名此平台，不签名索引");

    public static Text SignRefused { get; } = new("the image fails the policy; nothing was signed", "镜像不满足策略；没有签名");
    public static Text SignOverridden { get; } = new("the policy is overridden, and every signature says so: {0}", "已越过策略，每个签名都写明：{0}");
    public static Text SignOverrideNotNeeded { get; } = new("the image satisfies the policy; nothing is overridden", "镜像满足策略；没有越过任何规则");
    public static Text SignDone { get; } = new("signed {0}  {1}", "已签名 {0}  {1}");
    public static Text SignIndex { get; } = new("index", "索引");
    public static Text SignWhere { get; } = new("in {0}, by {1}", "位于 {0}，签名者 {1}");
    public static Text SignNoIdentity { get; } = new("the signatures name no repository; --identity registry.example/team/app states one", "签名没有写明仓库；--identity registry.example/team/app 可以写明");
}
