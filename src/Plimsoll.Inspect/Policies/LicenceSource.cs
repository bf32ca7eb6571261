using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Policies;

/// <summary>Where a policy gets the licences of packages from.</summary>
internal interface ILicenceSource
{
    /// <summary>SPDX expressions or names, all of which hold; empty when the package declares none.</summary>
    IReadOnlyList<string> Of(InstalledPackage package);

    /// <summary>One of <see cref="Verify.LicenceExpression.Categories"/>; null for an id that nobody has sorted.</summary>
    string? CategoryOf(string id);
}

/// <summary>Licences as packages declare them, in no categories.</summary>
internal sealed class DeclaredLicences : ILicenceSource
{
    /// <summary>The source that <see cref="PolicyJudge"/> uses.</summary>
    public static ILicenceSource Default { get; } = new DeclaredLicences();

    public IReadOnlyList<string> Of(InstalledPackage package) => package.Package.Licences;

    public string? CategoryOf(string id) => null;
}
