using Plimsoll.Agent.Plugin;
using Plimsoll.Oci;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent;

/// <summary>What the agent knows of the images of its host. Answers come from memory where nothing changed.</summary>
public interface IImageJudge
{
    /// <summary>The policy that holds now; null while there is none that may be used or the host is not as it was installed, and <see cref="NoPolicy"/> says why.</summary>
    Policy? Policy { get; }
    Denial NoPolicy { get; }

    /// <summary>What is wrong with the host's clock, so that no start may be let through whose verdict is <see cref="Verdict.Dated"/>; null: nothing.</summary>
    string? ClockTrouble => null;

    /// <summary>The id of the image that Docker would take for a name, <c>name@digest</c>, id or part of an id; null when there is none.</summary>
    Digest? Resolve(string reference);

    /// <summary>All that policy asks of an image but its measurement here: signatures, attestations, inspection, revocations.</summary>
    ImageAnswer Judge(Digest image, CancellationToken cancellationToken);

    /// <summary>Whether a token lets a start through that is refused with these codes; nothing is used up.</summary>
    /// <param name="container">Its whole id; null before it has one.</param>
    bool Pardons(Digest image, string? container, IReadOnlyCollection<string> codes) => false;

    /// <summary>An image may have come by a name that policy lets registries be asked about; returns at once.</summary>
    void Arrived(Digest image)
    {
    }

    /// <summary>Begins to measure an image, so that a start finds the answer; returns at once.</summary>
    void Prepare(Digest image);
}

/// <param name="Verdict">The measurement left out.</param>
/// <param name="Image">Null when the store has no config whose digest is the id.</param>
public sealed record ImageAnswer(Verdict Verdict, StartImage? Image)
{
    /// <summary>Registries are being asked for what the verdict lacks: it may soon be another.</summary>
    public bool Awaited { get; init; }

    /// <summary>There are registries that can be asked for it, now or in a while.</summary>
    public bool Fetchable { get; init; }

    /// <summary>What registries said when they were asked last; empty when none was.</summary>
    public string Note { get; init; } = "";
}
