using System.Text.RegularExpressions;
using Plimsoll.Inspect.Dockerfiles;
using Plimsoll.Inspect.Dockerfiles.Rules;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Dockerfiles;

/// <summary>Each of hadolint's rules with what it must find and what it must leave alone; ids, levels and meaning are hadolint's.</summary>
public sealed class LintRuleTests
{
    private static readonly LintOptions Schema = new()
    {
        Labels = new Dictionary<string, LabelForm>
        {
            ["text"] = LabelForm.Text,
            ["url"] = LabelForm.Url,
            ["time"] = LabelForm.Rfc3339,
            ["spdx"] = LabelForm.Spdx,
            ["hash"] = LabelForm.Hash,
            ["version"] = LabelForm.SemVer,
            ["mail"] = LabelForm.Email,
        },
        StrictLabels = true,
        TrustedRegistries = ["good.example", "*.trusted.example"],
        Levels = new Dictionary<string, LintLevel> { ["DL1001"] = LintLevel.Info, ["DL3057"] = LintLevel.Info },
    };

    /// <summary>Rule, a line of the file for the finding (0 for none), and the file; <c>|</c> is a line feed.</summary>
    public static TheoryData<string, int, string> Cases { get; } = new()
    {
        { "DL1001", 2, "FROM a:1|# hadolint ignore=DL3000|WORKDIR x" }, { "DL1001", 0, "# hadolint global ignore=DL3000|FROM a:1|WORKDIR x" },
        { "DL3000", 2, "FROM a:1|WORKDIR usr/src" }, { "DL3000", 0, "FROM a:1|WORKDIR /usr|WORKDIR \"/x y\"|WORKDIR $HOME|WORKDIR C:\\app" },
        { "DL3001", 2, "FROM a:1|RUN apt-get update && service x start" }, { "DL3001", 0, "FROM a:1|RUN echo ps top kill" },
        { "DL3002", 2, "FROM a:1|USER root" }, { "DL3002", 3, "FROM a:1|USER app|USER 0:0" }, { "DL3002", 0, "FROM a:1|USER root|RUN x|USER app" },
        { "DL3003", 2, "FROM a:1|RUN cd /x && make" }, { "DL3003", 0, "FROM a:1|WORKDIR /x|RUN make cd" },
        { "DL3004", 2, "FROM a:1|RUN sudo make" }, { "DL3004", 3, "FROM a:1|RUN a &&\\|  sudo b" }, { "DL3004", 0, "FROM a:1|RUN apt-get install -y sudo" },
        { "DL3006", 1, "FROM debian" }, { "DL3006", 0, "FROM debian:12 AS b|FROM b|FROM scratch|FROM x@sha256:00" }, { "DL3006", 2, "ARG I=debian|FROM $I" }, { "DL3006", 0, "ARG I|FROM $I" }, { "DL3006", 0, "ARG I=debian:12|FROM ${I}" },
        { "DL3007", 1, "FROM debian:latest" }, { "DL3007", 0, "FROM debian:12|FROM debian:latest@sha256:00" },
        { "DL3008", 2, "FROM a:1|RUN apt-get install -y curl" }, { "DL3008", 0, "FROM a:1|RUN apt-get install -y -t bookworm curl=7.88 ./x.deb git/stable && apt-get update" },
        { "DL3009", 2, "FROM a:1|RUN apt-get update && apt-get install -y x" }, { "DL3009", 0, "FROM a:1|RUN apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*" },
        { "DL3009", 0, "FROM a:1|RUN --mount=type=cache,target=/var/lib/apt apt-get update" }, { "DL3009", 0, "FROM a:1 AS b|RUN apt-get update|FROM c:1" }, { "DL3009", 2, "FROM a:1 AS b|RUN apt-get update|FROM b" },
        { "DL3010", 2, "FROM a:1|COPY x.tar.gz /t/|RUN tar -xzf /t/x.tar.gz" }, { "DL3010", 0, "FROM a:1|COPY --from=b x.tar.gz /t/|RUN tar xf /t/x.tar.gz" }, { "DL3010", 0, "FROM a:1|COPY x.tar.gz /t/|RUN tar -tf /t/x.tar.gz" },
        { "DL3011", 2, "FROM a:1|EXPOSE 80000" }, { "DL3011", 2, "FROM a:1|EXPOSE 80 8000-70000/udp" }, { "DL3011", 0, "FROM a:1|EXPOSE 65535/tcp $PORT 0" },
        { "DL3012", 3, "FROM a:1|HEALTHCHECK NONE|HEALTHCHECK CMD x" }, { "DL3012", 0, "FROM a:1|HEALTHCHECK NONE|FROM b:1|HEALTHCHECK NONE" },
        { "DL3013", 2, "FROM a:1|RUN pip3 install django" }, { "DL3013", 2, "FROM a:1|RUN python -m pip install -U --index-url https://x y" }, { "DL3013", 2, "FROM a:1|RUN pip install git+https://x/y.git" },
        { "DL3013", 0, "FROM a:1|RUN pip install django==1 ./x y.whl -e . && pip install -r r.txt && pip install 'a>=2' git+https://x/y.git@v1 && pip install ." },
        { "DL3014", 2, "FROM a:1|RUN apt-get install x=1" }, { "DL3014", 0, "FROM a:1|RUN apt-get -qqy install x && apt-get install --yes y" },
        { "DL3015", 2, "FROM a:1|RUN apt-get install -y x" }, { "DL3015", 0, "FROM a:1|RUN apt-get install -y --no-install-recommends x && apt-get -o APT::Install-Recommends=false install y" },
        { "DL3016", 2, "FROM a:1|RUN npm install -g @scope/x" }, { "DL3016", 2, "FROM a:1|RUN npm install git://x/y.git" }, { "DL3016", 0, "FROM a:1|RUN npm install && npm install x@1 @s/y@2 ./z a.tgz git+https://x/y#c && npm ci" },
        { "DL3018", 2, "FROM a:1|RUN apk add --no-cache bash" }, { "DL3018", 0, "FROM a:1|RUN apk add --virtual .deps bash=5 x~1 y.apk && apk update" },
        { "DL3019", 2, "FROM a:1|RUN apk add x" }, { "DL3019", 0, "FROM a:1|RUN apk --no-cache add x" }, { "DL3019", 0, "FROM a:1|RUN --mount=type=cache,target=/var/cache/apk apk add x" },
        { "DL3020", 2, "FROM a:1|ADD file /x" }, { "DL3020", 0, "FROM a:1|ADD x.tar.xz https://x/y git@h:r /x/" },
        { "DL3021", 2, "FROM a:1|COPY a b /c" }, { "DL3021", 2, "FROM a:1|COPY [\"a\", \"b\", \"/c\"]" }, { "DL3021", 0, "FROM a:1|COPY a b /c/|COPY a /c" },
        { "DL3022", 2, "FROM a:1|COPY --from=x /a /b" }, { "DL3022", 0, "FROM a:1 AS x|FROM b:1|COPY --from=x /a /b|COPY --from=0 /a /b|COPY --from=c:1 /a /b" },
        { "DL3023", 2, "FROM a:1 AS x|COPY --from=x /a /b" }, { "DL3023", 0, "FROM a:1 AS x|FROM b:1|COPY --from=x /a /b" },
        { "DL3024", 2, "FROM a:1 AS x|FROM b:1 AS X" }, { "DL3024", 0, "FROM a:1 AS x|FROM b:1 AS y" },
        { "DL3025", 2, "FROM a:1|CMD run x" }, { "DL3025", 2, "FROM a:1|ENTRYPOINT ['x']" }, { "DL3025", 0, "FROM a:1|CMD [\"x\"]|ENTRYPOINT []" },
        { "DL3026", 1, "FROM bad.example/x:1" }, { "DL3026", 1, "FROM debian:1" }, { "DL3026", 0, "FROM good.example/x:1 AS b|FROM b|FROM a.trusted.example/x:1|FROM scratch" },
        { "DL3027", 2, "FROM a:1|RUN apt install x" }, { "DL3027", 0, "FROM a:1|RUN apt-get install x && apt-cache show y" },
        { "DL3028", 2, "FROM a:1|RUN gem install rails" }, { "DL3028", 0, "FROM a:1|RUN gem install rails:7 && gem install -v 1 x && gem install x --version=2" },
        { "DL3029", 1, "FROM --platform=linux/amd64 a:1" }, { "DL3029", 0, "FROM --platform=$BUILDPLATFORM a:1" },
        { "DL3030", 2, "FROM a:1|RUN yum install x-1" }, { "DL3030", 0, "FROM a:1|RUN yum -y install x-1 && yum update" },
        { "DL3032", 2, "FROM a:1|RUN yum install -y x-1" }, { "DL3032", 0, "FROM a:1|RUN yum install -y x-1 && yum clean all" }, { "DL3032", 2, "FROM a:1|RUN yum clean all && yum install -y x-1" },
        { "DL3033", 2, "FROM a:1|RUN yum install -y httpd" }, { "DL3033", 0, "FROM a:1|RUN yum install -y httpd-2.4 x.rpm && yum module install -y nodejs:18" },
        { "DL3034", 2, "FROM a:1|RUN zypper install x=1" }, { "DL3034", 0, "FROM a:1|RUN zypper -n install x=1 && zypper in -y y=1" },
        { "DL3035", 2, "FROM a:1|RUN zypper -n dup" }, { "DL3035", 0, "FROM a:1|RUN zypper -n update" },
        { "DL3036", 2, "FROM a:1|RUN zypper in -y x=1" }, { "DL3036", 0, "FROM a:1|RUN zypper in -y x=1 && zypper cc -a" },
        { "DL3037", 2, "FROM a:1|RUN zypper in -y x" }, { "DL3037", 0, "FROM a:1|RUN zypper in -y x=1 'y>=2' z.rpm" },
        { "DL3038", 2, "FROM a:1|RUN microdnf install x-1" }, { "DL3038", 0, "FROM a:1|RUN dnf install -y x-1" },
        { "DL3040", 2, "FROM a:1|RUN dnf install -y x-1" }, { "DL3040", 0, "FROM a:1|RUN dnf install -y x-1 && dnf clean all" }, { "DL3040", 0, "FROM a:1|RUN microdnf install -y x-1 && rm -rf /var/cache/yum/*" },
        { "DL3041", 2, "FROM a:1|RUN dnf install -y tzdata-java" }, { "DL3041", 0, "FROM a:1|RUN dnf install -y httpd-2.4.5 x.rpm && dnf module install -y a:1" },
        { "DL3042", 2, "FROM a:1|RUN pip install x==1" }, { "DL3042", 0, "FROM a:1|ENV PIP_NO_CACHE_DIR=1|RUN pip install x==1" }, { "DL3042", 0, "FROM a:1|RUN pip install --no-cache-dir x==1" },
        { "DL3042", 0, "FROM a:1|RUN --mount=type=cache,target=/root/.cache/pip pip install x==1" }, { "DL3042", 0, "FROM a:1 AS b|ENV PIP_NO_CACHE_DIR=true|FROM b|RUN pip3 install x==1" }, { "DL3042", 0, "FROM a:1|RUN pipx install x" },
        { "DL3043", 2, "FROM a:1|ONBUILD FROM b" }, { "DL3043", 2, "FROM a:1|ONBUILD ONBUILD RUN x" }, { "DL3043", 0, "FROM a:1|ONBUILD RUN x" },
        { "DL3044", 2, "FROM a:1|ENV A=1 B=$A" }, { "DL3044", 2, "FROM a:1|ENV A=1 B=\"x${A}y\"" }, { "DL3044", 0, "FROM a:1|ENV PATH=$PATH:/x B=$AB|ENV C=$B" }, { "DL3044", 0, "FROM a:1|ARG A=0|ENV A=1 B=$A" },
        { "DL3045", 2, "FROM a:1|COPY a b" }, { "DL3045", 0, "FROM a:1|WORKDIR /x|COPY a b" }, { "DL3045", 0, "FROM a:1 AS b|WORKDIR /x|FROM b|COPY a b|COPY a $X/|COPY a /y" },
        { "DL3046", 2, "FROM a:1|RUN useradd -u 123456 x" }, { "DL3046", 0, "FROM a:1|RUN useradd -l -u 123456 x && useradd -u 12345 y" },
        { "DL3047", 2, "FROM a:1|RUN wget https://x/y" }, { "DL3047", 0, "FROM a:1|RUN wget -q https://x && wget --progress=dot:giga https://x && wget -nv https://x" },
        { "DL3048", 2, "FROM a:1|LABEL Bad_Key=1" }, { "DL3048", 2, "FROM a:1|LABEL com.docker.x=1" }, { "DL3048", 0, "FROM a:1|LABEL org.example.my-key2=1" },
        { "DL3049", 1, "FROM a:1|LABEL text=x" }, { "DL3049", 0, "FROM a:1|LABEL text=x url=x time=x spdx=x hash=x version=x mail=x" },
        { "DL3050", 2, "FROM a:1|LABEL other=1" }, { "DL3050", 0, "FROM a:1|LABEL text=1" },
        { "DL3051", 2, "FROM a:1|LABEL text=\"\"" }, { "DL3051", 0, "FROM a:1|LABEL text=x" },
        { "DL3052", 2, "FROM a:1|LABEL url=nowhere" }, { "DL3052", 0, "FROM a:1|LABEL url=https://example.org/x" },
        { "DL3053", 2, "FROM a:1|LABEL time=2026-01-01" }, { "DL3053", 2, "FROM a:1|LABEL time=2026-13-01T00:00:00Z" }, { "DL3053", 0, "FROM a:1|LABEL time=2026-01-01T10:00:00.5+08:00" },
        { "DL3054", 2, "FROM a:1|LABEL spdx=Free" }, { "DL3054", 0, "FROM a:1|LABEL spdx=Apache-2.0" },
        { "DL3055", 2, "FROM a:1|LABEL hash=xyz" }, { "DL3055", 0, "FROM a:1|LABEL hash=0123abc" },
        { "DL3056", 2, "FROM a:1|LABEL version=1.2" }, { "DL3056", 0, "FROM a:1|LABEL version=1.2.3-rc.1+b" },
        { "DL3057", 1, "FROM a:1" }, { "DL3057", 0, "FROM a:1|HEALTHCHECK CMD x" }, { "DL3057", 0, "FROM a:1 AS b|HEALTHCHECK CMD x|FROM b" },
        { "DL3058", 2, "FROM a:1|LABEL mail=me" }, { "DL3058", 0, "FROM a:1|LABEL mail=me@example.org" },
        { "DL3059", 3, "FROM a:1|RUN x|RUN y" }, { "DL3059", 0, "FROM a:1|RUN x|COPY a /b|RUN y|RUN a && b && c|RUN d|ENV x=1" }, { "DL3059", 0, "FROM a:1|RUN --mount=type=cache,target=/x x|RUN y" },
        { "DL3060", 2, "FROM a:1|RUN yarn install" }, { "DL3060", 0, "FROM a:1|RUN yarn install && yarn cache clean" },
        { "DL3061", 1, "RUN x|FROM a:1" }, { "DL3061", 0, "# c|ARG A=1|FROM a:1" },
        { "DL3062", 2, "FROM a:1|RUN go install example.com/x" }, { "DL3062", 2, "FROM a:1|RUN go get example.com/x@latest" }, { "DL3062", 0, "FROM a:1|RUN go install example.com/x@v1 ./cmd/y && go run main.go && go install" },
        { "DL3063", 1, "FROM a:1 AS scratch" }, { "DL3063", 0, "FROM a:1 AS build" },
        { "DL3064", 2, "FROM a:1|ARG NPM_TOKEN" }, { "DL3064", 2, "FROM a:1|ENV X=1 DB_PASSWORD=y" }, { "DL3064", 0, "FROM a:1|ENV PATH=/x KEY=y|ARG VERSION" },
        { "DL3065", 1, "FROM --platform=$TARGETPLATFORM a:1" }, { "DL3065", 0, "FROM --platform=$BUILDPLATFORM a:1" },
        { "DL3066", 2, "FROM a:1|USER app" }, { "DL3066", 0, "FROM a:1|USER 1000:app|USER $UID" },
        { "DL3067", 2, "FROM a:1|COPY --from=b:1 / /" }, { "DL3067", 0, "FROM a:1|COPY --from=b:1 /x /|COPY . /" },
        { "DL4000", 2, "FROM a:1|MAINTAINER me" }, { "DL4000", 0, "FROM a:1|LABEL maintainer=me" },
        { "DL4001", 3, "FROM a:1|RUN wget x|RUN curl x" }, { "DL4001", 0, "FROM a:1|RUN wget x|FROM b:1|RUN curl x|RUN echo wget" },
        { "DL4003", 3, "FROM a:1|CMD [\"x\"]|CMD [\"y\"]" }, { "DL4003", 0, "FROM a:1|CMD [\"x\"]|FROM b:1|CMD [\"y\"]" },
        { "DL4004", 3, "FROM a:1|ENTRYPOINT [\"x\"]|ENTRYPOINT [\"y\"]" }, { "DL4004", 0, "FROM a:1|ENTRYPOINT [\"x\"]" },
        { "DL4005", 2, "FROM a:1|RUN ln -sfv /bin/bash /bin/sh" }, { "DL4005", 0, "FROM a:1|SHELL [\"/bin/bash\", \"-c\"]|RUN ln -s /a /b" },
        { "DL4006", 2, "FROM a:1|RUN wget -O- x | tar x" }, { "DL4006", 0, "FROM a:1|SHELL [\"/bin/bash\", \"-eo\", \"pipefail\", \"-c\"]|RUN a | b" }, { "DL4006", 0, "FROM a:1|SHELL [\"pwsh\", \"-c\"]|RUN a | b" },
        { "DL4006", 0, "FROM a:1|# hadolint shell=powershell|RUN a | b" }, { "DL4006", 5, "FROM a:1|SHELL [\"/bin/ash\", \"-o\", \"pipefail\", \"-c\"]|RUN a | b|FROM c:1|RUN a | b" }, { "DL4006", 0, "FROM a:1|RUN [\"sh\", \"-c\", \"a | b\"]" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rule_OnAFile_FindsWhatItMustAtItsLine(string rule, int line, string file)
    {
        LintResult result = Linter.Lint(DockerfileParser.Parse(file.Replace('|', '\n').Replace(" \n ", " | ", StringComparison.Ordinal)), Schema with { DisableIgnorePragma = rule == "DL1001" }, TestContext.Current.CancellationToken);

        LintFinding? found = result.Findings.FirstOrDefault(f => f.Rule == rule);
        Assert.Equal(line, found?.Line ?? 0);
        Assert.DoesNotContain("{0}", found?.Message.English ?? "", StringComparison.Ordinal);
        Assert.DoesNotContain("{0}", found?.Message.Chinese ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Cases_EveryRule_HasABadAndAGoodOne()
    {
        foreach (LintRule rule in LintRules.All)
        {
            Assert.Contains(Cases, c => c.Data.Item1 == rule.Id && c.Data.Item2 > 0);
            Assert.Contains(Cases, c => c.Data.Item1 == rule.Id && c.Data.Item2 == 0);
        }
    }

    [Fact]
    public void Catalogue_EveryRule_HasTextsInBothLanguages()
    {
        foreach (LintRule rule in LintRules.All)
        {
            RuleText text = Catalogue.DockerfileRule(rule.Id);
            Assert.NotEqual(rule.Id, text.Title.English);
            Assert.NotEqual(text.Title.English, text.Title.Chinese);
            Assert.NotEqual(text.Advice.English, text.Advice.Chinese);
        }
    }

    [Fact]
    [Trait("needs", "shared")]
    public void Rules_IdsAndLevels_AreThoseOfHadolintsList()
    {
        string list = File.ReadAllText(SharedData.At("dockerfile", "hadolint-rules.md"));
        Dictionary<string, string> stated = Regex.Matches(list, @"^\| (?<id>DL\d+) \| (?<level>\w+) \|", RegexOptions.Multiline | RegexOptions.NonBacktracking).ToDictionary(m => m.Groups["id"].Value, m => m.Groups["level"].Value);

        Assert.Equal(71, stated.Count);
        Assert.Equal(stated, LintRules.All.ToDictionary(r => r.Id, r => r.Level.Word()));
    }

    [Fact]
    public void Documents_RuleTable_HasEveryRuleWithItsLevel()
    {
        string page = File.ReadAllText(Repository.At("docs", "checks", "dockerfile.md"));

        foreach (LintRule rule in LintRules.All)
            Assert.Contains($"| {rule.Id} | {rule.Level.Word()} |", page, StringComparison.Ordinal);
    }
}
