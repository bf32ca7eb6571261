using Plimsoll.Inspect.Dockerfiles;
using Plimsoll.Inspect.History;
using Plimsoll.Oci;

namespace Plimsoll.Tests.History;

/// <summary>The forms in which builders record what they did.</summary>
public sealed class HistoryFileTests
{
    private static RebuiltDockerfile Rebuild(params string?[] lines)
    {
        HistoryEntry[] entries = HistoryKit.Entries(lines);
        return HistoryFile.Rebuild(new ImageConfig { History = entries }, entries.Count(e => !e.EmptyLayer), null);
    }

    [Theory]
    [InlineData("/bin/sh -c #(nop)  CMD [\"bash\"]", "CMD [\"bash\"]")]
    [InlineData("/bin/sh -c #(nop) ADD file:00ab in / ", "ADD file:00ab /")]
    [InlineData("/bin/sh -c #(nop) COPY --chown=1:1 dir:00 in /app ", "COPY --chown=1:1 dir:00 /app")]
    [InlineData("/bin/sh -c #(nop)  EXPOSE 80/tcp", "EXPOSE 80/tcp")]
    [InlineData("/bin/sh -c #(nop)  ENV A=b c D=e", "ENV A=\"b c\" D=e")]
    [InlineData("/bin/sh -c #(nop)  VOLUME [/data /x]", "VOLUME /data /x")]
    [InlineData("/bin/sh -c #(nop)  HEALTHCHECK &{[\"CMD-SHELL\" \"curl -f x || exit 1\"] \"30s\" \"3s\" \"0s\" '\\x00'}", "HEALTHCHECK CMD curl -f x || exit 1")]
    [InlineData("/bin/sh -c apt-get update", "RUN apt-get update")]
    [InlineData("cmd /S /C #(nop)  WORKDIR C:\\app", "WORKDIR C:\\app")]
    [InlineData("RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update")]
    [InlineData("RUN /bin/bash -o pipefail -c a | b # buildkit", "RUN a | b")]
    [InlineData("/bin/bash -euxo pipefail -c a | b", "RUN a | b")]
    [InlineData("COPY /out /bin # buildkit", "COPY /out /bin")]
    [InlineData("EXPOSE map[443/tcp:{} 80/tcp:{}]", "EXPOSE 443/tcp 80/tcp")]
    [InlineData("SHELL [/bin/bash -o pipefail -c]", "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]")]
    [InlineData("HEALTHCHECK {Test:[CMD-SHELL curl x] Interval:30s}", "HEALTHCHECK CMD curl x")]
    [InlineData("RUN apt-get update", "RUN apt-get update")]
    [InlineData("WORKDIR /app", "WORKDIR /app")]
    [InlineData("RUN --mount=type=cache,target=/x /bin/sh -c make # buildkit", "RUN make")]
    [InlineData("powershell -Command $x = 1; y", "RUN $x = 1; y")]
    [InlineData("cmd /S /C echo a", "RUN echo a")]
    [InlineData("Apply image 10.0.17763.107", "# Apply image 10.0.17763.107")]
    [InlineData("# debian.sh --arch 'amd64' out/ 'trixie' '@1'", "# debian.sh --arch 'amd64' out/ 'trixie' '@1'")]
    [InlineData("bazel build ...", "# bazel build ...")]
    [InlineData("bash", "# committed from a container that ran: bash")]
    [InlineData("/bin/sh", "# committed from a container that ran: /bin/sh")]
    [InlineData(null, "# a layer without a recorded command")]
    public void Rebuild_ALine_IsTheInstruction(string? line, string expected)
    {
        DockerfileLine last = Rebuild(line).Lines[^1];

        Assert.Equal(new DockerfileLine(3, expected, 0, 0), last);
    }

    [Theory]
    [InlineData("RUN |2 A=1 B=two words /bin/sh -c make # buildkit")]
    [InlineData("|2 A=1 B=two words /bin/sh -c make")]
    public void Rebuild_BuildArguments_StandInACommentAbove(string line)
    {
        RebuiltDockerfile file = Rebuild(line);

        Assert.Equal(["# build arguments: A=1 B=two words", "RUN make"], file.Lines.Skip(2).Select(l => l.Text));
        Assert.Equal([new("A", "1"), new("B", "two words")], file.Steps[0].BuildArguments);
    }

    [Fact]
    public void Rebuild_Heredoc_IsOneAgain()
    {
        RebuiltDockerfile file = Rebuild("RUN /bin/sh -c set -e\necho EOF\nEOF\n # buildkit");

        Assert.Equal(["RUN <<EOF1", "set -e", "echo EOF", "EOF", "EOF1"], file.Lines.Skip(2).Select(l => l.Text));
        Assert.Equal(5, file.Steps[0].LineOf(file.Steps[0].Arguments.IndexOf("echo", StringComparison.Ordinal)));
        Assert.Empty(DockerfileParser.Parse(file.Text).Errors);
    }

    [Fact]
    public void Rebuild_LongRun_BreaksWhereTheDockerfileDid()
    {
        RebuiltDockerfile file = Rebuild("RUN /bin/sh -c set -eux; \tapt-get update; \tprintf 'a\\tb  c'; \t\trm x # buildkit");

        Assert.Equal(["RUN set -eux;  \\", "    apt-get update;  \\", "    printf 'a\\tb  c';  \\", "    rm x"], file.Lines.Skip(2).Select(l => l.Text.Replace("; \\", ";  \\", StringComparison.Ordinal)));
        Assert.Equal(6, file.Steps[0].LineOf(file.Steps[0].Arguments.IndexOf("rm", StringComparison.Ordinal)));
        Assert.Empty(DockerfileParser.Parse(file.Text).Errors);
    }

    [Fact]
    public void Rebuild_Layers_AreTiedToTheirLines()
    {
        RebuiltDockerfile file = Rebuild("ADD rootfs.tar / # buildkit", "-CMD [\"sh\"]", "RUN /bin/sh -c a # buildkit");

        Assert.Equal([null, null, 0, null, 1], file.Lines.Select(l => l.Layer));
        Assert.Equal([null, null, 0, 1, 2], file.Lines.Select(l => l.History));
    }

    [Fact]
    public void Rebuild_HistoryThatDoesNotFitTheLayers_TiesNothing()
    {
        RebuiltDockerfile file = HistoryFile.Rebuild(new ImageConfig { History = HistoryKit.Entries("RUN a") }, 2, null);

        Assert.All(file.Lines, l => Assert.Null(l.Layer));
    }

    [Theory]
    [InlineData("RUN |1 DB_PASSWORD=hunter22 /bin/sh -c make # buildkit", "hunter22")]
    [InlineData("ENV API_KEY=hunter22", "hunter22")]
    [InlineData("RUN curl -H 'Authorization: Bearer hunter22hunter22' x", "hunter22")]
    [InlineData("RUN git clone https://me:hunter22@host/x", "hunter22")]
    [InlineData("RUN login --password \"hunter22\" --token=hunter22", "--token=hunter22")]
    [InlineData("RUN docker login -u me --password hunter22 host", "hunter22")]
    [InlineData("RUN curl -u me:hunter22 https://x", "hunter22")]
    [InlineData("RUN x ghp_hunter22hunter22hunter22", "hunter22")]
    public void Rebuild_Secrets_AreMasked(string line, string secret)
    {
        RebuiltDockerfile file = Rebuild(line);

        Assert.DoesNotContain(secret, file.Text, StringComparison.Ordinal);
        Assert.Contains("***", file.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Rebuild_VariablesInPlaceOfSecrets_Stay() =>
        Assert.Contains("PASSWORD=$PW", Rebuild("RUN PASSWORD=$PW make").Text, StringComparison.Ordinal);

    [Fact]
    public void Rebuild_MoreLinesThanTheLimit_ReadsTheFirst()
    {
        HistoryEntry[] entries = HistoryKit.Entries(Enumerable.Repeat("-ENV A=1", HistoryFile.MaxSteps + 1));

        Assert.Equal(HistoryFile.MaxSteps, HistoryFile.Rebuild(new ImageConfig { History = entries }, 0, null).Steps.Count);
    }
}
