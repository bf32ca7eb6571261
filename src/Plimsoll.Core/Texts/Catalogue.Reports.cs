namespace Plimsoll.Texts;

/// <content>Bills of materials, VEX, diff, explain and base images.</content>
public static partial class Catalogue
{
    public static Text SbomSummary { get; } = new("List what is in an image as a bill of materials; needs no advisory database", "以物料清单形式列出镜像内容；不需要漏洞库");
    public static Text DiffSummary { get; } = new("Show what changed between two images or reports", "显示两个镜像或报告之间的变化");
    public static Text HelpBomFormat { get; } = new("cyclonedx (default), spdx-json, spdx or json, to standard output or a file", "cyclonedx（默认）、spdx-json、spdx 或 json，输出到标准输出或文件");
    public static Text ExplainSummary { get; } = new("Say what is known of a vulnerability or a rule, and why an image has it", "说明某个漏洞或规则的已知信息，以及镜像为何受其影响");
    public static Text HelpDiffOutput { get; } = new("table (default) or json, to standard output or a file", "table（默认）或 json，输出到标准输出或文件");
    public static Text HelpSubject { get; } = new("Image, sbom:FILE, or a JSON report of plimsoll", "镜像、sbom:文件，或 plimsoll 的 JSON 报告");
    public static Text HelpFlaw { get; } = new("CVE or advisory id, any alias; or a check's rule or a fingerprint, with an image", "CVE 或公告编号，也可用别名；或检查规则、指纹（需指定镜像）");
    public static Text HelpVex { get; } = new("VEX document (OpenVEX or CycloneDX); repeatable", "VEX 文档（OpenVEX 或 CycloneDX）；可重复");
    public static Text HelpTemplate { get; } = new("Template for --output template", "--output template 使用的模板");
    public static Text HelpBase { get; } = new("Image that is the base, or that could be built on instead; repeatable", "作为基础的镜像，或可替换的基础镜像；可重复");
    public static Text HelpDiffFailOn { get; } = new("Exit 1 on a new finding at or above a severity; also kev, unknown, any, none", "有达到该严重程度的新结果时退出码为 1；也可用 kev、unknown、any、none");
    public static Text HelpDiffJson { get; } = new("Short for --output json", "--output json 的简写");

    public static Text DiffPackages { get; } = new("Packages: {0} added, {1} removed, {2} changed", "软件包：新增 {0}，移除 {1}，变更 {2}");
    public static Text DiffNew { get; } = new("New findings: {0}", "新增结果：{0}");
    public static Text DiffFixed { get; } = new("Findings gone: {0}", "消失的结果：{0}");
    public static Text DiffSuppressed { get; } = new("Findings suppressed since: {0}", "此后被抑制的结果：{0}");
    public static Text DiffUnchanged { get; } = new("Findings that stay: {0}", "保留的结果：{0}");
    public static Text DiffOtherDatabase { get; } = new(
        "The two sides were matched against different databases: findings may be new or gone for that reason alone.", "两边使用的漏洞库不同：结果的增减可能仅因此产生。");
    public static Text DiffNotMatched { get; } = new(
        "At least one side was never matched against advisories: nothing can be said of its findings.", "至少一边从未与公告匹配：无法对其结果作出说明。");
    public static Text DiffIncomplete { get; } = new(
        "At least one side is incomplete: a finding may be new or gone only because it was not seen.", "至少一边不完整：结果的增减可能只是因为没有看到。");

    public static Text ExplainRuleNeedsImage { get; } = new("The rule of a check is explained where it was found: plimsoll explain {0} IMAGE", "检查规则须结合镜像解释：plimsoll explain {0} 镜像");
    public static Text ExplainUnknown { get; } = new("No record of the database speaks of {0}.", "漏洞库中没有关于 {0} 的记录。");
    public static Text ExplainRecords { get; } = new("Records", "记录");
    public static Text ExplainKnown { get; } = new("Known to be exploited since {0} (CISA)", "自 {0} 起已知被利用（CISA）");
    public static Text ExplainNotKnown { get; } = new("Not in CISA's catalogue of known exploited vulnerabilities", "不在 CISA 已知被利用漏洞目录中");
    public static Text ExplainEpss { get; } = new("EPSS {0} (higher than {1} of all)", "EPSS {0}（高于 {1} 的漏洞）");
    public static Text ExplainIn { get; } = new("In {0}", "在 {0} 中");
    public static Text ExplainNotIn { get; } = new("{0} is not among the findings of {1}.", "{0} 不在 {1} 的结果中。");
    public static Text ExplainNotInIncomplete { get; } = new("That does not mean that it is not there: the answer is incomplete.", "这并不表示不存在：结果不完整。");
    public static Text ExplainNear { get; } = new("{0} {1} is there; {2} speaks of the versions {3}", "有 {0} {1}；{2} 所述版本为 {3}");
    public static Text ExplainPackage { get; } = new("package", "软件包");
    public static Text ExplainLayer { get; } = new("brought by", "来自");
    public static Text ExplainSeverity { get; } = new("severity", "严重程度");
    public static Text ExplainWhy { get; } = new("matched by", "匹配依据");
    public static Text ExplainMatch { get; } = new("{0} for {1} of {2}: {3}; compared with {4}", "{0}，针对 {2} 的 {1}：{3}；比较版本 {4}");
    public static Text ExplainFix { get; } = new("fix", "修复");
    public static Text ExplainUpgrade { get; } = new("upgrade to {0}", "升级到 {0}");
    public static Text ExplainSuppressed { get; } = new("suppressed", "已抑制");
    public static Text ExplainAliases { get; } = new("aliases", "别名");
    public static Text ExplainAffects { get; } = new("affects", "影响");
    public static Text ExplainMore { get; } = new("and {0} more", "另有 {0} 个");
    public static Text ExplainPublished { get; } = new("published", "发布");

    public static Text BaseClaimed { get; } = new("base image {0} (claimed by a label, not checked)", "基础镜像 {0}（由标签声明，未校验）");
    public static Text BaseProved { get; } = new("base image {0}: the first {1} layers are its own (proved)", "基础镜像 {0}：前 {1} 层与其一致（已证实）");
    public static Text BaseGuessed { get; } = new("the first {0} layers look like a base image (guessed from the history)", "前 {0} 层像是基础镜像（根据历史推测）");
    public static Text BaseFindings { get; } = new("{0} of the findings came with it", "其中 {0} 项结果来自基础镜像");
    public static Text BaseNewer { get; } = new("built on {0} instead: {1} findings fewer, {2} more", "改用 {0} 构建：减少 {1} 项，增加 {2} 项");
    public static Text BaseNewerUnknown { get; } = new(
        "built on {0} instead: not known, for it is not known which layers are the base", "改用 {0} 构建：未知，因为不清楚哪些层属于基础镜像");
    public static Text AsListed { get; } = new("as {0} lists it", "依据 {0}");
}
