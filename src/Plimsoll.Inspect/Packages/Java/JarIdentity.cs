using System.Text;
using System.Text.RegularExpressions;

namespace Plimsoll.Inspect.Packages.Java;

/// <summary>A Maven artifact as far as a jar tells it.</summary>
/// <param name="Group">Empty when nothing says it.</param>
readonly record struct MavenArtifact(string Group, string Artifact, string Version)
{
    public string Name => Group.Length == 0 ? Artifact : $"{Group}:{Artifact}";
}

/// <summary>What a jar says it is: in <c>pom.properties</c>, else in its manifest and its name.</summary>
static partial class JarIdentity
{
    private const string Commons = "org.apache.commons.";

    /// <summary>Reads <c>META-INF/maven/GROUP/ARTIFACT/pom.properties</c>; what the content leaves out, its path says.</summary>
    /// <returns>Null when one of the three values is missing or unusable.</returns>
    public static MavenArtifact? OfPomProperties(ReadOnlySpan<byte> path, ReadOnlySpan<byte> content)
    {
        string? group = null, artifact = null, version = null;
        while (content.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.Trim(Fields.NextLine(ref content));
            int equals = line.IndexOfAny((byte)'=', (byte)':');
            if (equals < 0 || line[0] is (byte)'#' or (byte)'!')
                continue;
            ReadOnlySpan<byte> key = Fields.Trim(line[..equals]), value = line[(equals + 1)..];
            if (key.SequenceEqual("groupId"u8))
                group ??= Usable(value);
            else if (key.SequenceEqual("artifactId"u8))
                artifact ??= Usable(value);
            else if (key.SequenceEqual("version"u8))
                version ??= Usable(value);
        }
        string[] parts = Fields.Shown(path).Split('/');
        if (parts.Length == 5)
            (group, artifact) = (group ?? Word(parts[2]), artifact ?? Word(parts[3]));
        return group is null || artifact is null || version is null ? null : new MavenArtifact(group, artifact, version);
    }

    /// <summary>
    /// Artifact and version of a name such as <c>commons-io-2.8.0.jar</c>; the version is empty for <c>commons-io.jar</c>, and for <c>spring3-core-3.x.jar</c>
    /// a range is no version either.
    /// </summary>
    public static (string Artifact, string Version) OfName(string fileName)
    {
        int slash = fileName.LastIndexOf('/');
        string name = fileName[(slash + 1)..];
        int dot = name.LastIndexOf('.');
        name = dot > 0 ? name[..dot] : name;
        Match match = NameWithVersion().Match(name);
        return match.Success ? (match.Groups["artifact"].Value, match.Groups["version"].Value) : (name, "");
    }

    /// <summary>What the manifest and the name say together.</summary>
    /// <param name="fileName">Empty when the name is not that of an archive of Java: then it says nothing.</param>
    /// <returns>Null when there is no version, or no name that can be one.</returns>
    /// <remarks>
    /// A title that is an artifact's name with a version beside it is what the build wrote. Otherwise a file's name with a version in it is the artifact's, because
    /// Maven's repositories and every build tool write it so; then the manifest's version, Implementation before Bundle, since OSGi drops qualifiers.
    /// </remarks>
    public static MavenArtifact? OfManifest(JarManifest? manifest, string fileName)
    {
        (string named, string namedVersion) = OfName(fileName);
        string? symbolic = Word(manifest?["Bundle-SymbolicName"]?.Split(';')[0]), title = Word(manifest?["Implementation-Title"]);
        if (title is not null && IsArtifact(title) && title != named && title.Contains('-', StringComparison.Ordinal) && Versionlike(manifest?["Implementation-Version"]) is { } built)
            return new MavenArtifact(GroupOf(manifest, symbolic, title), title, built);
        string? version = namedVersion.Length > 0 ? Word(namedVersion)
            : Versionlike(manifest?["Implementation-Version"]) ?? Versionlike(manifest?["Bundle-Version"]) ?? Versionlike(manifest?["Specification-Version"]);
        if (version is null)
            return null;
        string? artifact = namedVersion.Length > 0 ? Word(named) : ArtifactOf(symbolic, title, Word(named), Word(manifest?["Bundle-Name"]));
        return artifact is null ? null : new MavenArtifact(GroupOf(manifest, symbolic, artifact), artifact, version);
    }

    private static string? ArtifactOf(string? symbolic, string? title, string? named, string? bundle)
    {
        // The name counts where the manifest speaks of the same thing; a jar under another name is called what the manifest says.
        if (named is not null && (symbolic is not null && (symbolic == named || symbolic.EndsWith("." + named, StringComparison.Ordinal)) || title == named || symbolic is null && title is null))
            return named;
        // A title that is a Java package's name (org.apache.x.y) or a sentence is no artifact.
        if (title is not null && IsArtifact(title))
            return title;
        if (symbolic is null)
            return named;
        string last = symbolic[(symbolic.LastIndexOf('.') + 1)..];
        if (bundle is not null && IsArtifact(bundle) && !bundle.Contains(' ', StringComparison.Ordinal) && bundle.EndsWith("-" + last, StringComparison.Ordinal))
            return bundle;
        // Old Commons call their bundle org.apache.commons.io and their artifact commons-io.
        return symbolic == Commons + last && !last.StartsWith("commons-", StringComparison.Ordinal) ? "commons-" + last : last;
    }

    private static bool IsArtifact(string title) => !title.Contains('.', StringComparison.Ordinal) && !title.Contains('/', StringComparison.Ordinal) && !title.Contains(':', StringComparison.Ordinal);

    private static string GroupOf(JarManifest? manifest, string? symbolic, string artifact)
    {
        if (KnownGroup(artifact) is { } known)
            return known;
        // org.apache alone is what old Commons builds wrote of themselves; no artifact has that group.
        if (Word(manifest?["Implementation-Vendor-Id"]) is { } vendor && vendor != "org.apache" && !vendor.Contains(':', StringComparison.Ordinal) && !vendor.Contains('/', StringComparison.Ordinal))
            return vendor;
        if (symbolic is not null && symbolic.EndsWith("." + artifact, StringComparison.Ordinal))
            return symbolic[..^(artifact.Length + 1)];
        // org.mongodb.driver-core is the bundle of org.mongodb:mongodb-driver-core: what the artifact has before it is the group's last part.
        int dot = symbolic?.LastIndexOf('.') ?? -1;
        if (dot > 0 && artifact.EndsWith("-" + symbolic![(dot + 1)..], StringComparison.Ordinal) && symbolic[..dot] is var group
            && artifact[..^(symbolic.Length - dot)] == group[(group.LastIndexOf('.') + 1)..])
            return symbolic.StartsWith(Commons, StringComparison.Ordinal) ? Commons[..^1] : group;
        return "";
    }

    /// <summary>Groups of families whose jars do not say theirs.</summary>
    private static string? KnownGroup(string artifact)
    {
        if (artifact.StartsWith("spring-boot", StringComparison.Ordinal))
            return "org.springframework.boot";
        if (artifact.StartsWith("spring-security-", StringComparison.Ordinal))
            return "org.springframework.security";
        if (artifact is "spring-aop" or "spring-aspects" or "spring-beans" or "spring-context" or "spring-context-support" or "spring-context-indexer" or "spring-core" or "spring-expression" or "spring-instrument"
            or "spring-jcl" or "spring-jdbc" or "spring-jms" or "spring-messaging" or "spring-orm" or "spring-oxm" or "spring-r2dbc" or "spring-test" or "spring-tx" or "spring-web" or "spring-webflux" or "spring-webmvc" or "spring-websocket")
            return "org.springframework";
        if (artifact == "asm" || artifact.StartsWith("asm-", StringComparison.Ordinal))
            return "org.ow2.asm";
        if (artifact is "commons-logging-api" or "commons-logging-adapters")
            return "commons-logging";
        return artifact is "commons-beanutils" or "commons-codec" or "commons-collections" or "commons-configuration" or "commons-digester" or "commons-fileupload" or "commons-httpclient" or "commons-io" or "commons-lang"
            or "commons-logging" or "commons-net" or "commons-pool" or "commons-validator" or "log4j" or "dom4j" or "junit" or "xstream" ? artifact == "xstream" ? "com.thoughtworks.xstream" : artifact : null;
    }

    private static string? Usable(ReadOnlySpan<byte> value) => Fields.Word(value) is { } word && !word.Contains("${", StringComparison.Ordinal) ? word : null;

    private static string? Word(string? text) => text is null ? null : Fields.Word(Encoding.UTF8.GetBytes(text));

    private static string? Versionlike(string? text) => Word(text?.Split(' ')[0]) is { } word && char.IsAsciiDigit(word[0]) ? word : null;

    [GeneratedRegex(@"\A(?<artifact>.{1,200}?)[-_](?<version>[0-9](?!.*\.[xX]\z)[0-9A-Za-z.+_-]{0,100})\z", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex NameWithVersion();
}
