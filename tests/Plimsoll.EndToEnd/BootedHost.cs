using System.Diagnostics;
using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.Keys;
using Plimsoll.Sign;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.EndToEnd;

/// <summary>A host that systemd booted, with Docker as Debian installs it; see <c>booted-host</c>. It can be rebooted.</summary>
internal sealed class BootedHost : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly TempFolder _folder = new();
    private readonly Process _process;
    private readonly ISigner _key = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
    private long _counter;
    private int _boots;

    public BootedHost()
    {
        Tool.Run(Repository.At("scripts", "build-native"), []);
        foreach (string name in (string[])["plimsoll-launcher", "plimsoll-front"])
            _folder.Write($"from/{name}", File.ReadAllBytes(Repository.At("artifacts", "native", name)));
        // What the build made is no single file, as what is published is.
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));
        _folder.Write("from/plimsoll-agent", Encoding.UTF8.GetBytes($"#!/bin/sh\nexport DOTNET_ROOT={root}\nexec {AppContext.BaseDirectory}plimsoll-agent \"$@\"\n"));
        foreach (string program in Directory.GetFiles(_folder["from"]))
            File.SetUnixFileMode(program, (UnixFileMode)0b111_101_101);
        _process = Process.Start(new ProcessStartInfo(Repository.At("tests", "Plimsoll.EndToEnd", "booted-host"), [_folder.Path]) { UseShellExecute = false, RedirectStandardError = true })!;
        _process.BeginErrorReadLine();
        try
        {
            AwaitBoot();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What is installed from.</summary>
    public string From => _folder["from"];

    /// <summary>A file of the booted host, for this one.</summary>
    public string At(string path) => $"/proc/{_init}/root{path}";

    /// <summary>A file below Docker's folder.</summary>
    public string InDocker(string path) => Path.Combine(_folder["docker"], path);

    private int _init;

    /// <summary>A program on the booted host.</summary>
    public Outcome Run(string program, params string[] arguments) =>
        new Call(null, arguments) { Program = program, Through = ["nsenter", "--target", _init.ToString(), "--all", "--root", "--wd", "--"] }.Run();

    public Outcome Systemctl(params string[] arguments) => Run("systemctl", arguments);

    public string Show(string unit, string property) => Systemctl("show", "--property", property, "--value", unit).Expect(0).Out.Trim();

    public Outcome Install(params string[] more) => Run(Path.Combine(From, "plimsoll-agent"), ["install", "--from", From, .. more]);

    public Outcome Agent(params string[] arguments) => Run("/usr/lib/plimsoll/plimsoll-agent", arguments);

    public Outcome Docker(params string[] arguments) => Run("docker", arguments);

    public Outcome Start(SavedImage image, params string[] more) => Docker(["run", "--rm", .. GatedHost.Limits, .. more, image.Tag]);

    /// <summary>An image on the booted host, for which nobody speaks.</summary>
    public SavedImage Load(string name, string? run = null)
    {
        SavedImage image = GatedHost.ImageOf(name, run);
        File.WriteAllBytes(InDocker($"{name}.tar"), image.Build());
        Docker("load", "--quiet", "--input", $"/var/lib/docker/{name}.tar").Expect(0);
        return image;
    }

    /// <summary>Speaks for an image.</summary>
    public void Sign(SavedImage image, string name) =>
        GatedHost.Put(At($"/var/lib/plimsoll/evidence/{name}.json"), DsseSigning.Sign(Statement.PayloadType, GatedHost.Measured(image, InDocker($"{name}.tar")).ToJson(), _key).ToJson());

    /// <summary>Puts the policy of <see cref="GatedHost.Open"/> into force.</summary>
    public void Policy()
    {
        string state = At("/var/lib/plimsoll");
        GatedHost.Put($"{state}/policy.pub", Encoding.UTF8.GetBytes(_key.PublicKey.ToPem()));
        GatedHost.Put($"{state}/policy.json", SignedPolicy.Sign(PolicyFile.Parse(Encoding.UTF8.GetBytes(GatedHost.Open), "p.yaml", state), ++_counter, DateTimeOffset.UtcNow, _key));
    }

    /// <summary>Shuts the host down in order and boots it again.</summary>
    public void Reboot()
    {
        Systemctl("--no-block", "--job-mode=replace-irreversibly", "start", "reboot.target").Expect(0);
        AwaitBoot();
    }

    private void AwaitBoot()
    {
        int wanted = _boots + 1;
        Await(() => File.Exists(_folder["boots"]) && int.Parse(File.ReadAllText(_folder["boots"])) >= wanted, () => $"boot {wanted}");
        _boots = wanted;
        string said = "";
        Await(() =>
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"booted-host ended with {_process.ExitCode}");
            _init = Init(_process.Id);
            if (_init != 0)
                said = Systemctl("is-system-running", "--wait") is var outcome ? (outcome.Out + outcome.Error).Trim() : "";
            return said is "running" or "degraded";
        }, () => said);
        Assert.True(said == "running", Systemctl("--failed", "--no-pager").Out);
    }

    /// <summary>systemd, below the processes that made its namespaces; 0 while it is not there.</summary>
    private static int Init(int process)
    {
        try
        {
            while (File.ReadAllText($"/proc/{process}/comm").Trim() != "systemd")
                if (File.ReadAllText($"/proc/{process}/task/{process}/children").Split(' ') is not [{ Length: > 0 } child, ..])
                    return 0;
                else
                    process = int.Parse(child);
            return process;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    public static void Await(Func<bool> condition, Func<string> otherwise)
    {
        using ManualResetEventSlim pause = new();
        for (Stopwatch waited = Stopwatch.StartNew(); !condition(); pause.Wait(100))
            if (waited.Elapsed > Patience)
                throw new TimeoutException($"not within {Patience}: {otherwise()}");
    }

    public void Dispose()
    {
        _folder.Write("stop", []);
        if (Init(_process.Id) is not 0 and var init)
            Tool.Run("kill", ["-KILL", init.ToString()]);
        if (!_process.WaitForExit(Patience))
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
        _key.Dispose();
        _folder.Dispose();
    }
}
