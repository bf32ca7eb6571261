using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Secrets;

namespace Plimsoll.Tests.Secrets;

/// <summary>A secret of each rule's form and one that just misses it, made when a test runs, so that nothing in this repository looks like a real one.</summary>
internal static class Samples
{
    private const string Hex = "0123456789abcdef", Lower = "abcdefghijklmnopqrstuvwxyz0123456789", Upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", Alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>Random text; the same for the same seed.</summary>
    public static string Of(string alphabet, int length, int seed = 1)
    {
        StringBuilder text = new();
        for (int i = 0; text.Length < length; i++)
            foreach (byte b in SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}/{i}/{length}")))
                if (text.Length < length)
                    text.Append(alphabet[b % alphabet.Length]);
        return text.ToString();
    }

    private static string H(int n) => Of(Hex, n);

    private static string A(int n) => Of(Alnum, n);

    private static string Uuid => $"{H(8)}-{Of(Hex, 4, 2)}-{Of(Hex, 4, 3)}-{Of(Hex, 4, 4)}-{Of(Hex, 12, 5)}";

    /// <summary>A JSON Web Token.</summary>
    public static string Jwt(string payload, string header = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}") =>
        $"{Url(header)}.{Url(payload)}.{A(43)}";

    private static string Url(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    /// <summary>PEM text of a fresh key.</summary>
    public static string Pem(string? password = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return password is null ? key.ExportPkcs8PrivateKeyPem() : key.ExportEncryptedPkcs8PrivateKeyPem(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));
    }

    /// <summary>By rule: the file's path and text, the secret in it, and a text of the same path that is none.</summary>
    public static IReadOnlyDictionary<string, (string Path, string Text, string Secret, string NearMiss)> All { get; } = Make();

    private static Dictionary<string, (string, string, string, string)> Make()
    {
        Dictionary<string, (string, string, string, string)> all = new(StringComparer.Ordinal);
        // Most miss by one character at the end.
        void Add(string rule, string secret, string before = "TOKEN=", string path = "app/.env", string? miss = null) =>
            all[rule] = (path, $"# settings\n{before}{secret}\n", secret, $"# settings\n{before}{miss ?? secret[..^1]}\n");

        Add("aws-access-key-id", "AKIA" + Of(Upper, 16));
        Add("aws-secret-access-key", A(40), "aws_secret_access_key = ", "root/.aws/credentials");
        Add("aws-session-token", "IQoJ" + A(200), "AWS_SESSION_TOKEN=", miss: "IQoJ" + A(60));
        Add("aws-mws-token", "amzn.mws." + Uuid);
        Add("aws-bedrock-key", "ABSK" + A(110), miss: "ABSK" + A(90));
        Add("alibaba-access-key-id", "LTAI" + A(20), miss: "LTAI" + A(9));
        Add("alibaba-access-key-secret", A(30), "ALIYUN_ACCESS_KEY_SECRET=", miss: H(29));
        Add("tencent-secret-id", "AKID" + A(32), "ID=");
        Add("tencent-secret-key", A(32), "TENCENTCLOUD_SECRET_KEY=");
        Add("huawei-access-key", Of(Upper, 20), "HUAWEI_ACCESS_KEY=");
        Add("huawei-secret-key", A(40), "HW_SECRET_KEY=");
        Add("volcengine-access-key-id", "AKLT" + A(40), "ID=", miss: "AKLT" + A(20));
        Add("azure-storage-key", A(86) + "==", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=", miss: A(84));
        Add("azure-ad-client-secret", A(3) + "8Q~" + A(33), "S=", miss: A(3) + "8Q~" + A(20));
        Add("azure-shared-access-key", A(43) + "=", "Endpoint=sb://a.servicebus.windows.net/;SharedAccessKey=", miss: A(40));
        Add("azure-sas-token", A(43) + "%3D", "URL=https://a.blob.core.windows.net/c?sv=2022-11-02&sr=c&sig=", miss: A(10));
        Add("azure-devops-token", A(76) + "AZDO" + A(4), "S=", miss: A(70) + "AZDO" + A(4));
        Add("azure-registry-password", A(42) + "+ACRA" + A(5), "S=", miss: A(40) + "+ACRA" + A(5));
        Add("gcp-api-key", "AIza" + A(35), "S=");
        Add("gcp-oauth-client-secret", "GOCSPX-" + A(28), "S=");
        Add("gcp-oauth-token", "ya29." + A(60), "S=", miss: "ya29." + A(20));
        Add("digitalocean-token", "dop_v1_" + H(64), "S=");
        Add("cloudflare-token", A(40), "CLOUDFLARE_API_TOKEN=", miss: "x-" + H(20));
        Add("heroku-api-key", Uuid, "HEROKU_API_KEY=");
        Add("scaleway-secret-key", Uuid, "SCW_SECRET_KEY=");
        Add("flyio-token", "fo1_" + A(43), "S=");
        Add("yandex-api-key", "AQVN" + A(36), "S=", miss: "AQVN" + A(20));
        Add("github-token", "ghp_" + A(36), "S=");
        Add("github-fine-grained-token", "github_pat_" + A(22) + "_" + A(59), "S=");
        Add("gitlab-token", "glpat-" + A(20), "S=");
        Add("gitlab-runner-registration-token", "GR1348941" + A(20), "S=");
        Add("gitlab-session-cookie", Of(Lower, 32), "Cookie: _gitlab_session=");
        Add("bitbucket-token", "ATBB" + A(32), "S=", miss: "ATBB" + A(20));
        Add("atlassian-token", "ATATT3" + A(186), "S=", miss: "ATATT3" + A(60));
        Add("atlassian-api-token", A(20) + H(4), "JIRA_TOKEN=");
        Add("npm-token", "npm_" + A(36), "S=");
        Add("npmrc-auth", Uuid, "//registry.example.org/:_authToken=", "root/.npmrc", miss: "${NPM_TOKEN}");
        Add("pypi-token", "pypi-AgEIcHlwaS5vcmc" + A(80), "S=", miss: "pypi-AgEIcHlwaS5vcmc" + A(20));
        Add("nuget-api-key", "oy2" + Of(Lower, 43), "S=");
        Add("nuget-config-password", "N" + A(11), "<add key=\"ClearTextPassword\" value=\"", "app/NuGet.Config", miss: "%PASS%");
        all["nuget-config-password"] = ("app/NuGet.Config", $"<add key=\"ClearTextPassword\" value=\"{A(12)}\" />", A(12), "<add key=\"ClearTextPassword\" value=\"%PASSWORD%\" />");
        Add("rubygems-token", "rubygems_" + H(48), "S=");
        Add("crates-io-token", "cio" + A(32), "S=");
        Add("clojars-token", "CLOJARS_" + Of(Lower, 60), "S=");
        Add("docker-token", "dckr_pat_" + A(27), "S=");
        Add("artifactory-token", "AKCp" + A(69), "S=");
        Add("sonar-token", "squ_" + H(40), "S=");
        Add("codecov-token", Of(Lower, 32), "CODECOV_TOKEN=");
        Add("postman-key", $"PMAK-{H(24)}-{H(34)}", "S=");
        Add("terraform-cloud-token", $"{A(14)}.atlasv1.{A(64)}", "S=", miss: $"{A(10)}.atlasv1.{A(64)}");
        Add("vault-token", "hvs." + A(90), "S=", miss: "hvs." + A(20));
        Add("pulumi-token", "pul-" + H(40), "S=");
        Add("doppler-token", "dp.pt." + A(43), "S=", miss: "dp.pt." + A(30));
        Add("infisical-token", $"st.{H(24)}.{H(32)}.{Of(Hex, 32, 7)}", "INFISICAL=");
        Add("age-secret-key", "AGE-SECRET-KEY-1" + Of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58), "");
        Add("1password-token", "ops_eyJ" + A(260), "S=", miss: "ops_eyJ" + A(100));
        Add("tailscale-key", $"tskey-auth-{A(12)}-{A(32)}", "S=", miss: $"tskey-auth-{A(12)}");
        Add("databricks-token", "dapi" + H(32), "S=");
        Add("planetscale-token", "pscale_tkn_" + A(43), "S=", miss: "pscale_tkn_" + A(10));
        Add("supabase-token", "sbp_" + H(40), "S=");
        Add("netlify-token", "nfp_" + A(36), "S=");
        Add("openai-key", $"sk-proj-{A(74)}T3BlbkFJ{A(74)}", "S=", miss: $"sk-proj-{A(74)}");
        Add("anthropic-key", $"sk-ant-api03-{A(93)}AA", "S=", miss: $"sk-ant-api03-{A(20)}");
        Add("huggingface-token", "hf_" + Of(Alnum[..52], 34), "S=");
        Add("replicate-token", "r8_" + A(37), "S=");
        Add("perplexity-key", "pplx-" + A(48), "S=");
        Add("groq-key", "gsk_" + A(52), "S=");
        Add("xai-key", "xai-" + A(80), "S=");
        Add("cohere-key", A(40), "COHERE_API_KEY=", miss: "sha1-" + H(30));
        Add("dashscope-or-deepseek-key", "sk-" + H(32), "# deepseek\nS=");
        Add("slack-token", $"xoxb-{Of("0123456789", 12)}-{Of("0123456789", 12, 2)}-{A(24)}", "S=", miss: "xoxb-x");
        Add("slack-webhook", $"hooks.slack.com/services/T{Of(Upper, 8)}/B{Of(Upper, 8, 2)}/{A(24)}", "URL=https://", miss: "hooks.slack.com/services/");
        Add("teams-webhook", $"webhook.office.com/webhookb2/{Uuid}@{Uuid}/IncomingWebhook/{Of(Lower, 32)}/{Uuid}", "URL=https://x.", miss: "webhook.office.com/webhookb2/");
        Add("dingtalk-webhook", H(64), "URL=https://oapi.dingtalk.com/robot/send?access_token=");
        Add("wecom-webhook", Uuid, "URL=https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=");
        Add("feishu-webhook", Uuid, "URL=https://open.feishu.cn/open-apis/bot/v2/hook/");
        Add("discord-token", $"M{A(23)}.{A(6)}.{A(27)}", "DISCORD_TOKEN=", miss: "M" + A(9));
        Add("discord-webhook", $"{Of("123456789", 18)}/{A(68)}", "URL=https://discord.com/api/webhooks/", miss: "123/x");
        Add("telegram-bot-token", $"{Of("123456789", 10)}:AA{A(33)}", "BOT=", miss: $"{Of("123456789", 10)}:AA{A(20)}");
        Add("twilio-key", "SK" + H(32), "# twilio\nS=");
        Add("sendgrid-key", $"SG.{A(22)}.{A(43)}", "S=", miss: $"SG.{A(22)}");
        Add("mailgun-key", "key-" + H(32), "MAILGUN=");
        Add("mailchimp-key", H(32) + "-us12", "# mailchimp\nS=", miss: H(32) + "-eu12");
        Add("sendinblue-key", $"xkeysib-{H(64)}-{A(16)}", "S=");
        Add("postmark-token", Uuid, "POSTMARK_SERVER_TOKEN=");
        Add("stripe-key", "sk_live_" + A(24), "S=", miss: "sk_live_" + A(5));
        Add("stripe-webhook-secret", "whsec_" + A(32), "S=");
        Add("square-token", "sq0csp-" + A(43), "S=", miss: "sq0csp-" + A(10));
        Add("shopify-token", "shpat_" + H(32), "S=");
        Add("paypal-braintree-token", $"access_token$production${Of(Lower, 16)}${H(32)}", "S=");
        Add("easypost-key", "EZAK" + A(54), "S=");
        Add("shippo-key", "shippo_live_" + H(40), "S=");
        Add("flutterwave-key", "FLWSECK_TEST-" + H(32) + "-X", "S=", miss: "FLWSECK_TEST-" + H(4));
        Add("duffel-key", "duffel_live_" + A(43), "S=");
        Add("facebook-token", "EAAC" + A(150), "S=", miss: "EAAC" + A(50));
        Add("grafana-token", $"glsa_{A(32)}_{H(8)}", "S=");
        Add("datadog-key", H(32), "DD_API_KEY=");
        Add("newrelic-key", "NRAK-" + Of(Upper, 27), "S=", miss: "NRAK-" + Of(Upper, 10));
        Add("sentry-token", "sntryu_" + H(64), "S=");
        Add("dynatrace-token", $"dt0c01.{Of(Upper, 24)}.{Of(Upper, 64)}", "S=");
        Add("linear-key", "lin_api_" + A(40), "S=");
        Add("notion-token", "ntn_" + Of("123456789", 11) + A(35), "S=");
        Add("figma-token", "figd_" + A(40), "S=");
        Add("airtable-token", $"pat{A(14)}.{H(64)}", "# airtable\nS=");
        Add("asana-token", Of(Lower, 32), "ASANA_TOKEN=");
        Add("typeform-token", "tfp_" + A(44), "S=", miss: "tfp_" + A(20));
        Add("prefect-token", "pnu_" + A(36), "S=");
        Add("readme-token", "rdme_" + Of(Lower, 70), "S=");
        Add("okta-token", "00" + A(40), "OKTA_API_TOKEN=", miss: "00" + H(4));
        Add("algolia-key", H(32), "ALGOLIA_ADMIN_KEY=");
        Add("twitter-secret", A(50), "TWITTER_API_SECRET=", miss: A(7));
        Add("contentful-token", "CFPAT-" + A(43), "S=");
        Add("snyk-token", Uuid, "SNYK_TOKEN=");
        Add("sourcegraph-token", "sgp_" + H(40), "S=");
        Add("dropbox-token", "sl.B." + A(135), "# dropbox\nS=", miss: "sl.B." + A(60));
        Add("mapbox-token", "sk.eyJ" + A(80) + "." + A(22), "S=", miss: "pk.eyJ" + A(80) + "." + A(22));
        Add("private-wireguard-key", A(42) + "E=", "[Interface]\nPrivateKey = ", "etc/wireguard/wg0.conf", miss: A(30));
        Add("adobe-client-secret", "p8e-" + A(32), "S=");
        Add("authress-key", $"sc_{A(12)}.{A(5)}.acc-{A(16)}.{A(44)}", "S=", miss: $"sc_{A(12)}.{A(5)}.acc-{A(16)}.{A(9)}");
        Add("clickhouse-cloud-key", "4b1d" + A(38), "S=");
        Add("defined-networking-token", $"dnkey-{A(26)}-{A(52)}", "S=");
        Add("frameio-token", "fio-u-" + A(64), "S=");
        Add("gocardless-token", "live_" + A(40), "GOCARDLESS_TOKEN=");
        Add("harness-token", $"pat.{A(22)}.{A(24)}.{A(20)}", "S=");
        Add("infracost-token", "ico-" + A(32), "S=");
        Add("intra42-secret", "s-s4t2ud-" + H(64), "S=");
        Add("lob-key", "live_" + H(35), "S=");
        Add("maxmind-license-key", $"{A(6)}_{A(29)}_mmk", "S=", miss: $"{A(4)}_{A(29)}_mmk");
        Add("octopus-deploy-key", "API-" + Of(Upper, 26), "S=", miss: "API-" + Of(Upper, 20));
        Add("openshift-token", "sha256~" + A(43), "S=");
        Add("scalingo-token", "tk-us-" + A(48), "S=");
        Add("settlemint-token", "sm_pat_" + A(16), "S=");
        Add("aws-appsync-key", "da2-" + Of(Lower, 26), "S=");
        Add("circleci-token", $"CCIPAT_{A(22)}_{H(40)}", "S=");
        Add("buildkite-token", "bkua_" + H(40), "S=");
        Add("ibm-cloud-key", A(44), "IBM_KEY=");
        Add("sidekiq-credentials", $"{H(8)}:{Of(Hex, 8, 2)}", "BUNDLE_ENTERPRISE__CONTRIBSYS__COM=");
        Add("plaid-access-token", "access-production-" + Uuid, "S=");
        Add("base64-json-web-token", "ZXlKaGJHY2lPaUp" + A(120), "S=", miss: "ZXlKaGJHY2lPaUp" + A(20));
        Add("adafruit-key", Of(Lower, 32), "ADAFRUIT_IO_KEY=");
        Add("adobe-client-id", H(32), "ADOBE_CLIENT=");
        Add("airtable-key", "key" + A(14), "AIRTABLE_API_KEY=");
        Add("beamer-token", "b_" + A(44), "BEAMER_TOKEN=");
        Add("bitbucket-client-secret", A(32), "BITBUCKET_CLIENT=");
        Add("bittrex-key", Of(Lower, 32), "BITTREX=");
        Add("meraki-key", H(40), "MERAKI_DASHBOARD=");
        Add("coinbase-token", Of(Lower, 64), "COINBASE=");
        Add("confluent-key", A(64), "CONFLUENT_CLOUD=");
        Add("droneci-token", A(32), "DRONE_TOKEN=");
        Add("etsy-key", Of(Lower, 24), "ETSY_KEYSTRING=");
        Add("fastly-token", A(32), "FASTLY=");
        Add("finicity-secret", A(20), "FINICITY=");
        Add("finnhub-key", Of(Lower, 20), "FINNHUB=");
        Add("flickr-key", H(32), "FLICKR=");
        Add("freshbooks-token", H(64), "FRESHBOOKS=");
        Add("gitter-token", H(40), "GITTER=");
        Add("hubspot-key", Uuid, "HUBSPOT=");
        Add("intercom-token", A(59) + "=", "INTERCOM=");
        Add("jfrog-token", A(64), "JFROG=");
        Add("kraken-key", A(86) + "==", "KRAKEN=", miss: A(60));
        Add("kucoin-key", H(24), "KUCOIN=");
        Add("launchdarkly-key", "sdk-" + Uuid, "LAUNCHDARKLY=");
        Add("linear-client-secret", H(32), "LINEAR_CLIENT=");
        Add("linkedin-client-secret", A(16), "LINKEDIN_CLIENT=");
        Add("looker-secret", A(24), "LOOKER_CLIENT=");
        Add("mattermost-token", Of(Lower, 26), "MATTERMOST=");
        Add("messagebird-key", A(25), "MESSAGEBIRD=");
        Add("newrelic-user-key", H(64), "NEW_RELIC=");
        Add("nytimes-key", A(32), "NYTIMES=");
        Add("privateai-key", Of(Lower, 32), "PRIVATE_AI=");
        Add("plaid-secret", H(30), "PLAID_CLIENT=");
        Add("rapidapi-key", Of(Lower, 50), "RAPIDAPI=");
        Add("sendbird-token", H(40), "SENDBIRD=");
        Add("squarespace-token", Uuid, "SQUARESPACE=");
        Add("sumologic-key", A(64), "SUMO_ACCESS=");
        Add("travisci-token", A(22), "TRAVIS=");
        Add("twitch-token", Of(Lower, 30), "TWITCH=");
        Add("yandex-token", "YC" + A(38), "YANDEX=");
        Add("zendesk-token", A(40), "ZENDESK=");
        Add("telegram-token", $"{Of("123456789", 9)}:AB{A(33)}", "TELEGRAM=");
        Add("terraform-password", A(15), "administrator_login_password=", miss: A(5));
        Add("curl-credentials", "p" + A(9), "curl -u deploy:", "app/deploy.sh", miss: "$PASS");
        Add("authorization-header", A(40), "curl -H \"Authorization: Bearer ", "app/deploy.sh", miss: "$TOKEN");
        Add("command-line-password", "p" + A(9), "sshpass -p ", "app/deploy.sh", miss: "\"$PASS\"");
        Add("vercel-token", "vcp_" + A(56), "T=", miss: "vcp_" + A(9));
        Add("salesforce-token", "00D" + A(12) + "!" + A(96), "T=", miss: "00D" + A(12) + "!" + A(20));
        Add("salesforce-secret", Of("0123456789ABCDEF", 64), "SALESFORCE_CONSUMER_SECRET=", miss: "secret");
        Add("segment-key", A(32), "SEGMENT_WRITE_KEY=");
        Add("truenas-key", "3-" + A(64), "TRUENAS=");
        Add("discord-bot-token", "MT" + A(24) + "." + A(6) + "." + A(30), "bot = ", "app/run.py", miss: "MT" + A(24) + "." + A(6) + "." + A(9));
        Add("codeclimate-reporter-id", H(64), "CC_TEST_REPORTER_ID=");
        Add("jenkins-token", "11" + H(32), "jenkins user ci ", "app/ci.sh");
        all["credential-call"] = ("app/Mail.cs", $"x = new NetworkCredential(\"ci\", \"{A(14)}\");\n", A(14), "x = new NetworkCredential(user, password);\n");
        all["connection-string-password"] = ("app/web.config", $"<add name=\"Main\" connectionString=\"Server=db,1433;Database=B;User ID=u;Password=#{A(9)};Timeout=30\" />\n", "#" + A(9), "<add name=\"Main\" connectionString=\"Server=db,1433;Database=B;User ID=u;Password={0};Timeout=30\" />\n");
        all["sudo-password"] = ("app/setup.sh", $"echo 'root:{A(10)}' | chpasswd\n", A(10), "echo \"root:$PASS\" | chpasswd\n");
        Add("my-cnf-password", "p" + A(9), "[client]\npassword=", "root/.my.cnf", miss: "$PASS");
        Add("pypirc-password", "p" + A(12), "[pypi]\nusername = u\npassword = ", "root/.pypirc", miss: "${PASS}");
        all["git-credentials"] = ("root/.git-credentials", $"https://u:{A(20)}@github.com\n", A(20), "https://github.com\n");
        Add("s3cfg-secret", A(40), "[default]\nsecret_key = ", "root/.s3cfg", miss: "$X");
        Add("kubernetes-config-token", A(60), "users:\n- name: a\n  user:\n    token: ", "root/.kube/config", miss: A(10));
        all["kubernetes-secret"] = ("app/secret.yaml", $"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {Convert.ToBase64String(Encoding.UTF8.GetBytes(A(15)))}\n", Convert.ToBase64String(Encoding.UTF8.GetBytes(A(15))), "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {{ .Values.x }}\n");
        Add("laravel-app-key", A(43) + "=", "APP_KEY=base64:");
        all["django-secret-key"] = ("app/settings.py", $"SECRET_KEY = '{A(50)}'\n", A(50), "SECRET_KEY = os.environ['SECRET_KEY']\n");
        string pem = Pem();
        all["private-key"] = ("app/key.pem", pem, pem.Split('\n')[1], "-----BEGIN PRIVATE KEY-----\nMIIE...\n-----END PRIVATE KEY-----\n");
        all["json-web-token"] = ("app/x.json", Jwt("{\"sub\":\"u-77\",\"iss\":\"ours\"}"), Jwt("{\"sub\":\"u-77\",\"iss\":\"ours\"}"), Jwt("{\"sub\":\"1234567890\",\"name\":\"John Doe\"}"));
        all["password-in-url"] = ("app/config.yml", $"db: postgres://app:{A(14)}@db.internal:5432/app\n", A(14), "db: postgres://app:${DB_PASS}@db.internal:5432/app\n");
        all["generic-secret"] = ("app/config.yml", $"db:\n  password: {A(12)}\n", A(12), "db:\n  password: changeme\n");
        return all;
    }

    /// <summary>The built-in rules.</summary>
    public static RuleSet Rules { get; } = RuleSet.Create((IReadOnlyList<(string, string)>)[]);

    public static SecretScanner Scanner { get; } = new(Rules);

    public static List<SecretMatch> Scan(string path, string text) => Scanner.Scan(path, Encoding.UTF8.GetBytes(text), null, out _);
}
