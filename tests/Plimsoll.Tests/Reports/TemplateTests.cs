using System.Text;
using Plimsoll.Inspect.Reports;

namespace Plimsoll.Tests.Reports;

public sealed class TemplateTests
{
    private static string Render(string template, string json, TemplateTarget target = TemplateTarget.Text) => Template.Parse(template, target).Render(Encoding.UTF8.GetBytes(json));

    // The cases are those of the Mustache specification (mustache/spec: interpolation, sections, inverted, comments), as far as the form goes.
    [Theory]
    [InlineData("Hello, {{subject}}!", """{"subject":"world"}""", "Hello, world!")]
    [InlineData("I ({{cannot}}) be seen!", """{"other":1}""", "I () be seen!")]
    [InlineData("{{mph}} miles", """{"mph":1.21}""", "1.21 miles")]
    [InlineData("{{person.name}}", """{"person":{"name":"Joe"}}""", "Joe")]
    [InlineData("{{a.b.c}}", """{"a":{}}""", "")]
    [InlineData("{{#a}}{{b.c}}{{/a}}", """{"a":{"b":{}},"b":{"c":"ERROR"}}""", "")]
    [InlineData("{{#boolean}}yes{{/boolean}}{{^boolean}}no{{/boolean}}", """{"boolean":false}""", "no")]
    [InlineData("{{#list}}{{item}},{{/list}}", """{"list":[{"item":1},{"item":2}]}""", "1,2,")]
    [InlineData("{{#list}}({{.}}){{/list}}", """{"list":["a","b"]}""", "(a)(b)")]
    [InlineData("{{#list}}x{{/list}}{{^list}}none{{/list}}", """{"list":[]}""", "none")]
    [InlineData("{{#a}}{{one}}{{#b}}{{one}}{{two}}{{/b}}{{/a}}", """{"a":{"one":1},"b":{"two":2}}""", "112")]
    [InlineData("a\n{{#x}}\nb\n{{/x}}\nc\n", """{"x":true}""", "a\nb\nc\n")]
    [InlineData("a\n  {{! comment }}\nb", "{}", "a\nb")]
    [InlineData("a {{! in line }}b", "{}", "a b")]
    [InlineData("{{#zero}}shown{{/zero}}", """{"zero":0}""", "shown")]
    public void Render_Tags_AsMustacheHasIt(string template, string json, string expected) => Assert.Equal(expected, Render(template, json));

    [Theory]
    [InlineData(TemplateTarget.Html, "&lt;b&gt; &amp; &quot;&#39;\\x1b[1m")]
    [InlineData(TemplateTarget.Json, "<b> & \\\"'\\u001b[1m")]
    [InlineData(TemplateTarget.Csv, "\"<b> & \"\"'\\x1b[1m\"")]
    [InlineData(TemplateTarget.Markdown, "&lt;b> &amp; \"'\\\\x1b\\[1m")]
    [InlineData(TemplateTarget.Text, "<b> & \"'\\x1b[1m")]
    public void Render_UntrustedText_IsEscapedForItsTarget(TemplateTarget target, string expected) =>
        Assert.Equal(expected, Render("{{x}}", """{"x":"<b> & \"'\u001b[1m"}""", target));

    [Fact]
    public void Render_CsvFormula_IsNoFormula() => Assert.Equal("\"'=1+1\"", Render("{{x}}", """{"x":"=1+1"}""", TemplateTarget.Csv));

    [Fact]
    public void Render_RawTags_AreNotEscaped() => Assert.Equal("<b><b>", Render("{{{x}}}{{&x}}", """{"x":"<b>"}""", TemplateTarget.Html));

    [Fact]
    public void Parse_Pragma_ChoosesTheEscaping() => Assert.Equal("&lt;", Render("{{% escape html }}\n{{x}}", """{"x":"<"}"""));

    [Theory]
    [InlineData("a\n{{x", "line 2")]
    [InlineData("{{#a}}\n{{/b}}", "line 2")]
    [InlineData("{{#a}}", "line 1")]
    [InlineData("{{/a}}", "closes nothing")]
    [InlineData("{{> part}}", "partials")]
    [InlineData("{{=<% %>=}}", "delimiters")]
    [InlineData("{{}}", "no name")]
    [InlineData("{{a b}}", "no name")]
    [InlineData("{{a..b}}", "no name")]
    [InlineData("{{% escape pdf }}", "unknown escaping")]
    [InlineData("\n\n{{#a}}\n{{#b}}\n{{/b}}\n{{/a}}\n{{% x }}", "line 7")]
    public void Parse_WrongTemplate_SaysWhere(string template, string where) =>
        Assert.Contains(where, Assert.Throws<TemplateException>(() => Template.Parse(template, TemplateTarget.Text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("report.html", TemplateTarget.Html)]
    [InlineData("report.html.mustache", TemplateTarget.Html)]
    [InlineData("junit.XML", TemplateTarget.Html)]
    [InlineData("r.csv.tpl", TemplateTarget.Csv)]
    [InlineData("r.md", TemplateTarget.Markdown)]
    [InlineData("r.mustache", TemplateTarget.Text)]
    [InlineData("r", TemplateTarget.Text)]
    public void TargetOf_FileName_ChoosesByItsEnding(string name, TemplateTarget target) => Assert.Equal(target, Template.TargetOf(name));

    [Fact]
    public void Parse_SectionsTooDeep_AreRefused() =>
        Assert.Throws<TemplateException>(() => Template.Parse(string.Concat(Enumerable.Repeat("{{#a}}", 33)) + string.Concat(Enumerable.Repeat("{{/a}}", 33)), TemplateTarget.Text));

    [Fact]
    public void Render_SectionsThatMultiply_EndAtTheLimit()
    {
        string json = $$"""{"a":[{{string.Join(',', Enumerable.Repeat("1", 200))}}]}""";
        string template = "{{#a}}{{#a}}{{#a}}{{#a}}" + new string('x', 1000) + "{{/a}}{{/a}}{{/a}}{{/a}}";

        Assert.Throws<TemplateException>(() => Render(template, json));
    }
}
