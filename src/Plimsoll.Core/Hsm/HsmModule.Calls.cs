namespace Plimsoll.Hsm;

/// <content>The functions that are used, each with its place in CK_FUNCTION_LIST. All answer a CK_RV.</content>
internal sealed unsafe partial class HsmModule
{
    public ulong GetSlotList(bool withToken, ulong* slots, ulong* count) =>
        ((delegate* unmanaged[Cdecl]<byte, ulong*, ulong*, ulong>)Function(4, "C_GetSlotList"))(withToken ? (byte)1 : (byte)0, slots, count);

    public ulong GetTokenInfo(ulong slot, byte* info) =>
        ((delegate* unmanaged[Cdecl]<ulong, byte*, ulong>)Function(6, "C_GetTokenInfo"))(slot, info);

    public ulong GetMechanismInfo(ulong slot, ulong type, CkMechanismInfo* info) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong, CkMechanismInfo*, ulong>)Function(8, "C_GetMechanismInfo"))(slot, type, info);

    public ulong OpenSession(ulong slot, ulong flags, ulong* session) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong, void*, void*, ulong*, ulong>)Function(12, "C_OpenSession"))(slot, flags, null, null, session);

    public ulong CloseSession(ulong session) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong>)Function(13, "C_CloseSession"))(session);

    public ulong GetSessionInfo(ulong session, ulong* info) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong*, ulong>)Function(15, "C_GetSessionInfo"))(session, info);

    public ulong Login(ulong session, ulong user, byte* pin, ulong length) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong, byte*, ulong, ulong>)Function(18, "C_Login"))(session, user, pin, length);

    public ulong CreateObject(ulong session, CkAttribute* template, ulong count, ulong* handle) =>
        ((delegate* unmanaged[Cdecl]<ulong, CkAttribute*, ulong, ulong*, ulong>)Function(20, "C_CreateObject"))(session, template, count, handle);

    public ulong DestroyObject(ulong session, ulong handle) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong, ulong>)Function(22, "C_DestroyObject"))(session, handle);

    public ulong GetAttributeValue(ulong session, ulong handle, CkAttribute* template, ulong count) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong, CkAttribute*, ulong, ulong>)Function(24, "C_GetAttributeValue"))(session, handle, template, count);

    public ulong FindObjectsInit(ulong session, CkAttribute* template, ulong count) =>
        ((delegate* unmanaged[Cdecl]<ulong, CkAttribute*, ulong, ulong>)Function(26, "C_FindObjectsInit"))(session, template, count);

    public ulong FindObjects(ulong session, ulong* handles, ulong max, ulong* count) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong*, ulong, ulong*, ulong>)Function(27, "C_FindObjects"))(session, handles, max, count);

    public ulong FindObjectsFinal(ulong session) =>
        ((delegate* unmanaged[Cdecl]<ulong, ulong>)Function(28, "C_FindObjectsFinal"))(session);

    public ulong DecryptInit(ulong session, CkMechanism* mechanism, ulong key) =>
        ((delegate* unmanaged[Cdecl]<ulong, CkMechanism*, ulong, ulong>)Function(33, "C_DecryptInit"))(session, mechanism, key);

    public ulong Decrypt(ulong session, byte* data, ulong length, byte* to, ulong* toLength) =>
        ((delegate* unmanaged[Cdecl]<ulong, byte*, ulong, byte*, ulong*, ulong>)Function(34, "C_Decrypt"))(session, data, length, to, toLength);

    public ulong SignInit(ulong session, CkMechanism* mechanism, ulong key) =>
        ((delegate* unmanaged[Cdecl]<ulong, CkMechanism*, ulong, ulong>)Function(42, "C_SignInit"))(session, mechanism, key);

    public ulong Sign(ulong session, byte* data, ulong length, byte* to, ulong* toLength) =>
        ((delegate* unmanaged[Cdecl]<ulong, byte*, ulong, byte*, ulong*, ulong>)Function(43, "C_Sign"))(session, data, length, to, toLength);

    public ulong GenerateKey(ulong session, CkMechanism* mechanism, CkAttribute* template, ulong count, ulong* key) =>
        ((delegate* unmanaged[Cdecl]<ulong, CkMechanism*, CkAttribute*, ulong, ulong*, ulong>)Function(58, "C_GenerateKey"))(session, mechanism, template, count, key);

    public ulong GenerateKeyPair(ulong session, CkMechanism* mechanism, CkAttribute* open, ulong openCount, CkAttribute* secret, ulong secretCount, ulong* openKey, ulong* secretKey) =>
        ((delegate* unmanaged[Cdecl]<ulong, CkMechanism*, CkAttribute*, ulong, CkAttribute*, ulong, ulong*, ulong*, ulong>)Function(59, "C_GenerateKeyPair"))(
            session, mechanism, open, openCount, secret, secretCount, openKey, secretKey);

    public ulong WrapKey(ulong session, CkMechanism* mechanism, ulong wrapping, ulong key, byte* to, ulong* toLength) =>
        ((delegate* unmanaged[Cdecl]<ulong, CkMechanism*, ulong, ulong, byte*, ulong*, ulong>)Function(60, "C_WrapKey"))(session, mechanism, wrapping, key, to, toLength);

    public ulong UnwrapKey(ulong session, CkMechanism* mechanism, ulong unwrapping, byte* data, ulong length, CkAttribute* template, ulong count, ulong* key) =>
        ((delegate* unmanaged[Cdecl]<ulong, CkMechanism*, ulong, byte*, ulong, CkAttribute*, ulong, ulong*, ulong>)Function(61, "C_UnwrapKey"))(
            session, mechanism, unwrapping, data, length, template, count, key);
}
