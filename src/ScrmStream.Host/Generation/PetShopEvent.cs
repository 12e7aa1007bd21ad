using ScrmStream.Events;

namespace ScrmStream.Host.Generation;

/// <summary>What happens in the pet shop's story.</summary>
internal enum PetShopAction : byte
{
    PageView, ContentView, Like, Follow, Unfollow, Consult, FormSubmit, CouponClaim, ProductView, AddToCart, OrderPaid,
}

/// <summary>What is wrong with an event on purpose.</summary>
internal enum Flaw : byte
{
    None,
    /// <summary>A junk identifier stands beside good ones: the event is accepted without it.</summary>
    JunkBeside,
    /// <summary>Only junk identifiers.</summary>
    OnlyJunk,
    /// <summary>The record ends in the middle.</summary>
    CutOff,
    NoName,
    NoTime,
    /// <summary>Seconds where milliseconds belong: 1970.</summary>
    InSeconds,
    /// <summary>The year 2100.</summary>
    FarAhead,
    /// <summary>The same event sent again.</summary>
    Repeat,
}

/// <summary>The identifiers a person of the story may have, one of each.</summary>
[Flags]
internal enum Known : byte
{
    None = 0, OfficialOpenId = 1, MiniOpenId = 2, UnionId = 4, Member = 8, Phone = 16, Device = 32, Cookie = 64,
}

/// <summary>One event of the story, before it is written as JSON.</summary>
internal readonly record struct PetShopEvent
{
    /// <summary>Number of the person; passers-by have numbers too.</summary>
    public int Person { get; init; }

    /// <summary>Counts events from 0; a repeat has the number of its original.</summary>
    public int Number { get; init; }

    public int Session { get; init; }

    public long TimeMs { get; init; }

    /// <summary>When it reaches the stream.</summary>
    public long SentMs { get; init; }

    public PetShopAction Action { get; init; }

    public Channel Channel { get; init; }

    public Known Identifiers { get; init; }

    public Flaw Flaw { get; init; }

    /// <summary>Index in <see cref="PetShopCatalog.Products"/>; -1 when it is about none.</summary>
    public int Product { get; init; }

    /// <summary>Content and likes: the topic is pets.</summary>
    public bool IsAboutPets { get; init; }

    public int AmountFen { get; init; }
}

/// <summary>What the shop sells.</summary>
internal static class PetShopCatalog
{
    public static readonly (string Sku, string? Pet, int PriceFen)[] Products =
    [
        ("cat-food-2kg", "cat", 8900), ("cat-food-5kg", "cat", 19900), ("cat-litter-10l", "cat", 4500), ("cat-tower", "cat", 25900),
        ("cat-feather-toy", "cat", 1990), ("dog-food-3kg", "dog", 9900), ("dog-food-15kg", "dog", 32900), ("dog-leash-2m", "dog", 5900),
        ("dog-coat-m", "dog", 12800), ("bird-cage", "bird", 15900), ("gift-card-50", null, 5000), ("grooming-voucher", null, 16800),
    ];
}
