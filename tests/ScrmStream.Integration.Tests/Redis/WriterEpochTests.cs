using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Redis;
using ScrmStream.TestKit.Conformance;

namespace ScrmStream.Integration.Redis;

/// <summary>One process alone, a second one that appears, and both from then on.</summary>
[Collection("redis")]
[NeedsPrograms("redis-server")]
public sealed class WriterEpochTests(RedisServerFixture redis)
{
    private static readonly CancellationToken Cancel = CancellationToken.None;

    [StoreFact]
    public async Task Publish_Alone_LeavesWhatTheViewsSay()
    {
        var connection = await redis.OpenAsync();
        await connection.Epoch.ClaimAsync(Cancel);
        Assert.True(connection.Epoch.IsSole);
        var (ann, bob) = (StoreSamples.Id("phone::ann"), StoreSamples.Id("phone::bob"));
        var customer = new ViewSample(ann, 1)
        {
            Vector = [(ann, 1)], Fields = new() { ["events"] = "1" }, Tags = new() { ["buyer"] = "1" }, TagExpiry = new() { ["buyer"] = "9" },
            Ranks = new() { ["intent"] = "17" },
        };
        await PublishAsync(connection, customer, customer with { Id = bob, Stamp = 2, Vector = [(bob, 1)] });
        Assert.Equal("fields events=1 | tags buyer=1 | expiry buyer=9 | ranks intent=17", await ReadAsync(connection, ann));

        // Ann's number turns out to be Bob's: her view loses everything of a customer; Bob keeps his unchanged tags.
        var merged = new ViewSample(ann, 3)
        {
            Form = ViewForm.Merged, MergedInto = bob, ExpectedStamp = 1, Vector = [(ann, 2)], Ranks = new() { ["intent"] = "-" },
        };
        var more = customer with { Id = bob, Stamp = 4, ExpectedStamp = 2, TagsChanged = false, Fields = new() { ["events"] = "2" }, Ranks = new() { ["intent"] = "18" } };
        await PublishAsync(connection, merged, more);
        Assert.Equal($"fields merged_into={bob} | tags  | expiry  | ranks ", await ReadAsync(connection, ann));
        Assert.Equal("fields events=2 | tags buyer=1 | expiry buyer=9 | ranks intent=18", await ReadAsync(connection, bob));
    }

    [StoreFact]
    public async Task Claim_WhileAnotherWrites_RefusesItsWritesAndMakesBothCompare()
    {
        var first = await redis.OpenAsync();
        var second = await redis.OpenAsync(o => o.Namespace = first.Keys.Prefix.Split(':')[1]);
        await first.Epoch.ClaimAsync(Cancel);
        var id = StoreSamples.Id("phone::ann");
        Assert.Empty(await StoreAsync(first, id, CellVersion.None, new CellVersion(1, 7), "one"));

        await second.Epoch.ClaimAsync(Cancel);
        Assert.Equal([0], await StoreAsync(first, id, new CellVersion(1, 7), new CellVersion(2, 7), "late"));
        Assert.Equal("one", await FactsAsync(first, id));
        Assert.False(first.Epoch.IsSole);

        Assert.Equal([0], await StoreAsync(second, id, new CellVersion(1, 7), new CellVersion(2, 8), "also late"));
        Assert.False(second.Epoch.IsSole);
        Assert.Empty(await StoreAsync(second, id, new CellVersion(1, 7), new CellVersion(2, 8), "two"));
        Assert.Equal([0], await StoreAsync(first, id, new CellVersion(1, 7), new CellVersion(2, 7), "stale"));
        Assert.Equal("two", await FactsAsync(first, id));
    }

    /// <summary>A call that was under way as alone while another call of the process found that it is not: it must write nothing.</summary>
    [StoreFact]
    public async Task WriteAlone_NoLongerAlone_WritesNothing()
    {
        var connection = await redis.OpenAsync();
        await connection.Epoch.ClaimAsync(Cancel);
        var other = await redis.OpenAsync(o => o.Namespace = connection.Keys.Prefix.Split(':')[1]);
        await other.Epoch.ClaimAsync(Cancel);
        await connection.Epoch.AdoptAsync(Cancel);
        await connection.EnterAsync(Cancel);
        var late = new RespWriter();
        late.Command("SET"u8, 3);
        late.Argument(System.Text.Encoding.UTF8.GetBytes((string)connection.Keys.Meta("probe")!));
        late.Argument("late"u8);
        Assert.False(await connection.WriteAloneAsync(late, Cancel));
        Assert.Null(await new RedisMeta(connection).ReadAsync("probe", Cancel));
    }

    /// <summary>All the room for calls is taken by writes that come too late: what they then have to ask must not wait for that room.</summary>
    [StoreFact]
    public async Task Claim_WhileAllRoomIsTaken_EndsTheWritesThatCameTooLate()
    {
        var first = await redis.OpenAsync(o => o.CallsInFlight = 1);
        await first.Epoch.ClaimAsync(Cancel);
        var second = await redis.OpenAsync(o => o.Namespace = first.Keys.Prefix.Split(':')[1]);
        await second.Epoch.ClaimAsync(Cancel);
        var late = StoreAsync(first, StoreSamples.Id("phone::ann"), CellVersion.None, new CellVersion(1, 7), "late");
        Assert.Equal([0], await late.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    /// <summary>
    /// What a process published alone has no vector, so a view that another one derived before would replace it unseen, although that process
    /// has taken over the new epoch: by a call beside it that was refused, or one that was sent again after an outage.
    /// </summary>
    [StoreFact]
    public async Task Publish_DerivedBeforeAnotherWroteAlone_IsRefused()
    {
        var first = await redis.OpenAsync();
        await first.Epoch.AdoptAsync(Cancel);
        var ann = StoreSamples.Id("phone::ann");
        var stale = new ViewSample(ann, 3) { Epoch = first.Epoch.Number, Vector = [(ann, 1)], Fields = new() { ["events"] = "1" } };

        var second = await redis.OpenAsync(o => o.Namespace = first.Keys.Prefix.Split(':')[1]);
        await second.Epoch.ClaimAsync(Cancel);
        await PublishAsync(second, new ViewSample(ann, 5) { Epoch = second.Epoch.Number, Fields = new() { ["events"] = "2" } });
        await first.Epoch.AdoptAsync(Cancel);

        var arena = new ByteArena();
        Assert.Equal([0], await new RedisViewStore(first).PublishAsync([stale.AddTo(arena)], arena, Cancel));
        Assert.StartsWith("fields events=2", await ReadAsync(first, ann), StringComparison.Ordinal);
        await PublishAsync(first, stale with { Epoch = first.Epoch.Number, Stamp = 7, Vector = [(ann, 2)], Fields = new() { ["events"] = "3" } });
        Assert.StartsWith("fields events=3", await ReadAsync(first, ann), StringComparison.Ordinal);
    }

    /// <summary>A wiped Redis counts from nothing; verdicts have to hold over the rows of before all the same.</summary>
    [StoreFact]
    public async Task Claim_RedisWasWiped_GoesOnAboveWhatIsRemembered()
    {
        var first = await redis.OpenAsync();
        await first.Epoch.ClaimAsync(Cancel, above: 41);
        Assert.Equal(42UL, first.Epoch.Number);
        await first.CallAsync(db => db.KeyDeleteAsync(first.Keys.Meta("writer")), Cancel);

        // The one that still runs knows its own number, the one that starts has it from the rows.
        await first.Epoch.AdoptAsync(Cancel);
        Assert.Equal((43UL, false), (first.Epoch.Number, first.Epoch.IsSole));
        await first.CallAsync(db => db.KeyDeleteAsync(first.Keys.Meta("writer")), Cancel);
        var second = await redis.OpenAsync(o => o.Namespace = first.Keys.Prefix.Split(':')[1]);
        await second.Epoch.ClaimAsync(Cancel, above: 43);
        Assert.Equal((44UL, true), (second.Epoch.Number, second.Epoch.IsSole));
    }

    /// <summary>Whoever takes over learns who may have judged alone last; a process that only was alone for a moment does not count.</summary>
    [StoreFact]
    public async Task GoAhead_AloneOrNot_IsKnownToThoseWhoComeAfter()
    {
        var first = await redis.OpenAsync();
        Task<RedisConnection> AnotherAsync() => redis.OpenAsync(o => o.Namespace = first.Keys.Prefix.Split(':')[1]);
        await first.Epoch.ClaimAsync(Cancel, above: 4);
        Assert.Equal(4UL, first.Epoch.AheadBefore); // nobody has noted it, so any of them may have
        Assert.True(await first.Epoch.GoAheadAsync(Cancel));
        await first.Epoch.AdoptAsync(Cancel);
        Assert.Equal((5UL, 4UL), (first.Epoch.Number, first.Epoch.AheadBefore));

        var second = await AnotherAsync();
        await second.Epoch.ClaimAsync(Cancel);
        Assert.Equal((6UL, 5UL), (second.Epoch.Number, second.Epoch.AheadBefore));
        await first.Epoch.AdoptAsync(Cancel);
        Assert.False(await first.Epoch.GoAheadAsync(Cancel));
        Assert.False(await second.Epoch.GoAheadAsync(Cancel));
        Assert.Equal((7UL, 5UL, 7UL, 5UL), (first.Epoch.Number, first.Epoch.AheadBefore, second.Epoch.Number, second.Epoch.AheadBefore));

        // One that was overtaken notes nothing, though it does not know yet.
        var third = await AnotherAsync();
        await third.Epoch.ClaimAsync(Cancel);
        var fourth = await AnotherAsync();
        await fourth.Epoch.ClaimAsync(Cancel);
        Assert.True(third.Epoch.IsSole);
        Assert.False(await third.Epoch.GoAheadAsync(Cancel));
        Assert.Equal((10UL, 5UL), (third.Epoch.Number, third.Epoch.AheadBefore));
    }

    private static async Task PublishAsync(RedisConnection connection, params ViewSample[] samples)
    {
        var arena = new ByteArena();
        Assert.Empty(await new RedisViewStore(connection).PublishAsync([.. samples.Select(s => s.AddTo(arena))], arena, Cancel));
    }

    private static async Task<string> ReadAsync(RedisConnection connection, IdentifierId id) =>
        (await RedisReadBack.ReadAsync(connection, id, ["intent"]))!.ToString();

    private static async Task<IReadOnlyList<int>> StoreAsync(
        RedisConnection connection, IdentifierId id, CellVersion expected, CellVersion version, string facts)
    {
        var arena = new ByteArena();
        return await new RedisCellStore(connection).StoreAsync([StoreSamples.Cell(arena, id, expected, version, facts)], arena, Cancel);
    }

    private static async Task<string> FactsAsync(RedisConnection connection, IdentifierId id) =>
        System.Text.Encoding.UTF8.GetString((await new RedisCellStore(connection).LoadAsync([id], Cancel))[0].Cell!.AsSpan(16));
}
