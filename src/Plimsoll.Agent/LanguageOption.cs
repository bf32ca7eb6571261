using Plimsoll.Texts;

namespace Plimsoll.Agent;

/// <summary><c>--lang en|zh</c>, wherever it stands: help and wrong usage need it before all else.</summary>
internal static class LanguageOption
{
    private const string Name = "--lang";

    /// <param name="language">Becomes what was asked for.</param>
    /// <returns>The other arguments.</returns>
    /// <exception cref="OptionException">No language.</exception>
    public static string[] Take(IReadOnlyList<string> args, ref Language language)
    {
        List<string> rest = [];
        for (int i = 0; i < args.Count; i++)
        {
            string? asked = args[i].StartsWith(Name + "=", StringComparison.Ordinal) ? args[i][(Name.Length + 1)..]
                : args[i] != Name ? null : ++i < args.Count ? args[i] : throw new OptionException(Catalogue.AgentWantsValue.With(Name));
            if (asked is null)
                rest.Add(args[i]);
            else if (Languages.TryParse(asked, out Language told))
                language = told;
            else
                throw new OptionException(Catalogue.AgentWantedWord.With(Name, Escape.Quote(asked), "en, zh"));
        }
        return [.. rest];
    }
}
