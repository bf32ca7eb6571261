using System.Collections.Concurrent;

namespace Plimsoll.Posix;

/// <summary>Lets threads that gave up root's rights (see <see cref="Unprivileged"/>) have a few fixed things done with them.</summary>
/// <remarks>
/// A thread that the runtime starts has the rights of the thread that made it start. A request that an unprivileged thread
/// sent by itself would leave unprivileged threads in the runtime's pool, where the next piece of work, such as writing a
/// report, would meet them. So requests are begun, and credential helpers run, on a thread that was made before the rights went.
/// </remarks>
internal sealed class OwnRights : IDisposable
{
    private readonly BlockingCollection<Action>? _work;

    /// <summary>To be made by a thread that still has its rights.</summary>
    public OwnRights()
    {
        if (!Unprivileged.Matters)
            return;
        _work = [];
        new Thread(Serve) { IsBackground = true, Name = "own rights" }.Start();
    }

    /// <summary>Runs the question with the rights of the thread that made this, and waits for the answer.</summary>
    public T Run<T>(Func<T> question)
    {
        if (_work is null)
            return question();
        TaskCompletionSource<T> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                answer.SetResult(question());
            }
            catch (Exception e)
            {
                // Thrown again where the question was asked.
                answer.SetException(e);
            }
        });
        return answer.Task.GetAwaiter().GetResult();
    }

    private void Serve()
    {
        foreach (Action action in _work!.GetConsumingEnumerable())
            action();
    }

    public void Dispose() => _work?.CompleteAdding();
}
