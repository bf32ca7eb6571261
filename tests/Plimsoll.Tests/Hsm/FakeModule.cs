using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Hsm;

namespace Plimsoll.Tests.Hsm;

/// <summary>
/// A PKCS#11 module in this process that answers what a test wants, also what no sound module would: one slot, one EC pair (objects 1 and 2). One at a
/// time.
/// </summary>
internal sealed unsafe class FakeModule : IDisposable
{
    private const int Functions = 68;
    private static FakeModule? _current;
    private readonly byte* _list = (byte*)NativeMemory.AllocZeroed(8 + (Functions * 8));

    public FakeModule()
    {
        _current = this;
        _list[0] = 2;
        _list[1] = 40;
        (byte[] parameters, _, byte[] wrapped) = HsmPublicKeyTests.Forms(Key);
        Attributes = new()
        {
            [(1, Ck.CKA_KEY_TYPE)] = BitConverter.GetBytes(Ck.CKK_EC),
            [(1, Ck.CKA_EC_PARAMS)] = parameters,
            [(1, Ck.CKA_EC_POINT)] = wrapped,
            [(1, Ck.CKA_LABEL)] = "ops"u8.ToArray(),
            [(1, Ck.CKA_ID)] = [7],
            [(2, Ck.CKA_KEY_TYPE)] = BitConverter.GetBytes(Ck.CKK_EC),
            [(2, Ck.CKA_LABEL)] = "ops"u8.ToArray(),
            [(2, Ck.CKA_ID)] = [7],
            [(2, Ck.CKA_SIGN)] = [1],
            [(2, Ck.CKA_SENSITIVE)] = [1],
            [(2, Ck.CKA_EXTRACTABLE)] = [0],
        };
        Set(0, (delegate* unmanaged[Cdecl]<void*, ulong>)&Initialize);
        Set(1, (delegate* unmanaged[Cdecl]<void*, ulong>)&Finish);
        Set(4, (delegate* unmanaged[Cdecl]<byte, ulong*, ulong*, ulong>)&GetSlotList);
        Set(6, (delegate* unmanaged[Cdecl]<ulong, byte*, ulong>)&GetTokenInfo);
        Set(8, (delegate* unmanaged[Cdecl]<ulong, ulong, CkMechanismInfo*, ulong>)&GetMechanismInfo);
        Set(12, (delegate* unmanaged[Cdecl]<ulong, ulong, void*, void*, ulong*, ulong>)&OpenSession);
        Set(13, (delegate* unmanaged[Cdecl]<ulong, ulong>)&CloseSession);
        Set(15, (delegate* unmanaged[Cdecl]<ulong, ulong*, ulong>)&GetSessionInfo);
        Set(18, (delegate* unmanaged[Cdecl]<ulong, ulong, byte*, ulong, ulong>)&Login);
        Set(24, (delegate* unmanaged[Cdecl]<ulong, ulong, CkAttribute*, ulong, ulong>)&GetAttributeValue);
        Set(26, (delegate* unmanaged[Cdecl]<ulong, CkAttribute*, ulong, ulong>)&FindObjectsInit);
        Set(27, (delegate* unmanaged[Cdecl]<ulong, ulong*, ulong, ulong*, ulong>)&FindObjects);
        Set(28, (delegate* unmanaged[Cdecl]<ulong, ulong>)&FindObjectsFinal);
        Set(42, (delegate* unmanaged[Cdecl]<ulong, CkMechanism*, ulong, ulong>)&SignInit);
        Set(43, (delegate* unmanaged[Cdecl]<ulong, byte*, ulong, byte*, ulong*, ulong>)&Sign);
        void Set(int index, void* function) => ((nint*)(_list + 8))[index] = (nint)function;
    }

    public ECDsa Key { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>What signs; another one than <see cref="Key"/> is a token whose halves do not belong together.</summary>
    public ECDsa? SigningKey { get; set; }
    public Dictionary<(ulong Handle, ulong Type), byte[]> Attributes { get; }

    /// <summary>Lengths that are answered in place of the real ones: at the first call, and at the second, which fills.</summary>
    public Dictionary<(ulong Handle, ulong Type), (ulong First, ulong Second)> Lengths { get; } = [];

    /// <summary>CK_RV in place of CKR_OK, by the function's name.</summary>
    public Dictionary<string, ulong> Answers { get; } = [];
    public Dictionary<ulong, ulong> Mechanisms { get; } = new() { [Ck.CKM_ECDSA] = Ck.CKF_SIGN };
    public ulong Flags { get; set; } = Ck.CKF_TOKEN_INITIALIZED | Ck.CKF_LOGIN_REQUIRED | Ck.CKF_USER_PIN_INITIALIZED;
    public string Label { get; set; } = "fake";
    public string Serial { get; set; } = "0001";
    public ulong MaxSessions { get; set; }
    public string Pin { get; set; } = "1234";
    public ulong Slots { get; set; } = 1;
    public ulong? SlotsAtSecondCall { get; set; }
    public ulong? FoundCount { get; set; }
    public bool EndlessObjects { get; set; }
    public ulong? SignatureLength { get; set; }

    public List<string> Pins { get; } = [];
    public int Opened { get; private set; }
    public int Closed { get; private set; }
    public int Finished { get; private set; }
    public ulong LastMechanism { get; private set; }
    public ulong LastInputLength { get; private set; }
    private bool LoggedIn { get; set; }
    private Queue<ulong> Found { get; } = [];

    public HsmModule Open() => new("/fake/module.so", _list);

    /// <summary>Leaves a function out, as a module may.</summary>
    public void Without(int index) => ((nint*)(_list + 8))[index] = 0;

    public void WithVersion(byte major) => _list[0] = major;

    public void Dispose()
    {
        _current = null;
        Key.Dispose();
        NativeMemory.Free(_list);
    }

    private static FakeModule Now => _current!;

    private static ulong Answer(string name) => Now.Answers.GetValueOrDefault(name);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong Initialize(void* arguments) => Answer("C_Initialize");

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong Finish(void* reserved)
    {
        Now.Finished++;
        Now.LoggedIn = false;
        return Ck.OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong GetSlotList(byte present, ulong* slots, ulong* count)
    {
        if (slots is not null)
            for (ulong i = 0; i < Math.Min(*count, Now.Slots); i++)
                slots[i] = i;
        *count = slots is null ? Now.Slots : Now.SlotsAtSecondCall ?? Now.Slots;
        return Answer("C_GetSlotList");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong GetTokenInfo(ulong slot, byte* info)
    {
        new Span<byte>(info, 96).Fill((byte)' ');
        Encoding.UTF8.GetBytes(Now.Label).CopyTo(new Span<byte>(info, 32));
        Encoding.UTF8.GetBytes(Now.Serial).CopyTo(new Span<byte>(info + 80, 16));
        *(ulong*)(info + 96) = Now.Flags;
        *(ulong*)(info + 104) = Now.MaxSessions;
        return Answer("C_GetTokenInfo");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong GetMechanismInfo(ulong slot, ulong type, CkMechanismInfo* info)
    {
        info->Flags = Now.Mechanisms.GetValueOrDefault(type);
        return Now.Mechanisms.ContainsKey(type) ? Ck.OK : Ck.MECHANISM_INVALID;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong OpenSession(ulong slot, ulong flags, void* application, void* notify, ulong* session)
    {
        lock (Now)
            *session = (ulong)++Now.Opened;
        return Answer("C_OpenSession");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong CloseSession(ulong session)
    {
        lock (Now)
            Now.Closed++;
        return Ck.OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong GetSessionInfo(ulong session, ulong* info)
    {
        info[1] = Now.LoggedIn ? 1UL : 0;
        return Answer("C_GetSessionInfo");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong Login(ulong session, ulong user, byte* pin, ulong length)
    {
        string given = Encoding.UTF8.GetString(pin, (int)length);
        Now.Pins.Add(user == Ck.CKU_USER ? given : "again " + given);
        if (Now.Answers.TryGetValue("C_Login", out ulong answer))
            return answer;
        Now.LoggedIn = given == Now.Pin;
        return Now.LoggedIn ? Ck.OK : Ck.PIN_INCORRECT;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong GetAttributeValue(ulong session, ulong handle, CkAttribute* template, ulong count)
    {
        if (Now.Answers.TryGetValue("C_GetAttributeValue", out ulong answer))
            return answer;
        if (!Now.Attributes.TryGetValue((handle, template->Type), out byte[]? value))
        {
            template->Length = Ck.Unavailable;
            return Ck.ATTRIBUTE_TYPE_INVALID;
        }
        bool lies = Now.Lengths.TryGetValue((handle, template->Type), out (ulong First, ulong Second) lengths);
        if (template->Value is not null)
            value.AsSpan(0, Math.Min(value.Length, (int)template->Length)).CopyTo(new Span<byte>(template->Value, (int)template->Length));
        template->Length = !lies ? (ulong)value.Length : template->Value is null ? lengths.First : lengths.Second;
        return Ck.OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong FindObjectsInit(ulong session, CkAttribute* template, ulong count)
    {
        Now.Found.Clear();
        ulong @class = *(ulong*)template->Value;
        foreach (ulong handle in (ulong[])[1, 2])
        {
            bool matches = @class == (handle == 1 ? Ck.CKO_PUBLIC_KEY : Ck.CKO_PRIVATE_KEY) && (handle == 1 || Now.LoggedIn);
            for (ulong i = 1; matches && i < count; i++)
                matches = Now.Attributes.TryGetValue((handle, template[i].Type), out byte[]? value) && value.AsSpan().SequenceEqual(new ReadOnlySpan<byte>(template[i].Value, (int)template[i].Length));
            if (matches)
                Now.Found.Enqueue(handle);
        }
        return Answer("C_FindObjectsInit");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong FindObjects(ulong session, ulong* handles, ulong max, ulong* count)
    {
        ulong found = 0;
        while (found < max && (Now.EndlessObjects || Now.Found.Count > 0))
            handles[found++] = Now.EndlessObjects ? 1 : Now.Found.Dequeue();
        *count = Now.FoundCount ?? found;
        return Answer("C_FindObjects");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong FindObjectsFinal(ulong session) => Ck.OK;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong SignInit(ulong session, CkMechanism* mechanism, ulong key)
    {
        Now.LastMechanism = mechanism->Type;
        return Answer("C_SignInit");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong Sign(ulong session, byte* data, ulong length, byte* to, ulong* toLength)
    {
        Now.LastInputLength = length;
        ReadOnlySpan<byte> input = new(data, (int)length);
        ECDsa key = Now.SigningKey ?? Now.Key;
        byte[] signature = Now.LastMechanism == Ck.CKM_ECDSA ? key.SignHash(input) : key.SignData(input, HashAlgorithmName.SHA256);
        signature.AsSpan(0, Math.Min(signature.Length, (int)*toLength)).CopyTo(new Span<byte>(to, (int)*toLength));
        *toLength = Now.SignatureLength ?? (ulong)signature.Length;
        return Answer("C_Sign");
    }
}
