using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Completion scripts in the real shells, and the manual page through the real man.</summary>
[Trait("needs", "host")]
public sealed class ShellTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Script(string shell)
    {
        Outcome made = new Call(_folder["home"], "completion", shell).Run();
        Assert.Equal(0, made.Code);
        return _folder.Write(shell == "zsh" ? "_plimsoll" : $"plimsoll.{shell}", System.Text.Encoding.UTF8.GetBytes(made.Out));
    }

    [Theory]
    [InlineData("plimsoll", "", "scan")]
    [InlineData("plimsoll", "comp", "completion")]
    [InlineData("plimsoll scan", "--fail", "--fail-on")]
    [InlineData("plimsoll scan --output", "cyc", "cyclonedx")]
    [InlineData("plimsoll scan image.tar --group", "l", "layer")]
    [InlineData("plimsoll db", "up", "update")]
    [InlineData("plimsoll completion", "z", "zsh")]
    public void Completion_InBashAndFish_OffersTheWord(string before, string typed, string wanted)
    {
        string[] words = before.Split(' ');
        string list = string.Join(' ', [.. words.Select(w => $"'{w}'"), $"'{typed}'"]);
        string bash = Tool.Run("bash", ["--norc", "-c",
            $"compopt() {{ :; }}; source {Script("bash")}; COMP_WORDS=({list}); COMP_CWORD={words.Length}; _plimsoll; printf '%s\\n' \"${{COMPREPLY[@]}}\""]);
        Assert.Contains(wanted, bash.Split('\n'));

        string fish = Tool.Run("fish", ["--no-config", "-c", $"source {Script("fish")}; complete -C '{before} {typed}'"]);
        Assert.Contains(wanted, fish.Split('\n').Select(l => l.Split('\t')[0]));
    }

    [Fact]
    public void Completion_OfFiles_OffersThem()
    {
        _folder.Write("image with blank.tar", [1]);
        string bash = Tool.Run("bash", ["--norc", "-c",
            $"cd '{_folder.Path}'; compopt() {{ :; }}; source {Script("bash")}; COMP_WORDS=(plimsoll scan image); COMP_CWORD=2; _plimsoll; printf '%s\\n' \"${{COMPREPLY[@]}}\""]);
        Assert.Contains("image with blank.tar", bash.Split('\n'));
    }

    [Fact]
    public void Completion_InZsh_OffersVerbsAndOptions()
    {
        // A terminal of its own, in which zsh's completion is asked to list what it would offer.
        Script("zsh");
        string driver = _folder.Write("driver.zsh", System.Text.Encoding.UTF8.GetBytes($$"""
            zmodload zsh/zpty
            zpty z zsh -f -i
            ask() {
                local out= chunk
                zpty -w z "$1"
                repeat 50; do
                    sleep 0.1
                    zpty -r -t z chunk && out+=$chunk
                    [[ $out == *$2* ]] && break
                done
                print -r -- $out
            }
            ask 'fpath=({{_folder.Path}} $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=1000; print rea""dy' ready >/dev/null
            zpty -w -n z $'plimsoll sc\t--fail\thi\t'
            ask '' '--fail-on high'
            """));
        string zsh = Tool.Run("zsh", ["-f", driver]);
        // What the terminal would show: without its escapes, and without the blank that each completion takes back.
        string shown = System.Text.RegularExpressions.Regex.Replace(zsh, "\x1b\\[[0-9;?]*[a-zA-Z]", "", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(5))
            .Replace(" \b", "", StringComparison.Ordinal);
        Assert.Contains("scan --fail-on high", shown, StringComparison.Ordinal);
        Assert.Equal("", Tool.Run("zsh", ["-n", _folder["_plimsoll"]]));
    }

    [Theory]
    [InlineData("C.UTF-8", "EXIT STATUS")]
    [InlineData("zh_CN.UTF-8", "退出状态")]
    public void Man_ThroughMan_ShowsEveryVerbWithoutAWarning(string locale, string title)
    {
        Outcome made = new Call(_folder["home"], "man").With("LC_ALL", locale).Run();
        string page = _folder.Write("plimsoll.1", System.Text.Encoding.UTF8.GetBytes(made.Out));
        string warnings = Tool.Run("sh", ["-c", $"LC_ALL=C.UTF-8 MANROFFSEQ= man --warnings -E UTF-8 -l -Tutf8 -Z '{page}' 2>&1 >/dev/null | grep -v 'cannot adjust\\|can.t break' || true"]);
        Assert.Equal("", warnings);
        string shown = Tool.Run("sh", ["-c", $"LC_ALL=C.UTF-8 MANWIDTH=100 man -l '{page}' | col -bx"]);
        Assert.Contains(title, shown, StringComparison.Ordinal);
        foreach (string verb in new[] { "scan IMAGE...", "db update", "cache clean", "demo", "completion SHELL" })
            Assert.Contains($"plimsoll {verb}", shown, StringComparison.Ordinal);
    }
}
