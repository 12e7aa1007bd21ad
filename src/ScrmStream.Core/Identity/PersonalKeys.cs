using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// The keys that personal identifiers are hashed with, the current one first. A hashed value is <c>keyid.hash</c>: the hash is 64 hex
/// digits of HMAC-SHA-256 (RFC 2104, FIPS 180-4) over the UTF-8 of the plain stored text <c>kind:scope:value</c>. Immutable, thread safe.
/// </summary>
public sealed class PersonalKeys
{
    /// <summary>Bytes of a hash in a stored text.</summary>
    public const int HashBytes = 2 * HMACSHA256.HashSizeInBytes;

    /// <summary>The longest id of a key.</summary>
    public const int IdBytesMax = 16;

    private const int KeyBytesMin = 16, KeyBytesMax = 256;
    private const string Setting = "Pipeline:Identity:PersonalKeys";

    internal static readonly SearchValues<byte> IdBytes = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789"u8);

    private readonly (byte[] Id, byte[] Key)[] _keys;

    /// <exception cref="ArgumentException">A key or an id cannot be used; the message names the setting and never the key.</exception>
    public PersonalKeys(IReadOnlyList<PersonalKeyOptions> keys)
    {
        _keys = new (byte[], byte[])[keys.Count];
        for (var i = 0; i < _keys.Length; i++) _keys[i] = (ReadId(keys, i), ReadKey(keys[i].Key, i));
    }

    /// <summary>How many there are: none (values stay plain), one, or more while keys are rotated.</summary>
    public int Count => _keys.Length;

    /// <summary>Bytes of a value hashed with a key.</summary>
    public int ValueBytes(int key) => _keys[key].Id.Length + 1 + HashBytes;

    /// <summary>True for the id of one of the keys.</summary>
    public bool Knows(ReadOnlySpan<byte> id)
    {
        foreach (var (known, _) in _keys)
            if (id.SequenceEqual(known)) return true;
        return false;
    }

    /// <summary>Writes <c>keyid.hash</c>.</summary>
    /// <param name="plain">The whole stored text <c>kind:scope:value</c> with the normalised value.</param>
    /// <param name="destination">At least <see cref="ValueBytes"/> bytes.</param>
    public void WriteValue(int key, ReadOnlySpan<byte> plain, Span<byte> destination)
    {
        var (id, secret) = _keys[key];
        id.CopyTo(destination);
        destination[id.Length] = (byte)'.';
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, plain, hash);
        Convert.TryToHexStringLower(hash, destination[(id.Length + 1)..], out _);
    }

    /// <summary>
    /// Puts hashes under the current key in place of the phones and e-mail addresses of an event, and behind each verified one an alias
    /// for every old key. Nothing is done without keys.
    /// </summary>
    public void Apply(EventBatch batch, ref TrackingEvent e)
    {
        if (Count == 0) return;
        for (var i = e.FirstIdentifier; i < e.FirstIdentifier + e.IdentifierCount; i++)
        {
            if (!IsPlain(batch, in batch.Identifiers[i])) continue;
            if (Count > 1)
            {
                ApplyWithAliases(batch, ref e);
                return;
            }
            batch.Identifiers[i] = Hashed(batch, in batch.Identifiers[i], 0);
        }
    }

    // Identifiers of one event lie side by side, so those of an event that gets more of them move behind all others.
    private void ApplyWithAliases(EventBatch batch, ref TrackingEvent e)
    {
        var (first, end) = (e.FirstIdentifier, e.FirstIdentifier + e.IdentifierCount);
        e.FirstIdentifier = batch.IdentifierCount;
        for (var i = first; i < end; i++)
        {
            var named = batch.Identifiers[i];
            var principal = batch.IdentifierCount;
            var isPlain = IsPlain(batch, in named);
            batch.Add(isPlain ? Hashed(batch, in named, 0) : named);
            for (var key = 1; isPlain && named.Verified && key < Count; key++)
                batch.Add(Hashed(batch, in named, key) with { AliasOf = principal });
        }
        e.IdentifierCount = batch.IdentifierCount - e.FirstIdentifier;
    }

    private static bool IsPlain(EventBatch batch, in EventIdentifier identifier) =>
        identifier.Kind.IsPersonal() && IdentifierText.KeyId(batch.Text(identifier.Text), identifier.Kind).IsEmpty;

    private EventIdentifier Hashed(EventBatch batch, in EventIdentifier plain, int key)
    {
        var text = batch.Text(plain.Text);
        var prefix = text[..^IdentifierText.Value(text, plain.Kind).Length];
        var length = prefix.Length + ValueBytes(key);
        // The buffer may move; the spans stay on the bytes that they were taken from.
        var start = batch.Records.Reserve(length);
        var room = batch.Buffer.AsSpan(start, length);
        prefix.CopyTo(room);
        WriteValue(key, text, room[prefix.Length..]);
        return plain with { Text = new TextRange(start, length), Fingerprint = Fingerprint.Of(room) };
    }

    private static byte[] ReadId(IReadOnlyList<PersonalKeyOptions> keys, int i)
    {
        var id = Encoding.UTF8.GetBytes(keys[i].Id);
        if (id.Length is 0 or > IdBytesMax || id.AsSpan().ContainsAnyExcept(IdBytes))
            throw new ArgumentException($"{Setting}:{i}:Id '{keys[i].Id}': use 1 to {IdBytesMax} of a-z and 0-9.");
        for (var earlier = 0; earlier < i; earlier++)
            if (keys[earlier].Id == keys[i].Id)
                throw new ArgumentException(
                    $"{Setting}:{i}:Id '{keys[i].Id}' is the id of {Setting}:{earlier} too: give every key an id of its own.");
        return id;
    }

    private static byte[] ReadKey(string text, int i)
    {
        var key = new byte[text.Length];
        var isHex = Convert.FromHexString(text, key, out _, out var length) == OperationStatus.Done;
        if (!isHex && !Convert.TryFromBase64String(text, key, out length)) length = -1;
        if (length is < KeyBytesMin or > KeyBytesMax)
            throw new ArgumentException(
                $"{Setting}:{i}:Key is {(length < 0 ? "neither hex nor base64" : $"{length} bytes")}: give {KeyBytesMin} to {KeyBytesMax} "
                + "random bytes as hex or base64, for example from \"openssl rand -hex 32\".");
        return key[..length];
    }
}
