using System.Globalization;
using System.Runtime.ExceptionServices;
using Plimsoll.Oci;

namespace Plimsoll.Registry;

/// <summary>Decides after each failure of one piece of work whether, where and when it is tried again.</summary>
/// <remarks>
/// A mirror that fails is left for the next after two attempts at most, and at once when trying again cannot help; the
/// registry itself, which comes last, has all attempts. Bytes that came reset the count, up to a limit of connections.
/// </remarks>
internal sealed class Attempts
{
    private const int AttemptsAtAMirror = 2;

    private readonly IReadOnlyList<RegistryEndpoint> _endpoints;
    private readonly RegistryLimits _limits;
    private readonly CancellationToken _cancellationToken;
    private int _at, _failures, _total;

    public Attempts(IReadOnlyList<RegistryEndpoint> endpoints, RegistryLimits limits, CancellationToken cancellationToken)
    {
        (_endpoints, _limits, _cancellationToken) = (endpoints, limits, cancellationToken);
        while (_at < endpoints.Count - 1 && endpoints[_at].GivenUp)
            _at++;
    }

    /// <summary>Whom to ask now.</summary>
    public RegistryEndpoint Endpoint => _endpoints[_at];

    /// <summary>The last attempt brought something.</summary>
    public void Progressed() => _failures = 0;

    /// <summary>Returns when the work is to be tried again, after the wait that is due.</summary>
    /// <exception cref="ImageException">It is not: why, in the words of the last failure.</exception>
    /// <exception cref="OperationCanceledException">While waiting.</exception>
    public void After(Exception failure)
    {
        _cancellationToken.ThrowIfCancellationRequested();
        bool last = _at == _endpoints.Count - 1;
        if (failure is TransientException transient)
        {
            _failures++;
            _total++;
            bool enough = _failures >= (last ? _limits.MaxAttempts : AttemptsAtAMirror) || transient.NobodyListens && !Endpoint.Answered;
            if (!enough && _total < _limits.MaxConnectionsPerBlob)
            {
                Wait(transient.After ?? BackOff());
                return;
            }
            if (last)
                throw _total == 1 ? transient.Named
                    : new ImageException(transient.Named.Error, $"{transient.Named.Message} ({_total.ToString(CultureInfo.InvariantCulture)} attempts)", transient.Named.Hint, transient.Named);
            Endpoint.GivenUp = true;
        }
        else if (last)
            ExceptionDispatchInfo.Throw(failure);
        _at++;
        _failures = 0;
    }

    private TimeSpan BackOff()
    {
        TimeSpan wait = _limits.FirstBackOff * Math.Pow(2, _failures - 1);
        // Spread, so that many clients of one registry do not come back in step.
        return (wait < _limits.MaxBackOff ? wait : _limits.MaxBackOff) * (0.75 + (Random.Shared.NextDouble() / 2));
    }

    private void Wait(TimeSpan time)
    {
        _cancellationToken.WaitHandle.WaitOne(time);
        _cancellationToken.ThrowIfCancellationRequested();
    }
}
