using System.Security.Cryptography;
using System.Text;
using Plimsoll.Measure;
using Plimsoll.Tests.Measure;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Tpm;

/// <summary>Lists of measured images in evidence: what they prove, and each way to change them.</summary>
public sealed class MeasuredListTests : IDisposable
{
    private readonly QuoteBuilder _host = new();

    public void Dispose() => _host.Dispose();

    internal static Measurement One { get; } = MeasurementTests.Of("{\"one\":1}", new byte[1024], new byte[2048], new byte[512]);

    internal static Measurement Two { get; } = MeasurementTests.Of("{\"two\":2}", new byte[1024]);

    /// <summary>What a host keeps after it extended these.</summary>
    internal static MeasuredList ListOf(ExtendTarget target, TpmAlgorithm hash, params Measurement[] images)
    {
        byte[] value = new byte[hash.Size()];
        List<MeasuredEntry> entries = [];
        foreach (Measurement image in images)
            for (int i = 0; i < image.Layers.Count; i++)
            {
                MeasuredEntry entry = new(image.Config, i + 1, image.Layers.Count, image.Layers[i].DiffId, image.Layers[i].Value, []);
                MeasuredList.Extend(hash, value, entry);
                entries.Add(entry with { After = [(hash, value.ToArray())] });
            }
        return new MeasuredList(target, entries);
    }

    /// <summary>Evidence of a host that extended both images into an index.</summary>
    private QuoteFile Evidence(Func<MeasuredList, MeasuredList>? change = null, NvAttributes attributes = QuoteBuilder.ExtendIndex)
    {
        MeasuredList list = ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, One, Two);
        return _host.Build([_host.Certified(change?.Invoke(list) ?? list, list.Replay(TpmAlgorithm.Sha384).Value, attributes)]);
    }

    private void Refused(QuoteReason reason, string says, QuoteFile file, QuoteDemand? demand = null)
    {
        QuoteVerdict verdict = QuoteCheck.Judge(file, demand ?? _host.Demand, QuoteBuilder.Now);
        QuoteFault fault = Assert.Single(verdict.Faults);
        Assert.Equal(reason, fault.Reason);
        Assert.Contains(says, fault.Detail, StringComparison.Ordinal);
    }

    private static MeasuredList With(MeasuredList list, Action<List<MeasuredEntry>> change)
    {
        List<MeasuredEntry> entries = [.. list.Entries];
        change(entries);
        return list with { Entries = entries };
    }

    [Fact]
    public void Judge_ListThatLeadsToTheIndex_IsGoodAndTellsTheImages()
    {
        QuoteVerdict verdict = QuoteCheck.Judge(Evidence(), _host.Demand with { Measurements = [Two, One], NeedsMeasured = [ExtendTarget.Default] }, QuoteBuilder.Now);

        Assert.Empty(verdict.Faults);
        Assert.Equal([One.Value, Two.Value], Assert.Single(verdict.Measured).Images().Select(i => i.Value));
    }

    [Fact]
    public void Template_OfAnEntry_IsAsItsPageSays()
    {
        MeasuredEntry entry = ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, One).Entries[1];

        Assert.Equal($"plimsoll-extend-v1\nimage {One.Config}\nlayer 2/3\ndiff {One.Layers[1].DiffId}\nvalue {One.Layers[1].Value}\n", Encoding.ASCII.GetString(entry.Template()));
        byte[] first = SHA384.HashData([.. new byte[48], .. SHA384.HashData(ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, One).Entries[0].Template())]);
        Assert.Equal(SHA384.HashData([.. first, .. SHA384.HashData(entry.Template())]), entry.FindAfter(TpmAlgorithm.Sha384)!.Value.ToArray());
    }

    /// <summary>The page's own example.</summary>
    [Theory]
    [InlineData(TpmAlgorithm.Sha256, "97bf0df94bfddafb4f1e2112e658e4264c62e5175f81fa6bcbd9953b04521218")]
    [InlineData(TpmAlgorithm.Sha384, "17738a1e3c08e5e03d572fb25b928731951592d1934ffca960f4a9fb04ec81856e560d805d81dca68369cbdac25a691e")]
    public void Replay_OfThePagesVector_IsThePagesValue(TpmAlgorithm hash, string value) =>
        Assert.Equal(value, Convert.ToHexStringLower(ListOf(ExtendTarget.Default, hash, MeasurementTests.Of("{\"os\":\"linux\"}", new byte[1024], new byte[10240])).Replay(hash).Value));

    [Fact]
    public void Judge_EntryEdited_IsNamed() =>
        Refused(QuoteReason.MeasuredDiffers, "entry 2 (layer 2 of 3", Evidence(l => With(l, e => e[1] = e[1] with { Value = Two.Layers[0].Value })));

    [Fact]
    public void Judge_EntriesReordered_IsNamed() =>
        Refused(QuoteReason.MeasuredDiffers, "entry 1 ", Evidence(l => With(l, e => (e[0], e[1]) = (e[1], e[0]))));

    [Fact]
    public void Judge_EntryDropped_NamesTheOneBehindIt() =>
        Refused(QuoteReason.MeasuredDiffers, "entry 2 (layer 3 of 3", Evidence(l => With(l, e => e.RemoveAt(1))));

    [Fact]
    public void Judge_LastEntryDropped_IsRefused() =>
        Refused(QuoteReason.MeasuredDiffers, "entries behind it are missing", Evidence(l => With(l, e => e.RemoveAt(3))));

    [Fact]
    public void Judge_EntryAdded_IsRefused() =>
        Refused(QuoteReason.MeasuredDiffers, "leads to", Evidence(_ => ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, One, Two, One)));

    [Fact]
    public void Judge_ListMadeAnewAroundAnEdit_IsRefused() =>
        Refused(QuoteReason.MeasuredDiffers, "all were made anew", Evidence(_ => ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, Two, One)));

    [Fact]
    public void Judge_ListLeftOutOrOfAnotherIndex_IsRefusedWhereItIsWanted()
    {
        Refused(QuoteReason.MeasuredDiffers, "there is no list", Evidence() with { Measured = [] }, _host.Demand with { NeedsMeasured = [ExtendTarget.Default] });
        Refused(QuoteReason.MeasuredDiffers, "there is no list", Evidence() with { Measured = [] }, _host.Demand with { Measurements = [One] });
        Refused(QuoteReason.MeasuredDiffers, "nv:0x01805002", Evidence(), _host.Demand with { NeedsMeasured = [ExtendTarget.Parse("nv:0x01805002")] });
    }

    [Fact]
    public void Judge_ImageThatNobodyKnows_IsNamed() =>
        Refused(QuoteReason.ImageUnknown, $"entry 4 (layer 1 of 1 of image sha256:{Two.Config.Short}", Evidence(), _host.Demand with { Measurements = [One] });

    [Fact]
    public void Judge_NoMeasurementFound_KnowsNoImage() =>
        Assert.All(QuoteCheck.Judge(Evidence(), _host.Demand with { Measurements = [] }, QuoteBuilder.Now).Faults, f => Assert.Equal(QuoteReason.ImageUnknown, f.Reason));

    [Fact]
    public void Judge_ImageWithAnotherLayerThanSigned_IsNamed()
    {
        Measurement other = One with { Layers = [One.Layers[0], One.Layers[1] with { Content = Two.Layers[0].Content }, One.Layers[2]] };
        Refused(QuoteReason.ImageDiffers, "entry 2 (layer 2 of 3", Evidence(), _host.Demand with { Measurements = [other, Two] });
    }

    [Theory]
    [InlineData(NvAttributes.Counter, "not of type extend")]
    [InlineData(NvAttributes.None, "not of type extend")]
    [InlineData(NvAttributes.Extend | NvAttributes.ClearAtStart, "TPMA_NV_CLEAR_STCLEAR")]
    [InlineData(NvAttributes.Extend | NvAttributes.Orderly, "TPMA_NV_ORDERLY")]
    public void Judge_IndexThatCanBeSetBack_IsNoEvidence(NvAttributes attributes, string says) =>
        Refused(QuoteReason.ResettableIndex, says, Evidence(null, attributes | NvAttributes.Written));

    [Fact]
    public void Judge_IndexCertifiedForAnotherNonceBootKeyOrIndex_IsRefused()
    {
        QuoteFile file = Evidence();
        MeasuredList list = file.Measured[0].List;
        byte[] value = list.Replay(TpmAlgorithm.Sha384).Value;
        _host.Nonce = [9, 9, 9, 9];
        Refused(QuoteReason.WrongNonce, "nv:0x01805001", file with { Measured = [_host.Certified(list, value)] });
        _host.Nonce = [1, 2, 3, 4];
        _host.ResetCount--;
        Refused(QuoteReason.RolledBack, "nv:0x01805001", file with { Measured = [_host.Certified(list, value)] });
        using QuoteBuilder other = new();
        Refused(QuoteReason.WrongSignature, "nv:0x01805001", file with { Measured = [other.Certified(list, value)] });
        _host.ResetCount++;
        MeasuredEvidence elsewhere = _host.Certified(list with { Target = ExtendTarget.Parse("nv:0x01805002") }, value);
        Refused(QuoteReason.MeasuredDiffers, "not about this index", file with { Measured = [elsewhere with { List = list }] });
        // Twin of all: the same once more, made right.
        Assert.Empty(QuoteCheck.Judge(file with { Measured = [_host.Certified(list, value)] }, _host.Demand, QuoteBuilder.Now).Faults);
    }

    [Fact]
    public void Judge_IndexMadeAnewSinceTheLastEvidence_IsRolledBack()
    {
        QuoteFile before = Evidence();
        _host.Clock++;
        MeasuredList anew = ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, Two), longer = ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, One, Two, One);
        QuoteFile later = _host.Build([_host.Certified(longer, longer.Replay(TpmAlgorithm.Sha384).Value)]), reset = _host.Build([_host.Certified(anew, anew.Replay(TpmAlgorithm.Sha384).Value)]);

        Assert.Empty(QuoteCheck.Judge(later, _host.Demand with { Previous = before }, QuoteBuilder.Now).Faults);
        Refused(QuoteReason.RolledBack, "entry 1 ", reset, _host.Demand with { Previous = before });
        Refused(QuoteReason.RolledBack, "there is no list", later with { Measured = [] }, _host.Demand with { Previous = before });
    }

    [Fact]
    public void Judge_ListOfAPcr_LeadsToItsQuotedValueOrIsRefused()
    {
        ExtendTarget target = ExtendTarget.Parse("pcr:14");
        MeasuredList list = ListOf(target, TpmAlgorithm.Sha256, One);
        _host.Selection = PcrSelection.Parse("sha256:0-7,14");
        _host.Values.Set(TpmAlgorithm.Sha256, 14, list.Replay(TpmAlgorithm.Sha256).Value);
        MeasuredEvidence evidence = new(list, default, default, default);

        QuoteVerdict verdict = QuoteCheck.Judge(_host.Build([evidence]), _host.Demand with { Measurements = [One] }, QuoteBuilder.Now);
        Assert.Empty(verdict.Faults);
        Assert.Contains((TpmAlgorithm.Sha256, 14), verdict.Explained);
        Refused(QuoteReason.MeasuredDiffers, "entry 2 ", _host.Build([evidence with { List = With(list, e => e.RemoveAt(1)) }]));
        _host.Selection = PcrSelection.Parse("sha256:0-7");
        Refused(QuoteReason.MeasuredDiffers, "not in the quote", _host.Build([evidence]));
    }

    [Theory]
    [InlineData("16", "a resettable PCR is no evidence")]
    [InlineData("23", "a resettable PCR is no evidence")]
    [InlineData("17", "a resettable PCR is no evidence")]
    [InlineData("22", "a resettable PCR is no evidence")]
    [InlineData("10", "the kernel's")]
    [InlineData("7", "the firmware's")]
    [InlineData("24", "no PCR")]
    [InlineData("-1", "no PCR")]
    public void OfPcr_WhatIsNoEvidence_IsRefusedByName(string pcr, string says) =>
        Assert.Contains(says, Assert.Throws<FormatException>(() => ExtendTarget.OfPcr(pcr)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("pcr:14")]
    [InlineData("nv:0x01805001")]
    public void Parse_Target_ReadsBack(string text) => Assert.Equal(text, ExtendTarget.Parse(text).ToString());

    [Theory]
    [InlineData("nv:0x01C00002")]
    [InlineData("nv:1805001")]
    [InlineData("nv:0x")]
    [InlineData("14")]
    public void Parse_NoTarget_IsRefused(string text) => Assert.Throws<FormatException>(() => ExtendTarget.Parse(text));

    [Fact]
    public void Parse_List_ReadsBackAndNamesTheLineThatIsWrong()
    {
        MeasuredList list = ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, One, Two);
        string text = Encoding.UTF8.GetString(list.ToBytes());
        Assert.Equal(text, Encoding.UTF8.GetString(MeasuredList.Parse(list.ToBytes(), "l").ToBytes()));

        Bad(text.Replace("\"layer\":2", "\"layer\":4", StringComparison.Ordinal), "entry 2");
        Bad(text.Replace("\"layers\":1", "\"layers\":1025", StringComparison.Ordinal), "entry 4");
        Bad(text.Replace("sha384:", "sha256:", StringComparison.Ordinal), "entry 1");
        Bad(text[..^1], "line feed");
        Bad(text.Replace("nv:0x01805001", "pcr:16", StringComparison.Ordinal), "no evidence");
        Bad(text + "{}\n", "entry 5");
        Bad(text + new string(' ', MeasuredList.MaxLineBytes + 1) + "\n", "entry 5");

        static void Bad(string text, string says)
        {
            TpmException e = Assert.Throws<TpmException>(() => MeasuredList.Parse(Encoding.UTF8.GetBytes(text), "l"));
            Assert.Equal(TpmError.Malformed, e.Error);
            Assert.Contains(says, e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Images_WhoseLayersDoNotFollowEachOther_HaveNoValue()
    {
        MeasuredList list = With(ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, One, One), e => e.RemoveAt(2));

        Assert.Equal([null, One.Value], list.Images().Select(i => i.Value));
        Assert.Equal([1, 3], list.Images().Select(i => i.First));
        Assert.True(list.Has(One));
        Assert.False(list.Has(Two));
    }

    [Fact]
    public void Parse_Passwords_AreReadAndNeverSaid()
    {
        TpmPasswords read = TpmPasswords.Parse("owner=se=cret\nendorsement=hex:00ff00\n"u8);
        Assert.Equal(("se=cret", "00FF00", 0), (Encoding.UTF8.GetString(read.Owner.Span), Convert.ToHexString(read.Endorsement.Span), read.Lockout.Length));
        foreach (string wrong in (string[])["secret", "owner=hex:secret", "owner=secret\nowner=secret", "platform=secret", "owner=" + new string('s', 65)])
            Assert.DoesNotContain("secret", Assert.Throws<FormatException>(() => TpmPasswords.Parse(Encoding.UTF8.GetBytes(wrong))).Message, StringComparison.Ordinal);
    }
}
