using System.Text;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Fuzz;

/// <summary>The one list of parsers of outside bytes. A parser that is not here is not fuzzed.</summary>
internal static partial class FuzzTargets
{
    public static IReadOnlyList<FuzzTarget> All => Made.Value;

    // Made when first asked for: the seeds stand in static fields of several files, whose order is not certain.
    private static readonly Lazy<IReadOnlyList<FuzzTarget>> Made = new(() =>
    [
        Tar, Gzip, Zstd, DockerArchive, OciArchive, StandardInput, ImageJson, Reference, TarSplit, DockerHttp, DockerFiles, MountInfo,
        RpmSqlite, RpmNdb, RpmBerkeley, RpmHeaderBlob, RpmManifest, Pacman, Portage,
        DpkgStatus, DpkgStatusFolder, DpkgCopyright, ApkInstalled, OsRelease, Versions, PurlOfPackage, LanguageFiles, DpkgOwned, PurlText,
        GoBinary, RustAudit, DotNetBundle, DotNetDeps, VersionStrings, JavaRelease, JavaArchive,
        OsvRecordBytes, ZipOfRecords, Database, DatabaseRow, Envelope, ExportFile, Kev, EpssCsv, CvssVector,
        RegistryHttp, RegistryTexts, ContainersLists, ArtifactManifest, ArtifactLayout, RegistryPush,
        SuppressionYaml, ConfigYaml, LayerCacheFile, Reports, HtmlPage, Terminal, Arguments,
        BomDocument, VexDocument, ReportDocument, TemplateText,
        PolicyYaml, PolicyOfJson, PolicyCasesYaml, InspectionStatement, SignedEvidence,
        LicenceText, Capabilities, SystemSettings,
        DockerfileText, ShellText, HistoryLines, HadolintYaml,
        FuzzyHashText, MalwareSamples, MalwareDatabase, DisguisedMalware,
        MalwareArchive, MalwareText, MalwareProgram, DeflateStart,
        SecretRuleFile, SecretText,
        KeyFiles, HybridKeys, CosignKeyFiles, StoredKeyJson, KeyShares, Revocations, BreakGlassTokens, Pkcs11Uris, TokenPoints,
        FileListLines, MeasuredJson, DaemonEvents,
        SimpleSigningPayload, BundleJson, ForeignStatement, EvidenceStore,
        TpmResponse, TpmStatement, TpmPublicArea, BootLogBytes, ImaLines, MeasuredLines, TpmKey, QuoteEvidence,
        ContentTrustMetadata,
        EvidenceLogFile, ExportedCheckpoint,
        EnginePath, PluginMessage, ExecBody,
        StartBodies,
    ]);

    public static FuzzTarget Get(string name) => All.Single(t => t.Name == name);

    private static bool IsImageError(Exception e) => e is ImageException;

    private static bool Never(Exception e) => false;

    private static IReadOnlyList<byte[]> Utf8(params ReadOnlySpan<string> texts)
    {
        List<byte[]> bytes = [];
        foreach (string text in texts)
            bytes.Add(Encoding.UTF8.GetBytes(text));
        return bytes;
    }

    /// <summary>A file for parsers that take a path; each target runs on one thread, so one file serves all its inputs.</summary>
    private sealed class InputFile
    {
        public InputFile(string name)
        {
            Path = System.IO.Path.Combine(Folder, name);
            // The list of targets lives as long as the process.
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(Folder, recursive: true);
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("plimsoll-fuzz-").FullName;

        public string Path { get; }

        public string Write(byte[] bytes)
        {
            File.WriteAllBytes(Path, bytes);
            return Path;
        }
    }
}
