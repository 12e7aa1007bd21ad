using ScrmStream.Identity;
using static ScrmStream.Tests.Identity.PersonalKeysTests;

namespace ScrmStream.Tests.Identity;

public sealed class IdentifierLookupTests
{
    [Theory]
    [InlineData("phone::139 1234 5678", "phone::+8613912345678")]
    [InlineData("phone:a:b", null)]
    [InlineData("phone::4007001234", null)]
    [InlineData("phone::138 0013 8000", null)]
    [InlineData("email:s:Ann@Example.CN", "email:s:ann@example.cn")]
    [InlineData("email::ann", null)]
    [InlineData("openid:wx: o:1 ", "openid:wx:o:1")]
    [InlineData("openid:wx:", null)]
    [InlineData("shoe_size::44", null)]
    [InlineData("openid:wx", null)]
    public void TextsOf_WithoutKeys_IsTheNormalForm(string named, string? stored)
    {
        var lookup = new IdentifierLookup(new IdentityOptions());
        if (stored is null) Assert.Throws<ArgumentException>(() => lookup.TextsOf(named));
        else Assert.Equal([stored], lookup.TextsOf(named));
    }

    [Fact]
    public void TextsOf_WithKeys_AreTheHashesCurrentKeyFirst()
    {
        var lookup = new IdentifierLookup(Rotating(("k2", Key2), ("k1", Key1)));
        string[] hashes = [Hashed("k2", Key2, "phone::+8613912345678"), Hashed("k1", Key1, "phone::+8613912345678")];
        Assert.Equal(hashes, lookup.TextsOf("phone::0086-139-1234-5678"));
        Assert.Equal([hashes[1]], lookup.TextsOf(hashes[1]));
        Assert.Equal(["openid:wx:o"], lookup.TextsOf("openid:wx:o"));
    }

    [Fact]
    public void TextsOf_Refused_SaysWhatToGive()
    {
        var lookup = new IdentifierLookup(new IdentityOptions());
        Assert.Contains("+8613912345678", Assert.Throws<ArgumentException>(() => lookup.TextsOf("phone::139")).Message, StringComparison.Ordinal);
        Assert.Contains("junk", Assert.Throws<ArgumentException>(() => lookup.TextsOf("cookie::null")).Message, StringComparison.Ordinal);
        Assert.Contains("unionid", Assert.Throws<ArgumentException>(() => lookup.TextsOf("nobody")).Message, StringComparison.Ordinal);
    }
}
