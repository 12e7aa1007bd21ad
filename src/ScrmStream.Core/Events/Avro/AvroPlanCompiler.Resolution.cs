using System.Text;
using System.Text.Json;

namespace ScrmStream.Events.Avro;

/// <content>Which types resolve, what defaults become, and the values of properties.</content>
internal sealed partial class AvroPlanCompiler
{
    /// <summary>The reader's schema, or the branch of it, that a writer's value is read by; null: it cannot be read.</summary>
    private static AvroSchema? BranchFor(AvroSchema writer, AvroSchema reader)
    {
        if (reader.Type != AvroType.Union) return IsSame(writer, reader) || IsPromoted(writer.Type, reader.Type) ? reader : null;
        return Array.Find(reader.Parts, branch => IsSame(writer, branch))
            ?? Array.Find(reader.Parts, branch => IsPromoted(writer.Type, branch.Type));
    }

    private static bool IsSame(AvroSchema writer, AvroSchema reader)
    {
        if (writer.Type != reader.Type) return false;
        if (!writer.IsNamed || writer.ShortName == reader.ShortName) return !writer.IsNamed || writer.Size == reader.Size;
        return Array.Exists(reader.Aliases, alias => alias == writer.Name || alias[(alias.LastIndexOf('.') + 1)..] == writer.ShortName);
    }

    private static bool IsPromoted(AvroType writer, AvroType reader) => (writer, reader) switch
    {
        (AvroType.Int, AvroType.Long or AvroType.Float or AvroType.Double) => true,
        (AvroType.Long, AvroType.Float or AvroType.Double) => true,
        (AvroType.Float, AvroType.Double) => true,
        (AvroType.String, AvroType.Bytes) or (AvroType.Bytes, AvroType.String) => true,
        _ => false,
    };

    private static AvroSchemaException Mismatch(AvroSchema writer, AvroSchema reader, AvroSlot slot) => new(
        slot is { Kind: AvroSlotKind.Record, Path: "event" }
            ? $"the schema is the {writer.Said}, wanted is the {reader.Said}"
            : $"field {slot.Path} is a {writer.Said}, wanted is a {reader.Said}");

    private void Properties(AvroSchema writer, AvroSchema reader, AvroSlot slot)
    {
        var values = writer.Parts[0];
        var branches = values.Type == AvroType.Union ? values.Parts : [values];
        var kinds = Array.ConvertAll(branches, branch => ValueKind(branch, reader.Parts[0]));
        if (Array.TrueForAll(kinds, kind => kind == AvroValueKind.Unusable))
            throw new AvroSchemaException($"the values of field {slot.Path} are of type {values.Said}");
        _values.Add(new AvroValues(values.Type == AvroType.Union, kinds));
        Emit(AvroOp.Properties, slot, argument: _values.Count - 1, max: _skips.Number(values));
    }

    // A null is left out, as in JSON, although the canonical union has none: an error would cost the whole event.
    private static AvroValueKind ValueKind(AvroSchema writer, AvroSchema reader)
    {
        if (writer.Type == AvroType.Null) return AvroValueKind.Null;
        return (writer.Type, BranchFor(writer, reader)?.Type) switch
        {
            (AvroType.String or AvroType.Bytes, AvroType.String) => AvroValueKind.Text,
            (AvroType.Int, AvroType.Long) => AvroValueKind.Int,
            (AvroType.Long, AvroType.Long) => AvroValueKind.Long,
            (AvroType.Int, AvroType.Double) => AvroValueKind.IntAsDouble,
            (AvroType.Long, AvroType.Double) => AvroValueKind.LongAsDouble,
            (AvroType.Float, AvroType.Double) => AvroValueKind.Float,
            (AvroType.Double, AvroType.Double) => AvroValueKind.Double,
            (AvroType.Boolean, AvroType.Boolean) => AvroValueKind.Boolean,
            _ => AvroValueKind.Unusable,
        };
    }

    private void Default(AvroSchema writer, AvroField field, AvroSlot slot)
    {
        if (field.Default is not { } value)
            throw new AvroSchemaException($"{writer.Said} lacks the field {field.Name}, which has no default");
        if (slot.Kind == AvroSlotKind.None || value.ValueKind == JsonValueKind.Null) return;
        if (!TryDefault(value, slot)) throw new AvroSchemaException($"the default of field {slot.Path} is {value.GetRawText()}");
    }

    // Fields are made empty, so an empty list, map or record needs no step.
    private bool TryDefault(JsonElement value, AvroSlot slot)
    {
        switch (slot.Kind)
        {
            case AvroSlotKind.Text when value.ValueKind == JsonValueKind.String:
                var text = Encoding.UTF8.GetBytes(value.GetString()!);
                _texts.Add(text);
                if (text.Length > slot.BytesMax) return false;
                Emit(AvroOp.ConstantText, slot, argument: _texts.Count - 1);
                return true;
            case AvroSlotKind.Time or AvroSlotKind.Number or AvroSlotKind.Depth
                when value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number):
                _numbers.Add(number);
                Emit(slot.Kind == AvroSlotKind.Depth ? AvroOp.ConstantDepth : AvroOp.ConstantLong, slot, argument: _numbers.Count - 1);
                return true;
            case AvroSlotKind.Boolean when value.ValueKind is JsonValueKind.True or JsonValueKind.False:
                Emit(AvroOp.ConstantBoolean, slot, argument: value.ValueKind == JsonValueKind.True ? 1 : 0);
                return true;
            case AvroSlotKind.Channel when value.ValueKind == JsonValueKind.String:
                Emit(AvroOp.ConstantChannel, slot, argument: (int)ChannelOf(value.GetString()!));
                return true;
            case AvroSlotKind.Identifiers:
                return value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0;
            case AvroSlotKind.Properties or AvroSlotKind.Record:
                return value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any();
            default:
                return false;
        }
    }

    private static Channel ChannelOf(string word) =>
        ChannelWords.TryParse(Encoding.UTF8.GetBytes(word), out var channel) ? channel : Channel.Other;
}
