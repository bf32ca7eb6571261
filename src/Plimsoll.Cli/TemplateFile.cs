using System.Text;
using Plimsoll.Inspect.Reports;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>Templates as files, with their faults told as wrong usage.</summary>
internal static class TemplateFile
{
    /// <exception cref="CommandException">It cannot be read or is no template.</exception>
    public static Template Read(string path)
    {
        try
        {
            byte[] bytes = SmallFile.Read(path, Template.MaxBytes) ?? throw CommandException.Usage($"the template {Escape.Quote(path)} is longer than {Template.MaxBytes} bytes");
            return Template.Parse(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes), Template.TargetOf(path));
        }
        catch (TemplateException e)
        {
            throw CommandException.Usage($"{Escape.ForTerminal(path)} {e.Message}", "docs/formats/template.md describes templates");
        }
        catch (DecoderFallbackException)
        {
            throw CommandException.Usage($"the template {Escape.Quote(path)} is not UTF-8 text");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.Usage($"there is no template {Escape.Quote(path)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read the template {Escape.Quote(path)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
    }

    /// <exception cref="CommandException">The output is too long.</exception>
    public static byte[] Told(Func<byte[]> render)
    {
        try
        {
            return render();
        }
        catch (TemplateException e)
        {
            throw new CommandException(ExitCode.Undecided, e.Message, inner: e);
        }
    }
}
