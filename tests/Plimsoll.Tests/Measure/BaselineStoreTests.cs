using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Measure;

public sealed class BaselineStoreTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private BaselineStore Store() => new(_folder["baselines"], _folder["host"], TimeProvider.System);

    private static Measurement One { get; } = MeasurementTests.Of("{\"one\":1}", new byte[1024], new byte[2048]);

    private static Measurement Two { get; } = MeasurementTests.Of("{\"two\":2}", new byte[1024]);

    private string FileOf(Measurement measurement) => Path.Combine(_folder["baselines"], $"{measurement.Config.Hex}.json");

    private string Index => Path.Combine(_folder["baselines"], "index.json");

    private string Counter => Path.Combine(_folder["host"], "counter");

    private void SaveBoth()
    {
        Store().Save(One, ["one:1", "docker:one:1"], BaselineOrigin.FirstUse, null);
        Store().Save(Two, ["two:1"], BaselineOrigin.Operator, null);
    }

    private void Faulty(Measurement measurement, BaselineFault fault, string says)
    {
        BaselineAnswer answer = Store().Find(measurement.Config);

        Assert.Equal(fault, answer.Fault);
        Assert.Null(answer.Baseline);
        Assert.Contains(says, answer.Detail, StringComparison.Ordinal);
    }

    private void Sound(Measurement measurement) => Assert.Equal(measurement, Store().Find(measurement.Config).Baseline?.Measurement);

    [Fact]
    public void Find_WhatWasSaved_IsThereWithItsOrigin()
    {
        SaveBoth();

        BaselineAnswer one = Store().Find(One.Config);
        Assert.Null(one.Fault);
        Assert.Equal(One, one.Baseline!.Measurement);
        Assert.Equal("first-use", one.Baseline.OriginName);
        Assert.Equal(1, one.Baseline.Counter);
        Assert.Equal("operator", Store().Find(Two.Config).Baseline!.OriginName);
        Assert.Equal(Two.Config, Store().FindName("two:1").Config);
        Assert.Null(Store().FindName("three:1").Config);
        Assert.Null(Store().Find(Digest.Of("three"u8)).Baseline);
    }

    [Fact]
    public void Save_Files_AreForTheirOwnerAlone()
    {
        SaveBoth();

        foreach (string file in (string[])[FileOf(One), Index, Counter, Path.Combine(_folder["host"], "key.pem")])
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder["host"]));
        Assert.Empty(Directory.EnumerateFiles(_folder.Path, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public void Find_OneByteOfABaseline_IsEdited()
    {
        SaveBoth();
        byte[] bytes = File.ReadAllBytes(FileOf(One));
        for (int at = 40; at < bytes.Length - 4; at += 97)
        {
            byte[] wrong = [.. bytes];
            wrong[at] = wrong[at] == (byte)'A' ? (byte)'B' : (byte)'A';
            File.WriteAllBytes(FileOf(One), wrong);

            // The key's id in an envelope is a hint and is signed by nothing.
            if (System.Text.Encoding.ASCII.GetString(wrong, 0, at).Contains("\"keyid\"", StringComparison.Ordinal) && !System.Text.Encoding.ASCII.GetString(wrong, 0, at).Contains("\"sig\"", StringComparison.Ordinal))
                continue;
            Assert.Equal(BaselineFault.Edited, Store().Find(One.Config).Fault);
        }
        Sound(Two);
    }

    [Fact]
    public void Find_AnotherImagesBaseline_IsSwapped()
    {
        SaveBoth();
        File.Copy(FileOf(Two), FileOf(One), overwrite: true);

        Faulty(One, BaselineFault.Swapped, Two.Config.ToString());
        Sound(Two);
    }

    [Fact]
    public void Find_FileGone_IsDeleted()
    {
        SaveBoth();
        File.Delete(FileOf(One));

        Faulty(One, BaselineFault.Deleted, "is gone");
        Sound(Two);
    }

    [Fact]
    public void Find_OlderBaseline_IsRolledBack()
    {
        SaveBoth();
        byte[] old = File.ReadAllBytes(FileOf(One));
        Store().Save(One, ["one:1"], BaselineOrigin.Operator, null);
        Sound(One);
        File.WriteAllBytes(FileOf(One), old);

        Faulty(One, BaselineFault.RolledBack, "counter 1; 3 was written last");
        Sound(Two);
    }

    [Fact]
    public void Find_BaselineAndRecordSetBackTogether_IsRolledBack()
    {
        SaveBoth();
        byte[] old = File.ReadAllBytes(FileOf(One)), index = File.ReadAllBytes(Index);
        Store().Save(One, ["one:1"], BaselineOrigin.Operator, null);
        File.WriteAllBytes(FileOf(One), old);
        File.WriteAllBytes(Index, index);

        Faulty(One, BaselineFault.RolledBack, "index.json has counter 2; 3 was written last");
        Faulty(Two, BaselineFault.RolledBack, "index.json");
    }

    [Fact]
    public void Find_RecordEdited_NothingIsBelieved()
    {
        SaveBoth();
        File.WriteAllText(Index, File.ReadAllText(Index).Replace("\"payload\":\"ey", "\"payload\":\"ez", StringComparison.Ordinal));

        Faulty(One, BaselineFault.Edited, "index.json does not bear");
    }

    [Fact]
    public void Find_RecordGone_NothingIsBelieved()
    {
        SaveBoth();
        File.Delete(Index);

        Faulty(One, BaselineFault.SealMissing, "index.json is gone; its counter was 2");
    }

    [Theory]
    [InlineData("baselines/{0}.json", BaselineFault.Edited)]
    [InlineData("baselines/index.json", BaselineFault.Edited)]
    [InlineData("host/counter", BaselineFault.RolledBack)]
    public async Task Find_PipeInTheFilesPlace_IsAFaultAndKeepsNobodyWaiting(string file, BaselineFault fault)
    {
        SaveBoth();
        string path = _folder[string.Format(System.Globalization.CultureInfo.InvariantCulture, file, One.Config.Hex)];
        File.Delete(path);
        Tool.Run("mkfifo", [path]);

        BaselineAnswer answer = await Task.Run(() => Store().Find(One.Config), TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Equal(fault, answer.Fault);
        Assert.Null(answer.Baseline);
    }

    [Fact]
    public void Find_CounterGone_IsSealMissing()
    {
        Store().Save(One, ["one:1"], BaselineOrigin.FirstUse, null);
        File.Delete(Counter);
        // The first record is written before the first counter, and a process may have died in between.
        Sound(One);
        Store().Save(Two, ["two:1"], BaselineOrigin.FirstUse, null);
        Sound(One);
        File.Delete(Counter);

        Faulty(One, BaselineFault.SealMissing, "counter is gone");
        Faulty(Two, BaselineFault.SealMissing, "has counter 2");
    }

    [Fact]
    public void Find_AnotherHostsKey_IsEdited()
    {
        SaveBoth();
        new BaselineStore(_folder["other"], _folder["otherhost"], TimeProvider.System).Save(One, ["one:1"], BaselineOrigin.FirstUse, null);
        File.Copy(Path.Combine(_folder["other"], $"{One.Config.Hex}.json"), FileOf(One), overwrite: true);

        Faulty(One, BaselineFault.Edited, "this host's seal");
    }

    [Fact]
    public void Find_KeyGone_IsSaidAndNoNewKeyIsMade()
    {
        SaveBoth();
        File.Delete(Path.Combine(_folder["host"], "key.pem"));

        Faulty(One, BaselineFault.SealMissing, "key.pem is gone");
        Assert.Throws<BaselineException>(() => Store().Save(One, ["one:1"], BaselineOrigin.FirstUse, null));
        Assert.False(File.Exists(Path.Combine(_folder["host"], "key.pem")));
    }

    [Fact]
    public void Save_OnAFault_IsRefused()
    {
        SaveBoth();
        File.Delete(FileOf(One));

        BaselineException e = Assert.Throws<BaselineException>(() => Store().Save(One, ["one:1"], BaselineOrigin.FirstUse, null));

        Assert.Equal(BaselineFault.Deleted, e.Answer.Fault);
    }

    [Fact]
    public void Remove_OnPurpose_IsNoDeletion()
    {
        SaveBoth();
        byte[] removed = File.ReadAllBytes(FileOf(One));

        Assert.True(Store().Remove(One.Config));
        Assert.Equal(BaselineAnswer.None, Store().Find(One.Config));
        Assert.Null(Store().FindName("one:1").Config);
        Assert.False(Store().Remove(One.Config));
        Sound(Two);

        // It bears the seal, but the record does not name it any more.
        File.WriteAllBytes(FileOf(One), removed);
        Faulty(One, BaselineFault.Unlisted, "not among");
    }

    [Fact]
    public void Save_ProcessDiedBeforeTheRecord_IsNoAttackAndIsMadeGood()
    {
        SaveBoth();
        byte[] index = File.ReadAllBytes(Index);
        string counter = File.ReadAllText(Counter);
        Measurement three = MeasurementTests.Of("{\"three\":3}", new byte[512]);
        Store().Save(three, ["three:1"], BaselineOrigin.FirstUse, null);
        File.WriteAllBytes(Index, index);
        File.WriteAllText(Counter, counter);
        File.WriteAllText(Path.Combine(_folder["host"], "pending"), three.Config.ToString());

        Sound(three);
        Store().Save(MeasurementTests.Of("{\"four\":4}"), ["four:1"], BaselineOrigin.FirstUse, null);
        Sound(three);
        Assert.Equal(three.Config, Store().FindName("three:1").Config);
    }

    [Fact]
    public void Save_ManyAtOnce_LosesNone()
    {
        Measurement[] all = [.. Enumerable.Range(0, 24).Select(i => MeasurementTests.Of($"{{\"n\":{i}}}", new byte[512]))];

        Parallel.ForEach(all, m => Store().Save(m, [$"name:{m.Config.Short}"], BaselineOrigin.FirstUse, null));

        Assert.All(all, Sound);
        Assert.Equal("24\n", File.ReadAllText(Counter));
    }
}
