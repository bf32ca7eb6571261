namespace Plimsoll.Texts;

/// <content>The verb key, passphrases, revocations.</content>
public static partial class Catalogue
{
    public static Text KeySummary => new("Make, keep, rotate and revoke the keys that sign", "生成、保管、轮换和吊销签名密钥");
    public static Text KeyGenerateSummary => new("Make a key and store it behind a passphrase", "生成密钥并以口令加密保存");
    public static Text KeyListSummary => new("List stored keys, and which are due for rotation or revoked", "列出已存密钥，并指出应轮换或已吊销的密钥");
    public static Text KeyShowSummary => new("Show a key: id, algorithm, fingerprint, versions", "显示密钥：标识、算法、指纹、版本");
    public static Text KeyImportSummary => new("Store a key of a file: PKCS#8, SEC 1, PKCS#1, cosign's, or a public key", "导入密钥文件：PKCS#8、SEC 1、PKCS#1、cosign 格式或公钥");
    public static Text KeyExportSummary => new("Write a stored key to a file", "将已存密钥写入文件");
    public static Text KeyRotateSummary => new("Make a new version of a key; older ones still verify", "生成密钥的新版本；旧版本仍可用于校验");
    public static Text KeyRevokeSummary => new("Put a key on a signed revocation list, or sign the list anew", "将密钥加入签名的吊销列表，或重新签署该列表");
    public static Text KeyRevokeImageSummary => new("Put an image on a signed revocation list", "将镜像加入签名的吊销列表");
    public static Text KeySplitSummary => new("Split a key into shares, of which some together give it back", "把密钥拆成若干份额，其中达到门限的份额可恢复密钥");
    public static Text KeyCombineSummary => new("Give a key back from its shares, and store it", "用份额恢复密钥并保存");

    public static Text HelpKeyName => new("Name: letters, digits, - and _", "名称：字母、数字、- 和 _");
    public static Text HelpKeyNewName => new("Name: letters, digits, - and _; or pkcs11:token=LABEL;object=NAME for a key in a token", "名称：字母、数字、- 和 _；或以 pkcs11:token=标签;object=名称 在令牌中生成");
    public static Text HelpKeyOrFile => new("A stored key, NAME or NAME@vN, a PEM file, or pkcs11:…", "已存密钥（NAME 或 NAME@vN）、PEM 文件或 pkcs11:…");
    public static Text HelpStoredKey => new("A stored key: NAME, or NAME@vN for one version; with --public also pkcs11:…", "已存密钥：NAME，或以 NAME@vN 指定版本；--public 亦可用于 pkcs11:…");
    public static Text HelpKeyFile => new("File that holds one key", "包含一个密钥的文件");
    public static Text HelpKeyImportName => new("What the key is to be called", "密钥的名称");
    public static Text HelpKeyAlgorithm => new("ecdsa-p256 (default), ecdsa-p384, ed25519 (not in tokens) or rsa; hybrid with +ml-dsa-65 behind any of them (in files; OpenSSL 3.5)", "ecdsa-p256（默认）、ecdsa-p384、ed25519（令牌不支持）或 rsa；其后加 +ml-dsa-65 即为混合密钥（仅限文件，需 OpenSSL 3.5）");
    public static Text HelpKeyAlgorithmRotate => new("Algorithm of the new version (default: as before)", "新版本的算法（默认与之前相同）");
    public static Text HelpKeyRotateAfter => new("Days after which a version is due for rotation (default: {0})", "版本应轮换的天数（默认 {0}）");
    public static Text HelpKeyJson => new("Write JSON", "输出 JSON");
    public static Text HelpKeyPublic => new("Public keys as PEM: of all versions, or of NAME@vN", "公钥 PEM：全部版本，或 NAME@vN 指定的版本");
    public static Text HelpKeyCosign => new("Private key as cosign keeps it; COSIGN_PASSWORD, else the key's passphrase", "cosign 格式的私钥；口令取自 COSIGN_PASSWORD，否则沿用密钥口令");
    public static Text HelpKeyPkcs8 => new("Private key as encrypted PKCS#8", "加密的 PKCS#8 私钥");
    public static Text HelpKeyOutput => new("File to write (default: standard output)", "写入的文件（默认为标准输出）");
    public static Text HelpKeyRevoke => new("A stored key, a PEM file, or a key id; none signs the list anew", "已存密钥、PEM 文件或密钥标识；不指定则重新签署列表");
    public static Text HelpKeyRevokeDigest => new("Digest of an index, a platform's manifest or a config", "索引、平台清单或配置的摘要");
    public static Text HelpKeyRevokeList => new("Revocation list; made when there is none", "吊销列表；不存在时新建");
    public static Text HelpKeyRevokeKey => new("Key that signs the list", "签署列表的密钥");
    public static Text HelpKeyRevokeReason => new("Why, for people", "原因，供人阅读");
    public static Text HelpKeyShares => new("How many shares there are, 2 to 255", "份额总数，2 到 255");
    public static Text HelpKeyThreshold => new("How many of them give the key back", "恢复密钥所需的份额数");
    public static Text HelpKeyShareFolder => new("Folder for the shares, a file each; new or empty", "存放份额的文件夹，每份一个文件；须为新建或空文件夹");
    public static Text HelpKeyShareFiles => new("Files with shares of one set", "同一组份额的文件");
    public static Text KeySplitDone => new("{0}: {1} shares in {2}, of which any {3} give it back (set {4})", "{0}：{1} 个份额已写入 {2}，其中任意 {3} 个可恢复密钥（组 {4}）");
    public static Text KeyShareWrong => new("{0} is not of this key although it says so; the others gave it back", "{0} 并不属于此密钥；密钥已由其余份额恢复");

    public static Text HelpPassphraseFile => new("File with the key's passphrase, or a token's PIN; - for standard input", "存放密钥口令或令牌 PIN 的文件；- 表示标准输入");
    public static Text AskPassphrase => new("passphrase of {0}", "{0} 的口令");
    public static Text AskNewPassphrase => new("new passphrase of {0}", "{0} 的新口令");
    public static Text AskAgain => new("the same again", "再次输入");

    public static Text KeyMade => new("{0}: {1}, id {2}", "{0}：{1}，标识 {2}");
    public static Text KeyNone => new("no key is stored", "没有已存密钥");
    public static Text KeyDue => new("{0} is {1} days old and due for rotation after {2}: plimsoll key rotate {3}", "{0} 已使用 {1} 天，超过 {2} 天应轮换：plimsoll key rotate {3}");
    public static Text KeyVersionRevoked => new("{0} was revoked on {1}: {2}", "{0} 已于 {1} 吊销：{2}");
    public static Text KeyNoReason => new("no reason given", "未说明原因");
    public static Text KeyAllRevoked => new("every version of {0} was revoked; it signs no more", "{0} 的所有版本均已吊销，不能再签名");
    public static Text KeyColumns => new("NAME\tVERSION\tALGORITHM\tCREATED\tID\tSTATE", "名称\t版本\t算法\t创建日期\t标识\t状态");
    public static Text KeyStateReady => new("ready", "可用");
    public static Text KeyStateDue => new("due", "应轮换");
    public static Text KeyStateRevoked => new("revoked", "已吊销");
    public static Text KeyStatePublic => new("public only", "仅公钥");
    public static Text KeyStateUnsupported => new("needs OpenSSL 3.5", "需要 OpenSSL 3.5");
    public static Text KeyLabelPart => new("Part", "组成部分");
    public static Text KeyLabelKey => new("Key", "密钥");
    public static Text KeyLabelRotation => new("Rotation", "轮换");
    public static Text KeyRotationDays => new("after {0} days", "{0} 天");
    public static Text KeyLabelAlgorithm => new("Algorithm", "算法");
    public static Text KeyLabelId => new("Id", "标识");
    public static Text KeyLabelFingerprint => new("Fingerprint", "指纹");
    public static Text KeyLabelCreated => new("Created", "创建时间");
    public static Text KeyLabelState => new("State", "状态");

    public static Text RevocationsSigned => new("{0}: counter {1}, {2} keys and {3} images revoked, signed by key {4}", "{0}：计数 {1}，已吊销 {2} 个密钥和 {3} 个镜像，签名密钥 {4}");
    public static Text RevocationCounterNotKept => new("the revocation list's counter could not be remembered: {0}", "无法记录吊销列表的计数：{0}");
}
