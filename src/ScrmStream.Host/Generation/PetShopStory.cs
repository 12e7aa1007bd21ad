using ScrmStream.Events;

namespace ScrmStream.Host.Generation;

/// <summary>
/// Lin Xiaoman's way through the four channels, at fixed times after the story's start: she reads and likes in the official account,
/// looks around in the mini-program, on the web and in the app without saying who she is, logs in, and buys twice. Until she logs in
/// she is several customers; in the end one, with seven identifiers.
/// </summary>
internal static class PetShopStory
{
    private const Known Official = Known.OfficialOpenId, Mini = Known.MiniOpenId, Union = Known.UnionId;
    private const Known Member = Known.Member, Phone = Known.Phone, Device = Known.Device, Cookie = Known.Cookie;

    // Catalogue numbers of what she looks at.
    private const int CatTower = 3, CatFood = 1;

    /// <summary>Minutes after the start, and what she did.</summary>
    private static readonly (int Minute, PetShopAction Action, Channel Channel, Known Identifiers, int Product, int AmountFen)[] Steps =
    [
        (540, PetShopAction.ContentView, Channel.WechatOfficial, Official, -1, 0),
        (542, PetShopAction.Like, Channel.WechatOfficial, Official, -1, 0),
        (543, PetShopAction.Follow, Channel.WechatOfficial, Official, -1, 0),
        (1200, PetShopAction.PageView, Channel.MiniProgram, Mini, -1, 0),
        (1201, PetShopAction.ProductView, Channel.MiniProgram, Mini | Union, CatTower, 0),
        (1202, PetShopAction.CouponClaim, Channel.MiniProgram, Mini | Union, -1, 0),
        (1210, PetShopAction.ContentView, Channel.WechatOfficial, Official | Union, -1, 0),
        (2160, PetShopAction.PageView, Channel.Web, Cookie, -1, 0),
        (2161, PetShopAction.ProductView, Channel.Web, Cookie, CatFood, 0),
        (2165, PetShopAction.AddToCart, Channel.Web, Cookie, CatFood, 0),
        (2760, PetShopAction.PageView, Channel.App, Device, -1, 0),
        (2761, PetShopAction.ProductView, Channel.App, Device, CatTower, 0),
        (3480, PetShopAction.FormSubmit, Channel.App, Member | Phone | Device, -1, 0),
        (3485, PetShopAction.AddToCart, Channel.Web, Member | Cookie, CatFood, 0),
        (3490, PetShopAction.OrderPaid, Channel.Web, Member | Phone | Cookie, CatFood, 19_900),
        (4320, PetShopAction.AddToCart, Channel.MiniProgram, Mini | Union, CatTower, 0),
        (4325, PetShopAction.OrderPaid, Channel.MiniProgram, Mini | Union | Phone, CatTower, 25_900),
        (4330, PetShopAction.ProductView, Channel.App, Member | Device, CatTower, 0),
    ];

    public static int Length => Steps.Length;

    /// <summary>Her events, numbered from 0.</summary>
    public static PetShopEvent[] Events(int person, long startMs) =>
    [
        .. Steps.Select((step, i) => new PetShopEvent
        {
            Person = person, Number = i, Session = step.Minute / 60,
            TimeMs = startMs + step.Minute * 60_000L, SentMs = startMs + step.Minute * 60_000L + 300,
            Action = step.Action, Channel = step.Channel, Identifiers = step.Identifiers, Product = step.Product,
            IsAboutPets = true, AmountFen = step.AmountFen,
        }),
    ];
}
