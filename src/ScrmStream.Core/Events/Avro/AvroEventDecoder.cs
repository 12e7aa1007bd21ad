using System.Runtime.CompilerServices;

namespace ScrmStream.Events.Avro;

/// <summary>
/// Decodes one Avro datum to a flat canonical event by walking a plan: texts stay where they lie in the record, nothing is allocated for a
/// good event, and every length is checked against what is left before it is used. Bad data becomes a <see cref="Reject"/>. One decoder
/// per decode lane; not thread safe.
/// </summary>
public sealed partial class AvroEventDecoder(EventLimits limits)
{
    private static readonly NamedIdentifier NoIdentifier = new()
        { Kind = TextRange.Absent, Scope = TextRange.Absent, Value = TextRange.Absent, Verified = true };

    private readonly EventChecks _checks = new(limits);
    private readonly AvroSkipper _skipper = new(limits.JsonDepthMax);
    private readonly int _keyBytesMax = limits.KeyBytesMax, _valueBytesMax = limits.ValueBytesMax;
    private readonly int _identifierBytesMax = limits.IdentifierBytesMax;
    private readonly int _identifiersMax = limits.IdentifiersMax, _propertiesMax = limits.PropertiesMax;
    private EventBatch _batch = null!;
    private AvroPlan _plan = null!;
    private bool _isWholeRecord;
    private RejectReason _reason;
    private string? _detail;

    /// <summary>Decodes the datum of a record; what is wrong with it is added to the batch's rejects.</summary>
    /// <param name="raw">The event as it is to be set aside when it is bad: its bytes with the frame, for a record holds one.</param>
    /// <param name="datum">Its bytes, without the frame; at most <see cref="EventLimits.RecordBytesMax"/>.</param>
    public void DecodeRecord(EventBatch batch, int record, TextRange raw, TextRange datum, AvroPlan plan)
    {
        // A reference that is stored is a note for the collector; from record to record they are mostly the same.
        if (_batch != batch) _batch = batch;
        if (_plan != plan) _plan = plan;
        var (identifiers, properties, dropped) = (batch.IdentifierCount, batch.PropertyCount, batch.DroppedIdentifiers);
        ref var e = ref batch.Next(record, 0);
        (e.Raw, e.AmountFen) = (raw, long.MinValue);
        var cursor = new AvroCursor(batch.Buffer, datum);
        var isGood = Run(ref e, ref Unsafe.As<TrackingEvent, byte>(ref e), 0, ref cursor) && (cursor.Left == 0 || BytesBehind(cursor.Left));
        e.IdentifierCount = batch.IdentifierCount - identifiers;
        e.PropertyCount = batch.PropertyCount - properties;
        e.HasAmount = e.AmountFen != long.MinValue;
        if (!e.HasAmount) e.AmountFen = 0;
        if (isGood && IsWhole(batch, in e) && e.EventTimeMs <= limits.NotAfterMs)
        {
            batch.Accept();
            return;
        }
        batch.Truncate(identifiers, properties);
        batch.DroppedIdentifiers = dropped;
        if (_detail is not null) batch.Rejects.Add(new Reject(record, _isWholeRecord ? -1 : 0, _reason, _detail, raw));
        (_detail, _isWholeRecord) = (null, false);
    }

    private bool IsWhole(EventBatch batch, in TrackingEvent e)
    {
        var fault = new EventFault();
        _checks.Check(batch, in e, ref fault);
        return !fault.Found || Refuse(fault.Reason, fault.Detail ?? "");
    }

    // The event's fields and an identifier's are filled alike: a step says how far behind the start of its struct the value goes.
    private bool Run(ref TrackingEvent e, ref byte target, int at, ref AvroCursor cursor)
    {
        var steps = _plan.Steps;
        // The cursor in registers: the next value is looked at before the one before it has been stored. It stays there while all calls
        // that are shown it are inlined; what is rare is not, so that it takes no registers.
        var here = cursor;
        while (true)
        {
            while (here.TryPassByte(steps[at].Absent)) at = steps[at].Argument;
            ref readonly var step = ref steps[at++];
            switch (step.Op)
            {
                case AvroOp.Text:
                    if (!Text(in step, ref target, ref here)) return false;
                    break;
                case AvroOp.OptionalText:
                    if (!here.TryLong(out var nullable) || (ulong)nullable > 1) return BadBranch(in step);
                    if (nullable << 1 != step.Absent && !Text(in step, ref target, ref here)) return false;
                    break;
                case AvroOp.Optional:
                    if (!here.TryLong(out var optional) || (ulong)optional > 1) return BadBranch(in step);
                    if (optional << 1 == step.Absent) at = step.Argument;
                    break;
                case AvroOp.Long:
                    if (!here.TryLong(out var number)) return BadNumber(in step);
                    Field<long>(ref target, in step) = number;
                    break;
                case AvroOp.Boolean:
                    if (!here.TryByte(out var flag) || flag > 1) return BadFlag(in step);
                    Field<bool>(ref target, in step) = flag != 0;
                    break;
                case AvroOp.Channel:
                    cursor.At = here.At;
                    if (!Channel(in step, ref e, ref cursor)) return false;
                    here.At = cursor.At;
                    break;
                case AvroOp.Identifiers:
                    cursor.At = here.At;
                    if (!Identifiers(in step, ref e, ref cursor)) return false;
                    here.At = cursor.At;
                    break;
                case AvroOp.Properties:
                    cursor.At = here.At;
                    if (!Properties(_plan.Values[step.Argument], step.Max, ref e, ref cursor)) return false;
                    here.At = cursor.At;
                    break;
                case AvroOp.Skip:
                    cursor.At = here.At;
                    if (!_skipper.TrySkip(_plan, step.Argument, ref cursor))
                        return Malformed("a field that is passed over is cut off or malformed");
                    here.At = cursor.At;
                    break;
                case AvroOp.Jump:
                    at = step.Argument;
                    break;
                case AvroOp.Union:
                    if (!here.TryLong(out var branch) || (ulong)branch >= (ulong)step.Max) return BadBranch(in step);
                    at = _plan.Targets[step.Argument + (int)branch];
                    break;
                case AvroOp.End:
                    cursor.At = here.At;
                    return true;
                default:
                    cursor.At = here.At;
                    if (!RareStep(in step, ref e, ref target, ref cursor)) return false;
                    here.At = cursor.At;
                    break;
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool RareStep(ref readonly AvroStep step, ref TrackingEvent e, ref byte target, ref AvroCursor cursor)
    {
        long number;
        switch (step.Op)
        {
            case AvroOp.Int:
                if (!cursor.TryInt(out number)) return BadNumber(in step);
                Field<long>(ref target, in step) = number;
                return true;
            case AvroOp.Scaled:
                if (!cursor.TryLong(out number)) return BadNumber(in step);
                // Down, before 1970 too.
                var (whole, rest) = Math.DivRem(number, step.Argument);
                Field<long>(ref target, in step) = rest < 0 ? whole - 1 : whole;
                return true;
            case AvroOp.Depth:
                return cursor.TryInt(out number) ? Depth(number, ref e) : BadNumber(in step);
            case AvroOp.ConstantText:
                Field<TextRange>(ref target, in step) = _batch.Copied(_plan.Texts[step.Argument]);
                return true;
            case AvroOp.ConstantLong:
                Field<long>(ref target, in step) = _plan.Numbers[step.Argument];
                return true;
            case AvroOp.ConstantDepth:
                return Depth(_plan.Numbers[step.Argument], ref e);
            case AvroOp.ConstantBoolean:
                Field<bool>(ref target, in step) = step.Argument != 0;
                return true;
            case AvroOp.ConstantChannel:
                e.Channel = (Channel)step.Argument;
                return true;
            default:
                return Refuse(RejectReason.IncompatibleSchema, _plan.Messages[step.Argument]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Text(ref readonly AvroStep step, ref byte target, ref AvroCursor cursor)
    {
        var isThere = cursor.TryTake(out var text);
        if (!isThere || text.Length > step.Max || !cursor.IsUtf8(text)) return BadText(in step, isThere, text.Length);
        Field<TextRange>(ref target, in step) = text;
        return true;
    }

    private bool Depth(long depth, ref TrackingEvent e)
    {
        if (depth is < 0 or > int.MaxValue) return Refuse(RejectReason.NotDecodable, $"share.depth {depth} is no length of a chain");
        (e.HasShareDepth, e.ShareDepth) = (true, (int)depth);
        return true;
    }

    private bool Channel(ref readonly AvroStep step, ref TrackingEvent e, ref AvroCursor cursor)
    {
        var channels = _plan.Channels[step.Argument];
        if (!cursor.TryInt(out var symbol) || (ulong)symbol >= (ulong)channels.Known.Length)
            return Malformed("field channel is no symbol of the writer's schema");
        e.Channel = channels.Known[symbol];
        return e.Channel != Events.Channel.None || UnknownChannel(channels, (int)symbol, ref e);
    }

    // The word is kept as a property, as of a JSON event.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool UnknownChannel(AvroChannels channels, int symbol, ref TrackingEvent e)
    {
        if (channels.Unknown == Events.Channel.None)
            return Refuse(RejectReason.IncompatibleSchema, "a symbol of channel is not known and the reader's schema has no default");
        e.Channel = channels.Unknown;
        _batch.NextProperty(_batch.Copied("channel"u8)).Text = _batch.Copied(channels.Words[symbol]);
        return _batch.TryAccept(e.FirstProperty, _propertiesMax) || TooMany(_propertiesMax, "properties");
    }

    private static ref T Field<T>(ref byte target, ref readonly AvroStep step) =>
        ref Unsafe.As<byte, T>(ref Unsafe.AddByteOffset(ref target, (nint)step.Offset));

    private string Name(ref readonly AvroStep step) => step.Field < 0 ? "?" : _plan.Fields[step.Field];

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool BadText(ref readonly AvroStep step, bool isThere, int length)
    {
        if (!isThere) return CutOff(Name(in step));
        return length > step.Max
            ? TooLong($"field {Name(in step)}", length, step.Max)
            : Malformed($"field {Name(in step)} is not valid UTF-8");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool BadFlag(ref readonly AvroStep step) => Malformed($"field {Name(in step)} is neither true nor false");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool BadBranch(ref readonly AvroStep step) => Malformed($"field {Name(in step)} names no branch of its union");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool BadNumber(ref readonly AvroStep step) => Malformed($"field {Name(in step)} is no number of its type, or is cut off");

    // What puts a message together is out of line: it takes room on the stack, which a good event would have to clear.

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool BytesBehind(int left) => Malformed($"{left} bytes behind the event");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool CutOff(string what) => Malformed($"field {what} is cut off, or its length is wrong");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TooMany(int max, string what) => Refuse(RejectReason.LimitExceeded, $"more than {max} {what}");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TooLong(string what, int length, int max) => Refuse(RejectReason.LimitExceeded, $"{what} has {length} bytes, limit {max}");

    // Bytes that are wrong say nothing of any event: the record as a whole is bad.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Malformed(string detail)
    {
        _isWholeRecord = true;
        return Refuse(RejectReason.NotDecodable, detail);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Refuse(RejectReason reason, string detail)
    {
        (_reason, _detail) = (reason, detail);
        return false;
    }
}
