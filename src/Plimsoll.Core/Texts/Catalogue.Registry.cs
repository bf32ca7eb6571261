namespace Plimsoll.Texts;

/// <content>Options about registries.</content>
public static partial class Catalogue
{
    public static Text HelpRegistryHttp { get; } = new("Registry that is spoken to without TLS; repeatable", "不使用 TLS 访问的镜像仓库；可重复");
    public static Text HelpRegistryCa { get; } = new("PEM file of the authorities for registries without a folder in certs.d", "PEM 文件：certs.d 中没有目录的镜像仓库所用的证书颁发机构");
    public static Text HelpRegistryMirror { get; } = new("Mirror asked before a registry; repeatable", "先于镜像仓库访问的镜像站；可重复");
    public static Text HelpRegistryRealm { get; } = new("Host that may hand out tokens for a registry; repeatable", "可为镜像仓库发放令牌的主机；可重复");
}
