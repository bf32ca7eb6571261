using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Licences;

namespace Plimsoll.Inspect.Policies;

/// <summary>The licences of packages in the form that a policy judges: SPDX expressions and categories of ids.</summary>
internal static class LicenceSource
{
    /// <summary>One expression; empty when the package declares none.</summary>
    public static IReadOnlyList<string> Of(InstalledPackage package) =>
        LicenceNormaliser.Of(package.Package.Licences) is { } expression ? [expression.ToString()!] : [];

    /// <summary>One of <see cref="Verify.LicenceExpression.Categories"/>; null for an id that nobody has sorted.</summary>
    public static string? CategoryOf(string id) =>
        LicenceCategories.Of(id, null) is not LicenceCategory.Unknown and var category ? category.Word() : null;
}
