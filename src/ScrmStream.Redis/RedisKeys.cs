using System.Text;
using ScrmStream.Identity;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>Builds the keys of <c>schemas/redis/keys.md</c> for one namespace. Immutable.</summary>
public sealed class RedisKeys
{
    public const int Buckets = 4096;
    private const int IdDigits = 32;
    private static readonly string[] Reserved = ["cell", "leads", "timers", "meta"];

    private readonly byte[] _view;
    private readonly byte[] _cell;

    public RedisKeys(string @namespace = "")
    {
        Prefix = @namespace.Length == 0 ? "scrm:" : $"scrm:{@namespace}:";
        _view = Encoding.ASCII.GetBytes(Prefix + "{");
        _cell = Encoding.ASCII.GetBytes(Prefix + "cell:{");
    }

    /// <summary>What every key of the namespace starts with.</summary>
    public string Prefix { get; }

    internal static bool IsNamespace(string name) =>
        name.Length <= 64 && !Reserved.Contains(name)
        && name.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '_' or '-');

    public RedisKey Cell(IdentifierId id) => Key(_cell, id, default);

    public RedisKey View(IdentifierId id) => Key(_view, id, default);

    public RedisKey Tags(IdentifierId id) => Key(_view, id, ":tags"u8);

    public RedisKey TagExpiry(IdentifierId id) => Key(_view, id, ":tag_expiry"u8);

    /// <summary>The board of one score in one bucket.</summary>
    public RedisKey Board(ReadOnlySpan<byte> score, int bucket) => $"{Prefix}leads:{Encoding.UTF8.GetString(score)}:{{{bucket:x3}}}";

    public RedisKey Meta(string name) => $"{Prefix}meta:{name}";

    // prefix{b}:id + suffix, where b is the first three digits of the id.
    private static byte[] Key(byte[] prefix, IdentifierId id, ReadOnlySpan<byte> suffix)
    {
        var at = prefix.Length;
        var key = new byte[at + 3 + 2 + IdDigits + suffix.Length];
        prefix.CopyTo(key.AsSpan());
        var hex = key.AsSpan(at + 5, IdDigits);
        id.WriteHex(hex);
        hex[..3].CopyTo(key.AsSpan(at));
        key[at + 3] = (byte)'}';
        key[at + 4] = (byte)':';
        suffix.CopyTo(key.AsSpan(at + 5 + IdDigits));
        return key;
    }
}
