using System.Collections.Concurrent;
using System.Text;
using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Agent.Gate;

/// <summary>
/// Which containers this host has started under the gate: one file for each, named by container and folder, that holds the launcher's name; all of one launcher share one file. A container that wrote
/// files while it ran differs by this from one into which they were put before it ever ran. Beside them, for each image that was started,
/// the names that it had then: one whose tag moved on to a newer image is still judged by it. Both go when Docker's own notes of them have gone.
/// </summary>
internal sealed class StartedContainers(string folder)
{
    private const int IdChars = 64, MaxBytes = 64 * 1024, MaxRuntimeBytes = 256;
    private const string ImagePrefix = "image.", RuntimePrefix = "runtime.";

    /// <summary>By an image's id what was written of it.</summary>
    private readonly ConcurrentDictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>By container the last start that was allowed: when, and which process came of it.</summary>
    private readonly ConcurrentDictionary<string, Allowed> _allowed = new(StringComparer.Ordinal);
    private readonly long _begin = HostProcesses.Now();

    private sealed class Allowed(long at)
    {
        public long At => at;
        public (int Pid, long Started)? First { get; set; }
    }

    /// <summary>Clock ticks between an answer and the first process; a runtime that takes longer is taken for one that nobody asked about.</summary>
    private const long MaxTicks = 10 * HostProcesses.TicksPerSecond, MaxStageTicks = 3 * HostProcesses.TicksPerSecond;

    /// <summary>Notes that a start was allowed just now.</summary>
    public void Allow(string container) => _allowed[container] = new Allowed(HostProcesses.Now());

    /// <summary>Whether the gate allowed the start that a container's first process came of. Each answer is good for one; of one that began before the agent did, any earlier start counts.</summary>
    /// <param name="first">The one of its processes that began first; null: they are gone.</param>
    public bool HasAllowed(string container, string own, (int Pid, long Started)? first)
    {
        if (!Contains(container, own))
            return false;
        if (first is not { } process || process.Started <= _begin)
            return true;
        if (!_allowed.TryGetValue(container, out Allowed? allowed) || process.Started < allowed.At || process.Started > allowed.At + MaxTicks)
            return false;
        // A runtime becomes the container's first process by way of others, each gone in a moment.
        if (allowed.First is not { } known || process.Started <= known.Started + MaxStageTicks)
        {
            allowed.First = process;
            return true;
        }
        return HostProcesses.StartOf(known.Pid) == known.Started;
    }

    public bool Contains(string container, string own) => NameOf(container, own) is { } name && File.Exists(Path.Combine(folder, name));

    /// <summary>The launcher under which a container was started last; null: the gate has not started it, or did before it wrote that down.</summary>
    public string? RuntimeOf(string container, string own)
    {
        try
        {
            return NameOf(container, own) is { } name && SmallFile.ReadRegular(Path.Combine(folder, name), MaxRuntimeBytes) is { Length: > 0 } bytes ? Encoding.UTF8.GetString(bytes) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The names that an image had when a container of it last started; empty when none ever did.</summary>
    public IReadOnlyList<string> NamesOf(Digest image)
    {
        try
        {
            return SmallFile.ReadRegular(Path.Combine(folder, ImagePrefix + image.Hex), MaxBytes) is { } bytes ? Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries) : [];
        }
        catch (IOException)
        {
            return [];
        }
    }

    /// <summary>Forgets containers and images that Docker does not keep any more.</summary>
    /// <exception cref="ImageException">Docker's store cannot be read; nothing is forgotten then.</exception>
    public void Sweep(HostStore store)
    {
        if (!Directory.Exists(folder))
            return;
        // Listed before the store is asked: Docker writes its notes of a container before its runtime is called, so that what is added meanwhile is kept.
        string[] names = [.. Directory.EnumerateFiles(folder).Select(p => Path.GetFileName(p))];
        HashSet<string> kept = [.. store.ListContainers().Select(c => $"{c.Container}.{c.Own}"), .. store.ListImages().Select(i => ImagePrefix + i.Hex)];
        foreach (string name in names)
            if (!kept.Contains(name) && !name.StartsWith(RuntimePrefix, StringComparison.Ordinal))
            {
                File.Delete(Path.Combine(folder, name));
                _allowed.TryRemove(name.Split('.')[0], out _);
                if (name.StartsWith(ImagePrefix, StringComparison.Ordinal))
                    _names.TryRemove(name[ImagePrefix.Length..], out _);
            }
    }

    /// <exception cref="IOException">It cannot be kept; the container must not start then, or its next start would be refused.</exception>
    public void Add(string container, string own, string runtime, Digest image, IReadOnlyList<string> names)
    {
        if (NameOf(container, own) is { } name)
            Mark(Path.Combine(folder, name), runtime);
        string text = string.Join('\n', names);
        if (names.Count == 0 || _names.TryGetValue(image.Hex, out string? written) && written == text)
            return;
        if (!NamesOf(image).SequenceEqual(names, StringComparer.Ordinal))
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, ImagePrefix + image.Hex), text);
        }
        _names[image.Hex] = text;
    }

    private void Mark(string mark, string runtime)
    {
        if (runtime.Length > 0 && runtime.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
            SharedFile.Put(mark, Path.Combine(folder, RuntimePrefix + runtime), runtime);
        else
        {
            Directory.CreateDirectory(folder);
            // What is there may be a name of the file that all share.
            File.Delete(mark);
            File.WriteAllText(mark, runtime);
        }
    }

    /// <summary>Null for what Docker would not call a container: its ids are 64 hex digits.</summary>
    private static string? NameOf(string container, string own) =>
        container.Length == IdChars && container.All(char.IsAsciiHexDigitLower) && own.All(char.IsAsciiHexDigitLower) ? $"{container}.{own}" : null;
}
