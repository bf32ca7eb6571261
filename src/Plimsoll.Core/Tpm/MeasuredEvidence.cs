using System.Security.Cryptography;
using System.Text.Json;
using Plimsoll.Measure;
using Plimsoll.Sign;

namespace Plimsoll.Tpm;

/// <summary>A list of measured images in a quote, with what the TPM says of the index that it leads to.</summary>
/// <param name="List">Of a PCR the quote itself holds the value.</param>
/// <param name="Index">A TPMS_NV_PUBLIC; empty for a PCR.</param>
/// <param name="Attest">What TPM2_NV_Certify gave, a TPMS_ATTEST with the quote's nonce; empty for a PCR.</param>
/// <param name="Signature">A TPMT_SIGNATURE of the quote's attestation key over it; empty for a PCR.</param>
public sealed record MeasuredEvidence(MeasuredList List, ReadOnlyMemory<byte> Index, ReadOnlyMemory<byte> Attest, ReadOnlyMemory<byte> Signature)
{
    /// <summary>Lists of one quote.</summary>
    public const int MaxLists = 2;

    internal void Write(CanonicalJson json)
    {
        json.BeginObject().Bytes("list", List.ToBytes());
        if (List.Target.IsNv)
            json.Bytes("index", Index).Bytes("attest", Attest).Bytes("signature", Signature);
        json.EndObject();
    }

    internal static IReadOnlyList<MeasuredEvidence> Read(JsonElement root)
    {
        List<MeasuredEvidence> read = [];
        if (root.TryGetProperty("measured", out JsonElement array))
            foreach (JsonElement one in array.EnumerateArray())
            {
                if (read.Count >= MaxLists)
                    throw new FormatException($"more than {MaxLists} lists of measured images");
                MeasuredList list = MeasuredList.Parse(one.Bytes("list", MeasuredList.MaxBytes), $"list {read.Count + 1} of measured images");
                if (read.Exists(r => r.List.Target == list.Target))
                    throw new FormatException($"two lists of {list.Target}");
                read.Add(list.Target.IsNv
                    ? new MeasuredEvidence(list, one.Bytes("index", NvPublic.MaxBytes), one.Bytes("attest", Attestation.MaxBytes), one.Bytes("signature", TpmSignature.MaxBytes))
                    : new MeasuredEvidence(list, default, default, default));
            }
        return read;
    }
}

/// <summary>Whether the lists of measured images in a quote lead to what the TPM signed, and whether the images are those that are known.</summary>
internal static class MeasuredCheck
{
    /// <param name="statement">The quote's own, already found good.</param>
    /// <returns>Those that lead to it.</returns>
    public static IReadOnlyList<MeasuredList> Judge(QuoteFile file, Attestation statement, QuoteDemand demand, List<QuoteFault> faults)
    {
        List<MeasuredList> good = [];
        foreach (ExtendTarget wanted in demand.NeedsMeasured.Where(n => !file.Measured.Any(m => m.List.Target == n)))
            faults.Add(new(QuoteReason.MeasuredDiffers, $"{wanted}: there is no list of measured images that leads to it"));
        if (file.Measured.Count == 0 && demand.NeedsMeasured.Count == 0 && demand.Measurements is not null)
            faults.Add(new(QuoteReason.MeasuredDiffers, "there is no list of measured images"));
        foreach (MeasuredEvidence evidence in file.Measured)
        {
            int before = faults.Count;
            try
            {
                if (evidence.List.Target.IsNv)
                    Index(file, statement, evidence, faults);
                else
                    Pcr(file, statement, evidence.List, faults);
            }
            catch (TpmException e)
            {
                faults.Add(new(QuoteReason.MeasuredDiffers, $"{evidence.List.Target}: {e.Message}"));
            }
            // What a list says that leads nowhere is nobody's word.
            if (faults.Count != before)
                continue;
            good.Add(evidence.List);
            if (demand.Previous is { } previous)
                Follows(evidence.List, previous, statement, faults);
            if (demand.Measurements is { } known)
                Known(evidence.List, known, faults);
        }
        if (demand.Previous is { } earlier)
            foreach (MeasuredEvidence had in earlier.Measured.Where(m => Lasts(m.List.Target, earlier, statement) && !file.Measured.Any(f => f.List.Target == m.List.Target)))
                faults.Add(new(QuoteReason.RolledBack, $"{had.List.Target}: there is no list; seen before: {had.List.Entries.Count} entries"));
        return good;
    }

    private static void Index(QuoteFile file, Attestation statement, MeasuredEvidence evidence, List<QuoteFault> faults)
    {
        ExtendTarget target = evidence.List.Target;
        NvPublic index = NvPublic.Parse(evidence.Index.Span);
        Attestation said = Attestation.Parse(evidence.Attest.Span);
        if (!TpmSignature.Parse(evidence.Signature.Span).Verify(file.AttestationKey, evidence.Attest.Span))
            faults.Add(new(QuoteReason.WrongSignature, $"{target}: the signature is not the attestation key's"));
        else if (said.Kind != AttestationKind.Nv || index.Index != target.Number || !said.NvName.Span.SequenceEqual(index.Name.Span) || said.NvOffset != 0 || said.NvContents.Length != index.NameAlgorithm.Size())
            faults.Add(new(QuoteReason.MeasuredDiffers, $"{target}: what the TPM signed is not about this index"));
        else if (!CryptographicOperations.FixedTimeEquals(said.ExtraData.Span, statement.ExtraData.Span))
            faults.Add(new(QuoteReason.WrongNonce, $"{target}: signed with another nonce than the quote"));
        else if (said.ResetCount != statement.ResetCount || said.RestartCount != statement.RestartCount)
            faults.Add(new(QuoteReason.RolledBack, $"{target}: signed in boot {said.ResetCount}, the quote in boot {statement.ResetCount}"));
        else if (FaultOf(index) is { } fault)
            faults.Add(new(QuoteReason.ResettableIndex, $"{target}: {fault}"));
        else
            Leads(evidence.List, index.NameAlgorithm, said.NvContents.Span, faults);
    }

    /// <summary>Why an index is no evidence; null when all that it can do is to take more in.</summary>
    public static string? FaultOf(NvPublic index) =>
        (index.Attributes & NvAttributes.TypeMask) != NvAttributes.Extend ? "the NV index is not of type extend: whoever may write it can write any value"
        : (index.Attributes & NvAttributes.ClearAtStart) != NvAttributes.None ? "the NV index starts anew with each boot (TPMA_NV_CLEAR_STCLEAR)"
        : (index.Attributes & NvAttributes.Orderly) != NvAttributes.None ? "the NV index is lost when power fails (TPMA_NV_ORDERLY)"
        : index.Size != index.NameAlgorithm.Size() ? $"the NV index has {index.Size} bytes; {index.NameAlgorithm.Word()} has {index.NameAlgorithm.Size()}"
        : null;

    private static void Pcr(QuoteFile file, Attestation statement, MeasuredList list, List<QuoteFault> faults)
    {
        int pcr = (int)list.Target.Number;
        TpmAlgorithm[] banks = [.. statement.Selection!.Pcrs().Where(p => p.Index == pcr).Select(p => p.Bank)];
        if (banks.Length == 0)
            faults.Add(new(QuoteReason.MeasuredDiffers, $"{list.Target}: the PCR is not in the quote"));
        foreach (TpmAlgorithm bank in banks)
            Leads(list, bank, file.Pcrs.Find(bank, pcr), faults);
    }

    private static void Leads(MeasuredList list, TpmAlgorithm hash, ReadOnlySpan<byte> wanted, List<QuoteFault> faults)
    {
        (byte[] value, int wrong) = list.Replay(hash);
        if (wrong == 0 && wanted.SequenceEqual(value))
            return;
        if (wrong > 0)
            faults.Add(new(QuoteReason.MeasuredDiffers, $"{list.Target}: {list.Entries[wrong - 1].Words(wrong)} is not what was extended after {(wrong == 1 ? "the start" : $"entry {wrong - 1}")}: it was changed, moved, or one before it is missing"));
        else
            faults.Add(new(QuoteReason.MeasuredDiffers, $"{list.Target}: the list leads to {Convert.ToHexStringLower(value)} after {(list.Entries.Count == 0 ? "no entry" : list.Entries[^1].Words(list.Entries.Count))}; signed is {Convert.ToHexStringLower(wanted)}: entries behind it are missing, or all were made anew"));
    }

    /// <summary>Whether what was extended then is still there now: an index keeps its value, a PCR until the next boot.</summary>
    private static bool Lasts(ExtendTarget target, QuoteFile previous, Attestation statement) =>
        target.IsNv || Attestation.Parse(previous.Attest.Span) is { } before && before.ResetCount == statement.ResetCount;

    private static void Follows(MeasuredList list, QuoteFile previous, Attestation statement, List<QuoteFault> faults)
    {
        if (!Lasts(list.Target, previous, statement) || previous.Measured.FirstOrDefault(m => m.List.Target == list.Target)?.List is not { } before)
            return;
        for (int i = 0; i < before.Entries.Count; i++)
            if (i >= list.Entries.Count || !list.Entries[i].Template().AsSpan().SequenceEqual(before.Entries[i].Template()))
            {
                faults.Add(new(QuoteReason.RolledBack, $"{list.Target}: {before.Entries[i].Words(i + 1)} was seen before and is {(i >= list.Entries.Count ? "not in the list" : "another now")}: the index was removed and made anew"));
                return;
            }
    }

    private static void Known(MeasuredList list, IReadOnlyList<Measurement> known, List<QuoteFault> faults)
    {
        for (int i = 0; i < list.Entries.Count; i++)
        {
            MeasuredEntry entry = list.Entries[i];
            Measurement[] candidates = [.. known.Where(k => k.Config == entry.Image)];
            if (candidates.Length == 0)
                faults.Add(new(QuoteReason.ImageUnknown, $"{list.Target}: {entry.Words(i + 1)}: the image {entry.Image} is among no measurement that was given"));
            else if (!candidates.Any(c => c.Layers.Count == entry.Layers && c.Layers[entry.Layer - 1] is { } layer && layer.DiffId == entry.DiffId && layer.Value == entry.Value))
                faults.Add(new(QuoteReason.ImageDiffers, $"{list.Target}: {entry.Words(i + 1)} measured {entry.Value}; wanted {(candidates[0].Layers.Count == entry.Layers ? candidates[0].Layers[entry.Layer - 1].Value : $"one of {candidates[0].Layers.Count} layers")}"));
            else
                continue;
            // The layers of an image that nobody knows say nothing new one by one.
            while (i + 1 < list.Entries.Count && list.Entries[i + 1].Image == entry.Image)
                i++;
            if (faults.Count >= MaxFaults)
                return;
        }
    }

    /// <summary>Faults of one quote; a hostile list could name thousands.</summary>
    private const int MaxFaults = 100;
}
