using System.CommandLine;
using System.Globalization;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll break-glass create|sign|show</c>. Page: docs/verbs/break-glass.md.</summary>
internal static class BreakGlassCommand
{
    private const int LabelColumn = 12;
    private static readonly TimeSpan DefaultValid = TimeSpan.FromHours(4);

    public static Command Create(CliContext context) => new("break-glass", Catalogue.GlassSummary.In(context.Language)) { Make(context), Sign(context), Show(context) };

    private static Command Make(CliContext context)
    {
        Language language = context.Language;
        Option<string> host = new("--host") { HelpName = "FILE|ID", Description = Catalogue.HelpGlassHost.In(language), Required = true };
        Option<string[]> images = new("--image") { HelpName = "ID", Description = Catalogue.HelpGlassImage.In(language) };
        Option<string[]> containers = new("--container") { HelpName = "ID", Description = Catalogue.HelpGlassContainer.In(language) };
        Option<bool> any = new("--any") { Description = Catalogue.HelpGlassAny.In(language) };
        Option<string[]> codes = new("--code") { HelpName = "CODE", Description = Catalogue.HelpGlassCode.In(language) };
        Option<string?> uses = new("--uses") { HelpName = "N", Description = Catalogue.HelpGlassUses.In(language) };
        Option<string?> valid = new("--valid") { HelpName = "TIME", Description = Catalogue.HelpGlassValid.In(language) };
        Option<string> reason = new("--reason") { HelpName = "TEXT", Description = Catalogue.HelpGlassReason.In(language), Required = true };
        Option<string> output = new("--output", "-o") { HelpName = "FILE", Description = Catalogue.HelpGlassOutput.In(language), Required = true };
        Command command = new("create", Catalogue.GlassCreateSummary.In(language)) { host, images, containers, any, codes, uses, valid, reason, output };
        command.SetAction(line =>
        {
            BreakGlassScope scope = new(
                [.. (line.GetValue(images) ?? []).Select(i => Digest.TryParse(i, out Digest? image) ? image : throw CommandException.Usage($"--image: {Escape.Quote(i)} is no image's id", "wanted sha256:… as docker images --no-trunc shows it; a name could be given to another image"))],
                [.. (line.GetValue(containers) ?? []).Select(c => BreakGlassToken.IsContainerId(c) ? c : throw CommandException.Usage($"--container: {Escape.Quote(c)} is no container's whole id", "docker ps --no-trunc shows it"))],
                [.. (line.GetValue(codes) ?? []).Select(c => BreakGlassToken.IsCode(c) ? c : throw CommandException.Usage($"--code: {Escape.Quote(c)} is no code of a refusal", "wanted one such as not-intact, signature/none or signature/*; the refusal's own line has it"))]);
            if (line.GetValue(any) == scope.Images.Count + scope.Containers.Count > 0)
                throw CommandException.Usage(line.GetValue(any) ? "--any stands beside --image or --container" : "break-glass create needs --image or --container", "--any is for every start on the host");
            if (!int.TryParse(line.GetValue(uses) ?? "1", NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 1 or > BreakGlassToken.MaxUses)
                throw CommandException.Usage($"--uses: {Escape.Quote(line.GetValue(uses)!)} is not understood; wanted a number from 1 to {BreakGlassToken.MaxUses}");
            TimeSpan time = DefaultValid;
            if (line.GetValue(valid) is { } text && !Duration.TryParse(text, out time))
                throw CommandException.Usage($"--valid: {Escape.Quote(text)} is not understood; wanted a time such as 30m or 4h");
            DateTimeOffset now = DateTimeOffset.FromUnixTimeSeconds(context.Time.GetUtcNow().ToUnixTimeSeconds());
            BreakGlassToken token = new(HostOf(line.GetRequiredValue(host)), BreakGlassToken.NewNonce(), now, now + time, number, line.GetRequiredValue(reason).Trim(), scope);
            byte[] content = token.ToFile();
            string to = line.GetRequiredValue(output);
            // Whatever a host would not read is said here.
            _ = Named(() => BreakGlassToken.Read(content, "the token"));
            Write(to, content);
            Tell(context, token);
            context.Out.WriteLine(Catalogue.GlassMade.In(language, Escape.ForTerminal(to)));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Sign(CliContext context)
    {
        Argument<string> file = new("FILE") { Description = Catalogue.HelpGlassFile.In(context.Language) };
        Option<string> key = new("--key") { HelpName = "NAME|FILE", Description = Catalogue.HelpGlassKey.In(context.Language), Required = true };
        Option<string?> output = new("--output", "-o") { HelpName = "FILE", Description = Catalogue.HelpGlassSignOutput.In(context.Language) };
        Option<string?> passphrase = PassphraseSource.Option(context);
        Command command = new("sign", Catalogue.GlassSignSummary.In(context.Language)) { file, key, output, passphrase };
        command.SetAction((line, cancellationToken) => Task.Run(() =>
        {
            string path = line.GetRequiredValue(file), to = line.GetValue(output) ?? path;
            (BreakGlassToken token, DsseEnvelope envelope) = Read(path);
            if (token.CheckTime(context.Time.GetUtcNow(), DateTimeOffset.MinValue) is { Code: "expired" } expired)
                throw new CommandException(ExitCode.Refused, $"{Escape.ForTerminal(path)}: {expired.Text}", "make a new one: plimsoll break-glass create");
            // Before the passphrase: whoever signs reads what.
            Tell(context, token);
            using ISigner signer = new KeyStore(context).OpenSigner(line.GetRequiredValue(key), new PassphraseSource(context, line.GetValue(passphrase)), cancellationToken);
            byte[] content = BreakGlassToken.AddSignature(envelope, signer);
            (_, DsseEnvelope made) = Named(() => BreakGlassToken.Read(content, Escape.ForTerminal(path)));
            Write(to, content);
            context.Out.WriteLine(Catalogue.GlassSigned.In(context.Language, Escape.ForTerminal(to), signer.PublicKey.Id[..16], made.Signatures.Count));
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Command Show(CliContext context)
    {
        Language language = context.Language;
        Argument<string> file = new("FILE") { Description = Catalogue.HelpGlassFile.In(language) };
        Option<string?> policyFile = new("--policy") { HelpName = "FILE", Description = Catalogue.HelpGlassPolicy.In(language) };
        Option<string?> policyKey = new("--policy-key") { HelpName = "NAME|FILE", Description = Catalogue.HelpPolicyKey.In(language) };
        Option<bool> json = new("--json") { Description = Catalogue.HelpGlassJson.In(language) };
        Command command = new("show", Catalogue.GlassShowSummary.In(language)) { file, policyFile, policyKey, json };
        command.SetAction(line =>
        {
            (BreakGlassToken token, DsseEnvelope envelope) = Read(line.GetRequiredValue(file));
            Policy? policy = line.GetValue(policyFile) is { } name ? PolicySource.Open(name, line.GetValue(policyKey), null, new KeyStore(context)).Policy : null;
            IReadOnlyList<string> signers = policy is null ? [] : BreakGlassToken.SignersOf(envelope, policy);
            // Whether it is this host's, and how often it was used, only the host knows.
            BreakGlassRefusal? refusal = policy is null ? null : token.Check(envelope, policy, token.Host) ?? token.CheckTime(context.Time.GetUtcNow(), DateTimeOffset.MinValue);
            if (line.GetValue(json))
                context.Out.WriteLine(Encoding.UTF8.GetString(ToJson(token, envelope, policy, signers, refusal)));
            else
            {
                Tell(context, token);
                Label(context, Catalogue.GlassSignatures, envelope.Signatures.Count == 0 ? Catalogue.GlassNone.In(language) : string.Join(", ", envelope.Signatures.Select(s => Escape.ForTerminal(s.KeyId.Length > 16 ? s.KeyId[..16] + "…" : s.KeyId))));
                if (policy is not null)
                {
                    Label(context, Catalogue.GlassSigners, Catalogue.GlassEnough.In(language, signers.Count == 0 ? Catalogue.GlassNone.In(language) : string.Join(", ", signers), signers.Count, policy.Start?.BreakGlass?.Threshold ?? 0));
                    context.Out.WriteLine(refusal is null ? Catalogue.GlassCounts.In(language, policy.Name) : Catalogue.GlassCountsNot.In(language, policy.Name, Escape.ForTerminal(refusal.Text)));
                }
            }
            return refusal is null ? ExitCode.Done : ExitCode.Refused;
        });
        return command;
    }

    /// <summary>Described in docs/verbs/break-glass.md.</summary>
    private static byte[] ToJson(BreakGlassToken token, DsseEnvelope envelope, Policy? policy, IReadOnlyList<string> signers, BreakGlassRefusal? refusal)
    {
        CanonicalJson json = new CanonicalJson().BeginObject().Raw("token", token.ToPayload()).Texts("keyids", envelope.Signatures.Select(s => s.KeyId));
        if (policy is not null)
            json.BeginObject("policy").Text("name", policy.Name).Texts("signers", signers).Flag("counts", refusal is null).Optional("code", refusal?.Code).Optional("reason", refusal?.Text).EndObject();
        return json.EndObject().ToBytes();
    }

    private static void Tell(CliContext context, BreakGlassToken token)
    {
        Language language = context.Language;
        string any = Catalogue.GlassAny.In(language);
        Label(context, Catalogue.GlassHost, token.Host);
        Label(context, Catalogue.GlassNonce, token.Nonce);
        Label(context, Catalogue.GlassTime, Catalogue.GlassFromTo.In(language, BreakGlassToken.Written(token.Issued), BreakGlassToken.Written(token.NotAfter)));
        Label(context, Catalogue.GlassUses, token.Uses.ToString(CultureInfo.InvariantCulture));
        Label(context, Catalogue.GlassReason, Escape.Quote(token.Reason));
        Label(context, Catalogue.GlassImages, token.Scope.Images.Count == 0 ? any : string.Join(", ", token.Scope.Images));
        Label(context, Catalogue.GlassContainers, token.Scope.Containers.Count == 0 ? any : string.Join(", ", token.Scope.Containers));
        Label(context, Catalogue.GlassOverrides, token.Scope.Codes.Count == 0 ? Catalogue.GlassAllCodes.In(language) : string.Join(", ", token.Scope.Codes));
    }

    private static void Label(CliContext context, Text label, string value)
    {
        string name = label.In(context.Language);
        context.Out.WriteLine($"{name}{new string(' ', Math.Max(1, LabelColumn - DisplayWidth.Of(name)))}{value}");
    }

    /// <summary>An id, or the file of the key that the host's evidence log begins with.</summary>
    private static string HostOf(string text)
    {
        if (BreakGlassToken.IsHostId(text))
            return text;
        try
        {
            using PublicKey key = KeyFile.ReadPublic(Encoding.UTF8.GetString(SmallFile.Read(text, PublicKey.MaxPemBytes) ?? throw new IOException($"longer than {PublicKey.MaxPemBytes} bytes")), Escape.ForTerminal(text));
            return key.Id;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or KeyException)
        {
            throw CommandException.Usage($"--host: {Escape.Quote(text)} is neither an id nor a public key: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", "log.pub of the host, or the id that plimsoll-agent status shows there");
        }
    }

    private static (BreakGlassToken Token, DsseEnvelope Envelope) Read(string path)
    {
        try
        {
            byte[] content = SmallFile.Read(path, BreakGlassToken.MaxBytes) ?? throw CommandException.Usage($"{Escape.Quote(path)} is longer than {BreakGlassToken.MaxBytes} bytes");
            return Named(() => BreakGlassToken.Read(content, Escape.ForTerminal(path)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }

    private static T Named<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DocumentException e)
        {
            throw CommandException.Usage(Escape.ForTerminal(e.Message));
        }
    }

    private static void Write(string path, byte[] content)
    {
        OutputTarget target = new("token", path);
        target.Check();
        target.WriteFile(content);
    }
}
