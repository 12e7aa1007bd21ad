using ScrmStream.Events;

namespace ScrmStream.Host.Generation;

/// <summary>
/// Plans what people do, visit by visit. Half of the visits are a tenth of the people's. A person has one identifier of each kind,
/// and a device or cookie is only ever named with that person's own member id, so who is who can be told without rules.
/// </summary>
internal sealed class PetShopVisits(PetShopOptions options, Random random)
{
    private const int EventsPerVisitMax = 7;

    private struct Person
    {
        public long LastMs;
        public byte Stage;
        public bool IsFollower;
        /// <summary>Where the person is known: mini-program and official account by unionid, app and web by member id.</summary>
        public Known LoggedIn;
    }

    private readonly Person[] _people = new Person[options.PeopleOrDefault];
    private readonly int _people0 = options.PeopleOrDefault;
    private int _passersBy, _session = 1000;

    /// <summary>The heroine's number: the one behind the other people; passers-by follow.</summary>
    public int Heroine => _people0;

    /// <summary>Adds one visit's events in order of time. Numbers, flaws and sending times are left to the caller.</summary>
    public void Plan(long startMs, List<PetShopEvent> visit)
    {
        _session++;
        if (random.Next(100) < 8)
        {
            PlanPasserBy(startMs, visit);
            return;
        }
        var hot = Math.Max(1, _people0 / 10);
        var number = IsHot() ? random.Next(hot) : random.Next(hot, _people0);
        ref var person = ref _people[number];
        var channel = random.Next(100) switch
        {
            < 25 => Channel.WechatOfficial,
            < 55 => Channel.MiniProgram,
            < 80 => Channel.App,
            _ => Channel.Web,
        };
        // A person's times only grow, so that no two of the events have the same one.
        var timeMs = Math.Max(startMs, person.LastMs + 1);
        for (var left = 1 + random.Next(EventsPerVisitMax); left > 0; left--)
        {
            visit.Add(Next(number, ref person, channel, timeMs));
            person.LastMs = timeMs;
            timeMs += 4_000 + random.Next(80_000);
        }
    }

    // The usual half is drawn as it always was, so that a seed goes on telling the same story.
    private bool IsHot() => options.Skew == 0.5 ? random.Next(2) == 0 : random.NextDouble() < options.Skew;

    private void PlanPasserBy(long startMs, List<PetShopEvent> visit)
    {
        var number = _people0 + 1 + _passersBy++;
        for (var left = 1 + random.Next(3); left > 0; left--)
        {
            var action = visit.Count == 0 ? PetShopAction.PageView : PetShopAction.ProductView;
            visit.Add(Make(number, Channel.Web, action, Known.Cookie, startMs));
            startMs += 2_000 + random.Next(60_000);
        }
    }

    private PetShopEvent Next(int number, ref Person person, Channel channel, long timeMs)
    {
        var action = channel == Channel.WechatOfficial ? NextRead(ref person) : NextStep(ref person, channel, mayLogIn: MayLogIn(number));
        if (MayLogIn(number) && (action == PetShopAction.FormSubmit || random.Next(100) < 12)) LogIn(ref person, channel);
        return Make(number, channel, action, Identifiers(in person, channel, action), timeMs);
    }

    // One person in five never says who it is.
    private static bool MayLogIn(int number) => number % 5 != 4;

    private PetShopAction NextRead(ref Person person)
    {
        var roll = random.Next(100);
        if (!person.IsFollower && roll < 30)
        {
            person.IsFollower = true;
            return PetShopAction.Follow;
        }
        if (person.IsFollower && roll < 3)
        {
            person.IsFollower = false;
            return PetShopAction.Unfollow;
        }
        return roll switch { < 70 => PetShopAction.ContentView, < 88 => PetShopAction.Like, _ => PetShopAction.Consult };
    }

    // The funnel: page, product, cart, order; it is left and taken up again anywhere, also in another channel.
    private PetShopAction NextStep(ref Person person, Channel channel, bool mayLogIn)
    {
        var roll = random.Next(100);
        if (roll < 3 && channel == Channel.MiniProgram) return PetShopAction.CouponClaim;
        if (roll < 3) return mayLogIn ? PetShopAction.FormSubmit : PetShopAction.PageView;
        switch (person.Stage)
        {
            case 0:
                person.Stage = 1;
                return PetShopAction.PageView;
            case 1:
                person.Stage = roll < 50 ? (byte)1 : roll < 80 ? (byte)2 : (byte)0;
                return PetShopAction.ProductView;
            case 2:
                person.Stage = roll < 45 ? (byte)3 : (byte)1;
                return PetShopAction.AddToCart;
            default:
                if (!mayLogIn && channel != Channel.MiniProgram)
                {
                    person.Stage = 1;
                    return PetShopAction.ProductView;
                }
                LogIn(ref person, channel);
                person.Stage = 0;
                return PetShopAction.OrderPaid;
        }
    }

    private static void LogIn(ref Person person, Channel channel) => person.LoggedIn |= OwnSlot(channel);

    private static Known OwnSlot(Channel channel) => channel switch
    {
        Channel.WechatOfficial => Known.OfficialOpenId,
        Channel.MiniProgram => Known.MiniOpenId,
        Channel.App => Known.Device,
        _ => Known.Cookie,
    };

    private static Known Identifiers(in Person person, Channel channel, PetShopAction action)
    {
        var known = OwnSlot(channel);
        if ((person.LoggedIn & known) != 0) known |= channel is Channel.App or Channel.Web ? Known.Member : Known.UnionId;
        // Whoever pays or fills in a form leaves a phone number.
        return action is PetShopAction.OrderPaid or PetShopAction.FormSubmit ? known | Known.Phone : known;
    }

    private PetShopEvent Make(int number, Channel channel, PetShopAction action, Known identifiers, long timeMs)
    {
        var hasProduct = action is PetShopAction.ProductView or PetShopAction.AddToCart or PetShopAction.OrderPaid;
        var product = hasProduct ? random.Next(PetShopCatalog.Products.Length) : -1;
        var price = product >= 0 ? PetShopCatalog.Products[product].PriceFen : 0;
        return new PetShopEvent
        {
            Person = number, Session = _session, TimeMs = timeMs, Action = action, Channel = channel, Identifiers = identifiers,
            Product = product, IsAboutPets = random.Next(100) < 60,
            AmountFen = action == PetShopAction.OrderPaid ? price * (1 + random.Next(3)) : 0,
        };
    }
}
