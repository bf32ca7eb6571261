namespace Plimsoll.Texts;

/// <content>What <c>plimsoll copy</c> says.</content>
public static partial class Catalogue
{
    public static Text CopySummary { get; } = new("Copy an image with its signatures and attestations", "复制镜像及其签名和证明");
    public static Text HelpCopySource { get; } = new("Image: HOST/NAME[:TAG], oci:FOLDER, oci-archive:FILE or docker-archive:FILE", "镜像：HOST/NAME[:TAG]、oci:FOLDER、oci-archive:FILE 或 docker-archive:FILE");
    public static Text HelpCopyTarget { get; } = new("Where it goes: HOST/NAME[:TAG], oci:FOLDER[:TAG] or oci-archive:FILE[:TAG]", "目标：HOST/NAME[:TAG]、oci:FOLDER[:TAG] 或 oci-archive:FILE[:TAG]");
    public static Text HelpCopyPlatform { get; } = new("Only the image for this platform, without the index that lists it", "仅复制此平台的镜像，不含列出它的索引");
    public static Text HelpCopyAlone { get; } = new("Leave behind what is attached: signatures, attestations, bills of materials", "不复制附加内容：签名、证明、物料清单");
    public static Text HelpCopyJson { get; } = new("Say what was copied as JSON", "以 JSON 输出复制结果");
    public static Text CopyDone { get; } = new("Copied {0} to {1}", "已将 {0} 复制到 {1}");
    public static Text CopyImage { get; } = new("image         {0} (manifests: {1})", "镜像          {0}（清单：{1}）");
    public static Text CopySignatures { get; } = new("signatures    {0}", "签名          {0}");
    public static Text CopyAttestations { get; } = new("attestations  {0}", "证明          {0}");
    public static Text CopyBoms { get; } = new("bills         {0}", "物料清单      {0}");
    public static Text CopyOthers { get; } = new("other         {0}", "其他          {0}");
    public static Text CopyLeft { get; } = new("signatures and attestations were left behind (--no-signatures)", "未复制签名和证明（--no-signatures）");
    public static Text CopyMade { get; } = new("docker save keeps no manifest: this one was made now, so signatures of the image in a registry are not for it", "docker save 不保存清单：此清单为刚刚生成，仓库中镜像的签名不适用于它");
    public static Text CopyBlobs { get; } = new("blobs         {0} copied ({1} MB), {2} taken over inside the registry, {3} there before", "数据块        复制 {0} 个（{1} MB），仓库内直接引用 {2} 个，已存在 {3} 个");
    public static Text CopyProgress { get; } = new("copying  {0}/{1} blobs  {2}/{3} MB", "正在复制  数据块 {0}/{1}  {2}/{3} MB");
}
