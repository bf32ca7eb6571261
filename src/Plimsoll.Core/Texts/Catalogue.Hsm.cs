namespace Plimsoll.Texts;

/// <content>Keys in devices: PKCS#11 tokens.</content>
public static partial class Catalogue
{
    public static Text AskPin => new("PIN of {0}", "{0} 的 PIN");
    public static Text HsmCountLow => new("{0}: a wrong PIN was given before; a few more lock it", "{0}：此前输入过错误的 PIN；再错几次将被锁定");
    public static Text HsmFinalTry => new("{0}: this is the last try; a wrong PIN locks it", "{0}：这是最后一次机会；PIN 错误将锁定令牌");
    public static Text HsmPinPad => new("{0}: type the PIN at the device", "{0}：请在设备上输入 PIN");

    public static Text HelpKeyDevice => new("Keys of a device in place of stored ones: pkcs11:, or pkcs11:token=LABEL", "列出设备中的密钥而非已存密钥：pkcs11:，或 pkcs11:token=标签");
    public static Text KeyDeviceColumns => new("KEY\tALGORITHM\tID\tSTATE", "密钥\t算法\t标识\t状态");
    public static Text HsmStateExtractable => new("may leave the token", "可离开令牌");
    public static Text HsmStateNoKeys => new("shows no keys", "未显示密钥");
    public static Text HsmLabelToken => new("Token", "令牌");
    public static Text HsmLabelSerial => new("Serial", "序列号");
    public static Text HsmLabelModel => new("Model", "型号");
    public static Text HsmLabelModule => new("Module", "模块");
    public static Text HsmLabelKeyId => new("CKA_ID", "CKA_ID");
    public static Text HsmLabelLeaves => new("May leave", "可离开");
    public static Text HsmLabelLocal => new("Made inside", "内部生成");

    public static Text DeviceStays => new("the private half never leaves the device", "私钥部分不会离开设备");
    public static Text DeviceExportHint => new("plimsoll key export --public writes the public half", "plimsoll key export --public 可写出公钥部分");
    public static Text DeviceNoVersions => new("a key of a device has no versions to rotate", "设备中的密钥没有可轮换的版本");
    public static Text DeviceRotateHint => new("make another one by plimsoll key generate, sign with it, and revoke the old one when nobody needs it", "用 plimsoll key generate 另行生成，改用新密钥签名，旧密钥不再需要时予以吊销");
    public static Text DeviceNoImport => new("a key of a device is not imported; it is used where it is", "设备中的密钥不能导入，直接按其名称使用即可");
    public static Text DeviceImportHint => new("name it wherever a key is wanted; its public half comes by plimsoll key export --public", "凡需要密钥处均可直接使用该名称；公钥部分用 plimsoll key export --public 取得");
    public static Text DeviceNoSplit => new("the private half never leaves the device, so that there is nothing to split", "私钥部分不会离开设备，因此无法拆分");
    public static Text DeviceSplitHint => new("the device's own backup is the way; a key to be split is made by plimsoll key generate NAME", "请使用设备自身的备份；需要拆分的密钥用 plimsoll key generate NAME 生成");
    public static Text DeviceNoDays => new("a device keeps no age of its keys; --rotate-after is for stored ones", "设备不记录密钥的使用期限；--rotate-after 仅用于已存密钥");
    public static Text DeviceDaysHint => new("leave --rotate-after out", "请去掉 --rotate-after");

    /// <summary>A reason of a token, by its word.</summary>
    public static Text HsmReason(string word) => word switch
    {
        "bad-uri" => new("the pkcs11: URI is not understood", "无法理解 pkcs11: URI"),
        "no-module" => new("no PKCS#11 module", "没有 PKCS#11 模块"),
        "untrusted-module" => new("PKCS#11 module not trusted", "PKCS#11 模块不受信任"),
        "no-token" => new("no such token", "没有这样的令牌"),
        "ambiguous-token" => new("more than one token", "符合的令牌不止一个"),
        "no-object" => new("no such key", "没有这样的密钥"),
        "ambiguous-object" => new("more than one key", "符合的密钥不止一个"),
        "exists" => new("the key exists", "密钥已存在"),
        "pin-needed" => new("PIN wanted", "需要 PIN"),
        "wrong-pin" => new("wrong PIN", "PIN 错误"),
        "pin-locked" => new("PIN locked", "PIN 已锁定"),
        "last-try" => new("last try of the PIN", "PIN 仅剩最后一次机会"),
        "pin-not-set" => new("PIN not set", "PIN 未设置"),
        "token-removed" => new("token removed", "令牌已移除"),
        "object-gone" => new("key gone", "密钥已不存在"),
        "halves-differ" => new("the halves of the key do not belong together", "密钥的公私两部分不匹配"),
        "not-wrapped" => new("not wrapped with this key", "并非由此密钥封装"),
        "unsupported" => new("not supported", "不支持"),
        "refused" => new("refused by the token", "令牌拒绝"),
        _ => new("malformed answer of the token", "令牌的应答格式错误"),
    };
}
