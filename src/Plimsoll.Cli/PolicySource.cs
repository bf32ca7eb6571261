using Plimsoll.Inspect.Policies;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Cli;

/// <summary>A policy that a user named, and the envelope it came in.</summary>
/// <param name="Signed">Null for one that nobody signed.</param>
internal sealed record LoadedPolicy(Policy Policy, SignedPolicy? Signed);

/// <summary>Opens policies by the name a user gives them, and the keys beside them.</summary>
internal static class PolicySource
{
    /// <param name="name"><c>default</c> or a path; <c>./default</c> is a file of that name.</param>
    /// <param name="keyName">Key that it must be signed with; null: it need not be signed, and a signed one is refused for want of the key.</param>
    /// <param name="keys">Where the key is looked up; may be null only when no key is named.</param>
    /// <param name="counters">Where the counters of signed policies are remembered; null: they are not compared.</param>
    /// <exception cref="CommandException">Usage for a file that cannot be used, refused for a signature or counter that is not right.</exception>
    public static LoadedPolicy Open(string name, string? keyName, Counters? counters, KeyStore? keys)
    {
        if (name == PolicyFile.Default)
            return keyName is null ? new LoadedPolicy(PolicyFile.BuiltIn(), null)
                : throw CommandException.Usage("the built-in policy is signed by nobody; --policy-key asks for a signature", "plimsoll policy sign default --key PRIVATE.pem --output FILE makes a signed file of it");
        byte[] content = ReadFile(name);
        try
        {
            if (!SignedPolicy.IsEnvelope(content))
                return keyName is null ? new LoadedPolicy(PolicyFile.Parse(content, Escape.ForTerminal(name), Path.GetDirectoryName(Path.GetFullPath(name))), null)
                    : throw new CommandException(ExitCode.Refused, $"{Escape.ForTerminal(name)} is not signed; --policy-key asks for a signature", "plimsoll policy sign makes a signed file");
            if (keyName is null)
                throw CommandException.Usage($"{Escape.ForTerminal(name)} is a signed policy", "give the public key of who signed it: --policy-key PUBLIC.pem");
            using KeyRing ring = keys!.OpenPublic(keyName);
            SignedPolicy signed = SignedPolicy.Open(content, Escape.ForTerminal(name), ring.Keys, ring.Name);
            if (counters is not null)
                Remember(counters, signed, ring.Keys.Select(k => k.Id), name);
            return new LoadedPolicy(signed.Policy, signed);
        }
        catch (DocumentException e)
        {
            throw CommandException.Usage(e.Message, "docs/formats/policy.md describes policies");
        }
        catch (SignedPolicyException e)
        {
            throw new CommandException(e.Error == SignedPolicyError.BadSignature ? ExitCode.Refused : ExitCode.Usage, e.Message, e.Hint, e);
        }
    }

    /// <param name="family">Ids of the versions of the key that signed it.</param>
    /// <exception cref="CommandException">A newer one was seen, or another one of the same counter.</exception>
    public static void Remember(Counters counters, SignedPolicy signed, IEnumerable<string> family, string path)
    {
        try
        {
            counters.Check(signed, family, Escape.ForTerminal(path));
        }
        catch (CounterException e)
        {
            throw new CommandException(ExitCode.Refused, e.Message, e.Hint, e);
        }
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            return SmallFile.Read(path, SignedPolicy.MaxBytes) is { } content && (content.Length <= DocumentLimits.MaxPolicyBytes || SignedPolicy.IsEnvelope(content)) ? content
                : throw CommandException.Usage($"the policy {Escape.Quote(path)} is longer than {DocumentLimits.MaxPolicyBytes} bytes (MaxPolicyBytes)");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.Usage($"there is no policy {Escape.Quote(path)}", "the built-in one is called default");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read the policy {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }
}
