using Plimsoll.Measure;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Tpm;

/// <summary>What an image's extension came to.</summary>
/// <param name="Extended">Layers that were extended now; 0 when the image stands in the list already.</param>
/// <param name="Entries">Of the list.</param>
public sealed record Extension(ExtendTarget Target, int Extended, int Entries);

/// <summary>
/// Extends measurements of images and keeps the lists of what was extended, one file for each index or PCR. An entry is written before it is
/// extended, so that a host which loses power in between has one entry too many, which is seen and taken back, and never one too few, which
/// nobody could make good.
/// </summary>
/// <param name="folder">Holds <c>nv-01805001.list</c>, <c>pcr-14.list</c>. Safe for several processes.</param>
public sealed class MeasuredStore(string folder)
{
    /// <summary>How long another process is waited for.</summary>
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(10);

    private const NvAttributes Ours = NvAttributes.Extend | NvAttributes.OwnerWrite | NvAttributes.AuthWrite | NvAttributes.OwnerRead | NvAttributes.AuthRead | NvAttributes.NoDictionaryAttack;

    /// <summary>Hash of an index that is made here.</summary>
    private const TpmAlgorithm IndexHash = TpmAlgorithm.Sha384;

    /// <summary>Those that there is a list of, in the order of their names.</summary>
    public IReadOnlyList<ExtendTarget> Targets()
    {
        if (!Directory.Exists(folder))
            return [];
        List<ExtendTarget> targets = [];
        foreach (string path in Directory.EnumerateFiles(folder, "*.list").Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            try
            {
                targets.Add(name.StartsWith("nv-", StringComparison.Ordinal) ? ExtendTarget.OfIndex("0x" + name[3..]) : ExtendTarget.OfPcr(name.StartsWith("pcr-", StringComparison.Ordinal) ? name[4..] : ""));
            }
            catch (FormatException)
            {
                // Not a file of ours.
            }
        }
        return targets;
    }

    /// <summary>The list of a target; empty when there is none.</summary>
    /// <exception cref="TpmException">Malformed.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public MeasuredList Read(ExtendTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        string path = PathOf(target);
        if (!File.Exists(path))
            return new MeasuredList(target, []);
        byte[] bytes = SmallFile.ReadRegular(path, MeasuredList.MaxBytes) ?? throw TpmException.Malformed($"{Escape.ForTerminal(path)}: no file of at most {MeasuredList.MaxBytes} bytes");
        // A line that was cut short by a loss of power was not extended yet.
        int whole = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        if (whole == 0)
            return new MeasuredList(target, []);
        MeasuredList list = MeasuredList.Parse(bytes.AsMemory(0, whole), Escape.ForTerminal(path));
        return list.Target == target ? list : throw TpmException.Malformed($"{Escape.ForTerminal(path)}: it is the list of {list.Target}");
    }

    /// <summary>Extends each layer's value, base layer first, unless the whole image was extended before.</summary>
    /// <exception cref="TpmException">
    /// Malformed: the index or PCR does not hold what the list leads to, so that nothing that follows could be proved; Unsupported: the index is
    /// no evidence, the list is full, or the image has no layers; and whatever the TPM says.
    /// </exception>
    public Extension Extend(TpmClient tpm, ExtendTarget target, Measurement measurement, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tpm);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(measurement);
        if (measurement.Layers.Count == 0)
            throw new TpmException(TpmError.Unsupported, $"image {measurement.Config} has no layers: there is nothing to extend");
        Directory.CreateDirectory(folder, DurableFile.OwnerOnly | UnixFileMode.UserExecute);
        using FileStream alone = DurableFile.Lock(Path.Combine(folder, ".lock"), LockPatience, cancellationToken, DurableFile.OwnerOnly);
        MeasuredList kept = Read(target);
        Place place = target.IsNv ? Index(tpm, kept, cancellationToken) : Pcr(tpm, target, cancellationToken);
        MeasuredList list = Settle(kept, place);
        if (list.Has(measurement))
            return new Extension(target, 0, list.Entries.Count);
        if (list.Entries.Count + measurement.Layers.Count > MeasuredList.MaxEntries)
            throw new TpmException(TpmError.Unsupported, $"{target}: its list has {list.Entries.Count} entries; at most {MeasuredList.MaxEntries} go into one (MaxEntries)", target.IsNv ? "another index starts a new list: --tpm-nv" : "it starts anew with the next boot");
        // What a loss of power left of a line goes.
        if (!File.Exists(PathOf(target)) || new FileInfo(PathOf(target)).Length != list.ToBytes().Length)
            Replace(list);
        using FileStream file = new(PathOf(target), new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.Read, UnixCreateMode = DurableFile.OwnerOnly, BufferSize = 0 });
        for (int i = 0; i < measurement.Layers.Count; i++)
        {
            LayerMeasurement layer = measurement.Layers[i];
            MeasuredEntry entry = new(measurement.Config, i + 1, measurement.Layers.Count, layer.DiffId, layer.Value, []);
            entry = entry with { After = [.. place.Values.Select(v => (v.Hash, Next(v.Hash, v.Value, entry)))] };
            file.Write(MeasuredList.Line(entry));
            file.Flush(flushToDisk: true);
            place.Extend(entry);
            place = place with { Values = entry.After };
        }
        if (!place.Read().SequenceEqual(place.Values, SameValue))
            throw LeadsNowhere(target);
        return new Extension(target, measurement.Layers.Count, list.Entries.Count + measurement.Layers.Count);
    }

    private static readonly IEqualityComparer<(TpmAlgorithm Hash, ReadOnlyMemory<byte> Value)> SameValue =
        EqualityComparer<(TpmAlgorithm Hash, ReadOnlyMemory<byte> Value)>.Create((a, b) => a.Hash == b.Hash && a.Value.Span.SequenceEqual(b.Value.Span), _ => 0);

    private static ReadOnlyMemory<byte> Next(TpmAlgorithm hash, ReadOnlyMemory<byte> before, MeasuredEntry entry)
    {
        byte[] value = before.ToArray();
        MeasuredList.Extend(hash, value, entry);
        return value;
    }

    /// <summary>Where values go: an index or a PCR, and what it holds now by hash.</summary>
    private sealed record Place(IReadOnlyList<(TpmAlgorithm Hash, ReadOnlyMemory<byte> Value)> Values, bool StartsWithEachBoot, Action<MeasuredEntry> Extend, Func<IReadOnlyList<(TpmAlgorithm Hash, ReadOnlyMemory<byte> Value)>> Read)
    {
        public bool IsNew => Values.All(v => !v.Value.Span.ContainsAnyExcept((byte)0));
    }

    private static Place Index(TpmClient tpm, MeasuredList kept, CancellationToken cancellationToken)
    {
        ExtendTarget target = kept.Target;
        // An index that is gone while there is a list of it is not made anew: that would hide its removal.
        NvPublic index = tpm.FindNv(target.Number, cancellationToken) is { } there ? there : kept.Entries.Count > 0 ? throw Gone(kept) : tpm.DefineNv(target.Number, IndexHash, Ours, IndexHash.Size(), cancellationToken);
        if (MeasuredCheck.FaultOf(index) is { } fault)
            throw new TpmException(TpmError.Unsupported, $"{target}: {fault}; what is extended there is no evidence", "--tpm-nv names another index, which is made");
        return new Place(Values(), StartsWithEachBoot: false, entry =>
        {
            tpm.ExtendNv(index, index.NameAlgorithm.Of(entry.Template()), cancellationToken);
            // Its name changes when it is first written.
            if (!index.Attributes.HasFlag(NvAttributes.Written))
                index = tpm.FindNv(target.Number, cancellationToken) ?? throw TpmException.Malformed($"{target} is gone");
        }, Values);

        IReadOnlyList<(TpmAlgorithm, ReadOnlyMemory<byte>)> Values() =>
            [(index.NameAlgorithm, index.Attributes.HasFlag(NvAttributes.Written) ? tpm.ReadNv(index, cancellationToken) : new byte[index.Size])];
    }

    private static Place Pcr(TpmClient tpm, ExtendTarget target, CancellationToken cancellationToken)
    {
        int pcr = (int)target.Number;
        // Every bank: one that was left out could be extended later to whatever value somebody likes to show.
        PcrSelection all = PcrSelection.Of([.. tpm.Banks(cancellationToken).Banks.Where(b => (b.Mask >> pcr & 1) == 1).Select(b => (b.Bank, 1u << pcr))]);
        if (all.Banks.FirstOrDefault(b => b.Bank.Size() == 0) is { Mask: not 0 } unknown)
            throw new TpmException(TpmError.Unsupported, $"{target}: the TPM has a bank of the unknown hash {unknown.Bank.Word()}, which could not be extended with the others");
        if (all.Banks.Count == 0)
            throw new TpmException(TpmError.Unsupported, $"the TPM has no PCR {pcr}");
        return new Place(Values(), StartsWithEachBoot: true, entry =>
            tpm.ExtendPcr(pcr, [.. all.Banks.Select(b => (b.Bank, (ReadOnlyMemory<byte>)b.Bank.Of(entry.Template())))], cancellationToken), Values);

        IReadOnlyList<(TpmAlgorithm, ReadOnlyMemory<byte>)> Values() => [.. tpm.ReadPcrs(all, cancellationToken).All.Select(v => (v.Bank, v.Value))];
    }

    /// <summary>Brings the list and the TPM together: takes back an entry that was not extended any more, and starts anew after a boot.</summary>
    private MeasuredList Settle(MeasuredList list, Place place)
    {
        (TpmAlgorithm hash, ReadOnlyMemory<byte> now) = place.Values[0];
        if (list.Entries.Count == 0 && place.IsNew)
            return list;
        MeasuredList? led = list.UpTo(hash, now.Span);
        if (led is not null && led.Entries.Count > 0 && led.Entries.Count >= list.Entries.Count - 1)
        {
            // All of it, or all but the last entry: power was lost between writing and extending that one.
            if (led.Entries.Count < list.Entries.Count)
                Replace(led);
            return led;
        }
        if (place.IsNew && (place.StartsWithEachBoot || list.Entries.Count == 1))
        {
            if (list.Entries.Count > 1)
                File.Move(PathOf(list.Target), PathOf(list.Target) + ".before", overwrite: true);
            else
                File.Delete(PathOf(list.Target));
            return list with { Entries = [] };
        }
        throw place.IsNew
            ? Gone(list)
            : LeadsNowhere(list.Target);
    }

    internal static TpmException Gone(MeasuredList list) =>
        TpmException.Malformed($"{list.Target} is not there or new, and its list has {list.Entries.Count} entries: the index was removed, or this is another TPM");

    /// <summary>Something else was extended, or the list was changed: from here on nothing can be proved.</summary>
    internal static TpmException LeadsNowhere(ExtendTarget target) =>
        TpmException.Malformed($"{target} does not hold what the list of measured images leads to: the list was changed, or something else was extended");

    private void Replace(MeasuredList list) => DurableFile.Write(PathOf(list.Target), list.ToBytes(), DurableFile.OwnerOnly);

    private string PathOf(ExtendTarget target) => Path.Combine(folder, target.FileName);
}
