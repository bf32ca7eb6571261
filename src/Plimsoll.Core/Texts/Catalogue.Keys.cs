namespace Plimsoll.Texts;

/// <content>Keys, passphrases, revocations.</content>
public static partial class Catalogue
{
    public static Text HelpPassphraseFile => new("File with the key's passphrase; - for standard input", "存放密钥口令的文件；- 表示标准输入");
    public static Text AskPassphrase => new("passphrase of {0}", "{0} 的口令");
    public static Text AskNewPassphrase => new("new passphrase of {0}", "{0} 的新口令");
    public static Text AskAgain => new("the same again", "再次输入");
}
