namespace Plimsoll.Texts;

/// <content>Verdicts and the verb policy.</content>
public static partial class Catalogue
{
    /// <summary>The sentence of a verdict's reason by its code, or null for a code that has none.</summary>
    public static Text? FindReason(string code) => code switch
    {
        "check-missing" => new("the check for {0} did not run", "未运行 {0} 检查"),
        "engine-missing" => new("the engine {0} was not there ({1})", "引擎 {0} 不可用（{1}）"),
        "engine-failed" => new("the engine {0} did not answer wholly ({1})", "引擎 {0} 没有完整应答（{1}）"),
        "incomplete" => new("not or not wholly looked at: {0}", "未检查或未完整检查：{0} 处"),
        "unverified" => new("no digest was checked", "没有校验任何摘要"),
        "inspection-old" => new("the inspection is of {0}; wanted is one within {1} days", "检查日期为 {0}；要求在 {1} 天以内"),
        "no-database" => new("there was no advisory database", "没有漏洞库"),
        "database-old" => new("the advisory database is of {0}; wanted is one within {1} days", "漏洞库日期为 {0}；要求在 {1} 天以内"),
        "no-known-exploited" => new("the advisory database has no catalogue of known exploited vulnerabilities", "漏洞库中没有已知被利用漏洞目录"),
        "no-epss" => new("the advisory database has no EPSS table", "漏洞库中没有 EPSS 数据"),
        "end-of-life" => new("{0} {1} has had no security support since {2}", "{0} {1} 自 {2} 起不再有安全支持"),
        "image-old" => new("the image was made on {0}; wanted is one within {1} days", "镜像制作于 {0}；要求在 {1} 天以内"),
        "image-age-unknown" => new("the image does not say when it was made", "镜像没有说明制作时间"),
        "malicious-package" => new("malicious packages: {0}", "恶意软件包：{0} 个"),
        "known-exploited" => new("known exploited vulnerabilities: {0}", "已知被利用的漏洞：{0} 个"),
        "epss" => new("vulnerabilities likely to be exploited: {0}", "很可能被利用的漏洞：{0} 个"),
        "severity" => new("vulnerabilities of severity {1}: {0}", "严重程度为 {1} 的漏洞：{0} 个"),
        "malware-confirmed" => new("malicious files: {0}", "恶意文件：{0} 个"),
        "malware-suspected" => new("files that one engine alone calls malicious: {0}", "仅有一个引擎认定为恶意的文件：{0} 个"),
        "secret" => new("secrets of severity {1}: {0}", "严重程度为 {1} 的密钥等机密：{0} 个"),
        "history" => new("problems of severity {1} in the image's history: {0}", "镜像历史中严重程度为 {1} 的问题：{0} 个"),
        "configuration" => new("problems of severity {1} in the configuration: {0}", "严重程度为 {1} 的配置问题：{0} 个"),
        "licence" => new("licence problems of severity {1}: {0}", "严重程度为 {1} 的许可证问题：{0} 个"),
        "licence-denied" => new("packages under a denied licence: {0}", "使用被禁止许可证的软件包：{0} 个"),
        "licence-unlisted" => new("packages under a licence that is not on the list: {0}", "许可证不在允许列表中的软件包：{0} 个"),
        "licence-undeclared" => new("packages that name no licence: {0}", "没有声明许可证的软件包：{0} 个"),
        "licences-beyond" => new("packages whose licences are not listed: {0}", "未列出许可证的软件包：{0} 个"),
        "denied-package" => new("denied packages: {0} ({1})", "被禁止的软件包：{0} 个（{1}）"),
        "packages-not-listed" => new("whether denied packages are there was not asked under this policy", "未按本策略检查是否含有被禁止的软件包"),
        "findings-beyond" => new("findings that are only counted: {0} ({1})", "仅有计数的结果：{0} 个（{1}）"),
        "suppressed" => new("accepted because suppressed ({1}): {0}", "因已抑制而接受（{1}）：{0} 个"),
        "excepted" => new("accepted by exceptions: {0}", "按例外接受：{0} 个"),
        "exception-expired" => new("exceptions that have expired: {0}", "已到期的例外：{0} 个"),
        "exception-unused" => new("exceptions that matched nothing: {0}", "没有匹配任何结果的例外：{0} 个"),
        _ => TrustReason(code) ?? StartReason(code),
    };

    /// <summary>The sentence with its arguments; null for a code that has none. Missing arguments are shown as "?", so that a reason is never lost.</summary>
    public static string? ReasonText(string code, IReadOnlyList<string> arguments, Language language)
    {
        if (FindReason(code) is not { } text)
            return null;
        object?[] all = new object?[Math.Max(MostReasonArguments, arguments.Count)];
        Array.Fill(all, "?");
        for (int i = 0; i < arguments.Count; i++)
            all[i] = arguments[i];
        return text.In(language, all);
    }

    private const int MostReasonArguments = 4;
    public static Text VerdictPassed => new("Passed by policy {0}", "符合策略 {0}");
    public static Text VerdictWarned => new("Passed by policy {0}, with warnings", "符合策略 {0}，但有警告");
    public static Text VerdictUndecided => new("Undecided by policy {0}", "按策略 {0} 无法判定");
    public static Text VerdictRefused => new("Refused by policy {0}", "被策略 {0} 拒绝");
    public static Text VerdictMore => new("… and {0} more", "……还有 {0} 个");
    public static Text WordFail => new("refused", "拒绝");
    public static Text WordUndecided => new("undecided", "无法判定");
    public static Text WordWarn => new("warning", "警告");
    public static Text WordAccepted => new("noted", "已记录");

    public static Text PolicySummary => new("Check, explain, test and sign policies", "检查、解释、测试和签署策略");
    public static Text PolicyCheckSummary => new("Say whether a policy file is right, and what in it can do nothing", "检查策略文件是否正确，并指出其中无效的部分");
    public static Text PolicyExplainSummary => new("Say in words what a policy does, and why each finding of a report counts or not", "用文字说明策略的作用，以及报告中每项结果是否计入及其原因");
    public static Text PolicyTestSummary => new("Try a policy on named cases with the verdict each must get", "用具名用例测试策略，核对每个用例应得的判定");
    public static Text PolicySignSummary => new("Check a policy and write it as the signed file that hosts load", "检查策略并写成供主机加载的签名文件");
    public static Text PolicyVerifySummary => new("Check a signed policy and say what it is", "校验签名策略并说明其内容");
    public static Text HelpPolicy => new("Judge by a policy: a file, or default", "按策略判定：文件，或 default");
    public static Text HelpPolicyKey => new("Public key that the policy must be signed with: a stored key's name, or a PEM file", "策略签名所用的公钥：已存密钥的名称，或 PEM 文件");
    public static Text HelpPolicyFile => new("Policy: a YAML or JSON file, a signed file, or default", "策略：YAML 或 JSON 文件、签名文件，或 default");
    public static Text HelpPolicySigned => new("Signed policy", "签名策略文件");
    public static Text HelpPolicyReport => new("Also judge this: a JSON report, a bill of materials or an image", "同时判定：JSON 报告、物料清单或镜像");
    public static Text HelpPolicyCases => new("Cases (YAML)", "用例（YAML）");
    public static Text HelpPolicyPrivateKey => new("Private key: a stored key's name, or a PEM file", "私钥：已存密钥的名称，或 PEM 文件");
    public static Text HelpPolicyOutput => new("File to write", "写入的文件");
    public static Text HelpPolicyCounter => new("Counter (default: one more than the last known)", "计数（默认为已知最后一次加一）");
    public static Text HelpPolicyAs => new("text (default), yaml or json: the policy itself in full", "text（默认）、yaml 或 json：完整的策略本身");

    public static Text PolicyValid => new("{0}: policy {1} is valid, digest {2}", "{0}：策略 {1} 有效，摘要 {2}");
    public static Text PolicySigned => new("{0}: policy {1}, counter {2}, digest {3}, signed by key {4}", "{0}：策略 {1}，计数 {2}，摘要 {3}，签名密钥 {4}");
    public static Text PolicyCasesPassed => new("{0} of {1} cases as expected", "{1} 个用例中有 {0} 个符合预期");
    public static Text PolicyCounterNotKept => new("the policy's counter could not be remembered: {0}", "无法记录策略的计数：{0}");

    public static Text PolicyRefusesNothing => new("this policy refuses nothing that is found", "该策略不会拒绝任何检查结果");
    public static Text PolicyEngineUnknown => new("no engine is called {0}; there are {1}", "没有名为 {0} 的引擎；可用的有 {1}");
    public static Text PolicyGraceIdle => new("the grace for {0} does nothing: this severity comes to {1} anyway", "{0} 的宽限期不起作用：该严重程度本来就是 {1}");
    public static Text PolicyTypeUnknown => new("no package is of type {0}; nothing can be below a version of it", "没有 {0} 类型的软件包，无法比较版本");
    public static Text PolicyVersionUnknown => new("{0} is no version of type {1}", "{0} 不是 {1} 类型的版本");
    public static Text PolicyLicenceBoth => new("{0} is both allowed and denied; denied counts", "{0} 同时被允许和禁止；以禁止为准");
    public static Text PolicyLicenceUnknown => new("{0} is no SPDX licence id; only packages that write exactly this are meant", "{0} 不是 SPDX 许可证标识；仅匹配完全相同的写法");
    public static Text PolicyExceptionExpired => new("the exception for {0} ended on {1} and no longer counts (owner {2})", "对 {0} 的例外已于 {1} 到期，不再有效（负责人 {2}）");
    public static Text PolicyExceptionShadowed => new("the exception for {0} can do nothing: the one at {1} accepts as much and longer", "对 {0} 的例外不起作用：{1} 处的例外范围更大、期限更长");

    public static Text ExplainRefuses => new("Refuses an image for", "因下列情况拒绝镜像");
    public static Text ExplainUndecides => new("Does not decide when", "下列情况下不作判定");
    public static Text ExplainWarns => new("Warns of", "对下列情况发出警告");
    public static Text ExplainIgnores => new("Ignores", "忽略");
    public static Text ExplainSofter => new("At most", "从宽处理");
    public static Text ExplainSuppressions => new("Lets these suppressions count: {0}", "承认下列来源的抑制：{0}");
    public static Text ExplainExceptions => new("Accepts for a time", "限期接受");
    public static Text ExplainException => new("{0}{1} until {2}, by {3}: {4}", "{0}{1}，至 {2}，负责人 {3}：{4}");
    public static Text ExplainMalicious => new("malicious packages", "恶意软件包");
    public static Text ExplainExploited => new("known exploited vulnerabilities", "已知被利用的漏洞");
    public static Text ExplainEpssFrom => new("vulnerabilities with an EPSS probability from {0}", "EPSS 概率不低于 {0} 的漏洞");
    public static Text ExplainVulnerabilities => new("vulnerabilities of severity {0}", "严重程度为 {0} 的漏洞");
    public static Text ExplainConfirmed => new("malicious files on which engines agree", "多个引擎一致认定的恶意文件");
    public static Text ExplainSuspected => new("files that one engine alone calls malicious", "仅一个引擎认定的恶意文件");
    public static Text ExplainSecrets => new("secrets of severity {0}", "严重程度为 {0} 的机密");
    public static Text ExplainHistory => new("problems in the history of severity {0}", "严重程度为 {0} 的历史问题");
    public static Text ExplainConfiguration => new("configuration problems of severity {0}", "严重程度为 {0} 的配置问题");
    public static Text ExplainLicences => new("licence problems of severity {0}", "严重程度为 {0} 的许可证问题");
    public static Text ExplainRule => new("whatever the rule {0} finds", "规则 {0} 的任何结果");
    public static Text ExplainDenied => new("packages under these licences: {0}", "使用这些许可证的软件包：{0}");
    public static Text ExplainUnlisted => new("packages under other licences than these: {0}", "使用这些以外许可证的软件包：{0}");
    public static Text ExplainUndeclared => new("packages that name no licence", "没有声明许可证的软件包");
    public static Text ExplainPackageDenied => new("the package {0}: {1}", "软件包 {0}：{1}");
    public static Text ExplainMissing => new("a check that is asked for did not run", "要求的检查未运行");
    public static Text ExplainEngines => new("one of these engines did not answer: {0}", "这些引擎之一没有应答：{0}");
    public static Text ExplainIncomplete => new("something was not or not wholly looked at", "有内容未检查或未完整检查");
    public static Text ExplainUnverified => new("digests that nobody checked", "未经校验的摘要");
    public static Text ExplainInspectionOld => new("an inspection more than {0} days old", "超过 {0} 天的检查结果");
    public static Text ExplainNoDatabase => new("no advisory database, or one without what this policy asks it for", "没有漏洞库，或其中缺少本策略所需内容");
    public static Text ExplainDatabaseOld => new("an advisory database more than {0} days old", "超过 {0} 天的漏洞库");
    public static Text ExplainEndOfLife => new("a distribution without security support", "不再有安全支持的发行版");
    public static Text ExplainImageOld => new("an image made more than {0} days ago", "制作时间超过 {0} 天的镜像");
    public static Text ExplainUnfixed => new("{0}: a severity where no fixed version exists", "{0}：尚无修复版本的漏洞（按严重程度）");
    public static Text ExplainWillNotFix => new("{0}: a severity where the distribution will not fix it", "{0}：发行版不会修复的漏洞（按严重程度）");
    public static Text ExplainPackageEndOfLife => new("{0}: a severity where the package is past its end of life", "{0}：已停止支持的软件包中的漏洞（按严重程度）");
    public static Text ExplainMalwareRemoved => new("{0}: a malicious file that a later layer removed", "{0}：已被后续层删除的恶意文件");
    public static Text ExplainSecretsRemoved => new("{0}: a secret that a later layer removed", "{0}：已被后续层删除的机密");
    public static Text ExplainGrace => new("warning: severity {0} within {1} days of publication", "警告：严重程度 {0}，公布后 {1} 天之内");
    public static Text WordIgnored => new("ignored", "忽略");
    public static Text ExplainEach => new("Each finding", "各项结果");
    public static Text ExplainRest => new("{0} more: {1} ({2})", "另有 {0} 项：{1}（{2}）");
    public static Text ExplainSuppressedBy => new("suppressed by {0}", "由 {0} 抑制");
    public static Text ExplainExceptedBy => new("accepted: {0}", "已接受：{0}");
}
