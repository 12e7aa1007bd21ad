namespace ScrmStream.Events.Avro;

/// <summary>
/// Resolves a writer's schema against the canonical one by the rules of the specification: fields by name or by the reader's alias, in
/// the writer's order; promotions; unions branch by branch, where the same type comes before a promotion; the reader's defaults. A branch
/// that does not resolve spoils only the data that take it.
/// </summary>
internal sealed partial class AvroPlanCompiler
{
    private readonly List<AvroStep> _steps = [];
    private readonly List<int> _targets = [];
    private readonly List<string> _fields = [], _messages = [];
    private readonly List<byte[]> _texts = [];
    private readonly List<long> _numbers = [];
    private readonly List<AvroChannels> _channels = [];
    private readonly List<AvroValues> _values = [];
    private readonly AvroSkipCompiler _skips = new();
    private readonly List<(int Step, AvroSchema Writer, AvroSchema Reader, AvroSlot Slot)> _items = [];

    private static readonly (string, AvroType)[] PlainIdentifier =
        [("kind", AvroType.String), ("scope", AvroType.String), ("value", AvroType.String), ("verified", AvroType.Boolean)];

    private AvroPlanCompiler()
    {
    }

    /// <exception cref="AvroSchemaException">The writer's data cannot be read as events; the message says why.</exception>
    public static AvroPlan Compile(AvroSchema writer, AvroSchema reader, EventLimits limits)
    {
        var compiler = new AvroPlanCompiler();
        compiler.Value(writer, reader, AvroSlots.Event(limits));
        compiler.Emit(AvroOp.End);
        compiler.CompileItems();
        var root = compiler._skips.Number(writer);
        return new AvroPlan
        {
            Fingerprint = AvroFingerprint.Of(writer), Steps = [.. compiler._steps], Targets = [.. compiler._targets],
            Fields = [.. compiler._fields], Messages = [.. compiler._messages], Texts = [.. compiler._texts],
            Numbers = [.. compiler._numbers], Channels = [.. compiler._channels], Values = [.. compiler._values],
            HasPlainIdentifiers = compiler._items.TrueForAll(item => IsPlain(item.Writer) && IsPlain(item.Reader)),
            Skips = compiler._skips.Nodes(), SkipChildren = compiler._skips.Children, SkipRoot = root,
        };
    }

    private void Value(AvroSchema writer, AvroSchema reader, AvroSlot slot)
    {
        if (slot.Kind == AvroSlotKind.None) Emit(AvroOp.Skip, argument: _skips.Number(writer));
        else if (writer.Type == AvroType.Union) Union(writer, reader, slot);
        else Single(writer, BranchFor(writer, reader) ?? throw Mismatch(writer, reader, slot), slot);
    }

    // Two branches of which one is null are nearly all unions there are, so they have a step of their own.
    private void Union(AvroSchema writer, AvroSchema reader, AvroSlot slot)
    {
        if (!writer.Parts.Any(branch => Resolves(branch, reader, slot))) throw Mismatch(writer, reader, slot);
        var isNull = Array.FindIndex(writer.Parts, branch => branch.Type == AvroType.Null);
        if (writer.Parts.Length == 2 && isNull >= 0 && BranchFor(writer.Parts[isNull], reader) is not null)
        {
            var value = writer.Parts[1 - isNull];
            if (slot.Kind == AvroSlotKind.Text && value.Type is AvroType.String or AvroType.Bytes)
            {
                Emit(AvroOp.OptionalText, slot, argument: _steps.Count + 1, max: slot.BytesMax, absent: Absent(isNull));
                return;
            }
            var optional = Emit(AvroOp.Optional, slot, absent: Absent(isNull));
            Branch(value, reader, slot);
            _steps[optional] = _steps[optional] with { Argument = _steps.Count };
            return;
        }
        Table(writer, reader, slot);
    }

    private void Table(AvroSchema writer, AvroSchema reader, AvroSlot slot)
    {
        var table = _targets.Count;
        Emit(AvroOp.Union, slot, argument: table, max: writer.Parts.Length);
        _targets.AddRange(Enumerable.Repeat(0, writer.Parts.Length));
        List<int> ends = [];
        for (var i = 0; i < writer.Parts.Length; i++)
        {
            _targets[table + i] = _steps.Count;
            Branch(writer.Parts[i], reader, slot);
            ends.Add(Emit(AvroOp.Jump));
        }
        foreach (var end in ends) _steps[end] = _steps[end] with { Argument = _steps.Count };
    }

    private void Branch(AvroSchema writer, AvroSchema reader, AvroSlot slot)
    {
        var (steps, items) = (_steps.Count, _items.Count);
        try
        {
            Value(writer, reader, slot);
        }
        catch (AvroSchemaException e)
        {
            _steps.RemoveRange(steps, _steps.Count - steps);
            _items.RemoveRange(items, _items.Count - items);
            _messages.Add(e.Message);
            Emit(AvroOp.Fail, slot, argument: _messages.Count - 1);
        }
    }

    private static bool Resolves(AvroSchema writer, AvroSchema reader, AvroSlot slot)
    {
        try
        {
            new AvroPlanCompiler().Value(writer, reader, slot);
            return true;
        }
        catch (AvroSchemaException)
        {
            return false;
        }
    }

    private void Single(AvroSchema writer, AvroSchema reader, AvroSlot slot)
    {
        // A null leaves the field as it was made: absent.
        if (reader.Type == AvroType.Null) return;
        switch (slot.Kind)
        {
            case AvroSlotKind.Text when reader.Type == AvroType.String:
                Emit(AvroOp.Text, slot, max: slot.BytesMax);
                break;
            case AvroSlotKind.Time when reader.Type == AvroType.Long:
                Time(writer, slot);
                break;
            case AvroSlotKind.Number when reader.Type == AvroType.Long:
                Emit(writer.Type == AvroType.Int ? AvroOp.Int : AvroOp.Long, slot);
                break;
            case AvroSlotKind.Depth when reader.Type == AvroType.Int:
                Emit(AvroOp.Depth, slot);
                break;
            case AvroSlotKind.Boolean when reader.Type == AvroType.Boolean:
                Emit(AvroOp.Boolean, slot);
                break;
            case AvroSlotKind.Channel when reader.Type == AvroType.Enum:
                Channels(writer, reader, slot);
                break;
            case AvroSlotKind.Identifiers when reader is { Type: AvroType.Array } && reader.Parts[0].Type == AvroType.Record:
                Identifiers(writer, reader, slot);
                break;
            case AvroSlotKind.Properties when reader.Type == AvroType.Map:
                Properties(writer, reader, slot);
                break;
            case AvroSlotKind.Record when reader.Type == AvroType.Record:
                Record(writer, reader, slot);
                break;
            default:
                throw new AvroSchemaException($"the reader's schema makes {slot.Path} a {reader.Said}");
        }
    }

    private void Record(AvroSchema writer, AvroSchema reader, AvroSlot slot)
    {
        var byWriter = new Dictionary<string, AvroField>(StringComparer.Ordinal);
        var defaults = new List<AvroField>();
        foreach (var field in reader.Fields)
        {
            var name = Array.Exists(writer.Fields, w => w.Name == field.Name)
                ? field.Name
                : Array.Find(field.Aliases, alias => Array.Exists(writer.Fields, w => w.Name == alias));
            if (name is null) defaults.Add(field);
            else byWriter.TryAdd(name, field);
        }
        foreach (var field in writer.Fields)
        {
            if (byWriter.TryGetValue(field.Name, out var read)) Value(field.Type, read.Type, slot.Of(read.Name));
            else Emit(AvroOp.Skip, argument: _skips.Number(field.Type));
        }
        foreach (var field in defaults) Default(writer, field, slot.Of(field.Name));
    }

    // Data in other units than ours say so by their logical type; a clock without a zone does not say when it was.
    private void Time(AvroSchema writer, AvroSlot slot)
    {
        if (writer.Logical.StartsWith("local-timestamp-", StringComparison.Ordinal))
            throw new AvroSchemaException($"field {slot.Path} is a {writer.Logical}, which has no time zone");
        var divisor = writer.Type != AvroType.Long ? 1 : writer.Logical switch
        {
            "timestamp-micros" => 1_000,
            "timestamp-nanos" => 1_000_000,
            _ => 1,
        };
        if (divisor > 1) Emit(AvroOp.Scaled, slot, argument: divisor);
        else Emit(writer.Type == AvroType.Int ? AvroOp.Int : AvroOp.Long, slot);
    }

    private void Channels(AvroSchema writer, AvroSchema reader, AvroSlot slot)
    {
        var words = Array.ConvertAll(writer.Symbols, System.Text.Encoding.UTF8.GetBytes);
        // A symbol that only a changed reader's schema has is no channel of ours, and is kept as a word like an unknown one.
        var known = Array.ConvertAll(words, word => ChannelWords.TryParse(word, out var channel) ? channel : Channel.None);
        _channels.Add(new AvroChannels(known, words, reader.SymbolDefault is null ? Channel.None : ChannelOf(reader.SymbolDefault)));
        Emit(AvroOp.Channel, slot, argument: _channels.Count - 1);
    }

    private void Identifiers(AvroSchema writer, AvroSchema reader, AvroSlot slot)
    {
        var item = writer.Parts[0];
        var step = Emit(AvroOp.Identifiers, slot, max: _skips.Number(item));
        var inner = new AvroSlot(AvroSlotKind.Record, "identifier", Inner: slot.Inner);
        // What cannot be read at all is found out now, not at the first event.
        if (!Resolves(item, reader.Parts[0], inner)) throw Mismatch(item, reader.Parts[0], inner);
        _items.Add((step, item, reader.Parts[0], inner));
    }

    // The steps of an item stand behind those of the event: a step jumps only within its own.
    private void CompileItems()
    {
        for (var i = 0; i < _items.Count; i++)
        {
            var (step, writer, reader, slot) = _items[i];
            _steps[step] = _steps[step] with { Argument = _steps.Count };
            Value(writer, reader, slot);
            Emit(AvroOp.End);
        }
    }

    private static bool IsPlain(AvroSchema identifier) =>
        identifier.Fields.Select(field => (field.Name, field.Type.Type)).SequenceEqual(PlainIdentifier);

    // The number of a branch as it is written, in one byte.
    private static short Absent(int branch) => (short)(branch << 1);

    private int Emit(AvroOp op, AvroSlot? slot = null, int argument = 0, int max = 0, short absent = AvroStep.NeverAbsent)
    {
        var field = slot is null ? -1 : _fields.IndexOf(slot.Path);
        if (slot is not null && field < 0)
        {
            field = _fields.Count;
            _fields.Add(slot.Path);
        }
        _steps.Add(new AvroStep(op, absent, (ushort)(slot?.Offset ?? 0), (short)field, argument, max));
        return _steps.Count - 1;
    }
}
