using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ScrmStream.Events;

namespace ScrmStream.Host.Generation;

/// <summary>Writes events of the story as canonical JSON. One thread.</summary>
internal sealed class PetShopEncoder(PetShopOptions options, PetShopIdentifiers identifiers)
{
    private const long FarAheadMs = 4_102_444_800_000; // 2100-01-01
    private const int CutOffBytes = 45;

    private static readonly byte[][] Actions = Array.ConvertAll(
        Enum.GetNames<PetShopAction>(), n => Encoding.UTF8.GetBytes(JsonNamingPolicy.SnakeCaseLower.ConvertName(n)));

    private static readonly (string Kind, string Scope, string Value)[] Junk =
    [
        ("phone", "", "13800138000"), ("device_id", "petshop-app", "00000000-0000-0000-0000-000000000000"),
        ("openid", "wx-mini-petshop", "undefined"), ("member_id", "petshop", "0"), ("cookie", "petshop.example", "null"),
    ];

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Utf8JsonWriter _json = new(Stream.Null, Plain);
    private readonly string _eventIdPrefix = $"pet-{options.Seed}-";
    private readonly byte[] _text = new byte[64];

    /// <summary>Writes one event as an object, several as an array.</summary>
    public void Write(ReadOnlySpan<PetShopEvent> events, ArrayBufferWriter<byte> value)
    {
        _json.Reset(value);
        if (events.Length > 1) _json.WriteStartArray();
        foreach (ref readonly var e in events) WriteEvent(in e);
        if (events.Length > 1) _json.WriteEndArray();
        _json.Flush();
    }

    /// <summary>What is left of a record that was cut off on its way; always less than an event.</summary>
    public static ReadOnlyMemory<byte> CutOff(ReadOnlyMemory<byte> value) => value[..CutOffBytes];

    /// <summary>The value of the first identifier: the record's key. Lasts until the next call.</summary>
    public ReadOnlyMemory<byte> Key(in PetShopEvent e)
    {
        foreach (var slot in PetShopIdentifiers.Slots)
        {
            if ((e.Identifiers & slot) != 0) return _text.AsMemory(0, identifiers.Value(e.Person, slot, _text));
        }
        return default;
    }

    private void WriteEvent(in PetShopEvent e)
    {
        _json.WriteStartObject();
        WriteEventId(e.Number);
        if (e.Flaw != Flaw.NoName) _json.WriteString("event"u8, Actions[(int)e.Action]);
        if (e.Flaw != Flaw.NoTime) _json.WriteNumber("event_time"u8, TimeOf(in e));
        _json.WriteNumber("received_time"u8, e.SentMs);
        _json.WriteString("channel"u8, e.Channel.WordUtf8());
        WriteIdentifiers(in e);
        WriteText("session_id"u8, "s-"u8, e.Session);
        WriteContext(in e);
        _json.WriteEndObject();
    }

    private static long TimeOf(in PetShopEvent e) => e.Flaw switch
    {
        Flaw.InSeconds => e.TimeMs / 1000,
        Flaw.FarAhead => FarAheadMs,
        _ => e.TimeMs,
    };

    private void WriteEventId(int number)
    {
        var length = Encoding.UTF8.GetBytes(_eventIdPrefix, _text);
        System.Buffers.Text.Utf8Formatter.TryFormat(number, _text.AsSpan(length), out var digits);
        _json.WriteString("event_id"u8, _text.AsSpan(0, length + digits));
    }

    private void WriteText(ReadOnlySpan<byte> name, ReadOnlySpan<byte> prefix, int number)
    {
        prefix.CopyTo(_text);
        System.Buffers.Text.Utf8Formatter.TryFormat(number, _text.AsSpan(prefix.Length), out var digits);
        _json.WriteString(name, _text.AsSpan(0, prefix.Length + digits));
    }

    private void WriteIdentifiers(in PetShopEvent e)
    {
        _json.WriteStartArray("identifiers"u8);
        if (e.Flaw != Flaw.OnlyJunk)
        {
            foreach (var slot in PetShopIdentifiers.Slots)
            {
                if ((e.Identifiers & slot) == 0) continue;
                var (kind, scope) = PetShopIdentifiers.KindOf(slot);
                _json.WriteStartObject();
                _json.WriteString("kind"u8, kind.WordUtf8());
                if (scope.Length > 0) _json.WriteString("scope"u8, scope);
                _json.WriteString("value"u8, _text.AsSpan(0, identifiers.Value(e.Person, slot, _text)));
                _json.WriteEndObject();
            }
        }
        if (e.Flaw is Flaw.OnlyJunk or Flaw.JunkBeside) WriteJunk(Junk[e.Number % Junk.Length]);
        _json.WriteEndArray();
    }

    private void WriteJunk((string Kind, string Scope, string Value) junk)
    {
        _json.WriteStartObject();
        _json.WriteString("kind"u8, junk.Kind);
        _json.WriteString("scope"u8, junk.Scope);
        _json.WriteString("value"u8, junk.Value);
        _json.WriteEndObject();
    }

    private void WriteContext(in PetShopEvent e)
    {
        if (e.Channel == Channel.Web && e.Action == PetShopAction.PageView)
        {
            _json.WriteString("page"u8, "https://petshop.example/spring"u8);
            _json.WriteStartObject("campaign"u8);
            _json.WriteString("source"u8, e.Session % 3 == 0 ? "moments"u8 : "search"u8);
            _json.WriteString("medium"u8, "cpc"u8);
            _json.WriteString("name"u8, "春季宠物节"u8);
            _json.WriteEndObject();
        }
        if (e.AmountFen > 0)
        {
            _json.WriteNumber("amount_fen"u8, e.AmountFen);
            _json.WriteString("currency"u8, "CNY"u8);
        }
        if (e.Action is PetShopAction.Like or PetShopAction.ContentView)
        {
            _json.WriteStartObject("properties"u8);
            _json.WriteString("topic"u8, e.IsAboutPets ? "pet"u8 : "lifestyle"u8);
            _json.WriteEndObject();
        }
        else if (e.Product >= 0) WriteProduct(PetShopCatalog.Products[e.Product]);
    }

    private void WriteProduct((string Sku, string? Pet, int PriceFen) product)
    {
        _json.WriteStartObject("properties"u8);
        _json.WriteString("sku"u8, product.Sku);
        if (product.Pet is not null) _json.WriteString("pet"u8, product.Pet);
        _json.WriteNumber("price_fen"u8, product.PriceFen);
        _json.WriteEndObject();
    }
}
