using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.TestKit;

/// <content>What the checks say.</content>
public sealed partial class ReportBuilder
{
    private readonly List<Problem> _problems = [];
    private readonly List<Engine> _engines = [];
    private List<ProblemKind> _checks = [];
    private Verdict? _verdict;

    public static Origin BaseLayer { get; } = new(0, BaseDiffId, "ADD rootfs.tar /");
    public static Origin TopLayer { get; } = new(1, TopDiffId, "RUN apt-get install -y openssl");

    /// <summary>A problem; title and place are made of the rule where they are not given.</summary>
    public static Problem Problem(ProblemKind kind, string rule, Severity severity, string? path = null, string? title = null, Origin? origin = null) => new()
    {
        Kind = kind,
        Rule = rule,
        Severity = severity,
        Title = new Text(title ?? $"{rule} was found", $"发现 {title ?? rule}"),
        Path = path,
        Origin = origin ?? (path is null ? null : TopLayer),
        Fingerprint = Inspect.Checks.Problem.FingerprintOf(kind, rule, path ?? "image"),
    };

    /// <summary>Its kind counts as looked for.</summary>
    public ReportBuilder With(Problem problem)
    {
        _problems.Add(problem);
        return _checks.Contains(problem.Kind) ? this : WithChecks([.. _checks, problem.Kind]);
    }

    public ReportBuilder WithChecks(params ReadOnlySpan<ProblemKind> kinds)
    {
        _checks = [.. kinds];
        _checks.Sort();
        return this;
    }

    public ReportBuilder With(Engine engine)
    {
        _engines.Add(engine);
        return this;
    }

    public ReportBuilder With(Verdict verdict)
    {
        _verdict = verdict;
        return this;
    }

    /// <summary>Problems of every kind: of files in sight, deleted and owned, of the config, of packages; alike ones, suppressed ones.</summary>
    public ReportBuilder WithProblems()
    {
        WithChecks([.. ProblemKinds.All]);
        With(Problem(ProblemKind.Malware, "known-hash", Severity.Critical, "usr/local/bin/kworker", "Known malware: XMRig miner") with
        {
            Title = new Text("Malware, seen by both engines", "两个引擎均判定为恶意软件"),
            Advice = new Text("Do not run the image. Rebuild it from a source that you trust, and look at where this file came from.", "不要运行该镜像。请从可信来源重新构建，并查明该文件的来源。"),
            Evidence = "ELF x86-64, 5 421 056 bytes, packed with UPX",
            Details = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["certainty"] = "confirmed", ["engine"] = "clamav, known-malware", ["family"] = "Multios.Coinminer.Miner-6781728-2", ["score"] = "97" },
            References = ["https://bazaar.example/sample/9f86d081"],
        });
        With(Problem(ProblemKind.Secret, "aws-access-key-id", Severity.High, "srv/app/.env") with
        {
            Title = new Text("Access key of Amazon Web Services", "亚马逊云访问密钥"),
            Advice = new Text("Revoke the key, then build without the file: mount it at run time or use build secrets.", "吊销该密钥，然后在构建时排除该文件：运行时挂载，或使用构建密钥。"),
            Line = 12,
            Evidence = "AWS_ACCESS_KEY_ID=AKIA****************",
            Origin = BaseLayer,
            RemovedBy = TopLayer,
            References = ["https://docs.example/iam/keys"],
        });
        With(Problem(ProblemKind.Secret, "private-key", Severity.High, "etc/ssl/private/server.key") with
        {
            Title = new Text("Private key without a password", "未加密的私钥"),
            Advice = new Text("Replace the key pair and keep keys out of images.", "更换密钥对，不要把私钥放入镜像。"),
            Line = 1,
            Evidence = "-----BEGIN PRIVATE KEY----- (1704 bytes, RSA 2048)\nfingerprint SHA256:3f1c…",
        });
        With(Problem(ProblemKind.Secret, "generic-token", Severity.Medium) with { Place = "env NPM_TOKEN", Title = new Text("Token in a variable", "环境变量中的令牌"), Evidence = "NPM_TOKEN=npm_************************" });
        With(Problem(ProblemKind.Secret, "private-key", Severity.Low, "usr/share/doc/openssl/demo.key") with
        {
            Title = new Text("Private key without a password", "未加密的私钥"),
            OwnedBy = "deb/openssl",
            Suppressed = new Suppression { Id = "private-key", Reason = "published test key", Owner = "ops", Source = "accepted.yaml:3" },
        });
        With(Problem(ProblemKind.Configuration, "CIS-4.1", Severity.Medium) with
        {
            Place = "user",
            Title = new Text("The image runs as root", "镜像以 root 运行"),
            Advice = new Text("Add a user and name it: USER app", "添加用户并指定：USER app"),
            References = ["https://www.cisecurity.example/docker"],
        });
        for (int i = 0; i < 7; i++)
            With(Problem(ProblemKind.Configuration, "CIS-4.8", Severity.Low, ((string[])["usr/bin/passwd", "usr/bin/chsh", "usr/bin/gpasswd", "usr/bin/mount", "usr/bin/su", "usr/bin/umount", "usr/local/bin/helper"])[i]) with
            {
                Title = new Text("File runs with the rights of its owner (setuid)", "文件以属主权限运行（setuid）"),
                Advice = new Text("Take the bit away where nobody needs it: chmod u-s", "不需要时去掉该位：chmod u-s"),
                Evidence = "mode 04755, owner 0:0",
                Origin = i < 6 ? BaseLayer : TopLayer,
            });
        With(Problem(ProblemKind.History, "curl-pipe-shell", Severity.High) with
        {
            Place = "history 3",
            Line = 7,
            Title = new Text("A script from the network is run unseen", "未经检查即执行网络脚本"),
            Advice = new Text("Download it, check its digest, then run it.", "先下载并校验摘要，再执行。"),
            Evidence = "RUN curl -fsSL https://get.example/install.sh | sh",
            Origin = TopLayer,
        });
        With(Problem(ProblemKind.History, "DL3008", Severity.Low) with { Place = "history 4", Line = 8, Title = new Text("Pin versions in apt-get install", "apt-get install 应固定版本"), Evidence = "RUN apt-get install -y openssl", Origin = TopLayer });
        foreach (string name in (string[])["bash", "tar", "grep"])
            With(Problem(ProblemKind.Licence, "licence-denied", Severity.Medium) with
            {
                Package = $"pkg:deb/debian/{name}@1",
                Title = new Text("The licence GPL-3.0-or-later is on the list of denied ones", "许可证 GPL-3.0-or-later 在禁用列表中"),
                Details = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["licence"] = "GPL-3.0-or-later" },
                Origin = BaseLayer,
                Fingerprint = Inspect.Checks.Problem.FingerprintOf(ProblemKind.Licence, "licence-denied", name),
            });
        return With(new Engine("clamav", "1.0.7/27100", null)).With(new Engine("known-malware", null, "no file of known hashes; plimsoll db malware import makes one"));
    }

    public static Verdict Refusal { get; } = new()
    {
        Outcome = Outcome.Refused,
        Policy = "default",
        PolicyDigest = "sha256:5f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        Reasons =
        [
            new Reason { Code = "malware", Outcome = Outcome.Refused, Rule = "malware.confirmed", Count = 1, Examples = ["usr/local/bin/kworker"], Message = "1 confirmed malware; none is allowed" },
            new Reason { Code = "known-exploited", Outcome = Outcome.Refused, Rule = "vulnerabilities.known-exploited", Count = 1, Examples = ["CVE-2022-37434"], Message = "1 vulnerability is known to be exploited; none is allowed" },
            new Reason { Code = "engine-missing", Outcome = Outcome.Undecided, Rule = "malware.engines", Examples = ["known-malware"], Message = "the engine known-malware was not asked; the policy requires it" },
            new Reason { Code = "severity", Outcome = Outcome.Warned, Rule = "vulnerabilities.severity.high", Count = 3, Examples = ["CVE-2023-0286", "CVE-2023-31484"], Message = "3 vulnerabilities of high severity" },
        ],
    };

    /// <summary>Layers of all sizes, as a build makes them; the first two are those of the other findings.</summary>
    public static IReadOnlyList<LayerSummary> ManyLayers()
    {
        (string By, long Bytes)[] layers =
        [
            ("/bin/sh -c #(nop) ADD file:4b03b5f551e3fbdf47ec609712007327828f7530cc3455c43bbcdcaf449a75a9 in / ", 119_000_000),
            ("RUN apt-get install -y openssl", 48_000_000),
            ("RUN /bin/sh -c set -eux; apt-get update; apt-get install -y --no-install-recommends ca-certificates curl netbase wget gnupg dirmngr git mercurial openssh-client subversion procps # buildkit", 177_000_000),
            ("WORKDIR /srv/app", 1536),
            ("COPY package.json package-lock.json ./ # buildkit", 812_000),
            ("RUN /bin/sh -c npm ci --omit=dev # buildkit", 388_000_000),
            ("COPY . . # buildkit", 12_400_000),
            ("RUN /bin/sh -c rm -f .env # buildkit", 1024),
        ];
        return [.. layers.Select((l, i) => new LayerSummary(i, $"sha256:{i:x64}", null, l.By, l.Bytes, 1000, false))];
    }
}
