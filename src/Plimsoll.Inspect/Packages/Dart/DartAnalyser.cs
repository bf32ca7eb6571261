using System.Text;

namespace Plimsoll.Inspect.Packages.Dart;

/// <summary>pubspec.lock of Dart and Flutter, line by line as pub writes it.</summary>
/// <remarks>Source: dart.dev/tools/pub/glossary#lockfile. What comes from the SDK or a folder has no version of its own.</remarks>
public sealed class DartAnalyser : LanguageAnalyser
{
    public override string Id => "dart";

    public override string LastBytes => "k";

    public override bool Wants(ReadOnlySpan<byte> path) =>
        path is [.., (byte)'k'] && IsNamed(path, "pubspec.lock"u8) && !IsBelow(path, "/.pub-cache/"u8);

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages)
    {
        ReadOnlySpan<byte> rest = content.Span;
        string? name = null, version = null, source = null;
        bool inPackages = false, known = false, development = false;
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest), text = Fields.Trim(line);
            if (text.IsEmpty || text[0] == (byte)'#')
                continue;
            int indent = line.IndexOfAnyExcept((byte)' ');
            if (indent <= 2)
            {
                Finish();
                if (indent == 0)
                    known |= inPackages = text.SequenceEqual("packages:"u8);
                else if (inPackages && indent == 2 && text[^1] == (byte)':' && text.Length <= Fields.MaxNameLength)
                    name = Encoding.UTF8.GetString(text[..^1].Trim("\"'"u8));
            }
            else if (indent == 4 && name is not null && text.Length <= Fields.MaxNameLength)
            {
                if (text.StartsWith("version:"u8))
                    version = Value(text);
                else if (text.StartsWith("source:"u8))
                    source = Value(text);
                else if (text.StartsWith("dependency:"u8))
                    development = Value(text) == "direct dev";
            }
        }
        Finish();
        if (!known)
            packages.Malformed("packages does not stand in it");

        void Finish()
        {
            if (name is not null && source is "hosted" or "git")
                packages.Add("pub", name, version, PackageEvidence.LockFile, development);
            name = version = source = null;
            development = false;
        }
    }

    private static string Value(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(Fields.Trim(text[(text.IndexOf((byte)':') + 1)..]).Trim("\"'"u8));
}
