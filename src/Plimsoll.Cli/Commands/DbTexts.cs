using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary>What <c>plimsoll db</c> says to people.</summary>
internal static class DbTexts
{
    public static readonly Text NoDatabase = new("no advisory database at {0}", "{0} 处没有漏洞公告数据库");
    public static readonly Text StarterSet = new("built in: a starter set of {0} widely known advisories; it does not count as a database", "内置：{0} 条广为人知的入门公告；不算作数据库");
    public static readonly Text RunUpdate = new("run 'plimsoll db update', or 'plimsoll db import FILE --key PUBLIC.pem'", "请运行 'plimsoll db update' 或 'plimsoll db import FILE --key PUBLIC.pem'");
    public static readonly Text File = new("file", "文件");
    public static readonly Text Counter = new("counter", "计数");
    public static readonly Text Created = new("created", "生成时间");
    public static readonly Text Records = new("records", "记录");
    public static readonly Text Digest = new("digest", "摘要");
    public static readonly Text KnownExploited = new("known exploited", "已知被利用");
    public static readonly Text None = new("none", "无");
    public static readonly Text Bytes = new("{0} ({1} bytes)", "{0}（{1} 字节）");
    public static readonly Text Age = new("{0} ({1} old)", "{0}（已过 {1}）");
    public static readonly Text Days = new("{0} days", "{0} 天");
    public static readonly Text Hours = new("{0} hours", "{0} 小时");
    public static readonly Text Minutes = new("{0} minutes", "{0} 分钟");
    public static readonly Text Catalogue = new("catalogue {0}", "目录 {0}");
    public static readonly Text Ecosystem = new("{0}: {1} records, newest of {2}", "{0}：{1} 条记录，最新 {2}");
    public static readonly Text Missing = new(", {0} malformed left out", "，{0} 条格式错误已略去");
    public static readonly Text Verified = new("every row is whole", "每一行均完整");
    public static readonly Text Updated = new("advisory database {0}: counter {1}, {2} records", "漏洞公告数据库 {0}：计数 {1}，{2} 条记录");
    public static readonly Text Kept = new("kept from before: {0}", "沿用先前的：{0}");
    public static readonly Text Withdrawn = new("{0} withdrawn records left out", "略去 {0} 条已撤回的记录");
    public static readonly Text Malformed = new("{0} of {1} records are malformed and left out: {2}", "{1} 条记录中有 {0} 条格式错误并已略去：{2}");
    public static readonly Text Exported = new("exported counter {0} to {1}", "已将计数 {0} 导出到 {1}");
    public static readonly Text Imported = new("advisory database {0}: imported counter {1}, {2} records", "漏洞公告数据库 {0}：已导入计数 {1}，{2} 条记录");
    public static readonly Text AlreadyInUse = new("counter {0} is already in use", "计数 {0} 已在使用中");
    public static readonly Text Interrupted = new("interrupted; the database in use was not changed", "已中断；正在使用的数据库未改变");
    public static readonly Text Download = new("fetching {0}: {1}", "正在下载 {0}：{1}");
    public static readonly Text Read = new("reading {0}: {1} of {2} records", "正在读取 {0}：{1} / {2} 条记录");
    public static readonly Text Keep = new("keeping {0}", "保留 {0}");
    public static readonly Text Write = new("writing {0}", "正在写入 {0}");
    public static readonly Text KevFailed = new("known exploited vulnerabilities were not updated: {0}", "已知被利用漏洞目录未更新：{0}");
    public static readonly Text KevOlder = new("known exploited vulnerabilities in use are newer and stay: {0}", "正在使用的已知被利用漏洞目录较新，予以保留：{0}");
    public static readonly Text Epss = new("EPSS", "EPSS");
    public static readonly Text EpssOlder = new("the EPSS table in use is newer and stays: {0}", "正在使用的 EPSS 表较新，予以保留：{0}");
    public static readonly Text EcosystemAbsent = new("the source has no {0}", "来源中没有 {0}");
    public static readonly Text WasUnusable = new("replaced whole, because {0}", "已整体替换，原因：{0}");
    public static readonly Text Db = new("Get, show and carry the advisory database", "获取、显示和传送漏洞公告数据库");
    public static readonly Text SummaryUpdate = new("Replace ecosystems of the database by those of a source; the others stay. A broken, interrupted, empty or older source changes nothing", "用来源替换数据库中的相应生态系统；其余保留。来源损坏、中断、为空或较旧时，什么都不改变");
    public static readonly Text SummaryStatus = new("Show the database in use: counter, age, records, digest. Exit code 3 without one", "显示正在使用的数据库：计数、时间、记录、摘要。没有时退出码为 3");
    public static readonly Text SummaryExport = new("Write the database in use to one signed file, to be carried over an air gap", "把正在使用的数据库写成一个签名文件，以便带过物理隔离");
    public static readonly Text SummaryImport = new("Put an exported database in use, when its signature and digests are right and its counter is higher", "签名和摘要正确且计数更高时，启用导出的数据库");
    public static readonly Text HelpSource = new("Where OSV records come from: an address or folder laid out as the public bucket (<Ecosystem>/all.zip), or a folder or zip of *.json records", "OSV 记录的来源：布局与公共存储桶相同（<Ecosystem>/all.zip）的网址或文件夹，或存放 *.json 记录的文件夹或 zip");
    public static readonly Text HelpEcosystem = new("Ecosystem to take, without release; may be given again; 'all' for all that the source lists. Default: those of languages, AlmaLinux, Alpine, Debian and Rocky Linux, as far as the source has them", "要获取的生态系统，不含版本；可多次给出；all 表示来源列出的全部。默认：各语言以及 AlmaLinux、Alpine、Debian、Rocky Linux，以来源所有为限");
    public static readonly Text HelpKev = new("CISA's catalogue of known exploited vulnerabilities. Default: the source's own, CISA's for the public source; else the one in use stays", "CISA 已知被利用漏洞目录。默认：来源自带的目录，公共来源则用 CISA 的；否则保留正在使用的");
    public static readonly Text HelpEpss = new("FIRST's EPSS table, CSV or its gzip. Default: the one in use stays", "FIRST 的 EPSS 表，CSV 或其 gzip。默认：保留正在使用的");
    public static readonly Text HelpOlder = new("Take a source whose newest record is older than that of the database in use", "接受最新记录早于正在使用的数据库的来源");
    public static readonly Text HelpJson = new("Write JSON", "输出 JSON");
    public static readonly Text HelpVerify = new("Read every row and check its checksum", "读取每一行并核对校验和");
    public static readonly Text HelpExportFile = new("The file to write", "要写出的文件");
    public static readonly Text HelpPrivateKey = new("Private key: a stored key's name, or a PEM file", "私钥：已存密钥的名称，或 PEM 文件");
    public static readonly Text HelpImportFile = new("A file written by 'plimsoll db export'", "由 'plimsoll db export' 写出的文件");
    public static readonly Text HelpPublicKey = new("Public key of who exported it: a stored key's name, or a PEM file", "导出者的公钥：已存密钥的名称，或 PEM 文件");

    /// <summary>The day of a time that a file states; what has another form stays as it is.</summary>
    public static string Day(string stated) => stated.IndexOf('T', StringComparison.Ordinal) is 10 ? Escape.ForTerminal(stated[..10]) : Escape.ForTerminal(stated);
}
