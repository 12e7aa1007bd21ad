using System.Text;
using ScrmStream.Identity;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>Builds the keys of <c>schemas/redis/keys.md</c> for one namespace. Immutable.</summary>
public sealed class RedisKeys
{
    public const int Buckets = 4096;
    private const int IdDigits = 32;
    private const int BucketBytes = 5;   // three digits, }, :
    private static readonly string[] Reserved = ["cells", "leads", "timers", "meta"];

    private readonly byte[] _view;
    private readonly byte[][] _cells;

    public RedisKeys(string @namespace = "")
    {
        Prefix = @namespace.Length == 0 ? "scrm:" : $"scrm:{@namespace}:";
        _view = Encoding.ASCII.GetBytes(Prefix + "{");
        _cells = [.. Enumerable.Range(0, Buckets).Select(b => Encoding.ASCII.GetBytes($"{Prefix}cells:{{{b:x3}}}"))];
    }

    /// <summary>An id in binary.</summary>
    internal const int CellFieldBytes = 16;

    internal static ReadOnlySpan<byte> TagsSuffix => ":tags"u8;
    internal static ReadOnlySpan<byte> TagExpirySuffix => ":tag_expiry"u8;

    /// <summary>What every key of the namespace starts with.</summary>
    public string Prefix { get; }

    internal static bool IsNamespace(string name) =>
        name.Length <= 64 && !Reserved.Contains(name)
        && name.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '_' or '-');

    /// <summary>The hash of a bucket's cells; their fields are <see cref="CellFieldBytes"/> bytes of the identifiers' ids.</summary>
    public RedisKey Cells(int bucket) => _cells[bucket];

    public RedisKey View(IdentifierId id) => Key(_view, id, default);

    public RedisKey Tags(IdentifierId id) => Key(_view, id, TagsSuffix);

    public RedisKey TagExpiry(IdentifierId id) => Key(_view, id, TagExpirySuffix);

    /// <summary>Writes the key of a bucket's cells as an argument.</summary>
    internal void WriteCells(RespWriter to, int bucket) => to.Argument(_cells[bucket]);

    /// <summary>Writes the key of a view, or of a hash beside it, as an argument.</summary>
    internal void WriteView(RespWriter to, IdentifierId id, ReadOnlySpan<byte> suffix = default) => Write(to, _view, id, suffix);

    /// <summary>The timers of one bucket.</summary>
    public RedisKey Timers(int bucket) => BoardName(default, bucket);

    /// <summary>The board of one score in one bucket; that of no name holds the timers.</summary>
    public RedisKey Board(ReadOnlySpan<byte> score, int bucket) => BoardName(score, bucket);

    internal string BoardName(ReadOnlySpan<byte> score, int bucket) => score.IsEmpty
        ? $"{Prefix}timers:{{{bucket:x3}}}"
        : $"{Prefix}leads:{Encoding.UTF8.GetString(score)}:{{{bucket:x3}}}";

    public RedisKey Meta(string name) => $"{Prefix}meta:{name}";

    private static byte[] Key(byte[] prefix, IdentifierId id, ReadOnlySpan<byte> suffix)
    {
        var key = new byte[prefix.Length + BucketBytes + IdDigits + suffix.Length];
        Fill(key, prefix, id, suffix);
        return key;
    }

    private static void Write(RespWriter to, byte[] prefix, IdentifierId id, ReadOnlySpan<byte> suffix) =>
        Fill(to.Argument(prefix.Length + BucketBytes + IdDigits + suffix.Length), prefix, id, suffix);

    // prefix{b}:id + suffix, where b is the first three digits of the id.
    private static void Fill(Span<byte> key, byte[] prefix, IdentifierId id, ReadOnlySpan<byte> suffix)
    {
        prefix.CopyTo(key);
        var rest = key[prefix.Length..];
        var hex = rest.Slice(BucketBytes, IdDigits);
        id.WriteHex(hex);
        hex[..3].CopyTo(rest);
        rest[3] = (byte)'}';
        rest[4] = (byte)':';
        suffix.CopyTo(rest[(BucketBytes + IdDigits)..]);
    }
}
