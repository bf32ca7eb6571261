using System.Reflection;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Policies;

/// <summary>Reads policies as people write them. The form is docs/formats/policy.md.</summary>
public static class PolicyFile
{
    /// <summary>The name that stands for the built-in policy.</summary>
    public const string Default = "default";

    /// <summary>A file of YAML, of which JSON is a part.</summary>
    /// <exception cref="DocumentException">The file is too long or not of the form; the message has the line.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static Policy Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] bytes = SmallFile.Read(path, DocumentLimits.MaxPolicyBytes) ?? throw new DocumentException(path, $"longer than {DocumentLimits.MaxPolicyBytes} bytes (MaxPolicyBytes)");
        return Parse(bytes, path, Path.GetDirectoryName(Path.GetFullPath(path)));
    }

    /// <summary>As <see cref="Read"/>, of bytes.</summary>
    /// <param name="name">What the file is called in errors.</param>
    /// <param name="folder">Where files of keys that the policy names are looked for; null: it may name none.</param>
    /// <exception cref="DocumentException">See <see cref="Read"/>.</exception>
    public static Policy Parse(ReadOnlySpan<byte> utf8, string name, string? folder = null) =>
        PolicyReader.Read(YamlDocument.Parse(utf8, name), folder is null ? null : node => KeyOf(node, folder));

    private static string KeyOf(DocumentNode node, string folder)
    {
        string path = Path.Combine(folder, MapReader.TextOf(node, "file"));
        try
        {
            return Encoding.UTF8.GetString(SmallFile.Read(path, PublicKey.MaxPemBytes) ?? throw new DocumentException(node.Where, $"{Escape.Quote(path)} has more than {PublicKey.MaxPemBytes} bytes; it is no key"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DocumentException(node.Where, $"cannot read the key {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", e);
        }
    }

    /// <summary>The built-in policy; docs/policy-default.yaml.</summary>
    public static Policy BuiltIn() => Parse(BuiltInText(), Default);

    /// <summary>Its text, with comments.</summary>
    public static byte[] BuiltInText()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("policy-default.yaml")
            ?? throw new InvalidOperationException("the default policy is not part of the assembly");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
