using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Checks;

/// <summary>What sort of thing is wrong; each is judged by the check of that name (<c>--checks</c>).</summary>
public enum ProblemKind
{
    Malware = 0,
    Secret,
    History,
    Configuration,
    Licence,
}

/// <summary>Something wrong with an image that is no known vulnerability of a package: those are <see cref="Finding"/>s.</summary>
public sealed record Problem
{
    public required ProblemKind Kind { get; init; }

    /// <summary>Stable id of the rule within its kind: <c>aws-access-key-id</c>, <c>CIS-4.1</c>, <c>DL3008</c>.</summary>
    public required string Rule { get; init; }
    public required Severity Severity { get; init; }

    /// <summary>What is wrong, one line without a full stop; untrusted text inside is shortened but not escaped.</summary>
    public required Text Title { get; init; }

    /// <summary>What to do about it; null where the title says it.</summary>
    public Text? Advice { get; init; }

    /// <summary>The file, relative to the image's root; null for what the image's config says. Untrusted text.</summary>
    public string? Path { get; init; }

    /// <summary>1 for the file's or the rebuilt Dockerfile's first line; 0 where there is none.</summary>
    public int Line { get; init; }

    /// <summary>Where in the image's config it stands instead of a file: <c>env HTTP_PROXY</c>, <c>user</c>, <c>history 3</c>; else null.</summary>
    public string? Place { get; init; }

    /// <summary>Masked or shortened excerpt, a mode, a history line; never a secret. Untrusted text; empty where there is nothing to show.</summary>
    public string Evidence { get; init; } = "";

    /// <summary>The layer that brought it; null for what the config says of the whole image.</summary>
    public Origin? Origin { get; init; }

    /// <summary>The layer that took it out of sight: it can still be read out of <see cref="Origin"/>'s layer. Null while it is there.</summary>
    public Origin? RemovedBy { get; init; }

    /// <summary>The package it is about, as purl; else null.</summary>
    public string? Package { get; init; }

    /// <summary>The distribution's package that brought the file, <c>deb/openssl</c>, proved by its checksum list; else null.</summary>
    public string? OwnedBy { get; init; }

    /// <summary>Further facts by stable name, for programs and policies: <c>engine</c>, <c>score</c>, <c>certainty</c>, <c>family</c>, <c>licence</c>.</summary>
    public IReadOnlyDictionary<string, string> Details { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Addresses that explain the rule.</summary>
    public IReadOnlyList<string> References { get; init; } = [];

    /// <summary>32 hex digits; equal over rebuilds for the same thing in the same place; see <see cref="FingerprintOf"/>.</summary>
    public required string Fingerprint { get; init; }
    public Suppression? Suppressed { get; init; }

    /// <summary>The fingerprint of a rule's hit at a place.</summary>
    /// <param name="place">What stays the same over rebuilds: a path, a variable's name, a package; never a line number, a layer or a secret.</param>
    /// <param name="nth">0 for the first of several alike in one place.</param>
    public static string FingerprintOf(ProblemKind kind, string rule, string place, int nth = 0) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind.Word()}\n{rule}\n{place}\n{nth}")))[..32];
}

/// <summary>The words for <see cref="ProblemKind"/> in files, flags and JSON.</summary>
public static class ProblemKinds
{
    public static IReadOnlyList<ProblemKind> All { get; } = [.. Enum.GetValues<ProblemKind>()];

    public static string Word(this ProblemKind kind) => kind switch
    {
        ProblemKind.Malware => "malware",
        ProblemKind.Secret => "secret",
        ProblemKind.History => "history",
        ProblemKind.Configuration => "configuration",
        ProblemKind.Licence => "licence",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
