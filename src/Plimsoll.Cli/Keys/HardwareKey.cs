using Plimsoll.Keys;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>The one place where a name with a scheme (<c>pkcs11:</c>, …) becomes the keys of a device.</summary>
internal static class HardwareKey
{
    /// <summary>Null for what is no name of a device's keys: a stored key's name or a path.</summary>
    /// <exception cref="CommandException">It has the scheme and is not written as one has to be.</exception>
    public static IKeyDevice? Find(string name, CliContext context) =>
        name.StartsWith(HsmKeys.Scheme, StringComparison.Ordinal) ? new HsmKeys(name, context)
        : null;

    /// <summary>The same for verbs that a device's keys cannot follow.</summary>
    /// <exception cref="CommandException">It names a device's keys; the hint says what is to be done in place of it.</exception>
    public static void Refuse(string name, CliContext context, Text why, Text hint)
    {
        if (Find(name, context) is { } device)
            throw CommandException.Usage($"{device.Name}: {why.In(context.Language)}", hint.In(context.Language));
    }
}

/// <summary>Keys that a device keeps, named by a user. Every method may talk to the device, and throws <see cref="CommandException"/> when it does not get what it wants.</summary>
internal interface IKeyDevice
{
    /// <summary>What was named, escaped, without what is no part of a name, such as the place of a PIN.</summary>
    string Name { get; }

    /// <summary>The public halves behind the name; asks nobody for a secret.</summary>
    KeyRing OpenPublic();

    /// <summary>The one private key behind the name, ready to sign.</summary>
    ISigner OpenSigner(PassphraseSource secrets, CancellationToken cancellationToken);

    /// <summary>Makes a key that never leaves the device, under the name, which must be free.</summary>
    DeviceKey Generate(KeyAlgorithm algorithm, PassphraseSource secrets, CancellationToken cancellationToken);

    /// <summary>Every key behind the name; asks nobody for a secret, but uses one that is given.</summary>
    IReadOnlyList<DeviceKey> List(PassphraseSource secrets, CancellationToken cancellationToken);
}

/// <summary>What is told of a key in a device.</summary>
/// <param name="Name">Whole name of this one key, as every verb takes it; escaped.</param>
/// <param name="Algorithm">Word of it; of a kind that is not used here, what the device calls it.</param>
/// <param name="Id">See <see cref="PublicKey.Id"/>; null when the device does not show the public half, or it is of a kind that is not used here.</param>
/// <param name="State">One of few words of the catalogue.</param>
/// <param name="Details">Further lines of <c>key show</c>: label, value, and the name of the value in JSON.</param>
internal sealed record DeviceKey(string Name, string Algorithm, string? Id, Text State, string StateWord, IReadOnlyList<(Text Label, string Json, string Value)> Details);
