using System.Text;

namespace Plimsoll.Inspect.Packages.Beam;

/// <summary>Lock files of Elixir (mix.lock) and Erlang (rebar.lock): the packages of Hex in them.</summary>
/// <remarks>
/// <c>"jason": {:hex, :jason, "1.4.0", …}</c> and <c>{&lt;&lt;"cowboy"&gt;&gt;,{pkg,&lt;&lt;"cowboy"&gt;&gt;,&lt;&lt;"2.9.0"&gt;&gt;,…},0}</c>. Sources: hexdocs.pm/mix, rebar3.org.
/// </remarks>
public sealed class BeamAnalyser : LanguageAnalyser
{
    public override string Id => "beam";

    public override string LastBytes => "k";

    /// <summary>In <c>deps</c> lie the sources of packages with the lock files of their makers.</summary>
    public override bool Wants(ReadOnlySpan<byte> path) =>
        path is [.., (byte)'k'] && (IsNamed(path, "mix.lock"u8) || IsNamed(path, "rebar.lock"u8)) && !IsBelow(path, "/deps/"u8);

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages)
    {
        bool isMix = IsNamed(path, "mix.lock");
        ReadOnlySpan<byte> rest = content.Span;
        if (Fields.Trim(rest).IsEmpty)
            return;
        if (isMix ? rest.IndexOf("%{"u8) < 0 : rest.IndexOf((byte)'[') < 0)
        {
            packages.Malformed(isMix ? "it is no map of Elixir" : "it is no list of Erlang");
            return;
        }
        ReadOnlySpan<byte> start = isMix ? "{:hex,"u8 : "{pkg,"u8;
        while (rest.IndexOf(start) is >= 0 and int at)
        {
            rest = rest[(at + start.Length)..];
            ReadOnlySpan<byte> text = rest[..Math.Min(rest.Length, 4 * Fields.MaxNameLength)];
            string? name = isMix ? Atom(ref text) : Quoted(ref text);
            packages.Add("hex", name?.ToLowerInvariant(), Quoted(ref text), PackageEvidence.LockFile);
        }
    }

    /// <summary><c> :name,</c> or <c> :"name",</c>.</summary>
    private static string? Atom(ref ReadOnlySpan<byte> text)
    {
        text = text.TrimStart(" \t\r\n"u8);
        int comma = text.IndexOf((byte)',');
        if (comma < 2 || text[0] != (byte)':')
            return null;
        string name = Encoding.UTF8.GetString(text[1..comma].Trim("\" "u8));
        text = text[comma..];
        return name;
    }

    private static string? Quoted(ref ReadOnlySpan<byte> text)
    {
        int open = text.IndexOf((byte)'"');
        int length = open < 0 ? -1 : text[(open + 1)..].IndexOf((byte)'"');
        if (length < 0)
            return null;
        string value = Encoding.UTF8.GetString(text.Slice(open + 1, length));
        text = text[(open + length + 2)..];
        return value;
    }
}
