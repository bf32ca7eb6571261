namespace Plimsoll.Texts;

/// <content>The HTML report, and problems in every output. Made when they are asked for: a scan that prints neither does not pay for them.</content>
public static partial class Catalogue
{
    public static Text HtmlTitle => new("Inspection report", "镜像检查报告");
    public static Text HtmlImages => new("{0} images", "{0} 个镜像");
    public static Text HtmlSkip => new("Skip to the findings", "跳到检查结果");
    public static Text HtmlContents => new("Images in this report", "本报告中的镜像");
    public static Text HtmlMadeBy => new("Made {0} UTC by plimsoll {1}", "由 plimsoll {1} 生成于 {0} UTC");
    public static Text HtmlFooter => new(
        "This file holds everything it shows: it loads nothing, sends nothing, and reads the same without scripts.",
        "本文件自包含全部内容：不加载、不发送任何数据，禁用脚本时同样可读。");
    public static Text HtmlFailed => new("This image was not scanned", "该镜像未能扫描");

    public static Text HtmlVerdictPassed => new("Passed", "通过");
    public static Text HtmlVerdictWarned => new("Passed with warnings", "通过（有警告）");
    public static Text HtmlVerdictUndecided => new("Undecided", "无法判定");
    public static Text HtmlVerdictRefused => new("Refused", "拒绝");
    public static Text HtmlByPolicy => new("by policy {0}", "依据策略 {0}");
    public static Text HtmlNoVerdict => new("No policy was given", "未指定策略");
    public static Text HtmlNoVerdictText => new(
        "Nothing was decided: this report says what was seen, not whether the image may run.", "未作判定：本报告只说明所见内容，不表示镜像是否可以运行。");
    public static Text HtmlMoreReasons => new("{0} more reasons", "另有 {0} 条理由");
    public static Text HtmlReasonWarned => new("Warning", "警告");

    public static Text HtmlComplete => new("Complete: everything that was asked for was looked at", "完整：要求检查的内容均已检查");
    public static Text HtmlIncomplete => new("Incomplete: what is not shown here may still be there", "不完整：此处未显示的问题仍可能存在");
    public static Text HtmlIncompleteShort => new("incomplete", "不完整");
    public static Text HtmlNotMatched => new("Known vulnerabilities were not looked for.", "未检查已知漏洞。");
    public static Text HtmlMoreGaps => new("{0} more places that were not looked at", "另有 {0} 处未检查");

    public static Text FactTags => new("Names", "名称");
    public static Text FactManifest => new("Manifest", "清单摘要");
    public static Text FactConfig => new("Config", "配置摘要");
    public static Text FactIndex => new("Index", "索引摘要");
    public static Text FactPlatform => new("Platform", "平台");
    public static Text FactDistribution => new("Distribution", "发行版");
    public static Text FactBytes => new("Bytes", "字节");
    public static Text FactVerified => new("every digest was checked while the image was read", "读取镜像时校验了所有摘要");
    public static Text FactUnverified => new("no digest was checked", "未校验任何摘要");
    public static Text FactBase => new("Base image", "基础镜像");
    public static Text FactDatabase => new("Advisories", "漏洞库");
    public static Text FactChecks => new("Looked for", "检查内容");
    public static Text FactEngines => new("Engines", "引擎");
    public static Text FactFilter => new("Left out", "已过滤");
    public static Text HtmlAbout => new("About the image", "关于镜像");
    public static Text HtmlEngineMissing => new("not asked: {0}", "未使用：{0}");
    public static Text HtmlEngineFailed => new("failed: {0}", "失败：{0}");

    public static Text TileExploited => new("Known exploited", "已知被利用");
    public static Text TileFixable => new("Fixable by upgrade", "可升级修复");
    public static Text TileOf => new("of {0}", "共 {0}");

    public static Text HtmlFound => new("What was found", "检查结果概览");
    public static Text HtmlNotLookedFor => new("not looked for", "未检查");
    public static Text HtmlNone => new("none", "无");
    public static Text HtmlUndecided => new("none seen; incomplete", "未发现；结果不完整");

    public static Text HtmlLayers => new("Layers", "镜像层");
    public static Text HtmlLayersText => new(
        "The base is at the bottom. A bar is as long as its layer is large and has the colour of the worst that the layer brought.",
        "最底部为基础层。条的长度表示层的大小，颜色表示该层带来的最严重问题。");
    public static Text HtmlLayerFindings => new("Findings of layer {0}", "第 {0} 层的结果");
    public static Text HtmlLayerClean => new("nothing found", "未发现问题");
    public static Text HtmlLayerBase => new("base", "基础");
    public static Text HtmlLayerNoHistory => new("no history line", "无历史记录");
    public static Text HtmlLayerRemoved => new("{0} deleted later, still readable here", "{0} 项后来被删除，但在此层仍可读取");
    public static Text HtmlMoreLayers => new("{0} more layers", "另有 {0} 层");
    public static Text HtmlSizeUnknown => new("size unknown", "大小未知");
    public static Text HtmlLayerWhole => new("whole image", "整个镜像");

    public static Text FilterTitle => new("Filter the findings", "筛选结果");
    public static Text FilterSeverity => new("Severity", "严重程度");
    public static Text FilterKind => new("Kind", "类别");
    public static Text FilterLayer => new("Layer", "层");
    public static Text FilterAnyKind => new("All kinds", "所有类别");
    public static Text FilterAnyLayer => new("All layers", "所有层");
    public static Text FilterFixable => new("Fixable", "可修复");
    public static Text FilterKev => new("Known exploited", "已知被利用");
    public static Text FilterSuppressed => new("Show suppressed", "显示已抑制");
    public static Text FilterSearch => new("Search package, id, path, title", "搜索软件包、编号、路径、标题");
    public static Text FilterReset => new("Reset", "重置");
    public static Text FilterOpenAll => new("Open all", "全部展开");
    public static Text FilterCloseAll => new("Close all", "全部折叠");
    public static Text FilterCount => new("{0} of {1} shown", "显示 {0} / {1}");

    public static Text HtmlKindVulnerabilities => new("Vulnerabilities", "漏洞");
    public static Text HtmlKindMalware => new("Malware", "恶意软件");
    public static Text HtmlKindSecrets => new("Secrets", "密钥与凭据");
    public static Text HtmlKindHistory => new("History", "构建历史");
    public static Text HtmlKindConfiguration => new("Configuration", "配置");
    public static Text HtmlKindLicences => new("Licences", "许可证");

    public static Text DetailWhere => new("Where", "位置");
    public static Text DetailLayer => new("Layer", "层");
    public static Text DetailEvidence => new("Evidence", "证据");
    public static Text DetailWhy => new("Why", "依据");
    public static Text DetailDo => new("What to do", "处理建议");
    public static Text DetailSeverity => new("Severity", "严重程度");
    public static Text DetailPackage => new("Package", "软件包");
    public static Text DetailOwner => new("Brought by", "所属软件包");
    public static Text DetailFacts => new("Details", "细节");
    public static Text DetailAliases => new("Also known as", "别名");
    public static Text DetailPublished => new("Published", "发布日期");
    public static Text DetailReferences => new("References", "参考");
    public static Text DetailFingerprint => new("Fingerprint", "指纹");
    public static Text DetailSuppressed => new("Suppressed", "已抑制");
    public static Text DetailRule => new("rule {0}", "规则 {0}");
    public static Text DoUpgrade => new("Upgrade {0} to {1}.", "将 {0} 升级到 {1}。");
    public static Text DoWait => new("No fix is known. Remove the package if it is not needed, or accept the risk with a reason and a date.", "尚无修复。若不需要请移除该软件包，或注明理由和期限后接受风险。");
    public static Text DoWillNotFix => new("The distribution will not fix it. Remove the package if it is not needed, or accept the risk with a reason and a date.", "发行版不会修复。若不需要请移除该软件包，或注明理由和期限后接受风险。");
    public static Text DoEndOfLife => new("This release gets no fixes any more: move to a supported one.", "该版本已停止支持：请迁移到受支持的版本。");
    public static Text DoRemove => new("The package is malicious: remove it, and treat what it could reach as lost.", "该软件包是恶意的：请移除，并视其可接触的一切为已泄露。");
    public static Text ExploitedSince => new("known to be exploited since {0} (CISA)", "自 {0} 起已知被利用（CISA）");
    public static Text UpgradeTo => new("upgrade to {0}", "升级到 {0}");

    public static Text RemovedBadge => new("deleted, still in layer {0}", "已删除，仍在第 {0} 层");
    public static Text RemovedText => new(
        "deleted by layer {0}, but anyone who has the image can still read it out of layer {1}", "在第 {0} 层被删除，但任何持有镜像的人仍可从第 {1} 层读取");
    public static Text OfImage => new("of the image", "属于整个镜像");
    public static Text TimesAlike => new("{0} places", "{0} 处");
    public static Text SuppressedHeading => new("Suppressed ({0})", "已抑制（{0}）");
    public static Text SuppressedTextOf => new("These do not count; the reason stands with each.", "以下各项不计入结果，并注明原因。");
    public static Text MoreRows => new("{0} more are not in this file; the JSON report has all", "另有 {0} 项未列入本文件；JSON 报告中有全部");
    public static Text ShortRows => new(
        "There are more than {0} findings: those after these are listed in short; the JSON report has all of each.", "结果超过 {0} 项：其后各项仅简要列出；JSON 报告中有完整内容。");

    public static Text HtmlPackages => new("Packages ({0})", "软件包（{0}）");
    public static Text HtmlLicences => new("Licences ({0})", "许可证（{0}）");
    public static Text ColumnVersion => new("Version", "版本");
    public static Text ColumnType => new("Type", "类型");
    public static Text ColumnLicence => new("Licence", "许可证");
    public static Text ColumnCount => new("Packages", "软件包数");
    public static Text NoLicence => new("none declared", "未声明");

    /// <summary>The heading of a kind of problem; the argument is the word of <c>--checks</c>.</summary>
    public static Text KindOf(string word) => word switch
    {
        "vulnerability" => HtmlKindVulnerabilities,
        "malware" => HtmlKindMalware,
        "secret" => HtmlKindSecrets,
        "history" => HtmlKindHistory,
        "configuration" => HtmlKindConfiguration,
        "licence" => HtmlKindLicences,
        _ => new(word, word),
    };

    /// <summary>A count with its noun: <c>3 secrets</c>.</summary>
    public static Text CountOf(string word, int count) => word switch
    {
        "malware" => count == 1 ? new("1 piece of malware", "1 个恶意软件") : new("{0} pieces of malware", "{0} 个恶意软件"),
        "secret" => count == 1 ? new("1 secret", "1 个密钥或凭据") : new("{0} secrets", "{0} 个密钥或凭据"),
        "history" => count == 1 ? new("1 finding in the history", "构建历史 1 项") : new("{0} findings in the history", "构建历史 {0} 项"),
        "configuration" => count == 1 ? new("1 finding in the configuration", "配置 1 项") : new("{0} findings in the configuration", "配置 {0} 项"),
        "licence" => count == 1 ? new("1 licence finding", "许可证 1 项") : new("{0} licence findings", "许可证 {0} 项"),
        _ => new("{0} " + word, "{0} " + word),
    };

    public static Text TableChecksClean => new("Looked for as well, and nothing found: {0}.", "同时检查，未发现问题：{0}。");
    public static Text TableNotMatched => new("Known vulnerabilities were not looked for (--checks).", "未检查已知漏洞（--checks）。");
    public static Text TableEnginesAsked => new("engines asked: {0}", "已使用引擎：{0}");
    public static Text TableEngineMissing => new("engine not asked: {0}: {1}", "未使用引擎：{0}：{1}");
    public static Text TableEngineFailed => new("engine failed: {0}: {1}", "引擎失败：{0}：{1}");
    public static Text TableIncomplete => new("Incomplete: there may be more than this:", "结果不完整：可能还有其他问题：");
    public static Text TableRemoved => new("deleted by layer {0}, still readable in layer {1}", "在第 {0} 层删除，仍可从第 {1} 层读取");

    /// <summary>A fact of a problem by its stable name; the name itself when it has no text.</summary>
    public static Text DetailNameOf(string name) => name switch
    {
        "engine" => new("engine", "引擎"),
        "score" => new("score", "得分"),
        "certainty" => new("certainty", "确定程度"),
        "family" => new("family", "家族"),
        "licence" => new("licence", "许可证"),
        _ => new(name, name),
    };
    public static Text ProblemMore => new("and {0} more; --all lists each", "另有 {0} 处；--all 逐一列出");
    public static Text ProblemLayers => new("in {0} layers", "分布于 {0} 层");

    public static Text DiffNewProblems => new("New problems: {0}", "新增问题：{0}");
    public static Text DiffGoneProblems => new("Problems gone: {0}", "消失的问题：{0}");
    public static Text DiffSuppressedProblems => new("Problems suppressed since: {0}", "此后被抑制的问题：{0}");
    public static Text DiffUnchangedProblems => new("Problems that stay: {0}", "保留的问题：{0}");
    public static Text DiffOtherChecks => new("Looked for on one side only, so not compared: {0}.", "仅一边检查，未作比较：{0}。");

    public static Text ExplainRuleIn => new("{0} in {1}", "{1} 中的 {0}");
    public static Text ExplainWhere => new("where", "位置");
    public static Text ExplainEvidence => new("evidence", "证据");
    public static Text ExplainAdvice => new("what to do", "处理建议");
    public static Text ExplainDetails => new("details", "细节");
    public static Text ExplainFingerprint => new("fingerprint", "指纹");
    public static Text ExplainOwned => new("brought by", "所属软件包");
    public static Text ExplainNotLooked => new("Not looked for in {0}: {1}.", "在 {0} 中未检查：{1}。");
}
