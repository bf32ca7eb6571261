using System.Security.Cryptography;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Tpm;

/// <summary>Authorisation values of a TPM's hierarchies. Empty where nobody set one.</summary>
public sealed class TpmPasswords
{
    /// <summary>Bytes of a value. Source: Part 2, TPM2B_AUTH: as long as the largest hash.</summary>
    public const int MaxValueBytes = 64;

    /// <summary>Bytes of a file of them.</summary>
    public const int MaxFileBytes = 4096;

    /// <summary>Who owns the TPM: makes storage keys and NV indexes.</summary>
    public ReadOnlyMemory<byte> Owner { get; init; }

    /// <summary>Makes endorsement and attestation keys.</summary>
    public ReadOnlyMemory<byte> Endorsement { get; init; }

    /// <summary>Ends a lockout after too many wrong values.</summary>
    public ReadOnlyMemory<byte> Lockout { get; init; }

    /// <summary>As sessions take it: zeros at its end do not count. Source: Part 1, 17.6.4.3.</summary>
    internal byte[] Of(uint hierarchy) => (hierarchy switch
    {
        TpmHandles.Owner => Owner,
        TpmHandles.Endorsement => Endorsement,
        TpmHandles.Lockout => Lockout,
        _ => default,
    }).Span.TrimEnd((byte)0).ToArray();

    /// <summary>Reads lines <c>owner=VALUE</c>, <c>endorsement=VALUE</c>, <c>lockout=VALUE</c>; a value is text, or bytes as <c>hex:…</c>.</summary>
    /// <exception cref="FormatException">It is none; no value stands in the message.</exception>
    public static TpmPasswords Parse(ReadOnlySpan<byte> file)
    {
        string text = Encoding.UTF8.GetString(file);
        ReadOnlyMemory<byte>?[] values = new ReadOnlyMemory<byte>?[3];
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            string one = line.TrimEnd('\r');
            if (one.Length == 0)
                continue;
            int equals = one.IndexOf('=', StringComparison.Ordinal), which = Array.IndexOf(Names, equals < 0 ? "" : one[..equals]);
            if (which < 0)
                throw new FormatException($"line {number}: wanted {string.Join(", ", Names.Select(n => n + "="))}, and the password behind it");
            if (values[which] is not null)
                throw new FormatException($"line {number}: {Names[which]} stands twice");
            values[which] = Value(one[(equals + 1)..], $"line {number}");
        }
        return new TpmPasswords { Owner = values[0] ?? default, Endorsement = values[1] ?? default, Lockout = values[2] ?? default };
    }

    private static readonly string[] Names = ["owner", "endorsement", "lockout"];

    /// <summary>One value: text, or bytes as <c>hex:…</c>.</summary>
    /// <exception cref="FormatException">It is too long, or no hex; it does not stand in the message.</exception>
    public static ReadOnlyMemory<byte> Value(string text, string where)
    {
        ArgumentNullException.ThrowIfNull(text);
        byte[] bytes;
        if (text.StartsWith("hex:", StringComparison.Ordinal))
        {
            bytes = new byte[(text.Length - 4) / 2];
            if (text.Length % 2 != 0 || Convert.FromHexString(text.AsSpan(4), bytes, out _, out _) != System.Buffers.OperationStatus.Done)
                throw new FormatException($"{Escape.ForTerminal(where)}: what stands behind hex: is no hex");
        }
        else
            bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length <= MaxValueBytes ? bytes : throw new FormatException($"{Escape.ForTerminal(where)}: {bytes.Length} bytes; at most {MaxValueBytes} are allowed");
    }
}

/// <summary>How a hierarchy is authorised for one command; ending it ends the session that hid the password.</summary>
internal readonly struct HierarchyAuth(TpmSession? session, TpmAuth auth) : IDisposable
{
    public TpmAuth Auth => auth;

    public void Dispose()
    {
        session?.Dispose();
        CryptographicOperations.ZeroMemory(auth.Value);
    }
}

/// <content>Hierarchies that have a password.</content>
public sealed partial class TpmClient
{
    /// <summary>Proves a hierarchy's password in a session, so that it never crosses the bus; where there is none, nothing is to be proved.</summary>
    internal HierarchyAuth Authorise(uint hierarchy, CancellationToken cancellationToken)
    {
        byte[] password = _options.Passwords.Of(hierarchy);
        if (password.Length == 0)
            return new HierarchyAuth(null, TpmAuth.Password(password));
        TpmSession session = StartSession(TpmSessionType.Hmac, null, cancellationToken);
        return new HierarchyAuth(session, new TpmAuth(session, password, TpmSession.Continue));
    }

    /// <summary>Ends a lockout; takes the lockout hierarchy's password.</summary>
    /// <exception cref="TpmException">Refused: the password is wrong, and the TPM now wants a day or a reset before it takes another.</exception>
    public void ResetLockout(CancellationToken cancellationToken)
    {
        using HierarchyAuth by = Authorise(TpmHandles.Lockout, cancellationToken);
        Execute(TpmCommand.DictionaryAttackLockReset, [TpmEntity.Of(TpmHandles.Lockout)], [by.Auth], new TpmWriter(), hasHandle: false, cancellationToken);
    }
}
