using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using static ScrmStream.Tests.Events.Decoding;

namespace ScrmStream.Tests.Identity;

public sealed class PersonalKeysTests
{
    public const string Key1 = "000102030405060708090a0b0c0d0e0f", Key2 = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

    /// <summary>RFC 4231, 4.2, 4.4, 4.5, 4.7 and 4.8 (4.3 has a key shorter than we take, 4.6 a cut hash).</summary>
    [Theory]
    [InlineData("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")]
    [InlineData("aa*20", "dd*50", "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")]
    [InlineData("0102030405060708090a0b0c0d0e0f10111213141516171819", "cd*50", "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b")]
    [InlineData("aa*131", "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")]
    [InlineData("aa*131", "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65206b657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565647320746f20626520686173686564206265666f7265206265696e6720757365642062792074686520484d414320616c676f726974686d2e", "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2")]
    public void WriteValue_VectorsOfRfc4231_AreReproduced(string key, string data, string expected)
    {
        foreach (var text in new[] { Hex(key), Convert.ToBase64String(Convert.FromHexString(Hex(key))) })
        {
            var keys = new PersonalKeys([new PersonalKeyOptions { Id = "rfc4231", Key = text }]);
            var value = new byte[keys.ValueBytes(0)];
            keys.WriteValue(0, Convert.FromHexString(Hex(data)), value);
            Assert.Equal($"rfc4231.{expected}", Encoding.ASCII.GetString(value));
        }
    }

    [Theory]
    [InlineData("k1", "", "Pipeline:Identity:PersonalKeys:0:Key is 0 bytes")]
    [InlineData("k1", "00112233445566778899aabbccddee", "Pipeline:Identity:PersonalKeys:0:Key is 15 bytes")]
    [InlineData("k1", "not a key, surely not one!", "Pipeline:Identity:PersonalKeys:0:Key is neither hex nor base64")]
    [InlineData("", Key1, "Pipeline:Identity:PersonalKeys:0:Id ''")]
    [InlineData("K1", Key1, "Pipeline:Identity:PersonalKeys:0:Id 'K1'")]
    [InlineData("k.1", Key1, "Pipeline:Identity:PersonalKeys:0:Id 'k.1'")]
    [InlineData("k1234567890123456", Key1, "Pipeline:Identity:PersonalKeys:0:Id 'k1234567890123456'")]
    public void Validate_BadKey_NamesTheSettingAndNotTheKey(string id, string key, string message)
    {
        var options = new IdentityOptions { PersonalKeys = [new PersonalKeyOptions { Id = id, Key = key }] };
        var error = Assert.Throws<ArgumentException>(options.Validate);
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
        if (key.Length > 0) Assert.DoesNotContain(key, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_SameIdTwice_IsRefused()
    {
        var error = Assert.Throws<ArgumentException>(Rotating(("a", Key1), ("b", Key2), ("a", Key2)).Validate);
        Assert.StartsWith("Pipeline:Identity:PersonalKeys:2:Id 'a'", error.Message, StringComparison.Ordinal);
        Rotating(("a", Key1), ("b", Key2)).Validate();
    }

    [Theory]
    [InlineData("0")]
    [InlineData("086")]
    [InlineData("+86")]
    [InlineData("")]
    [InlineData("8888")]
    public void Validate_BadPhoneRegion_IsRefused(string region) =>
        Assert.Contains("Pipeline:Identity:PhoneRegion", Assert.Throws<ArgumentException>(new IdentityOptions { PhoneRegion = region }.Validate).Message, StringComparison.Ordinal);

    [Fact]
    public void Apply_PersonalIdentifiers_AreHashedAndTheOthersAreNot()
    {
        var batch = Screened(Rotating(("k1", Key1)), Event(identifiers: """
            [{"kind":"phone","value":"139 1234 5678"},{"kind":"email","scope":"s","value":"Ann@Example.cn","verified":false},{"kind":"openid","scope":"wx","value":"o1"}]
            """));
        Assert.Equal([Hashed("k1", Key1, "phone::+8613912345678"), Hashed("k1", Key1, "email:s:ann@example.cn"), "openid:wx:o1"], batch.IdentifierTexts());
        Assert.Equal("k1"u8.ToArray(), IdentifierText.KeyId(batch.Text(batch.Identifiers[0].Text), IdentifierKind.Phone).ToArray());
        foreach (ref var identifier in batch.Identifiers)
            Assert.Equal((Fingerprint.Of(batch.Text(identifier.Text)), -1), (identifier.Fingerprint, identifier.AliasOf));
    }

    [Fact]
    public void Apply_Junk_IsTestedOnThePlainValue()
    {
        var batch = Screened(Rotating(("k1", Key1)), Event(identifiers: """[{"kind":"phone","value":"138-0013-8000"},{"kind":"cookie","value":"c"}]"""));
        Assert.Equal(["cookie::c"], batch.IdentifierTexts());
        Assert.Equal(1, batch.DroppedIdentifiers);
    }

    [Fact]
    public void Apply_SeveralKeys_VerifiedOnesGetAliasesBehindThem()
    {
        var options = Rotating(("k3", Key2), ("k2", Key1 + "ff"), ("k1", Key1));
        var batch = Screened(options, Event(identifiers: """
            [{"kind":"cookie","value":"c"},{"kind":"phone","value":"13912345678"},{"kind":"email","value":"a@example.cn","verified":false}]
            """), Event());
        const string phone = "phone::+8613912345678";
        Assert.Equal(
            ["cookie::c", Hashed("k3", Key2, phone), Hashed("k2", Key1 + "ff", phone), Hashed("k1", Key1, phone), Hashed("k3", Key2, "email::a@example.cn")],
            batch.IdentifierTexts());
        Assert.Equal(["member_id:s:m1"], batch.IdentifierTexts(1));
        ref var e = ref batch.Events[0];
        Assert.Equal((3, 5, e.FirstIdentifier + 1), (e.NamedIdentifiers, e.IdentifierCount, e.Anchor));
        Assert.Equal([-1, -1, e.Anchor, e.Anchor, -1], batch.IdentifiersOf(in e).ToArray().Select(i => i.AliasOf));
    }

    [Fact]
    public void Apply_HashUnderAConfiguredKey_PassesAsItIs_AnyOtherIsInvalid()
    {
        var stored = Hashed("k1", Key1, "phone::+8613912345678");
        string Naming(string value) => Event(identifiers: $$"""[{"kind":"cookie","value":"c"},{"kind":"phone","value":"{{value}}"}]""");
        Assert.Equal(["cookie::c", stored], Screened(Rotating(("k1", Key1)), Naming(stored[7..])).IdentifierTexts());
        Assert.Equal(["cookie::c", stored], Screened(Rotating(("k2", Key2), ("k1", Key1)), Naming(stored[7..])).IdentifierTexts());
        Assert.Equal(["cookie::c"], Screened(Rotating(("k2", Key2)), Naming(stored[7..])).IdentifierTexts());
        Assert.Equal(["cookie::c"], Screened(new IdentityOptions(), Naming(stored[7..])).IdentifierTexts());
    }

    [Theory]
    [InlineData("phone::+8613912345678", IdentifierKind.Phone)]
    [InlineData("email::a@example.cn", IdentifierKind.Email)]
    [InlineData("phone::k1.00", IdentifierKind.Phone)]
    [InlineData("phone::K1.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", IdentifierKind.Phone)]
    [InlineData("phone::.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", IdentifierKind.Phone)]
    [InlineData("phone::k1.0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", IdentifierKind.Phone)]
    [InlineData("openid::k1.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", IdentifierKind.OpenId)]
    public void KeyId_OfWhatIsNoHash_IsEmpty(string text, IdentifierKind kind) =>
        Assert.True(IdentifierText.KeyId(Encoding.UTF8.GetBytes(text), kind).IsEmpty);

    [Fact]
    public void Apply_WhenWarm_AllocatesNothing()
    {
        var record = Encoding.UTF8.GetBytes(Event(identifiers: """
            [{"kind":"openid","scope":"wx","value":" o1"},{"kind":"phone","value":"139 1234 5678"},{"kind":"email","value":"Ann@example.cn"}]
            """));
        var batch = new EventBatch(new RecordBatch(64, 1 << 20));
        var (decoder, screen) = (new JsonEventDecoder(new EventLimits()), new IdentifierScreen(Rotating(("k2", Key2), ("k1", Key1))));
        // The runtime allocates a little when it compiles a method again; what the code allocates, it allocates in every round.
        var least = long.MaxValue;
        for (var round = 0; round < 50; round++)
        {
            batch.Clear();
            for (var i = 0; i < 64; i++) batch.Records.Add(new SourcePosition().Partition, i, -1, record);
            decoder.Decode(batch);
            var before = GC.GetAllocatedBytesForCurrentThread();
            screen.Apply(batch);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(5, batch.Events[63].IdentifierCount);
        }
        Assert.Equal(0, least);
    }

    internal static IdentityOptions Rotating(params (string Id, string Key)[] keys) =>
        new() { PersonalKeys = [.. keys.Select(k => new PersonalKeyOptions { Id = k.Id, Key = k.Key })] };

    /// <summary>The stored text of a plain one, by another implementation's way of writing it.</summary>
    internal static string Hashed(string id, string key, string plain)
    {
        using var hmac = new System.Security.Cryptography.HMACSHA256(Convert.FromHexString(key));
        var hash = Convert.ToHexString(hmac.ComputeHash(Encoding.UTF8.GetBytes(plain))).ToLowerInvariant();
        return $"{plain[..(plain.IndexOf(':', plain.IndexOf(':', StringComparison.Ordinal) + 1) + 1)]}{id}.{hash}";
    }

    private static EventBatch Screened(IdentityOptions options, params string[] records)
    {
        var batch = Decode(records);
        new IdentifierScreen(options).Apply(batch);
        return batch;
    }

    private static string Hex(string text) => text.Split('*') is [var one, var times] ? string.Concat(Enumerable.Repeat(one, int.Parse(times))) : text;
}
