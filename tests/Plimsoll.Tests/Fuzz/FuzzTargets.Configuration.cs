using System.Text;
using Plimsoll.Inspect.Configuration;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Licences;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Fuzz;

/// <content>What the checks of configuration and licences read.</content>
internal static partial class FuzzTargets
{
    private static FuzzTarget LicenceText => new()
    {
        Name = "licence-names",
        Seeds = () => Utf8("MIT OR (Apache-2.0 WITH LLVM-exception AND GPL-2.0+)", "GPL v2 or later, and BSD (3-clause)/Expat", "License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
            "GPL-2+ with OpenSSL exception", "DocumentRef-a:LicenseRef-b", "Permission is hereby granted, free of charge, to any person obtaining a copy"),
        Words = ["(", ")", " OR ", " AND ", " WITH ", " or later", "+", ",", "/", "GPL-", "LGPL", "v2", "and/or", "::", "|", "with "],
        Refusal = Never,
        Run = bytes =>
        {
            string text = OddText(bytes);
            if (LicenceExpression.TryParse(text, out LicenceExpression? read))
            {
                string written = read.ToString()!;
                WrongAnswerException.Unless(LicenceExpression.TryParse(written, out LicenceExpression? again) && again.ToString() == written && again.Category == read.Category, $"\"{written}\" is read as another expression");
            }
            if (LicenceNormaliser.Of(text) is { } named)
            {
                WrongAnswerException.Unless(named.Terms.All(t => t.Id.Length is > 0 and <= 200 && !t.Id.Any(char.IsControl) || t.IsKnown), "a name that is empty, too long or holds control characters");
                Plimsoll.Verify.LicenceRules rules = new() { Deny = [.. Plimsoll.Verify.LicenceExpression.Categories.Select(c => $"category:{c}")] };
                Dictionary<string, string> categories = named.Terms.DistinctBy(t => t.Id).ToDictionary(t => t.Id, t => t.Category.Word());
                WrongAnswerException.Unless(Plimsoll.Verify.LicenceExpression.Judge([named.ToString()!], rules, categories) == Plimsoll.Verify.LicenceAnswer.Denied, "where every category is denied nothing is allowed");
            }
            LicenceTexts.Find(bytes, out int likeness);
            WrongAnswerException.Unless(likeness is 0 or (>= LicenceTexts.MinLikeness and <= 100), "a likeness that is none");
        },
    };

    private static FuzzTarget Capabilities => new()
    {
        Name = "capabilities",
        Seeds = () => [Convert.FromHexString("0100000200200000000000000000000000000000"), Convert.FromHexString("010000010020000000000000"), Convert.FromHexString("010000030020000000000000000000000000000000e10f00")],
        Refusal = Never,
        Run = bytes =>
        {
            if (!FileCapabilities.TryDecode(bytes, out FileCapabilities? read))
                return;
            WrongAnswerException.Unless(bytes.Length is 12 or 20 or 24, "an attribute of another length was taken");
            WrongAnswerException.Unless((read.ToString().Length == 0) == ((read.Permitted | read.Inheritable) == 0), "a right without a name");
        },
    };

    private static readonly SettingsAnalyser Settings = new();
    private static readonly ConffileAnalyser Conffiles = new();

    private static FuzzTarget SystemSettings => new()
    {
        Name = "system-settings",
        Seeds = () => Utf8("root:x:0:0:root:/root:/bin/sh\n", "Port 22\nPermitRootLogin yes\nMatch all\nPermitEmptyPasswords=yes\n", "app ALL=(ALL) NOPASSWD: ALL\n", "* * * * * root x\n@daily y\n",
            "ssh-ed25519 AAAA a@b\n", "deb [trusted=yes] http://x y z\n", "Package: a\nConffiles:\n /etc/cron.d/a 0123456789abcdef0123456789abcdef obsolete\n"),
        Words = ["PermitRootLogin", "NOPASSWD:", "Conffiles:\n", "Package: ", " obsolete", "\r\n", "trusted=yes", ":0:", "ssh-rsa"],
        Refusal = Never,
        Run = bytes =>
        {
            foreach (string path in (string[])["etc/passwd", "etc/ssh/sshd_config", "etc/sudoers", "etc/cron.d/x", "etc/cron.daily/x", "etc/ld.so.preload", "etc/apt/sources.list", "root/.ssh/authorized_keys"])
            {
                WrongAnswerException.Unless(Settings.Wants(Encoding.UTF8.GetBytes(path)), $"{path} is not wanted");
                if (Settings.Analyse(path, bytes) is { } facts)
                    WrongAnswerException.Unless(facts.Hits.All(h => h.Evidence.Length is > 0 and <= 400 && h.Line >= 0), "evidence that is empty or too long");
            }
            if (Conffiles.Analyse("var/lib/dpkg/status", bytes) is { } owned)
                WrongAnswerException.Unless(owned.Owned.All(o => o.Checksum.Length == 32 && o.Path.Length > 0 && IsWord(o.Package)), "a claim that is none");
        },
    };
}
