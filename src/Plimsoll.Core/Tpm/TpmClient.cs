using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Plimsoll.Tpm;

/// <summary>How to talk to a TPM.</summary>
public sealed record TpmOptions
{
    /// <summary>Longest wait for one command, retries included. An RSA key takes a slow TPM over ten seconds.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Bytes of a response; what every TPM of the PC Client profile keeps to.</summary>
    public int MaxResponseBytes { get; init; } = 4096;

    /// <summary>Of the hierarchies; none by default.</summary>
    public TpmPasswords Passwords { get; init; } = new();
}

/// <summary>A TPM 2.0: commands out, checked responses back. One thread at a time.</summary>
public sealed partial class TpmClient : IDisposable
{
    private const ushort NoSessions = 0x8001, Sessions = 0x8002;

    /// <summary>Milliseconds to wait when a TPM says that it is busy: the first time, and at most.</summary>
    private const int FirstPause = 20, LongestPause = 500;

    private readonly ITpmTransport _transport;
    private readonly TpmOptions _options;
    private bool _wasUnlocked;

    public TpmClient(ITpmTransport transport, TpmOptions? options = null) => (_transport, _options) = (transport, options ?? new TpmOptions());

    /// <exception cref="TpmException">As <see cref="TpmTransport.Open"/>.</exception>
    public static TpmClient Open(string address, TpmOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new TpmOptions();
        return new TpmClient(TpmTransport.Open(address, options.Patience, cancellationToken), options);
    }

    public void Dispose() => _transport.Dispose();

    /// <summary>Runs a command and checks its response, down to each session's HMAC.</summary>
    /// <param name="handles">In the command's order.</param>
    /// <param name="auths">For the handles that need one, in order; then sessions that only encrypt.</param>
    /// <param name="hasHandle">Whether the response starts with a handle.</param>
    /// <returns>The handle, or 0, and the parameters, decrypted where a session does that.</returns>
    internal (uint Handle, byte[] Parameters) Execute(TpmCommand command, ReadOnlySpan<TpmEntity> handles, ReadOnlySpan<TpmAuth> auths, TpmWriter parameters, bool hasHandle, CancellationToken cancellationToken)
    {
        byte[] sent = parameters.ToArray();
        TpmWriter writer = new TpmWriter().U16(auths.IsEmpty ? NoSessions : Sessions).U32(0).U32((uint)command);
        foreach (TpmEntity handle in handles)
            writer.U32(handle.Handle);
        if (!auths.IsEmpty)
            WriteAuths(writer, command, handles, auths, sent);
        writer.Bytes(sent);
        writer.Patch32(2, (uint)writer.Length);
        byte[] response;
        try
        {
            response = Submit(command, writer.Span, cancellationToken);
        }
        finally
        {
            writer.Clear();
            parameters.Clear();
            CryptographicOperations.ZeroMemory(sent);
        }
        return ReadResponse(command, response, auths, hasHandle);
    }

    /// <summary>Sends, and sends again while the TPM says that it cannot yet.</summary>
    private byte[] Submit(TpmCommand command, ReadOnlySpan<byte> bytes, CancellationToken cancellationToken)
    {
        long deadline = Stopwatch.GetTimestamp() + (long)(_options.Patience.TotalSeconds * Stopwatch.Frequency);
        for (int pause = FirstPause; ; pause = Math.Min(pause * 2, LongestPause))
        {
            byte[] response = _transport.Submit(bytes, _options.MaxResponseBytes, deadline, cancellationToken);
            if (response.Length < TpmTransport.HeaderBytes || TpmTransport.ResponseLength(response, _options.MaxResponseBytes) != response.Length)
                throw TpmException.Malformed($"TPM2_{command}: the response's length is not the one it announces");
            uint code = BinaryPrimitives.ReadUInt32BigEndian(response.AsSpan(6));
            if (code == TpmResponses.Success)
                return response;
            if (code == TpmResponses.Lockout && command != TpmCommand.DictionaryAttackLockReset && _options.Passwords.Lockout.Length > 0 && !_wasUnlocked)
            {
                // Once: a TPM that locks itself again is being guessed at, or is given wrong values from here.
                _wasUnlocked = true;
                ResetLockout(cancellationToken);
                continue;
            }
            if (!TpmResponses.MeansAgain(code))
                throw TpmResponses.Of(command, code);
            TpmTransport.Pause(pause, deadline, cancellationToken);
        }
    }

    private static void WriteAuths(TpmWriter writer, TpmCommand command, ReadOnlySpan<TpmEntity> handles, ReadOnlySpan<TpmAuth> auths, byte[] parameters)
    {
        foreach (TpmAuth auth in auths)
            auth.Session?.NewNonce();
        int decrypt = IndexOf(auths, TpmSession.Decrypt), encrypt = IndexOf(auths, TpmSession.Encrypt);
        if (decrypt >= 0)
        {
            TpmAuth with = auths[decrypt];
            int length = BinaryPrimitives.ReadUInt16BigEndian(parameters);
            with.Session!.Cipher(with.Value, with.Session.NonceCaller, with.Session.NonceTpm, parameters.AsSpan(2, length), encrypt: true).CopyTo(parameters, 2);
        }
        int at = writer.Length;
        writer.U32(0);
        for (int i = 0; i < auths.Length; i++)
        {
            TpmAuth auth = auths[i];
            if (auth.Session is not { } session)
            {
                writer.U32(TpmHandles.Password).Sized([]).U8(auth.Attributes).Sized(auth.Value);
                continue;
            }
            TpmWriter hashed = new TpmWriter().U32((uint)command);
            foreach (TpmEntity handle in handles)
                hashed.Bytes(handle.Name);
            byte[] digest = session.Hash.Of(hashed.Bytes(parameters).Span);
            // The first session vouches for the nonces of those that encrypt, or these could be taken out on the way.
            byte[] others = i != 0 ? [] :
            [
                .. decrypt > 0 ? auths[decrypt].Session!.NonceTpm : [],
                .. encrypt > 0 && encrypt != decrypt ? auths[encrypt].Session!.NonceTpm : [],
            ];
            byte[] mac = session is { IsOpen: true, IsPolicy: true } ? [] : session.Mac(auth.Value, digest, session.NonceCaller, session.NonceTpm, others, [auth.Attributes]);
            writer.U32(session.Handle).Sized(session.NonceCaller).U8(auth.Attributes).Sized(mac);
        }
        writer.Patch32(at, (uint)(writer.Length - at - 4));
    }

    private static (uint Handle, byte[] Parameters) ReadResponse(TpmCommand command, byte[] response, ReadOnlySpan<TpmAuth> auths, bool hasHandle)
    {
        TpmReader reader = new(response, $"TPM2_{command}");
        ushort tag = reader.U16();
        reader.Bytes(8);
        if (tag != (auths.IsEmpty ? NoSessions : Sessions))
            throw TpmException.Malformed($"TPM2_{command}: the response has tag 0x{tag:x4}");
        uint handle = hasHandle ? reader.U32() : 0;
        if (auths.IsEmpty)
            return (handle, reader.Rest().ToArray());
        uint length = reader.U32();
        if (length > (uint)reader.Left)
            throw TpmException.Malformed($"TPM2_{command}: {length} bytes of parameters are announced and {reader.Left} are left");
        byte[] parameters = reader.Bytes((int)length).ToArray();
        foreach (TpmAuth auth in auths)
        {
            byte[] nonce = reader.Sized(64).ToArray();
            byte attributes = reader.U8();
            ReadOnlySpan<byte> mac = reader.Sized(64);
            if (auth.Session is not { } session)
                continue;
            byte[] digest = session.Hash.Of(new TpmWriter().U32(0).U32((uint)command).Bytes(parameters).Span);
            byte[] wanted = session is { IsOpen: true, IsPolicy: true } ? [] : session.Mac(auth.Value, digest, nonce, session.NonceCaller, [attributes]);
            if (!CryptographicOperations.FixedTimeEquals(wanted, mac))
                throw new TpmException(TpmError.NotAuthentic, $"TPM2_{command}: the response's HMAC is not the TPM's", "something may stand between this program and the TPM");
            session.Answered(nonce);
        }
        reader.End();
        if (IndexOf(auths, TpmSession.Encrypt) is >= 0 and var encrypt)
        {
            TpmAuth with = auths[encrypt];
            if (parameters.Length < 2 || BinaryPrimitives.ReadUInt16BigEndian(parameters) is var size && size > parameters.Length - 2)
                throw TpmException.Malformed($"TPM2_{command}: an encrypted parameter is cut short");
            with.Session!.Cipher(with.Value, with.Session.NonceTpm, with.Session.NonceCaller, parameters.AsSpan(2, size), encrypt: false).CopyTo(parameters, 2);
        }
        return (handle, parameters);
    }

    private static int IndexOf(ReadOnlySpan<TpmAuth> auths, byte attribute)
    {
        for (int i = 0; i < auths.Length; i++)
            if (auths[i].Session is not null && (auths[i].Attributes & attribute) != 0)
                return i;
        return -1;
    }

    private byte[] Execute(TpmCommand command, TpmWriter parameters, CancellationToken cancellationToken) =>
        Execute(command, [], [], parameters, hasHandle: false, cancellationToken).Parameters;

    /// <summary>Ends an object or session. A TPM that is gone, or has lost it already, has nothing left to free.</summary>
    internal void FlushQuietly(uint handle)
    {
        try
        {
            Execute(TpmCommand.FlushContext, new TpmWriter().U32(handle), CancellationToken.None);
        }
        catch (Exception e) when (e is TpmException or ObjectDisposedException)
        {
            // Whatever went wrong before is what the caller should hear of.
        }
    }
}
