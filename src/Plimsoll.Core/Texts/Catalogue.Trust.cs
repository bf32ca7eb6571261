namespace Plimsoll.Texts;

/// <content>Verdicts on an image's evidence, and the verb verify.</content>
public static partial class Catalogue
{
    private static Text? TrustReason(string code) => code switch
    {
        "no-trust" => new("the policy {0} has no section trust, so that nobody's word counts", "策略 {0} 没有 trust 部分，任何人的签名都不算数"),
        "no-rule" => new("no rule of the policy is for {0}", "策略中没有适用于 {0} 的规则"),
        "no-name" => new("the image has no name that a rule could be for", "镜像没有名称，无法选择规则"),
        "too-many-names" => new("the image goes by {0} names, at most {1} are judged", "镜像有 {0} 个名称，最多判定 {1} 个"),
        "untrusted" => new("nothing signed is asked for: {0} is untrusted, and starts under a secure runtime alone ({1})", "未要求任何签名：{0} 不受信任，只能在安全运行时（{1}）下启动"),
        "signed" => new("signed by {0} of {1} wanted keys: {2}", "已由 {0} 个密钥签名（要求 {1} 个）：{2}"),
        "unsigned" => new("no signature over {0} counts", "没有对 {0} 有效的签名"),
        "unknown-key" => new("statements about the image are by keys that the rule does not know: {1} ({0} statements); wanted: {2}", "关于该镜像的声明由规则未知的密钥签名：{1}（共 {0} 个）；要求：{2}"),
        "no-manifest" => new("no statement that counts says which manifest the config {0} belongs to", "没有有效声明说明配置 {0} 属于哪个清单"),
        "signature-threshold" => new("signed by {0} keys, wanted {1}: {2}", "仅由 {0} 个密钥签名，要求 {1} 个：{2}"),
        "no-key-matches" => new("made by no key of the rule, or changed since: {0}", "不属于规则中任何密钥，或签名后被改动：{0} 个"),
        "hybrid-incomplete" => new("signed by one part of a hybrid key, and both must have signed: {0}", "仅由混合密钥的一部分签名，须两部分都签名：{0} 个"),
        "hybrid-unsupported" => new("signed by a hybrid key, and this platform's OpenSSL ({1}) has no ML-DSA-65; needs 3.5: {0}", "由混合密钥签名，但本平台的 OpenSSL（{1}）不支持 ML-DSA-65，需要 3.5：{0} 个"),
        "key-not-allowed" => new("made by a key that may not say this: {0}", "签名密钥无权作此声明：{0} 个"),
        "key-revoked" => new("made by a revoked key: {0}", "由已吊销的密钥签名：{0} 个"),
        "signature-digest" => new("signatures over another digest: {0}", "针对其他摘要的签名：{0} 个"),
        "signature-repository" => new("signatures made for another repository: {0}", "为其他仓库所作的签名：{0} 个"),
        "signature-tag" => new("signatures made for another tag or none: {0}", "为其他标签或未写标签所作的签名：{0} 个"),
        "payload-malformed" => new("signed, and not of the form that is wanted: {0}", "签名有效但内容格式不符：{0} 个"),
        "payload-type" => new("envelopes whose payload type is no statement's: {0}", "载荷类型不是声明的信封：{0} 个"),
        "before-minimum" => new("older than the policy lets count, or without a time: {0}", "早于策略要求或没有时间：{0} 个"),
        "inspection-withheld" => new("inspections older than one of the same key that this host has seen: {0}", "早于本主机曾见过的同一密钥检查的检查：{0} 个"),
        "counter-below" => new("with a counter below the policy's minimum: {0}", "计数低于策略下限：{0} 个"),
        "overridden" => new("for an image that had failed a policy and was signed all the same: {0}", "镜像未通过策略却仍被签名：{0} 个"),
        "platforms-signed" => new("each of {0} platforms is signed", "{0} 个平台均已签名"),
        "platform-unsigned" => new("{0} of {1} platforms are not signed as wanted", "{1} 个平台中有 {0} 个未按要求签名"),
        "attested" => new("{0}: by {1} of {2} wanted keys: {3}", "{0}：已由 {1} 个密钥声明（要求 {2} 个）：{3}"),
        "statement-missing" => new("{0}: no statement counts", "{0}：没有有效的声明"),
        "statement-threshold" => new("{0}: by {1} keys, wanted {2}: {3}", "{0}：仅由 {1} 个密钥声明，要求 {2} 个：{3}"),
        "statement-subject" => new("statements about another image: {0}", "关于其他镜像的声明：{0} 个"),
        "statement-old" => new("statements that are too old: {0}", "过期的声明：{0} 个"),
        "statement-undated" => new("statements that state no time: {0}", "没有时间的声明：{0} 个"),
        "provenance-builder" => new("provenance of another builder: {0}", "由其他构建者生成的来源证明：{0} 个"),
        "provenance-source" => new("provenance without the wanted source: {0}", "来源证明中没有要求的源：{0} 个"),
        "provenance-materials" => new("provenance with materials that are not allowed, or none: {0}", "来源证明的材料不被允许或没有材料：{0} 个"),
        "database-counter" => new("the inspection's advisory database has counter {0}, wanted at least {1}", "检查所用漏洞库计数为 {0}，要求不低于 {1}"),
        "not-intact" => new("the image's bytes are not as its own config says: {0}", "镜像字节与其自身配置不符：{0} 处"),
        "unpacked-not-compared" => new("the image's bytes were had from the engine; the unpacked files were not compared, which takes root on the host", "镜像字节由引擎导出；解包后的文件未比对（需要主机的 root 权限）"),
        "not-measured" => new("the image was not measured", "镜像未被度量"),
        "measurement-mismatch" => new("the image measures to {1}, signed is {2}; first difference: layer {0}", "镜像度量值为 {1}，签名值为 {2}；首个差异：第 {0} 层"),
        "revocations-not-asked" => new("a revocation list was given, and the rule names no keys whose list would count", "给出了吊销列表，但规则没有指明由哪些密钥签名"),
        "revocations-missing" => new("there is no revocation list", "没有吊销列表"),
        "revocations-unsigned" => new("the revocation list is signed by no key of the rule", "吊销列表不是由规则中的密钥签名"),
        "revocations-unsupported" => new("the revocation list is signed by a hybrid key, and this platform's OpenSSL ({0}) has no ML-DSA-65; needs 3.5", "吊销列表由混合密钥签名，但本平台的 OpenSSL（{0}）不支持 ML-DSA-65，需要 3.5"),
        "revocations-malformed" => new("the revocation list is not of its form", "吊销列表格式不符"),
        "revocations-rolled-back" => new("the revocation list has counter {0}; one with {1} is known or wanted", "吊销列表计数为 {0}；已知或要求为 {1}"),
        "revocations-forked" => new("the revocation list has counter {0}, under which another content was seen", "吊销列表计数为 {0}，但此计数下曾见过不同内容"),
        "revocations-old" => new("the revocation list is of {0}; wanted is one within {1} days", "吊销列表日期为 {0}；要求在 {1} 天以内"),
        "revocations-key-revoked" => new("the revocation list is signed by a key that it revokes: {0}", "吊销列表由其自身吊销的密钥签名：{0}"),
        "revocations-current" => new("revocation list {0} of {1}", "吊销列表第 {0} 版，日期 {1}"),
        "image-revoked" => new("{0} is revoked since {1}: {2}", "{0} 自 {1} 起已吊销：{2}"),
        "image-undated" => new("the image does not say when it was made; wanted is {0} or later", "镜像没有说明制作时间；要求不早于 {0}"),
        "image-before-minimum" => new("the image was made on {0}; wanted is {1} or later", "镜像制作于 {0}；要求不早于 {1}"),
        "image-new-enough" => new("the image was made on {0}; wanted is {1} or later", "镜像制作于 {0}；要求不早于 {1}"),
        "evidence-gap" => new("evidence that was not read ({1}): {0}", "未能读取的证据（{1}）：{0} 个"),
        "too-many-signatures" => new("more signatures than the {0} checks that one image may cost", "签名过多，超过单个镜像允许的 {0} 次校验"),
        _ => ContentTrustReason(code),
    };

    public static Text TrustRuleFor => new("For {0} this rule decides ({1})", "{0} 适用规则（{1}）");
    public static Text TrustUntrusted => new("nothing signed is asked for: its images are untrusted, and start under a secure runtime alone: {0}", "不要求任何签名：其镜像不受信任，只能在安全运行时下启动：{0}");
    public static Text TrustUntrustedRuns => new("anybody's image of these names runs, in a sandbox alone", "任何人制作的此名称镜像都可运行，但仅限沙箱");
    public static Text TrustQuorum => new("{0} of: {1}", "以下密钥中的 {0} 个：{1}");
    public static Text TrustSignatures => new("signatures by {0}", "签名：{0}");
    public static Text TrustRepository => new("made for: {0}", "签名所针对的仓库：{0}");
    public static Text TrustExactName => new("made for: {0}, and the tag that is asked for", "签名所针对的仓库：{0}，且标签一致");
    public static Text TrustAnyName => new("made for any name or none", "签名所针对的名称不限");
    public static Text TrustOwnName => new("the image's own repository", "镜像自身的仓库");
    public static Text TrustEach => new("of several platforms the index and each of them is signed", "多平台镜像的索引与每个平台都须签名");
    public static Text TrustIndex => new("of several platforms the index is signed", "多平台镜像只须对索引签名");
    public static Text TrustAttestation => new("the statement {0} by {1}", "声明 {0}：{1}");
    public static Text TrustWithin => new(", within {0} days", "，{0} 天以内");
    public static Text TrustBuilder => new(", built by {0}", "，构建者 {0}");
    public static Text TrustSource => new(", from {0}", "，源 {0}");
    public static Text TrustMaterials => new(", of nothing but {0}", "，材料仅限 {0}");
    public static Text TrustInspection => new("an inspection by {0}, judged by this policy", "检查：{0}，并按本策略重新判定");
    public static Text TrustCounter => new(", with a counter of at least {0}", "，计数不低于 {0}");
    public static Text TrustMeasurement => new("a measurement by {0} that is equal to that of the bytes", "度量：{0}，且与实际字节一致");
    public static Text TrustRevocations => new("a revocation list signed by one of: {0}", "吊销列表，由以下密钥之一签名：{0}");
    public static Text TrustCreated => new("made on {0} or later", "制作时间不早于 {0}");
    public static Text TrustNotBefore => new("signed on {0} or later", "签名时间不早于 {0}");
    public static Text TrustSignedCounter => new("signed with a counter of at least {0}", "签名中的计数不低于 {0}");
    public static Text TrustOverridden => new("signed although a policy had failed: {0}", "未通过策略仍被签名：{0}");
    public static Text TrustUnreadable => new("evidence that cannot be read: {0}", "无法读取的证据：{0}");
    public static Text TrustKeyUnused => new("no rule uses this key", "没有规则使用此密钥");
    public static Text TrustKeySame => new("this is the same key as {0}, and counts once with it", "与 {0} 是同一密钥，合计只算一个");
    public static Text TrustRuleShadowed => new("this rule can do nothing: {0} covers its names before it", "该规则不起作用：{0} 已先覆盖其名称");
    public static Text HelpPolicyName => new("Only say which rule of trust decides for an image of this name", "仅说明此名称的镜像适用哪条信任规则");

    public static Text VerifyAs => new("as {0}", "作为 {0}");
    public static Text VerifySummary => new("Say who vouches for an image, and whether a policy lets that suffice", "说明谁为镜像担保，以及策略是否认可");
    public static Text HelpVerifyImage => new("Images to verify", "要验证的镜像");
    public static Text HelpVerifyPolicy => new("Policy with a section trust: a file, signed or not", "含 trust 部分的策略文件，可为签名文件");
    public static Text HelpVerifyBundle => new("Look for evidence in this file or layout too (repeatable)", "同时在此文件或布局中查找证据（可重复）");
    public static Text HelpVerifyRevocations => new("Signed revocation list", "签名的吊销列表");
    public static Text HelpVerifyAs => new("Judge the image as if it had this name", "按此名称判定镜像");
    public static Text HelpVerifyJson => new("Write JSON", "输出 JSON");
    public static Text HelpVerifyQuiet => new("Write nothing but errors; the exit code is the answer", "仅输出错误；以退出码为准");

    /// <summary>The name of a component for people; the word itself for one that has none.</summary>
    public static Text ComponentName(string component) => component switch
    {
        "rule" => new("rule", "规则"),
        "signature" => new("signature", "签名"),
        "content-trust" => new("content trust", "内容信任"),
        "platforms" => new("platforms", "平台"),
        "attestation" => new("attestation", "证明"),
        "inspection" => new("inspection", "检查"),
        "measurement" => new("measurement", "度量"),
        "revocations" => new("revocations", "吊销"),
        "minimum" => new("minimum", "下限"),
        "evidence" => new("evidence", "证据"),
        _ => new(component, component),
    };
}
