namespace Plimsoll.TestKit;

/// <summary>A softhsm of the test's own: own settings, own folder of tokens. Needs Debian's softhsm2 and, for <see cref="Tool"/>, opensc.</summary>
public sealed class TestSoftHsm : IDisposable
{
    public const string Pin = "1234", OfficerPin = "87654321";

    private readonly TempFolder _folder = new();

    public TestSoftHsm()
    {
        Directory.CreateDirectory(Tokens);
        File.WriteAllText(Configuration, $"directories.tokendir = {Tokens}\nobjectstore.backend = file\nlog.level = ERROR\n");
    }

    /// <summary>Where Debian puts it, without the link.</summary>
    public static string Module { get; } = Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu").Select(f => Path.Combine(f, "softhsm/libsofthsm2.so")).FirstOrDefault(File.Exists) ?? "/usr/lib/softhsm/libsofthsm2.so";

    /// <summary>What SOFTHSM2_CONF has to hold.</summary>
    public string Configuration => _folder["softhsm2.conf"];

    public string Tokens => _folder["tokens"];

    public string this[string name] => _folder[name];

    /// <summary>Makes a token; two may have one label.</summary>
    /// <returns>Its folder below <see cref="Tokens"/>.</returns>
    public string Add(string label, string pin = Pin)
    {
        string[] before = Directory.GetDirectories(Tokens);
        Run("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", OfficerPin, "--pin", pin);
        return Directory.GetDirectories(Tokens).Except(before).Single();
    }

    /// <summary>As if somebody pulled the token out and kept it.</summary>
    public static void Remove(string token) => Directory.Delete(token, recursive: true);

    /// <summary>pkcs11-tool on the token of that label.</summary>
    public string Tool(string token, params string[] arguments) => Run("pkcs11-tool", ["--module", Module, "--token-label", token, .. arguments]);

    private string Run(string program, params string[] arguments) => TestKit.Tool.Run("env", ["-C", _folder.Path, $"SOFTHSM2_CONF={Configuration}", program, .. arguments]);

    public void Dispose() => _folder.Dispose();
}
