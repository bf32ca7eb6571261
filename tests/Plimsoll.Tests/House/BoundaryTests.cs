using System.Text.RegularExpressions;
using System.Xml.Linq;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.House;

/// <summary>What ARCHITECTURE.md says of assemblies and folders, held by reading project files and using lines.</summary>
public sealed class BoundaryTests
{
    /// <summary>
    /// Folders of Core, each with the folders of Core it may use. Dependencies point left along the flow; a folder
    /// that is new in the tree gets a line here first.
    /// </summary>
    private static readonly Dictionary<string, string[]> MayUse = new(StringComparer.Ordinal)
    {
        ["Texts"] = [],
        ["Posix"] = [],
        ["Keys"] = ["Posix", "Texts"],
        ["Hsm"] = ["Keys", "Posix", "Texts"],
        ["Oci"] = ["Posix", "Texts"],
        ["Docker"] = ["Oci", "Posix", "Texts"],
        ["Registry"] = ["Oci", "Posix", "Texts"],
        ["Sources"] = ["Docker", "Oci", "Posix", "Registry", "Sign", "Texts", "Verify"],
        ["Measure"] = ["Docker", "Keys", "Oci", "Posix", "Sign", "Texts"],
        ["ContentTrust"] = ["Keys", "Oci", "Posix", "Registry", "Texts"],
        ["Verify"] = ["ContentTrust", "Keys", "Measure", "Oci", "Posix", "Sign", "Texts"],
        ["Sign"] = ["Oci", "Keys", "Posix", "Texts"],
        ["EvidenceLog"] = ["Keys", "Posix", "Sign", "Texts"],
        ["Tpm"] = ["Keys", "Measure", "Oci", "Posix", "Sign", "Texts"],
    };

    [Fact]
    public void Core_ProjectFile_ReferencesNothing()
    {
        XDocument project = XDocument.Load(Repository.At("src", "Plimsoll.Core", "Plimsoll.Core.csproj"));

        Assert.Empty(project.Descendants("PackageReference"));
        Assert.Empty(project.Descendants("ProjectReference"));
        Assert.Empty(project.Descendants("FrameworkReference"));
    }

    [Fact]
    public void Core_Assembly_ReferencesTheRuntimeOnly()
    {
        IEnumerable<string?> foreign = typeof(Plimsoll.Oci.Digest).Assembly.GetReferencedAssemblies()
            .Select(name => name.Name)
            .Where(name => name is not null && !name.StartsWith("System.", StringComparison.Ordinal));

        Assert.Empty(foreign);
    }

    [Theory]
    [InlineData("Plimsoll.Core", "")]
    [InlineData("Plimsoll.Inspect", "Plimsoll.Core")]
    [InlineData("Plimsoll.Agent", "Plimsoll.Core")]
    [InlineData("Plimsoll.Cli", "Plimsoll.Core Plimsoll.Inspect")]
    public void Project_References_PointToTheCore(string project, string allowed)
    {
        XDocument file = XDocument.Load(Repository.At("src", project, $"{project}.csproj"));

        IEnumerable<string> references = file.Descendants("ProjectReference")
            .Select(item => Path.GetFileNameWithoutExtension(item.Attribute("Include")!.Value))
            .Order(StringComparer.Ordinal);

        Assert.Equal(allowed.Split(' ', StringSplitOptions.RemoveEmptyEntries), references);
    }

    [Fact]
    public void Core_Folders_UseOnlyWhatStandsBeforeThem()
    {
        List<string> wrong = [];
        foreach (string path in Repository.Files("*.cs", "src", "Plimsoll.Core"))
        {
            string relative = Path.GetRelativePath(Repository.At("src", "Plimsoll.Core"), path);
            string folder = relative.Split('/')[0];
            if (!relative.Contains('/'))
                continue;
            if (!MayUse.TryGetValue(folder, out string[]? allowed))
                wrong.Add($"{relative}: folder {folder} has no line in {nameof(BoundaryTests)}.{nameof(MayUse)}");
            else
                wrong.AddRange(FoldersNamedIn(File.ReadAllText(path)).Where(used => used != folder && !allowed.Contains(used))
                    .Select(used => $"{relative} uses {used}"));
        }

        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("using Plimsoll.Docker;", "Docker")]
    [InlineData("using static Plimsoll.Docker.Engine;", "Docker")]
    [InlineData("using D = Plimsoll.Docker.Engine;", "Docker")]
    [InlineData("    Plimsoll.Docker.Engine engine = new();", "Docker")]
    [InlineData("/// reads <see cref=\"Docker\"/> with no using", null)]
    [InlineData("namespace Plimsoll.Oci;", null)]
    public void FoldersNamedIn_EachWayToReachANamespace_IsSeen(string line, string? folder) =>
        Assert.Equal(folder is null ? [] : [folder], FoldersNamedIn(line));

    /// <summary>Every <c>Plimsoll.Folder</c> named outside of the file's own namespace line.</summary>
    private static IEnumerable<string> FoldersNamedIn(string source) =>
        Regex.Matches(source, @"(?<!namespace )\bPlimsoll\.(?<folder>[A-Z]\w+)", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5))
            .Select(match => match.Groups["folder"].Value)
            .Distinct(StringComparer.Ordinal);
}
