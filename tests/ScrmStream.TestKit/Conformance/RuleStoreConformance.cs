using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Reload;
using Xunit;

namespace ScrmStream.TestKit.Conformance;

/// <summary>What every <see cref="IRuleStore"/> does. Each test opens stores that hold nothing.</summary>
public abstract class RuleStoreConformance
{
    private static readonly CancellationToken Cancel = CancellationToken.None;

    protected abstract Task<(ICellStore Cells, IRuleStore Rules)> OpenAsync();

    [StoreFact]
    public async Task Publish_OneAfterTheOther_KeepsTheLastAndRefusesWhoComesSecond()
    {
        var (_, store) = await OpenAsync();
        Assert.Null(await store.ReadAsync(Cancel));
        Assert.Equal((0, true), await store.LookAsync(Cancel));
        Assert.True(await store.PublishAsync(Rules(1, parts: 0), Cancel));
        Assert.Equal((1L, "f1", true), Told((await store.ReadAsync(Cancel))!));
        var second = Rules(2, parts: 2) with { Incomplete = [7, 9], CompleteFrom = 2, ActionsSince = new Dictionary<string, long> { ["a"] = 5 } };
        Assert.True(await store.PublishAsync(second, Cancel));
        // The same again is an answer that was lost; others come too late.
        Assert.True(await store.PublishAsync(second, Cancel));
        Assert.False(await store.PublishAsync(Rules(2, parts: 2) with { Fingerprint = "other" }, Cancel));
        Assert.False(await store.PublishAsync(Rules(4, parts: 2), Cancel));
        var read = (await store.ReadAsync(Cancel))!;
        Assert.Equal((2L, "f2", false), Told(read));
        Assert.Equal([7u, 9u], read.Incomplete);
        Assert.Equal((2, 5), (read.CompleteFrom, read.ActionsSince["a"]));
    }

    [StoreFact]
    public async Task Take_OtherRulesInForce_ShowsThatTheyAreOver()
    {
        var (cells, store) = await OpenAsync();
        await store.PublishAsync(Rules(1, parts: 0), Cancel);
        await store.TakeAsync(1, Cancel);
        Assert.False(store.AreOver);
        await store.TakeAsync(2, Cancel);
        Assert.True(store.AreOver);
        await store.TakeAsync(1, Cancel);
        Assert.False(store.AreOver);
        Assert.NotNull(cells);
    }

    [StoreFact]
    public async Task Claim_SeveralProcesses_GivesEachPartToOneUntilAllAreDone()
    {
        var (_, store) = await OpenAsync();
        var rules = Rules(1, parts: 0);
        await store.PublishAsync(rules, Cancel);
        Assert.Equal(new SweepPart(-1, IsOver: true), await store.ClaimAsync(rules, 1, isAlone: false, Cancel));
        rules = Rules(2, parts: 2) with { Incomplete = [7] };
        await store.PublishAsync(rules, Cancel);
        Assert.Equal(0, (await store.ClaimAsync(rules, 1, isAlone: false, Cancel)).Number);
        Assert.Equal(1, (await store.ClaimAsync(rules, 2, isAlone: false, Cancel)).Number);
        Assert.Equal(new SweepPart(-1, IsOver: false), await store.ClaimAsync(rules, 3, isAlone: false, Cancel));
        // Its own part again; and who is alone waits for nobody.
        Assert.Equal(0, (await store.ClaimAsync(rules, 1, isAlone: false, Cancel)).Number);
        Assert.Equal(0, (await store.ClaimAsync(rules, 4, isAlone: true, Cancel)).Number);
        await store.DoneAsync(rules, 0, left: 0, Cancel);
        Assert.Equal((1, false), (await store.PartsDoneAsync(rules, Cancel), (await store.LookAsync(Cancel)).IsSwept));
        await store.DoneAsync(rules, 1, left: 0, Cancel);
        Assert.True((await store.ClaimAsync(rules, 1, isAlone: false, Cancel)).IsOver);
        var swept = (await store.ReadAsync(Cancel))!;
        Assert.Equal((true, 0, 0), (swept.IsSwept, swept.Left, swept.Incomplete.Count));
    }

    [StoreFact]
    public async Task Done_SomeAreLeft_KeepsWhatIsIncomplete()
    {
        var (_, store) = await OpenAsync();
        await store.PublishAsync(Rules(1, parts: 0), Cancel);
        var rules = Rules(2, parts: 2) with { Incomplete = [7] };
        await store.PublishAsync(rules, Cancel);
        await store.DoneAsync(rules, 0, left: 3, Cancel);
        await store.DoneAsync(rules, 1, left: 0, Cancel);
        var swept = (await store.ReadAsync(Cancel))!;
        Assert.Equal((true, 3, 1), (swept.IsSwept, swept.Left, swept.Incomplete.Count));
        // What is done of rules that are over says nothing of the next.
        await store.PublishAsync(Rules(3, parts: 2), Cancel);
        await store.DoneAsync(rules, 0, left: 0, Cancel);
        Assert.Equal(0, await store.PartsDoneAsync(Rules(3, parts: 2), Cancel));
    }

    [StoreFact]
    public async Task Identifiers_OfBuckets_AreThoseWithCells()
    {
        var (cells, store) = await OpenAsync();
        var ids = Enumerable.Range(0, 40).Select(i => StoreSamples.Id($"{i}")).ToArray();
        var arena = new ByteArena();
        var written = ids.ToDictionary(id => id, id => StoreSamples.Cell(arena, id, CellVersion.None, new CellVersion(1, 7), $"of {id}"));
        await cells.StoreAsync([.. written.Values], arena, Cancel);
        Assert.Equal(ids.Where(id => id.Bucket < 2_000).Order(), (await store.IdentifiersAsync(0, 2_000, Cancel)).Order());
        Assert.Equal(ids.Where(id => id.Bucket >= 2_000).Order(), (await store.IdentifiersAsync(2_000, 2_096, Cancel)).Order());
        var found = await store.CellsAsync(0, 2_000, Cancel);
        Assert.Equal(ids.Where(id => id.Bucket < 2_000).Order(), found.Select(f => f.Id).Order());
        Assert.All(found, f => Assert.Equal(arena[written[f.Id].Content], f.Cell));
    }

    private static (long, string, bool) Told(RulesInForce rules) => (rules.Number, rules.Fingerprint, rules.IsSwept);

    private static RulesInForce Rules(long number, int parts) => new(number, $"f{number}", "rules.yaml", "tags: []") { Parts = parts };
}
