using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <summary>Runs a target over inputs on a thread of its own, watches time and memory, and keeps the input that breaks a promise.</summary>
internal sealed class Fuzzer : IDisposable
{
    /// <summary>Longest time for one input. A tenth of a second is already slow, so that a busy machine stays far below.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    /// <summary>After this an input is held to hang: its thread is left behind.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    /// <summary>As small as a thread of the product may have, so that deep recursion shows.</summary>
    private const int StackBytes = 1024 * 1024;

    /// <summary>Other tests of the process allocate meanwhile: only an input that is over the bound each time is.</summary>
    private const int MemoryTries = 6;

    private readonly FuzzTarget _target;
    private readonly string _current;
    private readonly FileStream _record;
    private byte[] _input = [];
    private long _started;
    private Exception? _refusal;

    private Fuzzer(FuzzTarget target)
    {
        _target = target;
        Directory.CreateDirectory(FolderOf(target));
        // If the process dies (stack, memory), the input that it died of is found here.
        _current = Path.Combine(FolderOf(target), $"running-{Environment.ProcessId}");
        _record = new FileStream(_current, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 1);
    }

    public void Dispose()
    {
        _record.Dispose();
        File.Delete(_current);
    }

    private long Inputs { get; set; }
    private long Accepted { get; set; }

    /// <summary>Where an input that breaks a promise is written.</summary>
    public static string FolderOf(FuzzTarget target) => Repository.At("artifacts", "fuzz", target.Name);

    /// <summary>One input, e.g. one that broke a promise before.</summary>
    /// <returns>True when the parser took it.</returns>
    public static bool Replay(FuzzTarget target, byte[] input)
    {
        using Fuzzer fuzzer = new(target);
        fuzzer.Guarded(() => fuzzer.Try(input));
        return fuzzer.Accepted > 0;
    }

    /// <summary>Seeds first, then changed ones until the time is over.</summary>
    /// <returns>Inputs tried, and how many of them the parser took.</returns>
    public static (long Inputs, long Accepted) Run(FuzzTarget target, int seed, TimeSpan time, CancellationToken cancellationToken)
    {
        using Fuzzer fuzzer = new(target);
        fuzzer.Guarded(() =>
        {
            IReadOnlyList<byte[]> seeds = target.Seeds();
            foreach (byte[] right in seeds)
            {
                long before = fuzzer.Accepted;
                fuzzer.Try(right);
                if (fuzzer.Accepted == before)
                    throw fuzzer.Broken(right, "a right input was refused", fuzzer._refusal);
            }
            Mutator mutator = new(seed);
            // Making the seeds, of which some are keys, does not count.
            long start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < time && !cancellationToken.IsCancellationRequested)
                fuzzer.Try(target.Make(mutator, seeds, target));
        });
        return (fuzzer.Inputs, fuzzer.Accepted);
    }

    private void Guarded(Action work)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                // Thrown again on the test's thread.
                failure = ExceptionDispatchInfo.Capture(e);
            }
        }, StackBytes)
        { IsBackground = true, Name = $"fuzz {_target.Name}" };
        thread.Start();
        while (!thread.Join(TimeSpan.FromSeconds(1)))
            if (Volatile.Read(ref _started) is var started and not 0 && Stopwatch.GetElapsedTime(started) > Hang)
                throw Broken(_input, $"it did not end within {Hang.TotalSeconds} s", null);
        failure?.Throw();
    }

    private void Try(byte[] input)
    {
        _input = input;
        RandomAccess.Write(_record.SafeFileHandle, input, 0);
        RandomAccess.SetLength(_record.SafeFileHandle, input.Length);
        Inputs++;
        (bool accepted, long bytes, TimeSpan time) = Once(input);
        for (int tries = 1; tries < MemoryTries && (bytes > _target.MaxAllocatedBytes || time > Bound); tries++)
        {
            (_, long again, TimeSpan longer) = Once(input);
            (bytes, time) = (Math.Min(bytes, again), longer < time ? longer : time);
        }
        if (bytes > _target.MaxAllocatedBytes)
            throw Broken(input, $"it allocated {bytes} bytes; at most {_target.MaxAllocatedBytes} are allowed", null);
        if (time > Bound)
            throw Broken(input, $"it took {time.TotalSeconds:f1} s; at most {Bound.TotalSeconds} s are allowed", null);
        Accepted += accepted ? 1 : 0;
    }

    private (bool Accepted, long Bytes, TimeSpan Time) Once(byte[] input)
    {
        long before = GC.GetTotalAllocatedBytes(), start = Stopwatch.GetTimestamp();
        Volatile.Write(ref _started, start);
        bool accepted = false;
        try
        {
            _target.Run(input);
            accepted = true;
        }
        catch (Exception e) when (_target.Refusal(e))
        {
            // A refusal with a name is an answer.
            _refusal = e;
        }
        catch (Exception e)
        {
            throw Broken(input, $"{e.GetType().Name}: {e.Message}", e);
        }
        finally
        {
            Volatile.Write(ref _started, 0);
        }
        return (accepted, GC.GetTotalAllocatedBytes() - before, Stopwatch.GetElapsedTime(start));
    }

    private WrongAnswerException Broken(byte[] input, string what, Exception? inner)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(input))[..16];
        string path = Path.Combine(FolderOf(_target), name);
        Directory.CreateDirectory(FolderOf(_target));
        File.WriteAllBytes(path, input);
        return new WrongAnswerException(
            $"target {_target.Name}, input {name} ({input.Length} bytes): {what}\nreplay: PLIMSOLL_FUZZ_TARGET={_target.Name} PLIMSOLL_FUZZ_INPUT={path} ./test FuzzTests\n{inner}");
    }
}
