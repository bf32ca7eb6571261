using System.CommandLine;
using System.Globalization;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <content><c>plimsoll key split</c> and <c>plimsoll key combine</c>.</content>
internal static partial class KeyCommand
{
    private static Command Split(CliContext context)
    {
        Argument<string> key = new("KEY") { Description = Catalogue.HelpKeyOrFile.In(context.Language) };
        Option<string> shares = new("--shares") { HelpName = "N", Description = Catalogue.HelpKeyShares.In(context.Language), Required = true };
        Option<string> threshold = new("--threshold") { HelpName = "K", Description = Catalogue.HelpKeyThreshold.In(context.Language), Required = true };
        Option<string> output = new("--output", "-o") { HelpName = "FOLDER", Description = Catalogue.HelpKeyShareFolder.In(context.Language), Required = true };
        Option<string?> passphrase = PassphraseSource.Option(context);
        Command command = new("split", Catalogue.KeySplitSummary.In(context.Language)) { key, shares, threshold, output, passphrase };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            int count = CountOf("--shares", line.GetRequiredValue(shares)), needed = CountOf("--threshold", line.GetRequiredValue(threshold));
            if (needed > count)
                throw CommandException.Usage($"--threshold {needed} is more than --shares {count}: nobody could ever combine them");
            string wanted = line.GetRequiredValue(key), folder = line.GetRequiredValue(output);
            HardwareKey.Refuse(wanted, context, Catalogue.DeviceNoSplit, Catalogue.DeviceSplitHint);
            KeyStore store = new(context);
            string name = store.FindNamed(wanted) is var (stored, named) ? $"{stored.Name}@v{named.Version ?? stored.Current?.Number ?? 0}" : NameOfFile(wanted);
            MustBeEmpty(folder);
            using ISigner signer = store.OpenSigner(wanted, new PassphraseSource(context, line.GetValue(passphrase)), cancellationToken);
            IReadOnlyList<KeyShare> made = Wanted(() => KeyShare.Split(signer, name, count, needed));
            MakeFolder(folder);
            foreach (KeyShare share in made)
                KeyStore.WriteAlone(Path.Combine(folder, $"share-{share.Number}-of-{count}.txt"), share.ToText());
            context.Out.WriteLine(Catalogue.KeySplitDone.In(context.Language, name, count, Escape.ForTerminal(folder), needed, made[0].Set[..8]));
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private static Command Combine(CliContext context)
    {
        Argument<string[]> files = new("SHARE") { Description = Catalogue.HelpKeyShareFiles.In(context.Language), Arity = ArgumentArity.OneOrMore };
        Option<string> name = new("--name") { HelpName = "NAME", Description = Catalogue.HelpKeyImportName.In(context.Language), Required = true };
        Option<string?> days = RotateAfter(context);
        Option<string?> passphrase = PassphraseSource.Option(context);
        Command command = new("combine", Catalogue.KeyCombineSummary.In(context.Language)) { files, name, days, passphrase };
        command.SetAction((line, cancellationToken) => Run(() =>
        {
            string wanted = NameOf(line.GetRequiredValue(name));
            int rotation = DaysOf(line.GetValue(days)) ?? StoredKey.DefaultRotationDays;
            KeyStore store = new(context);
            MustBeNew(store, wanted);
            string[] paths = line.GetRequiredValue(files);
            if (paths.Length > MaxShareFiles)
                throw CommandException.Usage($"{paths.Length} files; a key has at most {MaxShareFiles} shares");
            (string, KeyShare)[] shares = [.. paths.Select(p => (Escape.ForTerminal(p), Wanted(() => KeyShare.Parse(ReadShare(p), Escape.ForTerminal(p)))))];
            IReadOnlyList<string> wrong = [];
            using ISigner signer = Wanted(() => KeyShare.Combine(shares, out wrong));
            foreach (string path in wrong)
                context.Error.WriteLine($"plimsoll: note: {Catalogue.KeyShareWrong.In(context.Language, path)}");
            string secret = new PassphraseSource(context, line.GetValue(passphrase)).GetNew(wanted, cancellationToken);
            Tell(context, store.Create(wanted, rotation, signer.PublicKey, signer, secret));
            return ExitCode.Done;
        }, cancellationToken));
        return command;
    }

    private const int MaxShareFiles = 255;

    private static int CountOf(string option, string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count is >= 2 and <= MaxShareFiles ? count
        : throw CommandException.Usage($"{option}: {Escape.Quote(text)} is not understood; wanted a number from 2 to {MaxShareFiles}");

    /// <summary>What stands in the shares of a key that is not stored: the file's name, as far as it is plain.</summary>
    private static string NameOfFile(string path) =>
        new string([.. Path.GetFileName(path).Where(c => c is > ' ' and < (char)0x7f).Take(64)]) is { Length: > 0 } plain ? plain : "key";

    /// <summary>Shares of two sets side by side would one day be handed out mixed.</summary>
    private static void MustBeEmpty(string folder)
    {
        try
        {
            if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
                throw CommandException.Usage($"the folder {Escape.Quote(folder)} is not empty", "name one that does not exist yet");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"the folder {Escape.Quote(folder)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }

    private static void MakeFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Undecided, $"cannot make the folder {Escape.Quote(folder)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", inner: e);
        }
    }

    private static string ReadShare(string path)
    {
        try
        {
            return Encoding.UTF8.GetString(SmallFile.Read(path, KeyShare.MaxTextLength)
                ?? throw CommandException.Usage($"{Escape.Quote(path)} has more than {KeyShare.MaxTextLength} bytes (MaxTextLength); it is no share"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read the share {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }
}
