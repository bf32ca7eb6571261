using System.Collections.Concurrent;

namespace Plimsoll.Hsm;

/// <summary>Sessions with one token, used again and again. A session that met an error is closed: what it was in the middle of goes with it.</summary>
/// <remarks>One further session is open as long as this lives and does nothing: a token forgets its login with its last session.</remarks>
internal sealed unsafe class HsmSessions : IDisposable
{
    /// <summary>Sessions at work at the same time; a token that has more is not quicker by it.</summary>
    public const int MaxSessions = 8;

    private readonly HsmModule _module;
    private readonly ConcurrentBag<ulong> _idle = [];
    private readonly SemaphoreSlim _free;
    private readonly string _name;
    private readonly ulong _slot;
    private bool _disposed;

    public HsmSessions(HsmModule module, HsmTokenInfo token)
    {
        (_module, _slot, _name) = (module, token.Slot, token.Shown);
        int most = token.MaxSessions is 0 or > MaxSessions ? MaxSessions : Math.Max(1, (int)token.MaxSessions - 1);
        _free = new SemaphoreSlim(most, most);
        Anchor = Open(readWrite: false);
    }

    public ulong Anchor { get; }

    /// <summary>Waits while all are at work. The lease is kept for the next one only after <see cref="Lease.Done"/>.</summary>
    /// <exception cref="HsmException">The token opens none.</exception>
    public Lease Rent()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _free.Wait();
        try
        {
            return new Lease(this, _idle.TryTake(out ulong idle) ? idle : Open(readWrite: false), keep: true);
        }
        catch
        {
            _free.Release();
            throw;
        }
    }

    /// <summary>One that may change the token; closed after use.</summary>
    public Lease OpenForWriting()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _free.Wait();
        try
        {
            return new Lease(this, Open(readWrite: true), keep: false);
        }
        catch
        {
            _free.Release();
            throw;
        }
    }

    private ulong Open(bool readWrite)
    {
        ulong session = 0, answer = _module.OpenSession(_slot, Ck.CKF_SERIAL_SESSION | (readWrite ? Ck.CKF_RW_SESSION : 0), &session);
        return answer == Ck.OK ? session : throw Ck.Error(answer, "C_OpenSession", _name);
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        while (_idle.TryTake(out ulong session))
            _ = _module.CloseSession(session);
        _ = _module.CloseSession(Anchor);
        _free.Dispose();
    }

    /// <summary>A session for one piece of work.</summary>
    public sealed class Lease(HsmSessions pool, ulong session, bool keep) : IDisposable
    {
        private bool _done, _disposed;

        public ulong Session => session;

        /// <summary>Nothing is left half done in it.</summary>
        public void Done() => _done = true;

        public void Dispose()
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_done && keep && !pool._disposed)
                pool._idle.Add(session);
            else
                _ = pool._module.CloseSession(session);
            if (!pool._disposed)
                pool._free.Release();
        }
    }
}
