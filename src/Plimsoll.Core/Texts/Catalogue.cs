namespace Plimsoll.Texts;

/// <summary>Every text for people, in each language. A text without a translation does not compile.</summary>
public static partial class Catalogue
{
    public static Text DatabaseLine { get; } = new(
        "advisory database {0} of {1}, {2} advisories, {3}", "漏洞库第 {0} 版，日期 {1}，{2} 条公告，{3}");
    public static Text DatabaseToday { get; } = new("less than a day old", "不到一天前");
    public static Text DatabaseOneDay { get; } = new("1 day old", "1 天前");
    public static Text DatabaseDays { get; } = new("{0} days old", "{0} 天前");
    public static Text KnownExploitedCatalogue { get; } = new("known exploited: CISA {0}", "已知被利用目录：CISA {0}");
    public static Text NoDatabaseLine { get; } = new(
        "no database: built-in starter set of {0} advisories, which is not a database", "没有漏洞库：仅有内置的 {0} 条入门公告，不能算作漏洞库");
}
