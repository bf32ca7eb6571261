using System.Text.RegularExpressions;
using Plimsoll.Inspect.Reports;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Reports.Html;

/// <summary>The page as Chromium reads it; strictness of our own proves nothing about what a browser makes of a page.</summary>
[Trait("needs", "host")]
public sealed class HtmlInBrowserTests
{
    /// <summary>The document after its scripts ran, written out again by the browser.</summary>
    private static string Dom(string page, params ReadOnlySpan<string> flags)
    {
        using TempFolder folder = new();
        string file = folder.Write("report.html", System.Text.Encoding.UTF8.GetBytes(page));
        return Tool.Run("chromium", ["--headless=new", "--no-sandbox", "--disable-gpu", $"--user-data-dir={folder["profile"]}", .. flags, "--dump-dom", $"file://{file}"]);
    }

    private const RegexOptions Linear = RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;

    private static int Count(string dom, string pattern) => Regex.Count(dom, pattern, Linear);

    private static string First(string dom, string pattern) => Regex.Match(dom, pattern, Linear).Value;

    private static string Without(string dom, string pattern) => Regex.Replace(dom, pattern, "", Linear);

    private static string Hostile(Language language) => HtmlReportTests.Page(language, Samples.OfTexts(i => $"{Samples.HostileTexts[i % Samples.HostileTexts.Length]}{i}"));

    [Fact]
    public void Open_HostileTexts_RunNoScriptAndMakeNoElement()
    {
        // What a browser writes out has bare signs of markup in attributes' values, where they mean nothing.
        string dom = WithoutValues(Dom(Hostile(Language.English))), tame = WithoutValues(Dom(HtmlReportTests.Page(Language.English, Samples.OfTexts(i => $"text{i}"))));

        Assert.DoesNotContain("data-pwned", dom, StringComparison.Ordinal);
        Assert.Equal(1, Count(dom, "<script"));
        Assert.Equal(0, Count(dom, "<img|<iframe|<object|<embed|<form|<base|<!--"));
        Assert.Equal(0, Count(dom, @"<[a-z][^<>]*\son[a-z]+"));
        foreach (string element in (string[])["details", "section", "svg", "code", "pre", "bdi", "li", "td", "option", "title", "style", "summary"])
            Assert.Equal(Count(tame, $"<{element}[ >]"), Count(dom, $"<{element}[ >]"));
        // That the check can fail: a script that the page's policy names did run.
        Assert.Matches("<html[^>]* class", dom);

        static string WithoutValues(string dom) => Without(dom, "=\"[^\"]*\"");
    }

    [Fact]
    public void Open_MarkupThatGotInAllTheSame_IsStoppedByThePagesPolicy()
    {
        const string Attack = "<script>document.documentElement.dataset.pwned='script'</script><img src=x onerror=\"document.documentElement.dataset.pwned='handler'\"><style>footer{color:red}</style>";
        string page = HtmlReportTests.Page(Language.English, Samples.Of(Samples.Clean()));
        string injected = page.Replace("<footer>", Attack + "<footer>", StringComparison.Ordinal);
        string lawless = Without(injected, "<meta http-equiv[^>]*>");

        Assert.DoesNotContain("data-pwned", First(Dom(injected), "<html[^>]*>"), StringComparison.Ordinal);
        Assert.Contains("data-pwned", First(Dom(lawless), "<html[^>]*>"), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WithoutScripts_EverythingIsThereButTheFilters()
    {
        // A policy more than the page's own turns scripts off, as a reader's settings do.
        string dom = Dom(HtmlReportTests.Page(Language.English, Samples.Of(Samples.Full())).Replace("<meta charset", "<meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'none'\"><meta charset", StringComparison.Ordinal));

        Assert.DoesNotContain("class=\"js\"", dom, StringComparison.Ordinal);
        Assert.Matches("<div class=\"filters\"[^>]* hidden=\"\"", dom);
        // Nothing else of the page is hidden.
        Assert.Equal(1, Count(dom, " hidden=\"\""));
        Assert.Equal(29 + 1, Count(dom, "class=\"f\""));
    }

    /// <summary>Drives the filters in the page and answers the lines that each step showed.</summary>
    private static string[] Drive(Report report, string steps)
    {
        // Only a page without its policy runs a script of the test.
        string page = Without(HtmlReportTests.Page(Language.English, Samples.Of(report)), "<meta http-equiv[^>]*>");
        string driver = """
            <pre id="answer"></pre><script>
            const said = [], wait = ms => new Promise(r => setTimeout(r, ms)), one = s => document.querySelector(s);
            const set = (s, v) => { const e = one(s); if (e.type === 'checkbox') e.checked = v; else e.value = v; e.dispatchEvent(new Event('change', { bubbles: true })); };
            const type = async t => { one('.text').value = t; one('.text').dispatchEvent(new Event('input')); await wait(200); };
            const say = name => said.push(`${name}: ${one('output').textContent}; rows ${[...document.querySelectorAll('.f')].filter(r => r.offsetParent !== null || !r.hidden && !r.closest('[hidden]')).length}`);
            (async () => { STEPS one('#answer').textContent = said.join('\n'); document.title = 'done'; })();
            </script>
            """.Replace("STEPS", steps, StringComparison.Ordinal);
        string dom = Dom(page.Replace("</body>", driver + "</body>", StringComparison.Ordinal), "--virtual-time-budget=5000");
        return First(dom, "<pre id=\"answer\">[^<]*").Split('>')[1].Split('\n');
    }

    [Fact]
    public void Filters_EachOfThem_LeavesWhatItNames()
    {
        string[] said = Drive(Samples.Full(), """
            say('all');
            set('[value=u]', false); say('no unknown'); set('[value=u]', true);
            set('.bykind', 'secret'); say('secrets'); one('.reset').click();
            set('.bylayer', '1'); say('layer 1'); one('.reset').click();
            set('[name=flag][value=f]', true); say('fixable'); one('.reset').click();
            set('[name=flag][value=k]', true); say('kev'); one('.reset').click();
            set('[name=flag][value=s]', true); say('suppressed'); one('.reset').click();
            await type('zlib'); say('zlib'); await type('OPENSSL timing'); say('two words'); await type('nothing at all'); say('nothing'); await type('');
            one('.reset').click(); say('reset');
            one('a.layerlink[data-layer="0"]').click(); say('link to layer 0 ' + one('.bylayer').value);
            """);

        Assert.Equal(
        [
            "all: 29 of 29 shown; rows 29", "no unknown: 23 of 29 shown; rows 23", "secrets: 3 of 29 shown; rows 3", "layer 1: 6 of 29 shown; rows 6", "fixable: 10 of 29 shown; rows 10",
            "kev: 1 of 29 shown; rows 1", "suppressed: 30 of 30 shown; rows 30", "zlib: 1 of 29 shown; rows 1", "two words: 1 of 29 shown; rows 1", "nothing: 0 of 29 shown; rows 0",
            "reset: 29 of 29 shown; rows 29", "link to layer 0 0: 21 of 29 shown; rows 21",
        ], said);
    }

    /// <summary>Each filter on a report of twenty thousand, in the browser's own time.</summary>
    [Fact]
    public void Filters_TwentyThousandFindings_AnswerWithinSeconds()
    {
        string[] said = Drive(Samples.Large(20_000), """
            const before = performance.now();
            set('[value=u]', false); set('.bykind', 'vulnerability'); one('.text').value = 'lib77-dev'; set('.bylayer', '1');
            const took = performance.now() - before;
            say(took < 20000 ? 'in time' : 'too slow: ' + took);
            """);

        Assert.Equal("in time: 8 of 20017 shown; rows 8", Assert.Single(said));
    }
}
