using System.Text;
using Plimsoll.Agent.Plugin;

namespace Plimsoll.Tests.Agent.Plugin;

public sealed class AuthzRequestTests
{
    [Fact]
    public void TryRead_WhatDockerdSends_IsRead()
    {
        const string Message = """
            {"User":"ops","UserAuthNMethod":"TLS","RequestMethod":"POST","RequestUri":"/v1.41/containers/create?name=a\u0026x=1","RequestBody":"e30=",
             "RequestHeaders":{"Content-Length":"2","Content-Type":"application/json"},"RequestPeerCertificates":["LS0tLS1CRUdJTg=="],"ResponseStatusCode":0}
            """;

        Assert.True(AuthzRequest.TryRead(Encoding.UTF8.GetBytes(Message), out AuthzRequest? request, out _));

        Assert.Equal(("ops", "TLS", "POST", "/v1.41/containers/create?name=a&x=1"), (request.User, request.UserAuthMethod, request.Method, request.Uri));
        Assert.Equal("{}"u8.ToArray(), request.Body.ToArray());
        Assert.Equal("2", request.Header("content-length"));
        Assert.Null(request.Header("X"));
    }

    [Fact]
    public void TryRead_OnlyMethodAndPath_IsEnough()
    {
        Assert.True(AuthzRequest.TryRead("""{"RequestMethod":"GET","RequestUri":"/info","RequestBody":null}"""u8, out AuthzRequest? request, out _));

        Assert.Equal(("", true), (request.User, request.Body.IsEmpty));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"RequestMethod":"GET"}""")]
    [InlineData("""{"RequestUri":"/info"}""")]
    [InlineData("""{"RequestMethod":"GET","RequestUri":"/info"} {}""")]
    [InlineData("""{"RequestMethod":"GET","RequestUri":"/info","RequestUri":"/build"}""")]
    [InlineData("""{"RequestMethod":"GET","RequestUri":7}""")]
    [InlineData("""{"RequestMethod":"GET","RequestUri":"/info","RequestBody":"?"}""")]
    [InlineData("""{"RequestMethod":"GET","RequestUri":"/info","RequestBody":{}}""")]
    [InlineData("""{"RequestMethod":"GET","RequestUri":"/info","RequestHeaders":{"A":1}}""")]
    [InlineData("""{"RequestMethod":"GET","RequestUri":"/info","RequestHeaders":{"A":"1","a":"2"}}""")]
    [InlineData("""{"RequestMethod":"GET","RequestUri":"/\ud800"}""")]
    [InlineData("""{"requestmethod":"GET","requesturi":"/info"}""")]
    public void TryRead_WhatIsNoSuchMessage_IsRefused(string message)
    {
        Assert.False(AuthzRequest.TryRead(Encoding.UTF8.GetBytes(message), out _, out Denial? denial));

        Assert.Equal("unreadable-message", denial.Code);
    }

    [Fact]
    public void TryRead_BytesThatAreNoUtf8_IsRefused()
    {
        byte[] message = [.. """{"RequestMethod":"GET","RequestUri":"/"""u8, 0xff, .. "\"}"u8];

        Assert.False(AuthzRequest.TryRead(message, out _, out Denial? denial));
        Assert.Equal("unreadable-message", denial.Code);
    }
}
