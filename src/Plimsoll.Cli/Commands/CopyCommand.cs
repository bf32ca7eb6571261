using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll copy SOURCE TARGET</c>: an image with all that is attached to it, byte for byte. Page: docs/verbs/copy.md.</summary>
internal static class CopyCommand
{
    /// <summary>Options about registries, as <c>scan</c> has them; each may also come from <c>PLIMSOLL_COPY_REGISTRY_HTTP</c> and its kin.</summary>
    private static readonly string[] RegistryKeys = ["registry-http", "registry-ca", "registry-mirror", "registry-realm"];

    public static Command Create(CliContext context)
    {
        Language language = context.Language;
        Argument<string> source = new("SOURCE") { Description = Catalogue.HelpCopySource.In(language) };
        Argument<string> target = new("TARGET") { Description = Catalogue.HelpCopyTarget.In(language) };
        Option<string?> platform = new("--platform") { HelpName = "PLATFORM", Description = Catalogue.HelpCopyPlatform.In(language) };
        Option<bool> alone = new("--no-signatures") { Description = Catalogue.HelpCopyAlone.In(language) };
        Option<bool> json = new("--json") { Description = Catalogue.HelpCopyJson.In(language) };
        Option<bool> quiet = new("--quiet", "-q") { Description = Catalogue.HelpQuiet.In(language) };
        Option<string[]>[] registry =
        [
            Registry("registry-http", "HOST", Catalogue.HelpRegistryHttp), Registry("registry-ca", "FILE", Catalogue.HelpRegistryCa),
            Registry("registry-mirror", "HOST=MIRROR", Catalogue.HelpRegistryMirror), Registry("registry-realm", "HOST=HOST", Catalogue.HelpRegistryRealm),
        ];
        Command command = new("copy", Catalogue.CopySummary.In(language)) { source, target, platform, alone, json, quiet };
        foreach (Option<string[]> option in registry)
            command.Options.Add(option);
        command.SetAction((line, cancellationToken) => Task.Run(() =>
        {
            RegistryOptions options = RegistrySettings.Of(key => SettingOf(key, line.GetValue(registry[Array.IndexOf(RegistryKeys, key)]), context));
            string from = line.GetRequiredValue(source), to = line.GetRequiredValue(target);
            CopyOptions wanted = new() { Platform = Subject.PlatformOf(line.GetValue(platform)), Attached = !line.GetValue(alone) };
            bool made = false;
            CopyResult result = Run(context, from, to, wanted, options, line.GetValue(quiet), ref made, cancellationToken);
            if (line.GetValue(json))
                context.Out.WriteLine(Json(from, to, wanted, made, result));
            else if (!line.GetValue(quiet))
                Say(context, from, to, wanted, made, result);
            return ExitCode.Done;
        }, cancellationToken));
        return command;

        Option<string[]> Registry(string key, string name, Text help) => new("--" + key) { HelpName = name, Description = help.In(language), AllowMultipleArgumentsPerToken = false };
    }

    private static Setting? SettingOf(string key, string[]? values, CliContext context)
    {
        string variable = "PLIMSOLL_COPY_" + key.Replace('-', '_').ToUpperInvariant();
        return values is { Length: > 0 } ? new Setting(values, "--" + key)
            : context.Environment(variable) is { Length: > 0 } value ? new Setting([value], variable) : null;
    }

    private static CopyResult Run(CliContext context, string from, string to, CopyOptions wanted, RegistryOptions registry, bool quiet, ref bool made, CancellationToken cancellationToken)
    {
        ImageOptions options = new()
        {
            Platform = wanted.Platform,
            // A folder of the user's own comes before the system's, as for a scan.
            Registry = registry with { CertificateFolders = [Path.Combine(context.Home.Config, "certs.d"), .. RegistryOptions.Default.CertificateFolders] },
            Environment = context.Environment,
            Time = context.Time,
        };
        string at = from;
        try
        {
            using OpenedSource source = ArtifactStores.OpenForCopy(from, options, cancellationToken);
            made = source.IsMade;
            at = to;
            using OpenedTarget target = ArtifactStores.OpenTarget(to, options, cancellationToken);
            at = from;
            using CopyLine? line = quiet ? null : CopyLine.Start(context);
            return ArtifactCopy.Run(source, target, wanted with { Progress = line }, cancellationToken);
        }
        catch (ImageException e)
        {
            throw new CommandException(ExitCode.Undecided, ImageFailure.Named(at, Escape.ForTerminal(e.Message)), ImageFailure.HintOf(at, e), e);
        }
    }

    private static void Say(CliContext context, string from, string to, CopyOptions wanted, bool made, CopyResult result)
    {
        Language language = context.Language;
        TextWriter output = context.Out;
        output.WriteLine(Catalogue.CopyDone.In(language, Escape.ForTerminal(from), Escape.ForTerminal(to)));
        output.WriteLine("  " + Catalogue.CopyImage.In(language, result.Image, result.Manifests));
        if (wanted.Attached)
        {
            output.WriteLine("  " + Catalogue.CopySignatures.In(language, Count(result, AttachedKind.Signature)));
            output.WriteLine("  " + Catalogue.CopyAttestations.In(language, Count(result, AttachedKind.Attestation)));
            foreach ((AttachedKind kind, Text text) in ((AttachedKind, Text)[])[(AttachedKind.BillOfMaterials, Catalogue.CopyBoms), (AttachedKind.Other, Catalogue.CopyOthers)])
                if (Count(result, kind) is > 0 and var count)
                    output.WriteLine("  " + text.In(language, count));
        }
        output.WriteLine("  " + Catalogue.CopyBlobs.In(language, result.BlobsCopied, (result.BytesCopied / 1e6).ToString("0.0", CultureInfo.InvariantCulture), result.BlobsMounted, result.BlobsPresent));
        if (!wanted.Attached)
            output.WriteLine("  " + Catalogue.CopyLeft.In(language));
        if (made)
            output.WriteLine("  " + Catalogue.CopyMade.In(language));
    }

    private static int Count(CopyResult result, AttachedKind kind) => result.Attached.Where(a => a.Kind == kind).Sum(a => a.Count);

    private static string Json(string from, string to, CopyOptions wanted, bool made, CopyResult result)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("source", from);
            json.WriteString("target", to);
            json.WriteString("image", result.Image.ToString());
            json.WriteString("mediaType", result.MediaType);
            json.WriteString("tag", result.Tag);
            json.WriteBoolean("manifestMade", made);
            json.WriteNumber("manifests", result.Manifests);
            json.WriteBoolean("signaturesLeftBehind", !wanted.Attached);
            json.WriteNumber("signatures", Count(result, AttachedKind.Signature));
            json.WriteNumber("attestations", Count(result, AttachedKind.Attestation));
            json.WriteNumber("billsOfMaterials", Count(result, AttachedKind.BillOfMaterials));
            json.WriteNumber("others", Count(result, AttachedKind.Other));
            json.WriteStartArray("attached");
            foreach (CopiedArtifact artifact in result.Attached)
            {
                json.WriteStartObject();
                json.WriteString("digest", artifact.Digest.ToString());
                json.WriteString("subject", artifact.Subject.ToString());
                json.WriteString("kind", artifact.Kind switch
                {
                    AttachedKind.Signature => "signature",
                    AttachedKind.Attestation => "attestation",
                    AttachedKind.BillOfMaterials => "bill-of-materials",
                    _ => "other",
                });
                json.WriteString("tag", artifact.Tag);
                json.WriteString("artifactType", artifact.ArtifactType);
                json.WriteNumber("count", artifact.Count);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartObject("blobs");
            json.WriteNumber("copied", result.BlobsCopied);
            json.WriteNumber("copiedBytes", result.BytesCopied);
            json.WriteNumber("mounted", result.BlobsMounted);
            json.WriteNumber("present", result.BlobsPresent);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
