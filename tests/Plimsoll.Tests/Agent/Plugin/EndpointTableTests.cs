using System.Text;
using Plimsoll.Agent.Plugin;
using Plimsoll.TestKit;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Agent.Plugin;

public sealed class EndpointTableTests
{
    [Fact]
    public void All_GetsThatPolicyMustAllow_AreNoMereReading() => Assert.Equal(
        ["GET /containers/{name}/attach/ws", "GET /containers/{name}/export", "HEAD /containers/{name}/archive", "GET /containers/{name}/archive", "GET /images/get", "GET /images/{name...}/get", "GET /swarm", "GET /swarm/unlockkey"],
        EndpointTable.All.Where(e => e.Method is "GET" or "HEAD" && !e.OnlyReads).Select(e => e.ToString()));

    [Fact]
    public void Document_OfTheEngineApi_ShowsTheTable()
    {
        IEnumerable<string> shown = File.ReadLines(Repository.At("docs", "formats", "engine-api.md")).SkipWhile(l => l != "|---|---|---|---|---|").Skip(1).TakeWhile(l => l.StartsWith('|'));

        Assert.Equal(EndpointTable.All.Select(Line), shown);
    }

    private static string Line(Endpoint e)
    {
        string operation = e.Operation is { } o ? $"operation `{Kebab(o.ToString())}`" : "";
        string rule = e.Rule == EndpointRule.Operation ? operation : Kebab(e.Rule.ToString()) + (operation.Length > 0 ? $", {operation}" : "");
        return $"| {e.Method} | `{e.Pattern}` | {rule} | {(e.WithoutPolicy ? "yes" : "")} | {(e.CalledBack ? "yes" : "")} |";
    }

    private static string Kebab(string name)
    {
        StringBuilder kebab = new();
        foreach (char c in name)
            kebab.Append(char.IsAsciiLetterUpper(c) && kebab.Length > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}");
        return kebab.ToString();
    }

    [Fact]
    public void All_Endpoints_StandOnceAndAreDecided()
    {
        Assert.Equal(EndpointTable.All.Count, EndpointTable.All.Select(e => e.ToString()).Distinct(StringComparer.Ordinal).Count());
        Assert.DoesNotContain(EndpointTable.All, e => e.Rule == EndpointRule.Never || (e.Rule == EndpointRule.Operation && e.Operation is null));
        Assert.Equal(["POST /containers/{name}/pause", "POST /containers/{name}/stop"],
            EndpointTable.All.Where(e => e.CalledBack && (e.Method, e.Operation) != ("GET", EngineOperation.Read)).Select(e => e.ToString()).Order(StringComparer.Ordinal));
        // Without a policy nothing may start, change or come in.
        Assert.All(EndpointTable.All.Where(e => e.WithoutPolicy), e => Assert.True(e.Operation is null or EngineOperation.Read or EngineOperation.Manage && e.Rule is EndpointRule.Always or EndpointRule.Operation, e.ToString()));
    }

    [Theory]
    [InlineData("GET", "/_ping", "GET /_ping", "")]
    [InlineData("HEAD", "/_ping", "HEAD /_ping", "")]
    [InlineData("POST", "/v1.41/containers/create", "POST /containers/create", "")]
    [InlineData("POST", "/%63ontainers/%63reate", "POST /containers/create", "")]
    [InlineData("POST", "/containers/web/start", "POST /containers/{name}/start", "web")]
    [InlineData("POST", "/containers/create/start", "POST /containers/{name}/start", "create")]
    [InlineData("GET", "/containers/registry.example/prod/web:1/json", "GET /containers/{name...}/json", "registry.example/prod/web:1")]
    [InlineData("DELETE", "/containers/web", "DELETE /containers/{name}", "web")]
    [InlineData("DELETE", "/containers/web/checkpoints/c1", "DELETE /containers/{name}/checkpoints/{checkpoint}", "web")]
    [InlineData("GET", "/images/json", "GET /images/json", "")]
    [InlineData("GET", "/images/reg:5000/a/b/json", "GET /images/{name...}/json", "reg:5000/a/b")]
    [InlineData("GET", "/images/get", "GET /images/get", "")]
    [InlineData("GET", "/images/a/get", "GET /images/{name...}/get", "a")]
    [InlineData("POST", "/images/create", "POST /images/create", "")]
    [InlineData("DELETE", "/images/a/b", "DELETE /images/{name...}", "a/b")]
    [InlineData("GET", "/plugins/privileges", "GET /plugins/privileges", "")]
    [InlineData("OPTIONS", "/anything/at/all", "OPTIONS /{path...}", "")]
    public void TryFind_AnEndpoint_IsFoundWithItsName(string method, string uri, string endpoint, string name)
    {
        Assert.True(RequestPath.TryParse(uri, out RequestPath? path, out _));

        Assert.True(EndpointTable.TryFind(method, path, out Endpoint? found, out string named, out _));
        Assert.Equal((endpoint, name), (found.ToString(), named));
    }

    [Theory]
    [InlineData("POST", "/containers/web/teleport")]
    [InlineData("POST", "/containers/a/b/start")]
    [InlineData("POST", "/containers/web/start/now")]
    [InlineData("GET", "/containers/create")]
    [InlineData("PATCH", "/containers/web")]
    [InlineData("post", "/containers/web/start")]
    [InlineData("HEAD", "/containers/json")]
    [InlineData("GET", "/debug/pprof/heap")]
    [InlineData("POST", "/Containers/create")]
    [InlineData("GET", "/v1.41")]
    [InlineData("CONNECT", "/containers/json")]
    public void TryFind_WhatIsNoEndpoint_IsUnknown(string method, string uri)
    {
        Assert.True(RequestPath.TryParse(uri, out RequestPath? path, out _));

        Assert.False(EndpointTable.TryFind(method, path, out _, out _, out Denial? denial));
        Assert.Equal("unknown-endpoint", denial.Code);
    }

    [Theory]
    [InlineData("/containers/-web/start")]
    [InlineData("/containers/we%20b/start")]
    [InlineData("/exec/%E7%BD%91/start")]
    public void TryFind_ANameThatDockerdGivesNoContainer_IsDenied(string uri)
    {
        Assert.True(RequestPath.TryParse(uri, out RequestPath? path, out _));

        Assert.False(EndpointTable.TryFind("POST", path, out _, out _, out Denial? denial));
        Assert.Equal("bad-name", denial.Code);
    }
}
