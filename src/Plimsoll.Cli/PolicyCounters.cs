using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Cli;

/// <summary>
/// The highest counter that was seen of each signed policy, by key and name, so that an older one cannot take its place again.
/// One small file for each below <c>policies</c> in the data folder: counter and digest.
/// </summary>
internal sealed class PolicyCounters(string folder, Action<string> remark)
{
    private const int MaxBytes = 256;
    private const int Attempts = 50;

    /// <summary>Refuses what is older than what was seen, or as old and different; remembers it otherwise.</summary>
    /// <exception cref="CommandException">Refused, with both counters.</exception>
    public void Check(SignedPolicy signed, string name)
    {
        string digest = PolicyJson.DigestOf(signed.Policy);
        string path = PathOf(signed.KeyId, signed.Policy.Name);
        try
        {
            Directory.CreateDirectory(folder);
            using FileStream file = OpenAlone(path);
            (long seen, string seenDigest) = Read(file);
            if (signed.Counter < seen)
                throw new CommandException(ExitCode.Refused, $"{name} has counter {signed.Counter}; policy {signed.Policy.Name} of this key was seen with {seen}",
                    $"only a newer one takes its place; to go back on purpose, remove {Escape.ForTerminal(path)} first");
            if (signed.Counter == seen && seenDigest != digest)
                throw new CommandException(ExitCode.Refused, $"{name} has counter {signed.Counter} and other content than policy {signed.Policy.Name} of this key had under that counter",
                    "two policies must not share a counter: sign it again with a higher one");
            if (signed.Counter == seen)
                return;
            byte[] text = Encoding.ASCII.GetBytes($"{signed.Counter.ToString(CultureInfo.InvariantCulture)} {digest}\n");
            file.Position = 0;
            file.Write(text);
            file.SetLength(text.Length);
            file.Flush(flushToDisk: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The policy itself is right; a home that cannot be written must not keep a pipeline from judging by it.
            remark(Escape.ForTerminal(e.Message));
        }
    }

    /// <summary>The highest counter that was seen; 0 when none was.</summary>
    public long Highest(string keyId, string name)
    {
        try
        {
            string path = PathOf(keyId, name);
            if (!File.Exists(path))
                return 0;
            using FileStream file = OpenAlone(path);
            return Read(file).Counter;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private string PathOf(string keyId, string name) => Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{keyId}\n{name}")))[..32]);

    /// <summary>What cannot be read counts as the highest there is: damage must not open the way back.</summary>
    private static (long Counter, string Digest) Read(FileStream file)
    {
        if (file.Length == 0)
            return (0, "");
        byte[] bytes = new byte[MaxBytes];
        string text = Encoding.ASCII.GetString(bytes, 0, file.ReadAtLeast(bytes, MaxBytes, throwOnEndOfStream: false));
        string[] parts = text.TrimEnd('\n').Split(' ');
        return parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long counter) ? (counter, parts[1]) : (long.MaxValue, "");
    }

    /// <summary>.NET locks a file that is opened for nobody else; two scans at once wait for each other for a second.</summary>
    private static FileStream OpenAlone(string path)
    {
        using ManualResetEventSlim never = new(false);
        for (int attempt = 1; ; attempt++)
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            }
            catch (IOException e) when (attempt < Attempts && e is not (FileNotFoundException or DirectoryNotFoundException))
            {
                never.Wait(TimeSpan.FromMilliseconds(20));
            }
    }
}
