using System.Buffers.Binary;
using System.Text;
using ScrmStream.Identity;
using ScrmStream.Pipeline;

namespace ScrmStream.TestKit.Conformance;

/// <summary>What a reader finds of one identifier: public fields, tags, their expiry, and score name -> rank.</summary>
public sealed record PublishedView(
    SortedDictionary<string, string> Fields, SortedDictionary<string, string> Tags, SortedDictionary<string, string> TagExpiry,
    SortedDictionary<string, string> Ranks)
{
    /// <summary>All of it as text, for comparing two stores.</summary>
    public override string ToString() =>
        $"fields {Join(Fields)} | tags {Join(Tags)} | expiry {Join(TagExpiry)} | ranks {Join(Ranks)}";

    private static string Join(SortedDictionary<string, string> of) => string.Join(", ", of.Select(p => $"{p.Key}={p.Value}"));
}

/// <summary>A view to publish, in words; <see cref="AddTo"/> encodes it.</summary>
public sealed record ViewSample(IdentifierId Id, ulong Stamp)
{
    public ViewForm Form { get; init; } = ViewForm.Customer;
    public IdentifierId MergedInto { get; init; }
    public ulong ExpectedStamp { get; init; }
    public ulong Epoch { get; init; }
    public (IdentifierId Id, ulong Version)[] Vector { get; init; } = [];
    public Dictionary<string, string> Fields { get; init; } = [];
    public Dictionary<string, string> Tags { get; init; } = [];
    public Dictionary<string, string> TagExpiry { get; init; } = [];
    public Dictionary<string, string> Ranks { get; init; } = [];
    public string Conclusion { get; init; } = "";
    public bool TagsChanged { get; init; } = true;

    public ViewWrite AddTo(ByteArena arena)
    {
        var vectorAt = arena.Length;
        foreach (var (id, version) in Vector.OrderBy(v => v.Id))
        {
            var room = arena.Append(24);
            BinaryPrimitives.WriteUInt128BigEndian(room, id.Value);
            BinaryPrimitives.WriteUInt64BigEndian(room[16..], version);
        }
        return new ViewWrite
        {
            Id = Id,
            Form = Form,
            MergedInto = MergedInto,
            ExpectedStamp = ExpectedStamp,
            Epoch = Epoch,
            Stamp = Stamp,
            Vector = arena.Since(vectorAt),
            Fields = AddList(arena, Fields),
            Tags = AddList(arena, Tags),
            TagExpiry = AddList(arena, TagExpiry),
            Ranks = AddList(arena, Ranks),
            Conclusion = arena.Add(Encoding.UTF8.GetBytes(Conclusion)),
            TagsChanged = TagsChanged,
            TagExpiryChanged = TagsChanged,
        };
    }

    private static ArenaRange AddList(ByteArena arena, Dictionary<string, string> fields)
    {
        var at = arena.Length;
        foreach (var (name, value) in fields) arena.AddField(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));
        return arena.Since(at);
    }
}

/// <summary>Short ways to write what the store suites need.</summary>
public static class StoreSamples
{
    public static IdentifierId Id(string text) => IdentifierId.Of(Encoding.UTF8.GetBytes(text));

    public static CellWrite Cell(ByteArena arena, IdentifierId id, CellVersion expected, CellVersion version, string facts)
    {
        var at = arena.Length;
        var room = arena.Append(16);
        BinaryPrimitives.WriteUInt64LittleEndian(room, version.Number);
        BinaryPrimitives.WriteUInt64LittleEndian(room[8..], version.Stamp);
        arena.Add(Encoding.UTF8.GetBytes(facts));
        return new CellWrite(id, expected, arena.Since(at));
    }

    public static CellVersion VersionOf(StoredCell stored) => stored.Cell is null
        ? CellVersion.None
        : new CellVersion(
            BinaryPrimitives.ReadUInt64LittleEndian(stored.Cell), BinaryPrimitives.ReadUInt64LittleEndian(stored.Cell.AsSpan(8)));

    public static string FactsOf(StoredCell stored) => Encoding.UTF8.GetString(stored.Cell.AsSpan(16));

    /// <summary>A customer with everything a view can have.</summary>
    public static ViewSample Customer(IdentifierId id, ulong stamp, ulong version = 1) => new(id, stamp)
    {
        Vector = [(id, version)],
        Fields = new() { ["events"] = "3", ["first_seen"] = "1700000000000", ["channels"] = "app,mini_program", ["score.intent"] = "12.5" },
        Tags = new() { ["vip"] = "1", ["lifecycle"] = "active" },
        TagExpiry = new() { ["lifecycle"] = "1700000900000" },
        Ranks = new() { ["intent"] = "1704406000000", ["loyalty"] = "-" },
        Conclusion = "c" + stamp,
    };

    public static async Task<IReadOnlyList<int>> PublishAsync(this IViewStore store, params ViewSample[] samples)
    {
        var arena = new ByteArena();
        return await store.PublishAsync([.. samples.Select(s => s.AddTo(arena))], arena, CancellationToken.None);
    }
}
