using System.Collections.Concurrent;
using System.Diagnostics;
using Plimsoll.Docker;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <summary>How a daemon is followed.</summary>
public sealed record WatchOptions
{
    /// <summary>Every image is measured again after this time.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often the daemon is asked which images it has: builds without a tag are no events to it.</summary>
    public TimeSpan ListInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Names, tags or ids of the images to follow; empty for all.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    public MeasureOptions Measure { get; init; } = new();

    public ImageOptions Images { get; init; } = new();
}

/// <summary>What a watch tells.</summary>
public enum WatchKind
{
    Started = 0,
    Measured,
    /// <summary>An image could not be measured.</summary>
    Failed,
    /// <summary>The daemon has the image no more.</summary>
    Removed,
    /// <summary>The daemon does not answer; it is tried again.</summary>
    Lost,
    Back,
    Stopped,
}

/// <summary>One thing that happened.</summary>
/// <param name="Cause">start, pull, load, tag, import, build, interval or restart.</param>
/// <param name="Image">What it was called, or its id; untrusted.</param>
public sealed record WatchEvent(DateTimeOffset Time, WatchKind Kind, string Cause, string Image, CheckedImage? Result, ImageException? Error, string Detail);

/// <summary>
/// Follows a Docker daemon and measures its images by itself: each when it comes (pull, build, load, tag, import), all at the start, at
/// intervals, and after the daemon was away. The first baseline of an image is trust on first use and marked so.
/// </summary>
/// <param name="tell">Called from the thread that runs.</param>
public sealed class Watcher(DockerEndpoint endpoint, BaselineStore store, WatchOptions options, Action<WatchEvent> tell) : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500), LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>A load is an event for the image and one for each tag; what comes within this time is one measurement.</summary>
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(300);

    /// <summary>Who tags without end must not put measuring off: nothing that waits waits longer.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    private readonly BlockingCollection<Signal> _signals = new(4096);
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _differing = new(StringComparer.Ordinal);

    private enum What
    {
        Nothing = 0,
        Event,
        Connected,
        Lost,
    }

    private readonly record struct Signal(What What, string Action, string Image, string Detail);

    /// <summary>Runs until it is told to stop.</summary>
    /// <returns>Whether, at the end, every image that was measured was as it should be.</returns>
    public bool Run(CancellationToken cancellationToken)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Thread reader = new(() => Follow(stop.Token)) { IsBackground = true, Name = "docker events" };
        reader.Start();
        Tell(WatchKind.Started, "start", endpoint.ToString());
        try
        {
            Serve(stop.Token);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The way to end it.
        }
        finally
        {
            stop.Cancel();
            reader.Join();
        }
        Tell(WatchKind.Stopped, "stop", endpoint.ToString());
        return _differing.Count == 0;
    }

    private void Serve(CancellationToken cancellationToken)
    {
        bool connected = false, before = false;
        Stopwatch sinceList = Stopwatch.StartNew(), sinceAll = Stopwatch.StartNew();
        Stopwatch sinceFirst = new();
        Dictionary<string, string> waiting = new(StringComparer.Ordinal);
        while (true)
        {
            TimeSpan patience = waiting.Count > 0 ? Together : Shortest(options.ListInterval - sinceList.Elapsed, options.Interval - sinceAll.Elapsed);
            bool quiet = !_signals.TryTake(out Signal signal, (int)Math.Clamp(patience.TotalMilliseconds, 1, int.MaxValue), cancellationToken);
            switch (quiet ? What.Nothing : signal.What)
            {
                case What.Lost:
                    if (connected || !before)
                        Tell(WatchKind.Lost, "daemon", endpoint.ToString(), signal.Detail);
                    (connected, before) = (false, true);
                    break;
                case What.Connected:
                    if (before)
                        Tell(WatchKind.Back, "daemon", endpoint.ToString());
                    MeasureAll(before ? "restart" : "start", onlyNew: false, cancellationToken);
                    (connected, before) = (true, true);
                    sinceList.Restart();
                    sinceAll.Restart();
                    break;
                case What.Event when signal.Action == "delete":
                    _known.Remove(signal.Image);
                    _differing.Remove(signal.Image);
                    Tell(WatchKind.Removed, "delete", signal.Image);
                    break;
                case What.Event when signal.Action is "pull" or "load" or "tag" or "import":
                    if (waiting.Count == 0)
                        sinceFirst.Restart();
                    // What brought an image says more than the tag that follows.
                    waiting.TryAdd(signal.Image, signal.Action);
                    break;
            }
            if (waiting.Count > 0 && (quiet || sinceFirst.Elapsed >= LongestWait))
            {
                HashSet<string> done = new(StringComparer.Ordinal);
                foreach ((string image, string action) in waiting)
                    MeasureOne(image, action, done, cancellationToken);
                waiting.Clear();
            }
            if (connected && sinceAll.Elapsed >= options.Interval)
            {
                MeasureAll("interval", onlyNew: false, cancellationToken);
                sinceAll.Restart();
                sinceList.Restart();
            }
            else if (connected && sinceList.Elapsed >= options.ListInterval)
            {
                MeasureAll("build", onlyNew: true, cancellationToken);
                sinceList.Restart();
            }
            else if (!connected)
            {
                sinceList.Restart();
                sinceAll.Restart();
            }
        }
    }

    private void MeasureAll(string cause, bool onlyNew, CancellationToken cancellationToken)
    {
        IReadOnlyList<EngineImage> images;
        try
        {
            using EngineClient client = new(endpoint, EngineOptions.Default);
            images = client.Images(cancellationToken);
        }
        catch (ImageException e)
        {
            // The thread that follows the events finds out whether the daemon is gone.
            Tell(WatchKind.Failed, cause, "", error: e);
            return;
        }
        HashSet<string> done = new(StringComparer.Ordinal);
        foreach (EngineImage image in images)
            if (image.Id is { } id && (!onlyNew || !_known.Contains(id)) && IsWanted(id, image.RepoTags))
                MeasureOne(image.RepoTags?.FirstOrDefault(t => t is not (null or "<none>:<none>")) ?? id, cause, done, cancellationToken);
    }

    /// <param name="done">Ids that this round has measured.</param>
    private void MeasureOne(string name, string cause, HashSet<string> done, CancellationToken cancellationToken)
    {
        try
        {
            using Image image = DockerImage.Open(name, $"docker:{name}", endpoint, EngineOptions.Default, options.Images, cancellationToken);
            if (image.ConfigDigest is { } early && (!done.Add(early.ToString()) || !IsWanted(early.ToString(), image.Tags)))
            {
                _known.Add(early.ToString());
                return;
            }
            CheckedImage result = ImageCheck.Run(image, store, BaselineUse.Keep, options.Measure, cancellationToken);
            string id = result.Config.ToString();
            _known.Add(id);
            if (result.Differs)
                _differing.Add(id);
            else
                _differing.Remove(id);
            Tell(WatchKind.Measured, cause, image.Tags.Count > 0 ? image.Tags[0] : name, result: result);
        }
        catch (ImageException e)
        {
            if (e.Error is ImageError.DigestMismatch or ImageError.DiffIdMismatch or ImageError.SizeMismatch)
                _differing.Add(name);
            Tell(WatchKind.Failed, cause, name, error: e);
        }
        catch (Exception e) when (e is BaselineException or KeyException or IOException or UnauthorizedAccessException)
        {
            // Its baseline cannot be kept; the others' may.
            if (e is BaselineException)
                _differing.Add(name);
            Tell(WatchKind.Failed, cause, name, detail: Escape.ForTerminal(e.Message));
        }
    }

    private bool IsWanted(string id, IReadOnlyList<string?>? tags) => options.Names.Count == 0 || options.Names.Any(name =>
        id == name || id == $"sha256:{name}" || tags?.Any(tag => tag == name || tag == $"{name}:latest") == true);

    /// <summary>Reads events until it is told to stop; connects again whenever the daemon went away.</summary>
    private void Follow(CancellationToken cancellationToken)
    {
        TimeSpan pause = FirstPause;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                using EngineClient client = new(endpoint, EngineOptions.Default);
                using EventStream events = new(client.Events(cancellationToken));
                Send(new Signal(What.Connected, "", "", ""));
                pause = FirstPause;
                while (events.Next() is { } next)
                    if (next.Type is "image" or null && next is { Action: { } action, Actor.Id: { Length: > 0 } id })
                        Send(new Signal(What.Event, action, id, ""));
                Send(new Signal(What.Lost, "", "", "it closed the connection"));
            }
            catch (ImageException e)
            {
                Send(new Signal(What.Lost, "", "", e.Message));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is IOException or InvalidOperationException)
            {
                // Whatever a connection may fail with, the next one may not.
                Send(new Signal(What.Lost, "", "", e.Message));
            }
            cancellationToken.WaitHandle.WaitOne(pause);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        void Send(Signal signal)
        {
            // When thousands wait, the next list of all images makes up for what is dropped here.
            while (!_signals.TryAdd(signal, (int)FirstPause.TotalMilliseconds, CancellationToken.None) && signal.What != What.Event && !cancellationToken.IsCancellationRequested)
                GC.KeepAlive(signal);
        }
    }

    private void Tell(WatchKind kind, string cause, string image, string detail = "", CheckedImage? result = null, ImageException? error = null) =>
        tell(new WatchEvent(options.Images.Time.GetUtcNow(), kind, cause, image, result, error, detail));

    public void Dispose() => _signals.Dispose();

    private static TimeSpan Shortest(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
