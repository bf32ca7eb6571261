using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Cli.Commands;

/// <content>Keys that live in the TPM.</content>
internal static partial class KeyCommand
{
    private static int ShowTpm(CliContext context, string name, bool json)
    {
        TpmKeyFile file = TpmKeys.Read(context, name);
        using PublicKey key = file.ToPublicKey(name);
        if (json)
            context.Out.WriteLine(Json(writer => WriteTpm(writer, name, file, key)));
        else
            WriteRows(context, [(Catalogue.KeyLabelKey, name), .. RowsOf(key), (Catalogue.KeyLabelCreated, StoredKey.Written(file.Created)), (Catalogue.KeyLabelPcrs, file.Selection.ToString())]);
        return ExitCode.Done;
    }

    /// <summary>What the list has of a key in the TPM. Its state is told by using it: a list asks no TPM.</summary>
    private static string[] RowTpm(CliContext context, string name)
    {
        TpmKeyFile file = TpmKeys.Read(context, name);
        using PublicKey key = file.ToPublicKey(name);
        return [name, "", key.Algorithm.Word(), StoredKey.Written(file.Created)[..10], key.Id[..16], Catalogue.KeyStateTpm.In(context.Language, file.Selection.ToString())];
    }

    private static void WriteTpm(Utf8JsonWriter json, string name, TpmKeyFile file, PublicKey key)
    {
        json.WriteString("name", name);
        json.WriteString("algorithm", key.Algorithm.Word());
        json.WriteString("id", key.Id);
        json.WriteString("fingerprint", FingerprintOf(key.Id));
        json.WriteString("created", StoredKey.Written(file.Created));
        json.WriteString("pcrs", file.Selection.ToString());
    }
}
