namespace Plimsoll.Texts;

public static partial class Catalogue
{
    public static Text DemoSummary { get; } = new("Show every stage on a small image made on the spot; needs no network, daemon or root", "在现场制作的小镜像上演示每个阶段；不需要网络、守护进程或 root");
    public static Text DemoFolder { get; } = new("Keep the files in this folder; default: a temporary one that is removed", "把文件保存在此文件夹；默认使用会被删除的临时文件夹");
    public static Text DemoMake { get; } = new("An image of six layers, made in {0}: Debian packages, an application with npm, Python and Java packages, and what people leave in images", "在 {0} 制作一个六层镜像：Debian 软件包、带有 npm、Python 和 Java 软件包的应用，以及人们常遗留在镜像中的内容");
    public static Text DemoScan { get; } = new("Inspect it: vulnerabilities, malware, secrets, configuration, history and licences; and keep a JSON report and an HTML page. Without an advisory database only the built-in starter set is asked, so the answer stays undecided (exit code 3)", "检查它：漏洞、恶意软件、密钥、配置、构建历史和许可证；并保存 JSON 报告和 HTML 页面。没有漏洞数据库时只查询内置的入门集，所以结论未定（退出码 3）");
    public static Text DemoSuppress { get; } = new("Suppress a finding with a reason, and fail on what is critical", "带理由抑制一个发现，遇到严重漏洞即失败");
    public static Text DemoLint { get; } = new("Rebuild the Dockerfile from the image's history, and judge it", "根据镜像历史还原 Dockerfile 并进行检查");
    public static Text DemoPolicy { get; } = new("Ask the built-in policy whether this image may run, and why not", "用内置策略判定此镜像能否运行，以及拒绝的理由");
    public static Text DemoExplain { get; } = new("Ask where one of them comes from, and why it matched", "查询其中一个漏洞从何而来、为何匹配");
    public static Text DemoBom { get; } = new("Write a bill of materials (SBOM), and match that instead of the image", "写出物料清单（SBOM），并用它代替镜像进行匹配");
    public static Text DemoDiff { get; } = new("Build the image again with some upgrades, in {0}, and compare it with the report on the first", "升级部分软件包后在 {0} 重新构建镜像，并与第一次的报告比较");
    public static Text DemoMeasure { get; } = new("Measure it: one value that says exactly which bytes it is, the same wherever it lies", "测量镜像：一个值精确说明它由哪些字节组成，无论存放在何处都相同");
    public static Text DemoKey { get; } = new("Make a key that signs, behind a passphrase, and give its public half to those who check", "生成受口令保护的签名密钥，并把公钥交给验证方");
    public static Text DemoSign { get; } = new("Sign the image: it is inspected and judged by the policy first, and this one fails", "给镜像签名：先检查并按策略判定，而这个镜像不合格");
    public static Text DemoOverride { get; } = new("Sign it all the same, with a reason that every signature then states", "附带理由强制签名，此后每个签名都写明这个理由");
    public static Text DemoVerify { get; } = new("Verify who vouches for it, by a policy that names the key and lets overridden images pass with a warning; under another name nobody vouches for it", "验证谁为它担保：策略指定了密钥，并对强制签名的镜像放行但给出警告；换一个名称则无人担保");
    public static Text DemoCopy { get; } = new("Copy image and signatures into one archive for an air gap, and verify that", "把镜像和签名一起复制到一个归档文件以越过网络隔离，并对其验证");
    public static Text DemoStart { get; } = new("Ask a host's policy which containers it would start, by requests as docker sends them; plimsoll-agent asks it at every start", "按 docker 发出的请求询问主机策略会启动哪些容器；plimsoll-agent 在每次启动时都会询问它");
    public static Text DemoTamper { get; } = new("Change one bit of {0}: nothing is inspected or trusted that is not what the manifest states", "改动 {0} 的一个比特：与清单不符的内容既不会被检查，也不会被信任");
    public static Text DemoExitCode { get; } = new("(exit code {0})", "（退出码 {0}）");
    public static Text DemoDone { get; } = new("That is all there is today. Next: plimsoll db update, then plimsoll scan IMAGE", "目前的功能就是这些。下一步：plimsoll db update，然后 plimsoll scan IMAGE");
    public static Text DemoUnexpected { get; } = new("A step did not end as it should; please report this with the output above", "有一个步骤的结果不符合预期；请附上以上输出进行报告");
    public static Text CacheSummary { get; } = new("Show or clean the cache of layers that were inspected before", "显示或清理已检查层的缓存");
    public static Text CacheStatusSummary { get; } = new("Say where the cache is and how large", "显示缓存的位置和大小");
    public static Text CacheCleanSummary { get; } = new("Remove everything in the cache", "删除缓存中的全部内容");
    public static Text CacheStatus { get; } = new("{0}: {1} layers, {2:0.0} MiB of at most {3:0} MiB", "{0}：{1} 个层，{2:0.0} MiB，上限 {3:0} MiB");
    public static Text CacheCleaned { get; } = new("removed {0:0.0} MiB from {1}", "已从 {1} 删除 {0:0.0} MiB");
}
