using System.Text;
using System.Text.Json;
using ScrmStream.Events;
using YamlDotNet.RepresentationModel;

namespace ScrmStream.Host.Mapping;

/// <summary>Reads the section <c>event</c> of a mapping into writers of the fields of canonical events.</summary>
internal sealed class EventFields(MappingYaml yaml, UsedColumns used, TimeZoneInfo? zone)
{
    private static readonly string[] TextKeys = ["value", "words", "default"];

    private static readonly string[] Names =
    [
        "event_id", "event", "event_time", "received_time", "channel", "identifiers", "session_id", "page", "referrer", "campaign", "share",
        "amount_fen", "currency", "properties",
    ];

    public List<MappedField> Read(YamlNode node)
    {
        var keys = yaml.Map(node, "event", Names);
        foreach (var name in new[] { "event", "event_time", "identifiers" })
        {
            if (!keys.ContainsKey(name)) throw yaml.Error(node, $"the field '{name}' is missing: every event needs it");
        }
        // In the order of the schema, whatever the order in the file.
        return [.. Names.Where(keys.ContainsKey).Select(name => Field(name, keys[name]))];
    }

    private MappedField Field(string name, YamlNode node) => name switch
    {
        "event" => Text(name, node, isRequired: true),
        "event_time" => Time(name, node, isRequired: true),
        "received_time" => Time(name, node, isRequired: false),
        "channel" => ChannelField(node),
        "identifiers" => Identifiers(node),
        "campaign" => Group(name, node, ["source", "medium", "name", "content", "term"], Optional),
        "share" => Group(name, node, ["from", "depth"], (key, value) => key == "depth" ? Number(key, value, "long") : Optional(key, value)),
        "amount_fen" => Amount(node),
        "properties" => Group(name, node, [], Property),
        _ => Optional(name, node),
    };

    private MappedField Optional(string name, YamlNode node) => Text(name, node, isRequired: false);

    private MappedField Text(string name, YamlNode node, bool isRequired)
    {
        var text = used.Text(node, name, KeysOf(node, name, TextKeys));
        var property = JsonEncodedText.Encode(name);
        return (row, json) =>
        {
            var value = text.Of(row);
            if (!value.IsEmpty) json.WriteString(property, value);
            return isRequired && value.IsEmpty ? $"{name} is empty" : null;
        };
    }

    private MappedField ChannelField(YamlNode node)
    {
        var field = Optional("channel", node);
        var constant = node is YamlScalarNode ? used.Template(node, "channel").Constant : null;
        if (constant is null || ChannelWords.TryParse(Encoding.UTF8.GetBytes(constant), out _)) return field;
        var known = string.Join(", ", Enum.GetValues<Channel>()[1..].Select(c => c.Word()));
        throw yaml.Error(node, $"'{constant}' is no channel; there are {known}");
    }

    private MappedField Time(string name, YamlNode node, bool isRequired)
    {
        var keys = KeysOf(node, name, ["value", "format"]);
        if (!keys.TryGetValue("format", out var format)) throw yaml.Error(node, $"{name} is a map with 'value' and 'format'");
        var template = used.Text(node, name, keys).Template;
        var time = TimeFormat(format);
        var property = JsonEncodedText.Encode(name);
        return (row, json) =>
        {
            var text = template.Render(row);
            if (text.IsEmpty && !isRequired) return null;
            if (time.Read(text, out var timeMs) is { } reason) return $"{name}: {reason}";
            json.WriteNumber(property, timeMs);
            return null;
        };
    }

    private MappedTime TimeFormat(YamlNode node)
    {
        try
        {
            return MappedTime.Of(yaml.Scalar(node, "format"), zone);
        }
        catch (FormatException e)
        {
            throw yaml.Error(node, e.Message);
        }
    }

    private MappedField Identifiers(YamlNode node)
    {
        var identifiers = yaml.List(node, "identifiers").Children.Select(Identifier).ToArray();
        if (identifiers.Length == 0) throw yaml.Error(node, "an event needs an identifier");
        return (row, json) =>
        {
            var written = false;
            json.WriteStartArray("identifiers"u8);
            foreach (var identifier in identifiers) written |= identifier(row, json);
            json.WriteEndArray();
            return written ? null : "no identifier has a value";
        };
    }

    private Func<SourceRow, Utf8JsonWriter, bool> Identifier(YamlNode node)
    {
        var keys = yaml.Map(node, "an identifier", "kind", "scope", "value", "verified");
        if (yaml.Text(keys, "kind") is not { } kind) throw yaml.Error(node, "an identifier needs 'kind'");
        if (!IdentifierKinds.TryParse(Encoding.UTF8.GetBytes(kind), out _))
        {
            var known = string.Join(", ", Enum.GetValues<IdentifierKind>().Select(k => k.Word()));
            throw yaml.Error(keys["kind"], $"'{kind}' is no kind of identifier; there are {known}");
        }
        if (!keys.TryGetValue("value", out var valueNode)) throw yaml.Error(node, "an identifier needs 'value'");
        var value = used.Template(valueNode, "value");
        var scope = keys.TryGetValue("scope", out var scopeNode) ? used.Template(scopeNode, "scope") : null;
        var isUnverified = yaml.Boolean(keys, "verified") == false;
        return (row, json) =>
        {
            var text = value.Render(row);
            if (text.IsEmpty) return false;
            json.WriteStartObject();
            json.WriteString("kind"u8, kind);
            if (scope is not null) json.WriteString("scope"u8, scope.Render(row));
            json.WriteString("value"u8, text);
            if (isUnverified) json.WriteBoolean("verified"u8, false);
            json.WriteEndObject();
            return true;
        };
    }

    private MappedField Amount(YamlNode node)
    {
        var keys = KeysOf(node, "amount_fen", ["value", "unit"]);
        var text = used.Text(node, "amount_fen", keys);
        var isYuan = keys.TryGetValue("unit", out var unit) && yaml.Choice(unit, "unit", "fen", "yuan") == "yuan";
        return (row, json) =>
        {
            var value = text.Of(row);
            if (value.IsEmpty) return null;
            if (!(isYuan ? MappedNumber.TryFenOfYuan(value, out var fen) : MappedNumber.TryLong(value, out fen)))
                return $"amount_fen: '{Encoding.UTF8.GetString(value)}' is no amount in whole fen";
            json.WriteNumber("amount_fen"u8, fen);
            return null;
        };
    }

    private MappedField Group(string name, YamlNode node, string[] known, Func<string, YamlNode, MappedField> read)
    {
        var fields = yaml.Map(node, name, known).Select(entry => read(entry.Key, entry.Value)).ToArray();
        return (row, json) =>
        {
            json.WriteStartObject(name);
            foreach (var field in fields)
            {
                if (field(row, json) is { } reason) return $"{name}: {reason}";
            }
            json.WriteEndObject();
            return null;
        };
    }

    private MappedField Property(string name, YamlNode node)
    {
        var keys = KeysOf(node, name, [.. TextKeys, "type"]);
        var type = keys.TryGetValue("type", out var choice) ? yaml.Choice(choice, "type", "string", "long", "double", "boolean") : "string";
        return type == "string" ? TextOf(name, used.Text(node, name, keys)) : Number(name, node, type);
    }

    private static MappedField TextOf(string name, MappedText text) => (row, json) =>
    {
        var value = text.Of(row);
        if (!value.IsEmpty) json.WriteString(name, value);
        return null;
    };

    private MappedField Number(string name, YamlNode node, string type)
    {
        var text = used.Text(node, name, KeysOf(node, name, [.. TextKeys, "type"]));
        return (row, json) =>
        {
            var value = text.Of(row);
            return value.IsEmpty || TryWrite(json, name, value, type) ? null : $"{name}: '{Encoding.UTF8.GetString(value)}' is no {type}";
        };
    }

    private static bool TryWrite(Utf8JsonWriter json, string name, ReadOnlySpan<byte> value, string type)
    {
        switch (type)
        {
            case "long" when MappedNumber.TryLong(value, out var number):
                json.WriteNumber(name, number);
                return true;
            case "double" when MappedNumber.TryDouble(value, out var number):
                json.WriteNumber(name, number);
                return true;
            case "boolean" when MappedNumber.TryBoolean(value, out var truth):
                json.WriteBoolean(name, truth);
                return true;
            default:
                return false;
        }
    }

    private Dictionary<string, YamlNode> KeysOf(YamlNode node, string what, string[] known) =>
        node is YamlScalarNode ? [] : yaml.Map(node, what, known);
}
