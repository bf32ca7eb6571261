using Plimsoll.Agent.Plugin;

namespace Plimsoll.Tests.Agent.Plugin;

public sealed class RequestPathTests
{
    [Theory]
    [InlineData("/containers/json", "/containers/json", null)]
    [InlineData("/v1.24/containers/json", "/containers/json", 24)]
    [InlineData("/v1.51/containers/json", "/containers/json", 51)]
    [InlineData("/%63ontainers/%63reate", "/containers/create", null)]
    [InlineData("/%76%31.41/containers/create?name=a", "/containers/create", 41)]
    [InlineData("/images/reg:5000/a/b/json", "/images/reg:5000/a/b/json", null)]
    [InlineData("/images/reg%3A5000%2Fa/json", "/images/reg:5000/a/json", null)]
    [InlineData("/networks/a+b", "/networks/a+b", null)]
    [InlineData("/networks/%E7%BD%91", "/networks/网", null)]
    [InlineData("/version", "/version", null)]
    [InlineData("/volumes", "/volumes", null)]
    [InlineData("/containers/.../json", "/containers/.../json", null)]
    public void TryParse_APathThatIsOne_IsDecodedOnceAndWithoutItsVersion(string uri, string path, int? minor)
    {
        Assert.True(RequestPath.TryParse(uri, out RequestPath? parsed, out _));

        Assert.Equal(path, parsed.ToString());
        Assert.Equal(minor, parsed.Minor);
    }

    [Theory]
    [InlineData("/%2563ontainers/create", "double-encoding")]
    [InlineData("/containers%25/create", "double-encoding")]
    [InlineData("/containers/web%3fx/start", "bad-path")]
    [InlineData("/containers/web%23/start", "bad-path")]
    [InlineData("//containers/create", "bad-path")]
    [InlineData("/containers//create", "bad-path")]
    [InlineData("/containers/create/", "bad-path")]
    [InlineData("/containers/./create", "bad-path")]
    [InlineData("/images/../containers/create", "bad-path")]
    [InlineData("/images/%2e%2e/containers/create", "bad-path")]
    [InlineData("/containers%2F%2Fcreate", "bad-path")]
    [InlineData("/containers/create%00", "bad-path")]
    [InlineData("/containers%5ccreate", "bad-path")]
    [InlineData("/containers\\create", "bad-path")]
    [InlineData("/containers/%zz", "bad-path")]
    [InlineData("/containers/%4", "bad-path")]
    [InlineData("/containers/%ff/json", "bad-path")]
    [InlineData("/containers/cr eate", "bad-path")]
    [InlineData("/containers/cr\u00e9ate", "bad-path")]
    [InlineData("/containers/\ufffd/json", "bad-path")]
    [InlineData("/containers/create#x", "bad-path")]
    [InlineData("http://docker/containers/create", "bad-path")]
    [InlineData("*", "bad-path")]
    [InlineData("/", "bad-path")]
    [InlineData("", "bad-path")]
    [InlineData("/v1.23/containers/x/start", "api-version")]
    [InlineData("/v1.52/containers/x/start", "api-version")]
    [InlineData("/v1.0/containers/x/start", "api-version")]
    [InlineData("/v1.041/containers/x/start", "api-version")]
    [InlineData("/v1.24.0/containers/x/start", "api-version")]
    [InlineData("/v1..41/containers/x/start", "api-version")]
    [InlineData("/v2.41/containers/x/start", "api-version")]
    [InlineData("/v01.41/containers/x/start", "api-version")]
    [InlineData("/v1/containers/x/start", "api-version")]
    [InlineData("/v1.99999999999999999999/containers/x/start", "api-version")]
    [InlineData("/containers/x/start?a=%zz", "bad-query")]
    [InlineData("/containers/x/start?a=1;b=2", "bad-query")]
    [InlineData("/containers/x/start?%ff=1", "bad-query")]
    public void TryParse_APathThatCouldBeReadInTwoWays_IsDeniedByName(string uri, string code)
    {
        Assert.False(RequestPath.TryParse(uri, out _, out Denial? denial));

        Assert.Equal(code, denial.Code);
    }

    [Fact]
    public void TryParse_ATargetOneCharacterOverTheLimit_IsDenied()
    {
        string longest = "/images/" + new string('a', (64 * 1024) - 8);

        Assert.True(RequestPath.TryParse(longest, out _, out _));
        Assert.False(RequestPath.TryParse(longest + "a", out _, out Denial? denial));
        Assert.Equal("bad-path", denial.Code);
    }

    [Theory]
    [InlineData("/x?name=a", "a")]
    [InlineData("/x?name=a%2Fb+c", "a/b c")]
    [InlineData("/x?Name=b&name=a", "a")]
    [InlineData("/x?n%61me=a", "a")]
    [InlineData("/x?&&name=a&", "a")]
    [InlineData("/x?name", "")]
    [InlineData("/x", "")]
    public void TryGet_OneParameter_IsReadAsGoReadsIt(string uri, string value)
    {
        Assert.True(RequestPath.TryParse(uri, out RequestPath? path, out _));

        Assert.True(path.Query.TryGet("name", out string read, out _));
        Assert.Equal(value, read);
    }

    [Theory]
    [InlineData("/x?name=a&name=b")]
    [InlineData("/x?name=a&n%61me=a")]
    [InlineData("/x?name&name=")]
    public void TryGet_AParameterTwice_IsDenied(string uri)
    {
        Assert.True(RequestPath.TryParse(uri, out RequestPath? path, out _));

        Assert.False(path.Query.TryGet("name", out _, out Denial? denial));
        Assert.Equal("bad-query", denial.Code);
    }
}
