using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Plimsoll.TestKit;

/// <summary>
/// An swtpm of the test's own: own folder, own maker with its certificates, own ports on the loopback, ended by its id. Needs Debian's swtpm,
/// swtpm-tools and, for <see cref="Tool"/>, tpm2-tools.
/// </summary>
public sealed class TestTpm : IDisposable
{
    private readonly TempFolder _folder = new();
    private Process? _process;

    public TestTpm()
    {
        Directory.CreateDirectory(_folder["state"]);
        Directory.CreateDirectory(_folder["ca"]);
        File.WriteAllText(_folder["localca.conf"], $"statedir = {_folder["ca"]}\nsigningkey = {_folder["ca/signkey.pem"]}\nissuercert = {_folder["ca/issuercert.pem"]}\ncertserial = {_folder["ca/certserial"]}\n");
        File.WriteAllText(_folder["ca.options"], "--platform-manufacturer Plimsoll\n--platform-version 1\n--platform-model test\n");
        File.WriteAllText(_folder["setup.conf"], $"create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = {_folder["localca.conf"]}\ncreate_certs_tool_options = {_folder["ca.options"]}\n");
        TestKit.Tool.Run("swtpm_setup", ["--tpm2", "--tpmstate", _folder["state"], "--create-ek-cert", "--create-platform-cert", "--lock-nvram", "--pcr-banks", "sha256,sha384", "--config", _folder["setup.conf"]]);
        Start();
    }

    /// <summary>As people write it on our command line.</summary>
    public string Address => $"swtpm:host=127.0.0.1,port={Port}";

    public int Port { get; private set; }

    /// <summary>Certificates of the maker: the root, and the authority below it that signed the endorsement certificates.</summary>
    public string RootPem => _folder["ca/swtpm-localca-rootca-cert.pem"];

    public string IssuerPem => _folder["ca/issuercert.pem"];

    public string this[string name] => _folder[name];

    /// <summary>As power that comes: what the TPM holds stays, PCRs start anew.</summary>
    public void Start()
    {
        for (int attempt = 0; ; attempt++)
        {
            Port = FreePorts();
            _process = Process.Start(new ProcessStartInfo("swtpm", ["socket", "--tpm2", "--tpmstate", $"dir={_folder["state"]}", "--server", $"type=tcp,port={Port},bindaddr=127.0.0.1", "--ctrl", $"type=tcp,port={Port + 1},bindaddr=127.0.0.1", "--flags", "not-need-init,startup-clear"])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            long start = Stopwatch.GetTimestamp();
            while (!_process.WaitForExit(20) && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30))
                if (Listens(Port + 1))
                    return;
            Kill();
            if (attempt == 3)
                throw new InvalidOperationException("swtpm did not start");
        }
    }

    /// <summary>As power that fails.</summary>
    public void Kill()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            process.WaitForExit();
        }
        _process?.Dispose();
        _process = null;
    }

    /// <summary>As a TPM that answers nobody.</summary>
    public void Freeze() => TestKit.Tool.Run("kill", ["-STOP", $"{_process!.Id}"]);

    public void Thaw() => TestKit.Tool.Run("kill", ["-CONT", $"{_process!.Id}"]);

    /// <summary>Runs one of tpm2-tools with this TPM, in this TPM's folder. There is no resource manager, so that what it leaves loaded is flushed.</summary>
    public string Tool(string program, params string[] arguments)
    {
        string said = Run(program, arguments);
        foreach (string left in (string[])["-t", "-l", "-s"])
            Run("tpm2_flushcontext", left);
        return said;
    }

    private string Run(string program, params string[] arguments) =>
        TestKit.Tool.Run("env", ["-C", _folder.Path, $"TPM2TOOLS_TCTI={Address}", program, .. arguments]);

    private static bool Listens(int port)
    {
        try
        {
            using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The first of two neighbours that nobody has; tpm2-tools look for the control channel at the second.</summary>
    private static int FreePorts()
    {
        for (int attempt = 0; attempt < 100; attempt++)
            try
            {
                using TcpListener first = new(IPAddress.Loopback, 0);
                first.Start();
                int port = ((IPEndPoint)first.LocalEndpoint).Port;
                using TcpListener second = new(IPAddress.Loopback, port + 1);
                second.Start();
                return port;
            }
            catch (SocketException)
            {
                // The neighbour is taken.
            }
        throw new InvalidOperationException("no two free ports side by side");
    }

    public void Dispose()
    {
        Kill();
        _folder.Dispose();
    }
}
