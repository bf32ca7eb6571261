using System.Text;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Oci;

public sealed class ProcessConfigTests
{
    private static ProcessConfig? Read(string process) =>
        ImageConfigs.Parse(Encoding.UTF8.GetBytes($$"""{"os":"linux","config":{{process}}}"""), "x", ManifestJson.Config).Config;

    [Fact]
    public void Config_WithEverythingDockerWrites_IsRead()
    {
        ProcessConfig read = Read("""
            {"User":"app","ExposedPorts":{"80/tcp":{},"53/udp":{}},"Env":["A=b"],"Cmd":["sh"],"Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":1000,"Retries":3},
             "ArgsEscaped":true,"Volumes":{"/data":{},"/etc":null},"OnBuild":["RUN x"],"StopSignal":"SIGKILL","Shell":["/bin/bash","-c"],"Labels":{"a":"b"}}
            """)!;

        Assert.Equal(["80/tcp", "53/udp"], read.ExposedPorts!);
        Assert.Equal(["/data", "/etc"], read.Volumes!);
        Assert.Equal(["CMD-SHELL", "true"], read.Healthcheck!.Test!);
        Assert.Equal(["RUN x"], read.OnBuild!);
        Assert.Equal(["/bin/bash", "-c"], read.Shell!);
        Assert.Equal(("app", "SIGKILL", true, "b"), (read.User, read.StopSignal, read.ArgsEscaped, read.Labels!["a"]));
    }

    [Fact]
    public void Config_WithNulls_IsEmpty() =>
        Assert.Equal(new ProcessConfig(), Read("""{"ExposedPorts":null,"Volumes":null,"Healthcheck":null,"OnBuild":null,"StopSignal":null,"Shell":null,"ArgsEscaped":null}"""));

    [Theory]
    [InlineData("""{"ExposedPorts":["80/tcp"]}""")]
    [InlineData("""{"ExposedPorts":{"80/tcp":1}}""")]
    [InlineData("""{"Volumes":"/data"}""")]
    [InlineData("""{"Healthcheck":["CMD"]}""")]
    [InlineData("""{"Healthcheck":{"Test":"CMD"}}""")]
    [InlineData("""{"OnBuild":"RUN x"}""")]
    [InlineData("""{"StopSignal":9}""")]
    [InlineData("""{"ArgsEscaped":"true"}""")]
    [InlineData("""{"User":"app","user":"root"}""")]
    [InlineData("""{"USER":"root"}""")]
    [InlineData("""{"User":"app","User":"root"}""")]
    [InlineData("""{"Healthcheck":{"Test":["NONE"],"test":["CMD","true"]}}""")]
    public void Config_OfAnotherKindOrCasing_IsMalformed(string process) =>
        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => Read(process)).Error);
}
