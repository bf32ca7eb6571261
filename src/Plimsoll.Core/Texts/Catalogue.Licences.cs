namespace Plimsoll.Texts;

/// <content>Rules of the licence check. <c>{0}</c> is the number of packages, <c>{1}</c> the licence.</content>
public static partial class Catalogue
{
    /// <summary>Title and advice of a rule, or null for one that does not exist.</summary>
    public static (Text Title, Text Advice)? FindLicenceRule(string rule) => rule switch
    {
        "restricted" => (
            new("Packages under {1}, which forbids some uses: {0}", "采用 {1} 的软件包（该许可证禁止某些用途）：{0} 个"),
            new("Read what is forbidden (commercial use, a competing service, changed copies) before the image leaves the house", "在发布镜像之前，阅读其禁止的内容（商业使用、竞争性服务、修改后的副本）")),
        "network-copyleft" => (
            new("Packages under {1}, by which who offers them over a network must offer the source: {0}", "采用 {1} 的软件包（通过网络提供服务者必须提供源代码）：{0} 个"),
            new("Offer the source of changed versions to the users of the service, or use another package", "向服务的用户提供修改版的源代码，或改用其他软件包")),
        "strong-copyleft" => (
            new("Packages under licences that hold for the whole work when it is passed on: {0}", "许可证在分发时对整个作品生效的软件包：{0} 个"),
            new("Who passes the image on passes their source on, or an offer of it; name them in the policy if they may not be there", "分发镜像者须一并提供其源代码或书面承诺；若不允许，请在策略中列出")),
        "weak-copyleft" => (
            new("Packages under licences that hold for changes to them when they are passed on: {0}", "许可证在分发时对修改部分生效的软件包：{0} 个"),
            new("Keep the source of changed files or libraries at hand", "保留所修改文件或库的源代码")),
        "unknown-licence" => (
            new("Packages under licences that are not known: {0}", "许可证无法识别的软件包：{0} 个"),
            new("Read them once; a policy can then allow them by name", "请阅读一次；之后可在策略中按名称允许")),
        "no-licence" => (
            new("Packages that do not say what licence they are under: {0}", "没有说明许可证的软件包：{0} 个"),
            new("Without a licence nobody may copy them; ask the makers", "没有许可证则任何人都无权复制；请询问作者")),
        _ => null,
    };
}
