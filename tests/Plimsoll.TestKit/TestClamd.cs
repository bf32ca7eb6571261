using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Plimsoll.TestKit;

/// <summary>A clamd of the test's own: own folder, settings, signatures and socket, ended by its id. Needs Debian's clamav-daemon.</summary>
public sealed class TestClamd : IDisposable
{
    private readonly TempFolder _folder = new();
    private Process? _process;

    /// <param name="extra">Further lines of its settings.</param>
    /// <param name="withEicar">Whether its signatures hold that of the EICAR test file.</param>
    /// <param name="user">Who it runs as.</param>
    public TestClamd(string extra = "", bool withEicar = true, string user = "root")
    {
        Directory.CreateDirectory(_folder["db"]);
        if (user != "root")
            File.SetUnixFileMode(_folder.Path, (UnixFileMode)0b111_111_111);
        // MD5:size:name, and name:type:offset:hex; a name ends in .UNOFFICIAL when clamd says it.
        if (withEicar)
            File.WriteAllText(_folder["db/test.hdb"], "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n");
        File.WriteAllText(_folder["db/test.ndb"], $"Plimsoll.Test.Marker:0:*:{Convert.ToHexStringLower(Encoding.ASCII.GetBytes(Marker))}\n");
        File.WriteAllText(_folder["clamd.conf"], $"LocalSocket {Socket}\nLocalSocketMode 666\nDatabaseDirectory {_folder["db"]}\nForeground yes\nLogFile {_folder["log"]}\nUser {user}\nPidFile {_folder["pid"]}\n{extra}\n");
        Start();
    }

    /// <summary>A content that holds this is malware to it.</summary>
    public const string Marker = "plimsoll-test-malware-marker";

    public string Socket => _folder["socket"];

    public void Start()
    {
        _process = Process.Start(new ProcessStartInfo("/usr/sbin/clamd", ["--config-file", _folder["clamd.conf"]]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        long start = Stopwatch.GetTimestamp();
        while (!Answers())
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(start) > TimeSpan.FromMinutes(2))
                throw new InvalidOperationException($"clamd did not start: {(File.Exists(_folder["log"]) ? File.ReadAllText(_folder["log"]) : "no log")}");
            _process.WaitForExit(50);
        }
    }

    private bool Answers()
    {
        try
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(Socket));
            socket.Send("zPING\0"u8);
            byte[] answer = new byte[5];
            return socket.Receive(answer) == 5;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>As power that fails: nothing is closed in order.</summary>
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

    public void Dispose()
    {
        Kill();
        _folder.Dispose();
    }
}
