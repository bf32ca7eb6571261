using Plimsoll.Agent.Plugin;

namespace Plimsoll.Tests.Agent.Plugin;

public sealed class RequestBodyTests
{
    [Theory]
    [InlineData("application/json", true)]
    [InlineData("Application/JSON", true)]
    [InlineData("application/json; charset=utf-8", true)]
    [InlineData(" application/json ;charset=\"utf-8\"", true)]
    [InlineData("application/json;", true)]
    [InlineData("application/json; charset", false)]
    [InlineData("application/json; charset=", false)]
    [InlineData("application/json; =utf-8", false)]
    [InlineData("application/json; charset=\"utf-8", false)]
    [InlineData("application/json, text/plain", false)]
    [InlineData("application/jsonx", false)]
    [InlineData("text/plain", false)]
    [InlineData("", false)]
    public void IsJson_AContentType_IsTakenAsGoTakesIt(string type, bool json) => Assert.Equal(json, MediaType.IsJson(type));

    [Theory]
    [InlineData("application/x-www-form-urlencoded", true)]
    [InlineData("Application/X-WWW-Form-Urlencoded; charset=", true)]
    [InlineData("multipart/form-data; boundary=x", true)]
    [InlineData("application/x-tar", false)]
    public void IsForm_AContentType_IsTheOneThatGoReadsParametersFrom(string type, bool form) => Assert.Equal(form, MediaType.IsForm(type));

    [Theory]
    [InlineData("""{"Privileged":true}""", true)]
    [InlineData("""{"privileged":true}""", true)]
    [InlineData("""{"PRIVILEGED":true}""", true)]
    [InlineData("""{"\u0050rivileged":true}""", true)]
    [InlineData("""{"Privileged":false}""", false)]
    [InlineData("""{"Privileged":null}""", false)]
    [InlineData("""{"Privilegedx":true}""", false)]
    public void TryGetBoolean_ANameInAnyCasing_IsFound(string body, bool expected)
    {
        Assert.True(ClientJson.TryRead(System.Text.Encoding.UTF8.GetBytes(body), out ClientJson? json, out _));

        Assert.True(json.TryGetBoolean("Privileged", out bool value, out _));
        Assert.Equal(expected, value);
    }

    [Fact]
    public void TryGetText_AKelvinSignInAName_IsKToGoAndHere()
    {
        Assert.True(ClientJson.TryRead("{\"\u212aey\":\"v\",\"U\u017fer\":\"u\"}"u8.ToArray(), out ClientJson? json, out _));

        Assert.True(json.TryGetText("Key", out string key, out _));
        Assert.True(json.TryGetText("User", out string user, out _));
        Assert.Equal(("v", "u"), (key, user));
    }

    [Theory]
    [InlineData("""{"Privileged":true,"privileged":false}""", "duplicate-key")]
    [InlineData("""{"Privileged":true,"Privileged":true}""", "duplicate-key")]
    [InlineData("""[]""", "bad-body")]
    [InlineData("""null""", "bad-body")]
    [InlineData("""{} {}""", "bad-body")]
    [InlineData("""{"a":}""", "bad-body")]
    public void TryRead_ABodyOfTwoMeaningsOrNone_IsDenied(string body, string code)
    {
        Assert.False(ClientJson.TryRead(System.Text.Encoding.UTF8.GetBytes(body), out _, out Denial? denial));

        Assert.Equal(code, denial.Code);
    }

    [Theory]
    [InlineData("""{"Privileged":"true"}""")]
    [InlineData("""{"User":1}""")]
    [InlineData("""{"User":"\ud800"}""")]
    [InlineData("""{"Env":"A=1"}""")]
    [InlineData("""{"Env":[1]}""")]
    public void TryGet_AValueOfAnotherKind_IsDenied(string body)
    {
        Assert.True(ClientJson.TryRead(System.Text.Encoding.UTF8.GetBytes(body), out ClientJson? json, out _));

        Denial? denial = !json.TryGetBoolean("Privileged", out _, out Denial? a) ? a : !json.TryGetText("User", out _, out Denial? b) ? b : json.TryGetTexts("Env", out _, out Denial? c) ? null : c;

        Assert.Equal("bad-body", denial?.Code);
    }
}
