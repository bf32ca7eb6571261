using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Plimsoll.TestKit;

/// <summary>Checks a document against a JSON schema of draft 7. A keyword that it does not know is an error, so that nothing passes unlooked at.</summary>
/// <remarks>Written here because no validator of the package source both restores and has terms that every user of the tests can accept.</remarks>
public sealed class JsonSchemaValidator
{
    private static readonly HashSet<string> Annotations =
        ["$schema", "$id", "id", "$comment", "title", "description", "default", "examples", "deprecated", "definitions", "meta:enum", "contentEncoding"];

    private readonly Dictionary<string, JsonElement> _files = [];
    private readonly string _folder;

    /// <param name="folder">Holds the schema files; references between them go by file name.</param>
    public JsonSchemaValidator(string folder) => _folder = folder;

    /// <summary>One line for each fault: where, what. Empty when the document is valid.</summary>
    public IReadOnlyList<string> Validate(string schemaFile, JsonElement document)
    {
        List<string> errors = [];
        Check(Load(schemaFile), schemaFile, document, "$", errors);
        return errors;
    }

    private JsonElement Load(string file)
    {
        if (!_files.TryGetValue(file, out JsonElement root))
            _files[file] = root = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, file))).RootElement.Clone();
        return root;
    }

    private bool Valid(JsonElement schema, string file, JsonElement value)
    {
        List<string> errors = [];
        Check(schema, file, value, "", errors);
        return errors.Count == 0;
    }

    private void Check(JsonElement schema, string file, JsonElement value, string at, List<string> errors)
    {
        if (schema.ValueKind is JsonValueKind.True)
            return;
        if (schema.ValueKind is JsonValueKind.False)
        {
            errors.Add($"{at}: nothing is allowed here");
            return;
        }
        // Draft 7: members beside $ref do not count.
        if (schema.TryGetProperty("$ref", out JsonElement reference))
        {
            (string target, string pointer) = Split(reference.GetString()!, file);
            JsonElement found = Load(target);
            foreach (string part in pointer.Split('/', StringSplitOptions.RemoveEmptyEntries))
                found = found.GetProperty(part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal));
            Check(found, target, value, at, errors);
            return;
        }
        foreach (JsonProperty keyword in schema.EnumerateObject())
            if (!Annotations.Contains(keyword.Name))
                Keyword(keyword, schema, file, value, at, errors);
    }

    private static (string File, string Pointer) Split(string reference, string file)
    {
        int hash = reference.IndexOf('#', StringComparison.Ordinal);
        string name = hash < 0 ? reference : reference[..hash];
        return (name.Length == 0 ? file : Path.GetFileName(name), hash < 0 ? "" : reference[(hash + 1)..]);
    }

    private void Keyword(JsonProperty keyword, JsonElement schema, string file, JsonElement value, string at, List<string> errors)
    {
        JsonElement rule = keyword.Value;
        void Require(bool ok, string what)
        {
            if (!ok)
                errors.Add($"{at}: {what}");
        }
        switch (keyword.Name)
        {
            case "type":
                Require(rule.ValueKind == JsonValueKind.Array ? rule.EnumerateArray().Any(t => IsType(value, t.GetString()!)) : IsType(value, rule.GetString()!),
                    $"is {value.ValueKind}, wanted {rule}");
                break;
            case "enum":
                Require(rule.EnumerateArray().Any(e => JsonElement.DeepEquals(e, value)), $"{value} is none of the allowed values");
                break;
            case "const":
                Require(JsonElement.DeepEquals(rule, value), $"{value} is not {rule}");
                break;
            case "allOf":
                foreach (JsonElement part in rule.EnumerateArray())
                    Check(part, file, value, at, errors);
                break;
            case "anyOf":
                Require(rule.EnumerateArray().Any(s => Valid(s, file, value)), "matches none of anyOf");
                break;
            case "oneOf":
                Require(rule.EnumerateArray().Count(s => Valid(s, file, value)) == 1, "does not match exactly one of oneOf");
                break;
            case "not":
                Require(!Valid(rule, file, value), "matches what it must not");
                break;
            case "if":
                if (schema.TryGetProperty(Valid(rule, file, value) ? "then" : "else", out JsonElement branch))
                    Check(branch, file, value, at, errors);
                break;
            case "then" or "else":
                break;
            case "required" or "properties" or "additionalProperties" or "patternProperties" or "propertyNames" or "dependencies":
                if (value.ValueKind == JsonValueKind.Object)
                    ObjectKeyword(keyword, schema, file, value, at, errors);
                break;
            case "items" or "additionalItems" or "minItems" or "maxItems" or "uniqueItems" or "contains":
                if (value.ValueKind == JsonValueKind.Array)
                    ArrayKeyword(keyword, file, value, at, errors);
                break;
            case "minLength" or "maxLength" or "pattern" or "format":
                if (value.ValueKind == JsonValueKind.String)
                    Require(StringKeyword(keyword, value.GetString()!), $"{value} breaks {keyword.Name} {rule}");
                break;
            case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum":
                if (value.ValueKind == JsonValueKind.Number)
                    Require(keyword.Name switch
                    {
                        "minimum" => value.GetDouble() >= rule.GetDouble(),
                        "maximum" => value.GetDouble() <= rule.GetDouble(),
                        "exclusiveMinimum" => value.GetDouble() > rule.GetDouble(),
                        _ => value.GetDouble() < rule.GetDouble(),
                    }, $"{value} breaks {keyword.Name} {rule}");
                break;
            default:
                throw new NotSupportedException($"schema keyword {keyword.Name}");
        }
    }

    private void ObjectKeyword(JsonProperty keyword, JsonElement schema, string file, JsonElement value, string at, List<string> errors)
    {
        switch (keyword.Name)
        {
            case "required":
                errors.AddRange(keyword.Value.EnumerateArray().Where(n => !value.TryGetProperty(n.GetString()!, out _)).Select(n => $"{at}: {n} is missing"));
                break;
            case "properties":
                foreach (JsonProperty property in keyword.Value.EnumerateObject())
                    if (value.TryGetProperty(property.Name, out JsonElement member))
                        Check(property.Value, file, member, $"{at}.{property.Name}", errors);
                break;
            case "additionalProperties":
                foreach (JsonProperty member in value.EnumerateObject())
                    if (!(schema.TryGetProperty("properties", out JsonElement known) && known.TryGetProperty(member.Name, out _))
                        && !(schema.TryGetProperty("patternProperties", out JsonElement patterns) && patterns.EnumerateObject().Any(p => Regex.IsMatch(member.Name, p.Name, RegexOptions.None, TimeSpan.FromSeconds(1)))))
                        Check(keyword.Value, file, member.Value, $"{at}.{member.Name}", errors);
                break;
            case "patternProperties":
                foreach (JsonProperty pattern in keyword.Value.EnumerateObject())
                    foreach (JsonProperty member in value.EnumerateObject().Where(m => Regex.IsMatch(m.Name, pattern.Name, RegexOptions.None, TimeSpan.FromSeconds(1))))
                        Check(pattern.Value, file, member.Value, $"{at}.{member.Name}", errors);
                break;
            case "dependencies":
                foreach (JsonProperty dependency in keyword.Value.EnumerateObject().Where(d => value.TryGetProperty(d.Name, out _)))
                    if (dependency.Value.ValueKind == JsonValueKind.Array)
                        errors.AddRange(dependency.Value.EnumerateArray().Where(n => !value.TryGetProperty(n.GetString()!, out _)).Select(n => $"{at}: {n} is missing"));
                    else
                        Check(dependency.Value, file, value, at, errors);
                break;
            default:
                throw new NotSupportedException($"schema keyword {keyword.Name}");
        }
    }

    private void ArrayKeyword(JsonProperty keyword, string file, JsonElement value, string at, List<string> errors)
    {
        int length = value.GetArrayLength();
        switch (keyword.Name)
        {
            case "items":
                for (int i = 0; i < length; i++)
                    if (keyword.Value.ValueKind != JsonValueKind.Array)
                        Check(keyword.Value, file, value[i], $"{at}[{i}]", errors);
                    else if (i < keyword.Value.GetArrayLength())
                        Check(keyword.Value[i], file, value[i], $"{at}[{i}]", errors);
                break;
            case "additionalItems":
                // The schemas use it only as false beside a list of one schema, with maxItems 1.
                break;
            case "minItems" when length < keyword.Value.GetInt32():
            case "maxItems" when length > keyword.Value.GetInt32():
                errors.Add($"{at}: has {length} items, {keyword.Name} is {keyword.Value}");
                break;
            case "uniqueItems" when keyword.Value.GetBoolean():
                if (value.EnumerateArray().Select(e => e.GetRawText()).Distinct(StringComparer.Ordinal).Count() != length)
                    errors.Add($"{at}: two items are equal");
                break;
            case "contains" when !value.EnumerateArray().Any(e => Valid(keyword.Value, file, e)):
                errors.Add($"{at}: holds nothing of the form asked for");
                break;
        }
    }

    private static bool StringKeyword(JsonProperty keyword, string text) => keyword.Name switch
    {
        "minLength" => new StringInfo(text).LengthInTextElements >= keyword.Value.GetInt32(),
        "maxLength" => text.EnumerateRunes().Count() <= keyword.Value.GetInt32(),
        "pattern" => Regex.IsMatch(text, keyword.Value.GetString()!, RegexOptions.None, TimeSpan.FromSeconds(1)),
        _ => keyword.Value.GetString() switch
        {
            "date-time" => DateTimeOffset.TryParseExact(text, ["yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
            "iri-reference" or "uri-reference" => Uri.TryCreate(text, UriKind.RelativeOrAbsolute, out _) && !text.Any(c => c is ' ' or '<' or '>' or '"' || char.IsControl(c)),
            _ => true,
        },
    };

    private static bool IsType(JsonElement value, string type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && Math.Abs(value.GetDouble() % 1) < double.Epsilon,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => value.ValueKind == JsonValueKind.Null,
    };
}
