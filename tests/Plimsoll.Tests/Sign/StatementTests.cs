using System.Text;
using Plimsoll.Oci;
using Plimsoll.Sign;

namespace Plimsoll.Tests.Sign;

public sealed class StatementTests
{
    private static readonly Digest Content = Digest.Of("x"u8);

    private static Statement Made { get; } = new([new Subject("manifest", Content)], "urn:test", "{\"a\":1}"u8.ToArray());

    [Fact]
    public void ToJson_Statement_HasTheFormOfInToto() => Assert.Equal(
        $$$"""{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"manifest","digest":{"sha256":"{{{Content.Hex}}}"}}],"predicateType":"urn:test","predicate":{"a":1}}""",
        Encoding.UTF8.GetString(Made.ToJson()));

    [Fact]
    public void Parse_WhatWasWritten_IsTheSame()
    {
        Statement read = Statement.Parse(Made.ToJson(), "s");
        Assert.Equal((Made.Subjects[0], Made.PredicateType), (read.Subjects[0], read.PredicateType));
        Assert.Equal(Made.Predicate.ToArray(), read.Predicate.ToArray());
    }

    [Theory]
    [InlineData("Statement/v1", "Statement/v0.1", "of type")]
    [InlineData("\"predicate\":{", "\"predicate\": {", "canonical")]
    [InlineData("\"sha256\":", "\"md5\":", "digest")]
    [InlineData("\"name\":\"manifest\",", "", "no in-toto statement")]
    [InlineData("[{\"name\"", "[],\"x\":[{\"name\"", "0 subjects")]
    [InlineData("{\"a\":1}}", "{\"a\":1},\"more\":2}", "canonical")]
    [InlineData("{\"a\":1}}", "{\"a\":1}", "no in-toto statement")]
    public void Parse_ChangedPlace_IsRefused(string from, string to, string message)
    {
        string json = Encoding.UTF8.GetString(Made.ToJson());
        Assert.Contains(from, json, StringComparison.Ordinal);
        Assert.Contains(message, Assert.Throws<FormatException>(() => Statement.Parse(Encoding.UTF8.GetBytes(json.Replace(from, to, StringComparison.Ordinal)), "s")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CanonicalJson_Texts_AreEscapedOnlyWhereTheyMustBe() => Assert.Equal(
        "{\"a\":\"\\\"\\\\\\n\\u0001\u007f<ü\ufffd😀\",\"n\":-5,\"d\":0.5,\"f\":true,\"l\":[\"x\",\"y\"],\"o\":{\"e\":[]}}",
        Encoding.UTF8.GetString(new CanonicalJson().BeginObject().Text("a", "\"\\\n\u0001\u007f<ü\ud800😀").Number("n", -5).Number("d", 0.500m).Flag("f", true).Optional("none", "")
            .Texts("l", ["x", "y"]).BeginObject("o").BeginArray("e").EndArray().EndObject().EndObject().ToBytes()));

    [Fact]
    public void ParseForeign_StatementsOfOthers_GiveTheirSubjectsOneForEachDigest()
    {
        Statement read = Statement.ParseForeign(Encoding.UTF8.GetBytes(
            $$$""" {"predicate": {"a" : [1]}, "subject": [{"digest": {"gitCommit": "ab", "sha256": "{{{Content.Hex}}}", "sha512": "{{{new string('a', 128)}}}"}, "uri": "x"}, {"name": "n", "digest": {"md5": "00"}}], "predicateType": "https://slsa.dev/provenance/v1", "_type": "https://in-toto.io/Statement/v0.1", "other": 1} """), "s");

        Assert.Equal([new Subject("", Content), new Subject("", Digest.Parse("sha512:" + new string('a', 128)))], read.Subjects);
        Assert.Equal(("https://slsa.dev/provenance/v1", "{\"a\" : [1]}"), (read.PredicateType, Encoding.UTF8.GetString(read.Predicate.Span)));
        Assert.Equal(Made.Subjects, Statement.ParseForeign(Made.ToJson(), "s").Subjects);
    }

    [Theory]
    [InlineData("Statement/v1", "Statement/v2", "of type")]
    [InlineData("\"predicateType\":", "\"predicatetype\":", "no predicateType")]
    [InlineData("\"subject\":", "\"subject\":[],\"subject\":", "uplicate")]
    [InlineData("{\"a\":1}", "{\"a\":1,\"a\":2}", "uplicate")]
    [InlineData("[{\"name\"", "[7,{\"name\"", "no object")]
    [InlineData("{\"a\":1}}", "{\"a\":1}", "s: ")]
    public void ParseForeign_WrongPlace_IsRefused(string from, string to, string message)
    {
        string json = Encoding.UTF8.GetString(Made.ToJson());
        Assert.Contains(from, json, StringComparison.Ordinal);
        Assert.Contains(message, Assert.Throws<FormatException>(() => Statement.ParseForeign(Encoding.UTF8.GetBytes(json.Replace(from, to, StringComparison.Ordinal)), "s")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ParseForeign_OneSubjectTooManyOrTooDeep_IsRefused()
    {
        string Of(int subjects, int depth) => Encoding.UTF8.GetString(new Statement([.. Enumerable.Repeat(Made.Subjects[0], subjects)], "t", Encoding.UTF8.GetBytes(new string('[', depth) + new string(']', depth))).ToJson());
        Statement Read(int subjects, int depth) => Statement.ParseForeign(Encoding.UTF8.GetBytes(Of(subjects, depth)), "s");

        Assert.Equal(Statement.MaxForeignSubjects, Read(Statement.MaxForeignSubjects, Statement.MaxForeignDepth - 1).Subjects.Count);
        Assert.Throws<FormatException>(() => Read(Statement.MaxForeignSubjects + 1, 1));
        Assert.Throws<FormatException>(() => Read(1, Statement.MaxForeignDepth));
        Assert.Contains("MaxBytes", Assert.Throws<FormatException>(() => Statement.ParseForeign(new byte[Statement.MaxBytes + 1], "s")).Message, StringComparison.Ordinal);
    }
}
