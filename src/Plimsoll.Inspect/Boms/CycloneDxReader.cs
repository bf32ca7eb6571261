using System.Globalization;
using System.Text.Json;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Boms;

/// <summary>Reads CycloneDX JSON, 1.2 to 1.6. Source: CycloneDX JSON schemas 1.2 to 1.6.</summary>
internal sealed class CycloneDxReader
{
    private readonly BomContent _bom = new();
    private readonly string _name;
    private readonly Dictionary<string, string> _purls = new(StringComparer.Ordinal);
    private readonly List<(VexStatement Statement, List<string> References)> _statements = [];
    private string? _subjectReference;
    private DateTimeOffset _time;
    private int _components;

    private CycloneDxReader(string name) => _name = name;

    /// <exception cref="ImageException">Malformed, Unsupported or LimitExceeded.</exception>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static BomContent Read(ReadOnlySpan<byte> content, string name)
    {
        CycloneDxReader reader = new(name);
        Utf8JsonReader json = new(content, BomLimits.JsonOptions);
        json.Read();
        reader.ReadDocument(ref json);
        // Members may stand in any order: only now is it known what a reference means.
        foreach ((VexStatement statement, List<string> references) in reader._statements)
            reader._bom.Vex.Add(statement with { Products = [.. references.Select(reader.ProductOf)] });
        return reader._bom;
    }

    private VexProduct ProductOf(string reference)
    {
        // A BOM-Link names a component of another document behind its fragment.
        string local = reference.StartsWith("urn:cdx:", StringComparison.Ordinal) && reference.IndexOf('#', StringComparison.Ordinal) is > 0 and var hash
            ? Uri.UnescapeDataString(reference[(hash + 1)..]) : reference;
        List<string> names = [local];
        if (_purls.TryGetValue(local, out string? purl) && purl != local)
            names.Add(purl);
        if (local == _subjectReference)
            names.Add(BomReader.Subject);
        return new VexProduct(names, []);
    }

    private void ReadDocument(ref Utf8JsonReader json)
    {
        string? version = null;
        while (json.NextMember(out string member))
            switch (member)
            {
                case "bomFormat":
                    if (json.Text() != "CycloneDX")
                        throw new ImageException(ImageError.Malformed, $"{_name}: bomFormat is not CycloneDX");
                    break;
                case "specVersion":
                    version = json.Text();
                    break;
                case "metadata":
                    ReadMetadata(ref json);
                    break;
                case "components":
                    ReadComponents(ref json);
                    break;
                case "vulnerabilities":
                    ReadVulnerabilities(ref json);
                    break;
                default:
                    json.Skip();
                    break;
            }
        if (version is not ("1.2" or "1.3" or "1.4" or "1.5" or "1.6"))
            throw new ImageException(ImageError.Unsupported, $"{_name}: CycloneDX version {Escape.Quote(version)}; 1.2 to 1.6 are read");
        _bom.Format = $"CycloneDX {version}";
    }

    private void ReadMetadata(ref Utf8JsonReader json)
    {
        if (!json.IsObject())
            return;
        while (json.NextMember(out string member))
            switch (member)
            {
                case "timestamp":
                    _ = DateTimeOffset.TryParse(json.Text(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _time);
                    break;
                case "component":
                    if (json.IsObject())
                    {
                        _bom.Subject = ReadComponent(ref json);
                        _subjectReference = _bom.Subject.Reference;
                    }
                    break;
                case "tools":
                    ReadTools(ref json);
                    break;
                default:
                    json.Skip();
                    break;
            }
    }

    /// <summary>A list of tools up to 1.4, an object with a list of components since 1.5.</summary>
    private void ReadTools(ref Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.StartArray)
        {
            while (json.NextObject())
            {
                BomComponent tool = ReadComponent(ref json);
                _bom.Tool ??= $"{tool.Name} {tool.Version}".Trim();
            }
            return;
        }
        if (!json.IsObject())
            return;
        while (json.NextMember(out string member))
            if (member == "components" && json.TokenType == JsonTokenType.StartArray)
                ReadTools(ref json);
            else
                json.Skip();
    }

    private void ReadComponents(ref Utf8JsonReader json)
    {
        if (!json.IsArray())
            return;
        while (json.NextObject())
        {
            BomComponent component = ReadComponent(ref json);
            _bom.Components.Add(component);
            if (component.Reference is { } reference && component.Purl is { } purl)
                _purls.TryAdd(reference, purl);
        }
    }

    private BomComponent ReadComponent(ref Utf8JsonReader json)
    {
        if (++_components > BomLimits.MaxComponents)
            throw new ImageException(ImageError.LimitExceeded, $"{_name}: more than {BomLimits.MaxComponents} components (MaxComponents)");
        BomComponent component = new();
        while (json.NextMember(out string member))
            switch (member)
            {
                case "type":
                    component.Kind = json.Text() ?? "";
                    break;
                case "bom-ref":
                    component.Reference = json.Text();
                    break;
                case "group":
                    component.Group = json.Text();
                    break;
                case "name":
                    component.Name = json.Text() ?? "";
                    break;
                case "version":
                    component.Version = json.Text();
                    break;
                case "purl":
                    component.Purl = json.Text();
                    break;
                case "supplier":
                    component.Supplier = ReadName(ref json);
                    break;
                case "licenses":
                    ReadLicences(ref json, component.Licences);
                    break;
                case "properties":
                    ReadProperties(ref json, component.Properties);
                    break;
                case "components":
                    ReadComponents(ref json);
                    break;
                default:
                    json.Skip();
                    break;
            }
        return component;
    }

    private static string? ReadName(ref Utf8JsonReader json)
    {
        if (!json.IsObject())
            return null;
        string? name = null;
        while (json.NextMember(out string member))
            if (member == "name")
                name = json.Text();
            else
                json.Skip();
        return name;
    }

    private static void ReadLicences(ref Utf8JsonReader json, List<string> licences)
    {
        if (!json.IsArray())
            return;
        while (json.NextObject())
            while (json.NextMember(out string member))
                if (member == "expression" && json.Text() is { Length: > 0 } expression)
                    Add(licences, expression);
                else if (member == "license" && json.TokenType == JsonTokenType.StartObject)
                    while (json.NextMember(out string part))
                    {
                        string? text = part is "id" or "name" ? json.Text() : null;
                        if (text is { Length: > 0 })
                            Add(licences, text);
                        else if (part is not ("id" or "name"))
                            json.Skip();
                    }
                else if (member != "expression")
                    json.Skip();

        static void Add(List<string> list, string text)
        {
            if (list.Count < BomLimits.MaxPerComponent)
                list.Add(text);
        }
    }

    private static void ReadProperties(ref Utf8JsonReader json, Dictionary<string, string> properties)
    {
        if (!json.IsArray())
            return;
        while (json.NextObject())
        {
            string? name = null, value = null;
            while (json.NextMember(out string member))
                if (member == "name")
                    name = json.Text();
                else if (member == "value")
                    value = json.Text();
                else
                    json.Skip();
            if (name is not null && value is not null && properties.Count < BomLimits.MaxPerComponent)
                properties.TryAdd(name, value);
        }
    }

    private void ReadVulnerabilities(ref Utf8JsonReader json)
    {
        if (!json.IsArray())
            return;
        for (int number = 1; json.NextObject(); number++)
        {
            if (number > VexFile.MaxStatements)
                throw new ImageException(ImageError.LimitExceeded, $"{_name}: more than {VexFile.MaxStatements} vulnerabilities (MaxStatements)");
            ReadVulnerability(ref json, number);
        }
    }

    private void ReadVulnerability(ref Utf8JsonReader json, int number)
    {
        List<string> ids = [], references = [];
        string? state = null, justification = null, detail = null;
        DateTimeOffset time = _time;
        while (json.NextMember(out string member))
            switch (member)
            {
                case "id":
                    if (json.Text() is { Length: > 0 } id)
                        ids.Add(id);
                    break;
                case "references" or "affects":
                    if (!json.IsArray())
                        break;
                    while (json.NextObject())
                        while (json.NextMember(out string part))
                            if (part != (member == "affects" ? "ref" : "id"))
                                json.Skip();
                            else if (json.Text() is { Length: > 0 } text)
                                (member == "affects" ? references : ids).Add(text);
                    break;
                case "analysis":
                    if (!json.IsObject())
                        break;
                    while (json.NextMember(out string said))
                        switch (said)
                        {
                            case "state":
                                state = json.Text();
                                break;
                            case "justification":
                                justification = json.Text();
                                break;
                            case "detail":
                                detail = json.Text();
                                break;
                            case "lastUpdated":
                                if (DateTimeOffset.TryParse(json.Text(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset updated))
                                    time = updated;
                                break;
                            default:
                                json.Skip();
                                break;
                        }
                    break;
                default:
                    json.Skip();
                    break;
            }
        string? status = state switch
        {
            "not_affected" or "false_positive" => VexWords.NotAffected,
            "resolved" or "resolved_with_pedigree" => VexWords.Fixed,
            "exploitable" => VexWords.Affected,
            "in_triage" => VexWords.UnderInvestigation,
            _ => null,
        };
        if (status is null || ids.Count == 0 || references.Count == 0)
            return;
        string why = string.Join(": ", new[] { state == "false_positive" ? "false positive" : "", justification?.Replace('_', ' ') ?? "", detail ?? "" }.Where(p => p.Length > 0));
        _statements.Add((new VexStatement
        {
            Ids = ids,
            Status = status,
            Justification = justification switch
            {
                "code_not_present" => "vulnerable_code_not_present",
                "code_not_reachable" => "vulnerable_code_not_in_execute_path",
                "protected_by_compiler" or "protected_at_runtime" or "protected_at_perimeter" or "protected_by_mitigating_control" => "inline_mitigations_already_exist",
                _ => null,
            },
            Impact = why,
            Time = time,
            Products = [],
            Source = $"{_name}, statement {number}",
        }, references));
    }
}
