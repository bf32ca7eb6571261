namespace Plimsoll.Hsm;

/// <summary>One token, opened: what it says of itself, its login, and its objects. Methods may be called from several threads.</summary>
public sealed unsafe partial class HsmToken : IDisposable
{
    /// <summary>Slots of one module.</summary>
    public const int MaxSlots = 256;

    private readonly HsmModule _module;
    private readonly Lazy<HsmSessions> _sessions;

    private HsmToken(HsmModule module, HsmTokenInfo info)
    {
        (_module, Info) = (module, info);
        _sessions = new Lazy<HsmSessions>(() => new HsmSessions(module, info));
    }

    public HsmTokenInfo Info { get; }

    /// <summary>The module it was found through.</summary>
    public string ModulePath => _module.Path;

    internal HsmModule Module => _module;

    internal HsmSessions Sessions => _sessions.Value;

    /// <summary>The one token that is as the URI says.</summary>
    /// <param name="module">What the environment variable <c>PLIMSOLL_PKCS11_MODULE</c> holds; the URI's own counts before it.</param>
    /// <exception cref="HsmException">None is, more than one is, or the module cannot be used.</exception>
    public static HsmToken Open(Pkcs11Uri uri, string? module)
    {
        ArgumentNullException.ThrowIfNull(uri);
        return One(uri, OpenAll(uri, module));
    }

    /// <summary>Every token that is as the URI says, by slot; those that were never initialised are none. Each is disposed by whoever asked.</summary>
    /// <exception cref="HsmException">As <see cref="Open"/>.</exception>
    public static IReadOnlyList<HsmToken> OpenAll(Pkcs11Uri uri, string? module)
    {
        ArgumentNullException.ThrowIfNull(uri);
        using HsmModule opened = HsmModule.Open(HsmModule.PathOf(uri, module));
        return OpenAll(uri, opened);
    }

    internal static IReadOnlyList<HsmToken> OpenAll(Pkcs11Uri uri, HsmModule module)
    {
        List<HsmToken> tokens = [];
        try
        {
            foreach (ulong slot in Slots(module))
                // A slot that does not answer, for whatever reason, is no reason to find no other token.
                if (ReadInfo(module, slot, out HsmTokenInfo? info) == Ck.OK && info!.IsInitialized && info.Matches(uri))
                    tokens.Add(new HsmToken(module.Share(), info));
            return tokens;
        }
        catch
        {
            foreach (HsmToken token in tokens)
                token.Dispose();
            throw;
        }
    }

    /// <summary>The only one of these; all are disposed when it is not the only one.</summary>
    /// <exception cref="HsmException">There is none, or more than one.</exception>
    public static HsmToken One(Pkcs11Uri uri, IReadOnlyList<HsmToken> tokens)
    {
        ArgumentNullException.ThrowIfNull(uri);
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Count == 1)
            return tokens[0];
        string[] names = [.. tokens.Take(5).Select(t => t.Info.Shown)];
        foreach (HsmToken token in tokens)
            token.Dispose();
        throw tokens.Count == 0 ? new HsmException(HsmError.NoToken, $"no token is as {uri.Shown} says", "plimsoll key list pkcs11: shows those that are there")
            : new HsmException(HsmError.AmbiguousToken, $"{tokens.Count} tokens are as {uri.Shown} says: {string.Join(", ", names)}", "name one of them by serial=…");
    }

    /// <summary>What the token says of itself now; its flags change with every PIN.</summary>
    /// <exception cref="HsmException">It is gone.</exception>
    public HsmTokenInfo Refresh()
    {
        ulong answer = ReadInfo(_module, Info.Slot, out HsmTokenInfo? now);
        if (now is null)
            throw Ck.Error(answer, "C_GetTokenInfo", Info.Shown);
        return now.Serial == Info.Serial && now.Label == Info.Label ? now
            : throw new HsmException(HsmError.TokenRemoved, $"{now.Shown} is now where {Info.Shown} was") { Code = Ck.DEVICE_REMOVED };
    }

    /// <summary>Whether nothing private is shown before a PIN is given; false when this process has given one.</summary>
    /// <exception cref="HsmException">The token is gone, or opens no session.</exception>
    public bool WantsPin
    {
        get
        {
            if (!Info.NeedsLogin)
                return false;
            // CK_SESSION_INFO: slot, state, flags, error of the device.
            ulong* info = stackalloc ulong[16];
            Check(_module.GetSessionInfo(Sessions.Anchor, info), "C_GetSessionInfo");
            const ulong readOnlyUser = 1, readWriteUser = 3;
            return info[1] is not (readOnlyUser or readWriteUser);
        }
    }

    /// <summary>Gives the PIN to the token, once.</summary>
    /// <param name="pin">Empty for a token with a PIN pad.</param>
    /// <exception cref="HsmException">It is wrong, the token is locked, or gone.</exception>
    public void Login(ReadOnlySpan<byte> pin)
    {
        HsmTokenInfo now = Refresh();
        if (now.PinLocked)
            throw new HsmException(HsmError.PinLocked, $"{Info.Shown}: after too many wrong PINs the token takes none any more", Ck.OfficerHint) { Code = Ck.PIN_LOCKED };
        if (!now.HasPin)
            throw Ck.Error(Ck.USER_PIN_NOT_INITIALIZED, "C_Login", Info.Shown);
        Check(Login(Sessions.Anchor, Ck.CKU_USER, pin), "C_Login");
    }

    /// <summary>For a key that wants the PIN before every use.</summary>
    internal void LoginForKey(ulong session, ReadOnlySpan<byte> pin) => Check(Login(session, Ck.CKU_CONTEXT_SPECIFIC, pin), "C_Login");

    private ulong Login(ulong session, ulong user, ReadOnlySpan<byte> pin)
    {
        if (pin.IsEmpty && !Info.HasPinPad)
            throw new HsmException(HsmError.PinNeeded, $"{Info.Shown} wants a PIN");
        fixed (byte* bytes = pin)
            return _module.Login(session, user, Info.HasPinPad ? null : bytes, Info.HasPinPad ? 0 : (ulong)pin.Length) is var answer and not Ck.USER_ALREADY_LOGGED_IN ? answer : Ck.OK;
    }

    /// <summary>What a mechanism is good for; 0 when the token does not have it.</summary>
    internal ulong Mechanism(ulong type)
    {
        CkMechanismInfo info = default;
        ulong answer = _module.GetMechanismInfo(Info.Slot, type, &info);
        if (answer == Ck.MECHANISM_INVALID)
            return 0;
        Check(answer, "C_GetMechanismInfo");
        return info.Flags;
    }

    internal void Check(ulong answer, string call)
    {
        if (answer == Ck.OK)
            return;
        // Modules differ in what they answer for a token that went away; whether it still says who it is tells.
        bool unclear = answer is Ck.GENERAL_ERROR or Ck.FUNCTION_FAILED or Ck.DEVICE_ERROR or Ck.KEY_HANDLE_INVALID or Ck.OBJECT_HANDLE_INVALID;
        throw unclear && IsGone() ? new HsmException(HsmError.TokenRemoved, $"{Info.Shown}: the token is not there any more ({call}: {Ck.NameOf(answer)})", "put it back and run the command again") { Code = answer }
            : Ck.Error(answer, call, Info.Shown);
    }

    private bool IsGone() => ReadInfo(_module, Info.Slot, out HsmTokenInfo? now) != Ck.OK || now is null || now.Serial != Info.Serial || now.Label != Info.Label;

    private static ulong[] Slots(HsmModule module)
    {
        ulong count = 0, answer = module.GetSlotList(true, null, &count);
        if (answer != Ck.OK)
            throw Ck.Error(answer, "C_GetSlotList", module.Name);
        if (count > MaxSlots)
            throw HsmException.Malformed($"{module.Name} has {count} slots; wanted at most {MaxSlots} (MaxSlots)");
        // One may have come in between the two calls.
        ulong[] slots = new ulong[MaxSlots];
        count = MaxSlots;
        fixed (ulong* to = slots)
            answer = module.GetSlotList(true, to, &count);
        if (answer != Ck.OK)
            throw Ck.Error(answer, "C_GetSlotList", module.Name);
        return count <= MaxSlots ? slots[..(int)count] : throw HsmException.Malformed($"{module.Name} wrote {count} slots into room for {MaxSlots}");
    }

    /// <param name="token">Null when the answer is not CKR_OK.</param>
    private static ulong ReadInfo(HsmModule module, ulong slot, out HsmTokenInfo? token)
    {
        byte[] info = new byte[HsmTokenInfo.Bytes];
        ulong answer;
        fixed (byte* to = info)
            answer = module.GetTokenInfo(slot, to);
        token = answer == Ck.OK ? HsmTokenInfo.Read(slot, info) : null;
        return answer;
    }

    public void Dispose()
    {
        if (_sessions.IsValueCreated)
            _sessions.Value.Dispose();
        _module.Dispose();
    }
}
