using System.Globalization;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <summary>By itself: what other tests allocate meanwhile would count as the parser's.</summary>
[CollectionDefinition(nameof(FuzzAlone), DisableParallelization = true)]
public sealed class FuzzAlone;

/// <summary>
/// Gives every parser of bytes from outside inputs that nobody thought of. PLIMSOLL_FUZZ_SECONDS is the time for all targets
/// together, PLIMSOLL_FUZZ_SEED repeats a run, PLIMSOLL_FUZZ_TARGET names the only target, PLIMSOLL_FUZZ_INPUT a file for it.
/// </summary>
[Collection(nameof(FuzzAlone))]
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int DefaultSeconds = 60;

    private static readonly string? Only = Environment.GetEnvironmentVariable("PLIMSOLL_FUZZ_TARGET");

    public static TheoryData<string> Names =>
        [.. FuzzTargets.All.Select(t => t.Name).Where(name => Only is null || name == Only)];

    public static TheoryData<string> AllNames => [.. FuzzTargets.All.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Parser_ChangedInput_RefusesByNameOrAnswersRight(string name)
    {
        FuzzTarget target = FuzzTargets.Get(name);
        if (Environment.GetEnvironmentVariable("PLIMSOLL_FUZZ_INPUT") is { Length: > 0 } input)
        {
            Assert.True(Only == name, "PLIMSOLL_FUZZ_INPUT needs its PLIMSOLL_FUZZ_TARGET");
            output.WriteLine($"{input}: {(Fuzzer.Replay(target, File.ReadAllBytes(input)) ? "taken" : "refused")}");
            return;
        }
        // In CI the same inputs each time, so that a change is judged by what it changed; elsewhere new ones. The clock seeds only what it also prints.
        int seed = Number("PLIMSOLL_FUZZ_SEED") ?? (Environment.GetEnvironmentVariable("CI") == "true" ? 1 : (int?)null) ?? (int)(TimeProvider.System.GetUtcNow().UtcTicks & int.MaxValue);
        TimeSpan time = TimeSpan.FromSeconds(Number("PLIMSOLL_FUZZ_SECONDS") ?? DefaultSeconds) / Names.Count;

        long inputs, taken;
        try
        {
            (inputs, taken) = Fuzzer.Run(target, seed, time, TestContext.Current.CancellationToken);
        }
        catch (WrongAnswerException e)
        {
            throw new WrongAnswerException($"PLIMSOLL_FUZZ_SEED={seed.ToString(CultureInfo.InvariantCulture)}, {e.Message}");
        }

        output.WriteLine($"seed {seed}: {inputs} inputs, {taken} taken");
        Assert.True(inputs > target.Seeds().Count, $"only the seeds were tried in {time.TotalSeconds:f1} s");
    }

    [Theory]
    [MemberData(nameof(AllNames))]
    public void Parser_InputThatOnceBrokeIt_IsHandled(string name)
    {
        FuzzTarget target = FuzzTargets.Get(name);
        foreach (string file in FuzzVectors.FilesOf(name))
            Fuzzer.Replay(target, File.ReadAllBytes(file));
    }

    [Fact]
    public void Vectors_OfTheList_AreTheFilesThatAreThere()
    {
        IEnumerable<string> there = Repository.Files("*", "tests", "vectors", "fuzz")
            .Select(f => Path.GetRelativePath(FuzzVectors.Folder, f)).Where(f => f is not ("SOURCE.md" or "LIST"));

        Assert.Equal(FuzzVectors.List.Order(StringComparer.Ordinal), there.Order(StringComparer.Ordinal));
        Assert.Empty(FuzzVectors.List.Select(f => f[..f.IndexOf('/', StringComparison.Ordinal)]).Except(FuzzTargets.All.Select(t => t.Name)));
        Assert.Equal(FuzzTargets.All.Count, FuzzTargets.All.DistinctBy(t => t.Name).Count());
    }

    [Fact]
    public void Mutator_SameSeed_GivesTheSameInputs()
    {
        Mutator first = new(7), second = new(7), third = new(8);
        byte[][] seeds = ["{\"a\":12}"u8.ToArray(), new byte[2000]];
        string[] words = ["word"];
        List<byte[]> a = [], b = [], c = [];
        for (int i = 0; i < 500; i++)
        {
            a.Add(first.Mutate(seeds, words));
            b.Add(second.Mutate(seeds, words));
            c.Add(third.Mutate(seeds, words));
        }

        Assert.Equal(a, b);
        Assert.NotEqual(a, c);
        Assert.All(a, input => Assert.True(input.Length <= Mutator.MaxBytes));
    }

    [Fact]
    public void Fuzzer_ParserThatBreaksItsPromise_IsFoundAndItsInputKept()
    {
        FuzzTarget careless = new()
        {
            Name = "self-test",
            Seeds = () => ["abc"u8.ToArray()],
            Run = input => WrongAnswerException.Unless(input.Length != 2, "two bytes"),
            Refusal = e => e is FormatException,
        };

        WrongAnswerException e = Assert.Throws<WrongAnswerException>(() => Fuzzer.Run(careless, 1, TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));

        Assert.Contains("two bytes", e.Message, StringComparison.Ordinal);
        string kept = Assert.Single(Directory.GetFiles(Fuzzer.FolderOf(careless)), f => e.Message.Contains($"PLIMSOLL_FUZZ_INPUT={f} ", StringComparison.Ordinal));
        Assert.Equal(2, new FileInfo(kept).Length);
        Directory.Delete(Fuzzer.FolderOf(careless), recursive: true);
        Assert.Throws<WrongAnswerException>(() => Fuzzer.Replay(careless with { MaxAllocatedBytes = 1 << 20, Run = _ => GC.KeepAlive(new byte[2 << 20]) }, [1]));
        Assert.Throws<WrongAnswerException>(() => Fuzzer.Replay(careless with { Run = _ => throw new InvalidOperationException("not named") }, [1]));
        Assert.False(Fuzzer.Replay(careless with { Run = _ => throw new FormatException("named") }, [1]));
        Directory.Delete(Fuzzer.FolderOf(careless), recursive: true);
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}

/// <summary>Inputs that broke a promise once, by target.</summary>
internal static class FuzzVectors
{
    public static string Folder { get; } = Repository.At("tests", "vectors", "fuzz");

    /// <summary><c>target/file</c>, as tests/vectors/fuzz/LIST names them: one that is lost is a test that is lost.</summary>
    public static IReadOnlyList<string> List { get; } =
        [.. File.ReadAllLines(Path.Combine(Folder, "LIST")).Where(l => l.Length > 0 && l[0] != '#')];

    public static IEnumerable<string> FilesOf(string target) =>
        List.Where(f => f.StartsWith(target + "/", StringComparison.Ordinal)).Select(f => Path.Combine(Folder, f));
}
