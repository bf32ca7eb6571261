using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Plimsoll.TestKit;

/// <summary>Debian's notary-server on the loopback address with TLS, its keys and data in memory. Tests that use it carry the trait <c>needs=host</c>.</summary>
public sealed class TestNotary : IDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60), StopTimeout = TimeSpan.FromSeconds(20);

    private readonly TempFolder _folder = new();
    private readonly TestAuthority _authority = new();
    private readonly Process _server;
    private readonly StringBuilder _log = new();

    public TestNotary()
    {
        using X509Certificate2 certificate = _authority.Issue("CN=127.0.0.1");
        _folder.Write("server.crt", Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()));
        _folder.Write("server.key", Encoding.ASCII.GetBytes(TestAuthority.KeyPem(certificate)));
        Authority = _folder.Write("ca.crt", Encoding.ASCII.GetBytes(_authority.Pem));
        Host = $"127.0.0.1:{FreePort()}";
        string config = _folder.Write("server.json", Encoding.ASCII.GetBytes($$$"""
            {"server":{"http_addr":"{{{Host}}}","tls_key_file":"./server.key","tls_cert_file":"./server.crt"},
             "trust_service":{"type":"local","hostname":"","port":"","key_algorithm":"ed25519"},"logging":{"level":"info"},"storage":{"backend":"memory"}}
            """));
        _server = new Process { StartInfo = new ProcessStartInfo("/usr/bin/notary-server", ["-config", config]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true } };
        _server.OutputDataReceived += (_, e) => Keep(e.Data);
        _server.ErrorDataReceived += (_, e) => Keep(e.Data);
        _server.Start();
        _server.BeginErrorReadLine();
        _server.BeginOutputReadLine();
        WaitUntilReady();
    }

    /// <summary><c>127.0.0.1:PORT</c>.</summary>
    public string Host { get; }
    public string Address => $"https://{Host}";

    /// <summary>The certificate of its authority, PEM.</summary>
    public string Authority { get; }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void WaitUntilReady()
    {
        Stopwatch waited = Stopwatch.StartNew();
        using ManualResetEventSlim pause = new();
        string[] at = Host.Split(':');
        while (true)
        {
            try
            {
                using TcpClient client = new(at[0], int.Parse(at[1]));
                return;
            }
            catch (SocketException) when (waited.Elapsed < StartTimeout && !_server.HasExited)
            {
                pause.Wait(50);
            }
            catch (SocketException e)
            {
                Dispose();
                throw new InvalidOperationException($"notary-server did not start: {_log}", e);
            }
        }
    }

    private void Keep(string? line)
    {
        lock (_log)
            _log.AppendLine(line);
    }

    public void Dispose()
    {
        if (!_server.HasExited)
        {
            _server.Kill();
            _server.WaitForExit(StopTimeout);
        }
        _server.Dispose();
        _authority.Dispose();
        _folder.Dispose();
    }
}
