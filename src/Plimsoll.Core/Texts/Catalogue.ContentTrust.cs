namespace Plimsoll.Texts;

/// <content>Docker Content Trust, and the verb trust.</content>
public static partial class Catalogue
{
    private static Text? ContentTrustReason(string code) => code switch
    {
        "target-signed" => new("content trust names {0}: {1}; good until {2}", "内容信任确认 {0}：{1}；有效期至 {2}"),
        "target-missing" => new("no role that counts names {0}: {1}", "没有有效的角色确认 {0}：{1}"),
        "target-digest" => new("content trust says that {0} is another image; this one has {1}", "内容信任所指的 {0} 是另一个镜像；此镜像为 {1}"),
        "target-threshold" => new("named by {0} roles with different keys, wanted {1}: {2}", "仅由 {0} 个使用不同密钥的角色确认，要求 {1} 个：{2}"),
        "target-untagged" => new("{0} is named without a tag, and content trust speaks of tags", "{0} 未写标签，而内容信任按标签确认"),
        "target-outside-paths" => new("targets that a delegation signed outside its paths, and that count for nothing: {0}", "委派在其路径之外签名的目标，不算数：{0} 个"),
        "content-trust-name" => new("the image has no repository that content trust could speak of", "镜像没有仓库名称，内容信任无从说起"),
        "content-trust-no-manifest" => new("the manifest of {0} was not read, and content trust speaks of manifests", "未读取 {0} 的清单，而内容信任针对清单"),
        "content-trust-missing" => new("no content trust metadata of {0} was given, and the rule names no server", "没有给出 {0} 的内容信任元数据，规则也没有指明服务器"),
        "content-trust-unreachable" => new("the content trust metadata of {0} could not be read: {1}", "无法读取 {0} 的内容信任元数据：{1}"),
        "content-trust-malformed" => new("the content trust metadata of {0} is not of its form: {1}", "{0} 的内容信任元数据格式不符：{1}"),
        "content-trust-incomplete" => new("the content trust metadata of {0} is not whole: {1}", "{0} 的内容信任元数据不完整：{1}"),
        "content-trust-root" => new("the root of {0} is none that the policy pins: {1}", "{0} 的根不是策略固定的根：{1}"),
        "content-trust-root-skipped" => new("between the pinned root of {0} and the newest one is missing: {1}", "{0} 的固定根与最新根之间缺失一环：{1}"),
        "content-trust-root-rotation" => new("the new root of {0} is not signed by the old one's keys: {1}", "{0} 的新根没有旧根密钥的签名：{1}"),
        "content-trust-unsigned" => new("too few different keys signed the content trust metadata of {0}: {1}", "{0} 的内容信任元数据签名密钥不足：{1}"),
        "content-trust-expired" => new("the content trust metadata of {0} has expired: {1}", "{0} 的内容信任元数据已过期：{1}"),
        "content-trust-rolled-back" => new("the content trust metadata of {0} is older than what was seen: {1}", "{0} 的内容信任元数据比曾见过的更旧：{1}"),
        "content-trust-mismatch" => new("the content trust metadata of {0} do not belong together: {1}", "{0} 的内容信任元数据彼此不符：{1}"),
        "content-trust-delegation" => new("a delegation that is asked for cannot be believed: {0}", "所要求的委派不可信：{0}"),
        _ => null,
    };

    public static Text TrustContentTrust => new("named by content trust, by {0} of the roles {1}, from the roots {2}, as kept by {3}", "内容信任确认：角色 {1} 中的 {0} 个，根 {2}，来自 {3}");
    public static Text TrustNoServer => new("the metadata that is given", "给出的元数据");
    public static Text TrustAnyTarget => new(", under any tag", "，标签不限");
    public static Text HelpVerifyContentTrust => new("Docker Content Trust metadata: a saved folder, or a notary server's address in place of the policy's", "Docker 内容信任元数据：已保存的文件夹，或替代策略中服务器的 notary 地址");

    public static Text TrustSummary => new("Read Docker Content Trust, and leave it", "读取 Docker 内容信任，并从中迁出");
    public static Text TrustShowSummary => new("Show tags, signers and ends of a collection, once it is proved from a pinned root", "在由固定的根证实之后，列出标签、签名者与有效期");
    public static Text TrustImportSummary => new("Sign anew, with a key of your own, what a collection of Docker Content Trust names", "用自己的密钥重新签名 Docker 内容信任所确认的镜像");
    public static Text HelpTrustName => new("Repository with its host, or a saved folder of metadata", "带主机名的仓库，或已保存的元数据文件夹");
    public static Text HelpTrustGun => new("Repository that the folder is of; default: as the root's certificate says", "文件夹所属的仓库；默认取根证书中的名称");
    public static Text HelpTrustRoot => new("Pinned root: a root.json, an authority's certificate (PEM), or the id of a root key; may be repeated", "固定的根：root.json、机构证书（PEM）或根密钥的标识；可重复");
    public static Text HelpTrustServer => new("Notary server; default: DOCKER_CONTENT_TRUST_SERVER, else the repository's host", "notary 服务器；默认取 DOCKER_CONTENT_TRUST_SERVER，否则取仓库主机");
    public static Text HelpTrustAsOf => new("Judge what has expired by this day (UTC), for metadata that nobody signs any more", "按此日期（UTC）判断是否过期，用于已无人再签名的元数据");
    public static Text HelpTrustJson => new("Write JSON", "输出 JSON");
    public static Text HelpTrustSave => new("Save the metadata that was proved into this new folder", "把已证实的元数据保存到这个新文件夹");
    public static Text HelpTrustKey => new("Key that signs anew: a stored key's name or a file; may be repeated", "重新签名的密钥：已存密钥的名称或文件；可重复");
    public static Text HelpTrustStore => new("Where the images are and signatures go: registry:HOST/NAME, oci:FOLDER or oci-archive:FILE; default: the registry", "镜像所在及签名写入之处：registry:主机/名称、oci:文件夹 或 oci-archive:文件；默认为镜像仓库");
    public static Text HelpTrustOutput => new("Write signatures into one bundle file instead", "改为把签名写入一个捆绑文件");
    public static Text HelpTrustRole => new("Role whose targets count; repeated in the order of their weight; default: targets/releases, targets", "其目标算数的角色；可按优先顺序重复；默认为 targets/releases、targets");
    public static Text HelpTrustTag => new("Only these tags; may be repeated", "只处理这些标签；可重复");
    public static Text HelpTrustDryRun => new("Say what would be signed, and sign nothing", "只说明将签名什么，不签名");

    public static Text TrustCollection => new("Collection {0}", "集合 {0}");
    public static Text TrustColumns => new("tag\tdigest\tbytes\trole", "标签\t摘要\t字节\t角色");
    public static Text TrustRoleColumns => new("role\tversion\tends\tsigned by", "角色\t版本\t有效期至\t签名者");
    public static Text TrustNoTargets => new("no targets", "没有目标");
    public static Text TrustRemark => new("does not count: {0}", "不算数：{0}");
    public static Text TrustAsOfNote => new("what has expired is judged by {0}, not by today; nothing newer than this metadata can be known", "按 {0} 而非今天判断过期；无法得知更新的元数据");
    public static Text TrustImported => new("signed {0}  {1}  {2}", "已签名 {0}  {1}  {2}");
    public static Text TrustWouldImport => new("would sign {0}  {1}  {2}", "将签名 {0}  {1}  {2}");
    public static Text TrustPresent => new("was signed {0}  {1}  {2}", "早已签名 {0}  {1}  {2}");
    public static Text TrustLeftOut => new("{0} left out: {1}", "{0} 未处理：{1}");
    public static Text TrustImportDone => new("{0} of {1} tags signed in {2}, by {3}", "{1} 个标签中的 {0} 个已签名，位于 {2}，签名者 {3}");
    public static Text TrustSaved => new("saved {0} files in {1}", "已将 {0} 个文件保存到 {1}");
    public static Text TrustNotRemembered => new("the version that was seen could not be remembered: {0}", "无法记住见过的版本：{0}");
}
