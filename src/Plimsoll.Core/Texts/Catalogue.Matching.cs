namespace Plimsoll.Texts;

/// <content>Notes on what matching could not look up.</content>
public static partial class Catalogue
{
    public static Text UpdateEcosystem { get; } = new("If its source has them: plimsoll db update --ecosystem {0}", "如果来源中有：plimsoll db update --ecosystem {0}");

    private static Text? FindMatchingNote(string code) => code switch
    {
        "no-advisories-for-ecosystem" => new(
            "The advisory database has nothing on {0}; {1} packages were not matched, and that no vulnerability is shown means nothing there.",
            "漏洞库中没有关于 {0} 的公告；{1} 个软件包未匹配，没有显示漏洞并不说明没有漏洞。"),
        "programs-not-looked-up" => new(
            "{0} programs are known by their version string alone; no advisory names such programs, and they were not looked up.",
            "有 {0} 个程序仅凭版本字符串识别；没有公告针对此类程序，未进行查询。"),
        "newer-release-packages" => new(
            "The image says that it is Debian {0}, but {1} of its packages were updated for a later release; advisories of the claimed release are wrong for these.",
            "镜像自称为 Debian {0}，但有 {1} 个软件包属于更新的发行版；所称发行版的公告不适用于这些软件包。"),
        _ => null,
    };
}
