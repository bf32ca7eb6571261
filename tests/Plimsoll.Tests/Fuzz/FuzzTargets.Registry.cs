using System.Text;
using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.Registry;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <content>What registries, token servers and credential helpers say, and the lists of containers-storage.</content>
internal static partial class FuzzTargets
{
    private static readonly RegistryLimits Hasty = RegistryLimits.Default with
    {
        StallTimeout = TimeSpan.FromSeconds(1),
        ConnectTimeout = TimeSpan.FromSeconds(2),
        MaxAttempts = 1,
        MaxConnectionsPerBlob = 2,
        MaxManifestBytes = 4096,
        MaxRedirects = 1,
        MaxPages = 3,
        FirstBackOff = TimeSpan.FromMilliseconds(1),
    };

    private static FuzzTarget RegistryHttp
    {
        get
        {
            byte[] answer = [];
            FakeRegistry? registry = null;
            return new FuzzTarget
            {
                Name = "registry-http",
                Seeds = () =>
                [
                    FakeRegistry.Answer(200, """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","tags":["a"],"manifests":[]}""", "Content-Type: application/vnd.oci.image.index.v1+json", "Link: <?p=1>; rel=\"next\"", "Docker-Content-Digest: sha256:00"),
                    FakeRegistry.Chunked("""{"tags":["a"],"manifests":[{"digest":"sha256:00","size":3}]}"""u8.ToArray()),
                    FakeRegistry.Answer(206, "0123456789", "Content-Range: bytes 0-9/10"),
                    FakeRegistry.Answer(401, """{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}""", "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:9/t\",service=\"s\""),
                    FakeRegistry.Answer(307, "", "Location: /v2/x"),
                ],
                Words = ["Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n", "HTTP/1.1 429 X\r\nRetry-After: 0\r\n", "HTTP/1.1 404 X\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "Location: ftp://x/\r\n", "Location: \r\n", "WWW-Authenticate: Basic\r\n", "Content-Range: bytes 5-\r\n", "Content-Range: bytes */0\r\n", "Content-Type: text/\u00ff\r\n", "Link: <", "\"errors\":[null]", "\"tags\":null", "\"manifests\":[null]", "ffffffffffffffff\r\n", "Retry-After: Mon, 01 Jan 0001 00:00:00 GMT\r\n"],
                // Each operation may refuse; what is checked is that it does so by name and in time.
                Refusal = IsImageError,
                Run = bytes =>
                {
                    if (registry is null)
                    {
                        registry = new FakeRegistry(async (_, stream, stop) => await stream.WriteAsync(answer, stop));
                        AppDomain.CurrentDomain.ProcessExit += (_, _) => registry.Dispose();
                    }
                    lock (registry.Requests)
                        registry.Requests.Clear();
                    answer = bytes;
                    using RegistryClient client = new(RegistryName.Parse($"{registry.Host}/a/b:1"),
                        new RegistryOptions { PlainHttp = [registry.Host], Limits = Hasty, CertificateFolders = [] }, _ => null, TimeProvider.System);
                    foreach (Action operation in (Action[])
                    [
                        () => client.ListTags(CancellationToken.None),
                        () => client.ListReferrers(Digest.Of([]), null, CancellationToken.None),
                        () => client.GetManifest("1", Verification.Full, CancellationToken.None),
                        () =>
                        {
                            using Stream blob = client.OpenBlob(Digest.Of([]), 10, CancellationToken.None);
                            byte[] buffer = new byte[64];
                            long all = 0;
                            for (int got; (got = blob.Read(buffer)) > 0;)
                                all += got;
                            WrongAnswerException.Unless(all == 10, $"a blob of 10 bytes came as {all}");
                        },
                    ])
                        try
                        {
                            operation();
                        }
                        catch (ImageException)
                        {
                            // By name, as it should be.
                        }
                },
            };
        }
    }

    private static FuzzTarget RegistryTexts => new()
    {
        Name = "registry-texts",
        Seeds = () => Utf8("""Bearer realm="https://a/t",service="s \" t", scope=x, Basic realm=y""", "ghcr.io/a/b-c:1.0", """{"token":"abc","access_token":"d"}""", """{"Username":"u","Secret":"s"}""", """{"auths":{"r.io":{"auth":"YTpi"}},"credHelpers":{},"credsStore":""}""", """{"errors":[{"code":"a","message":"b"}]}""", "http://u:p@proxy:3128", ".a,b:5,10.0.0.0/8,[::1]:7,*"),
        Words = ["realm=", "\\\"", "Negotiate abc==", "\"auths\":{\"r.io/a\":null}", "\"identitytoken\":\"x\"", "localhost", "@sha256:", "[::1%lo]", "xn--", "/32", "\u212a", "\ud83d", "\\ud800"],
        Refusal = Never,
        Run = bytes =>
        {
            string text = Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 16384)));
            IReadOnlyList<Challenge> challenges = Challenge.Parse([text, text]);
            WrongAnswerException.Unless(challenges.Count <= Challenge.MaxChallenges && challenges.All(c => c.Scheme.Length > 0 && c.Parameters.Count <= Challenge.MaxParameters), "more challenges than the limit");
            foreach (Action parse in (Action[])
            [
                () =>
                {
                    RegistryName name = RegistryName.Parse(text);
                    WrongAnswerException.Unless(RegistryName.Parse(name.ToString()) == name, $"{name} is read in two ways");
                    WrongAnswerException.Unless(new Uri($"https://{name.Host}/v2/{name.Repository}/x").AbsolutePath == $"/v2/{name.Repository}/x", "the name changes a request's path");
                },
                () => RegistryAuth.TokenOf(bytes, "x"),
                () => CredentialHelper.Read(text, "x"),
                () => RegistryStatus.Of(bytes),
                () => new DockerCredentials(v => v == "DOCKER_AUTH_CONFIG" ? text : null, Hasty).Find("r.io", "a"),
                () => new EnvironmentProxy(v => v == "HTTPS_PROXY" ? text : null).IsBypassed(new Uri("https://b:5/")),
                () => new EnvironmentProxy(v => v is "NO_PROXY" ? text : "http://p").IsBypassed(new Uri("https://10.0.0.1:5/")),
            ])
                try
                {
                    parse();
                }
                catch (ImageException)
                {
                    // The refusal of all of them.
                }
        },
    };

    private static FuzzTarget ContainersLists
    {
        get
        {
            InputFile file = new("images.json");
            string id = new('a', 64);
            return new FuzzTarget
            {
                Name = "containers-lists",
                Seeds = () => Utf8($$"""[{"id":"{{id}}","names":["localhost/a:1"],"layer":"{{id}}","parent":"","diff-digest":"sha256:{{id}}","diff-size":3}]"""),
                Words = [$"\"parent\":\"{id}\"", "\"names\":[null]", "null,", "\"layer\":null", "localhost/a:1", "../", "\"diff-size\":-1"],
                Refusal = IsImageError,
                Run = bytes =>
                {
                    foreach (string list in (string[])["vfs-images/images.json", "vfs-layers/layers.json"])
                    {
                        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(file.Folder, list))!);
                        File.WriteAllBytes(Path.Combine(file.Folder, list), bytes);
                    }
                    ContainersStore store = ContainersStore.Open(file.Folder, null);
                    ContainersRecord found = store.Find("a:1");
                    WrongAnswerException.Unless(store.ChainOf(found.Layer, 100).Count <= 100, "more layers than the limit");
                },
            };
        }
    }
}
