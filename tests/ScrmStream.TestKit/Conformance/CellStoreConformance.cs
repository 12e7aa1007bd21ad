using ScrmStream.Identity;
using ScrmStream.Pipeline;
using static ScrmStream.TestKit.Conformance.StoreSamples;

namespace ScrmStream.TestKit.Conformance;

/// <summary>What every <see cref="ICellStore"/> does. Each test opens stores that hold nothing.</summary>
public abstract class CellStoreConformance
{
    protected abstract Task<(ICellStore Cells, IViewStore Views)> OpenAsync();

    [StoreFact]
    public async Task Load_NothingStored_ReturnsNoCell()
    {
        var (cells, _) = await OpenAsync();
        var loaded = await cells.LoadAsync([Id("a"), Id("b")], CancellationToken.None);
        Assert.Equal(2, loaded.Length);
        Assert.All(loaded, c => Assert.True(c is { Cell: null, ViewStamp: 0, Conclusion.Length: 0 }));
    }

    [StoreFact]
    public async Task NoIdsNoWrites_ReturnNothing()
    {
        var (cells, _) = await OpenAsync();
        Assert.Empty(await cells.LoadAsync([], CancellationToken.None));
        Assert.Empty(await cells.StoreAsync([], new ByteArena(), CancellationToken.None));
    }

    [StoreFact]
    public async Task Store_ManyNewCells_LoadsThemInOrder()
    {
        var (cells, _) = await OpenAsync();
        var arena = new ByteArena();
        var ids = Enumerable.Range(0, 1500).Select(i => Id($"many:{i}")).ToArray();
        Assert.Empty(await cells.StoreAsync(
            [.. ids.Select((id, i) => Cell(arena, id, CellVersion.None, new(1, 7), $"facts {i}"))], arena, CancellationToken.None));

        var loaded = await cells.LoadAsync([.. ids.Reverse()], CancellationToken.None);
        for (var i = 0; i < ids.Length; i++) Assert.Equal($"facts {ids.Length - 1 - i}", FactsOf(loaded[i]));
    }

    [StoreFact]
    public async Task Store_ExpectedVersionIsStored_ReplacesIt()
    {
        var (cells, _) = await OpenAsync();
        await StoreOne(cells, "a", CellVersion.None, new(1, 7), "old");
        Assert.Empty(await StoreOne(cells, "a", new(1, 7), new(2, 8), "new"));
        var loaded = (await cells.LoadAsync([Id("a")], CancellationToken.None))[0];
        Assert.Equal(("new", new CellVersion(2, 8)), (FactsOf(loaded), VersionOf(loaded)));
    }

    [StoreFact]
    public async Task Store_SomeVersionsDiffer_ReturnsTheirIndexesAndSetsTheRest()
    {
        var (cells, _) = await OpenAsync();
        await StoreOne(cells, "held", CellVersion.None, new(1, 7), "held");
        await StoreOne(cells, "known", CellVersion.None, new(1, 7), "known");
        var arena = new ByteArena();
        var conflicts = await cells.StoreAsync(
        [
            Cell(arena, Id("held"), CellVersion.None, new(1, 9), "taken for new"),
            Cell(arena, Id("fresh"), CellVersion.None, new(1, 9), "fresh"),
            Cell(arena, Id("known"), new(1, 7), new(2, 9), "changed"),
            Cell(arena, Id("absent"), new(4, 7), new(5, 9), "taken for known"),
            Cell(arena, Id("held"), new(1, 8), new(2, 9), "other stamp"),
        ], arena, CancellationToken.None);

        Assert.Equal([0, 3, 4], conflicts);
        var loaded = await cells.LoadAsync([Id("held"), Id("fresh"), Id("known"), Id("absent")], CancellationToken.None);
        Assert.Equal(["held", "fresh", "changed"], loaded[..3].Select(FactsOf));
        Assert.Null(loaded[3].Cell);
    }

    [StoreFact]
    public async Task Store_SameWriteAgain_IsNoConflict()
    {
        var (cells, _) = await OpenAsync();
        await StoreOne(cells, "a", CellVersion.None, new(1, 7), "first");
        Assert.Empty(await StoreOne(cells, "a", CellVersion.None, new(1, 7), "first"));
        await StoreOne(cells, "a", new(1, 7), new(2, 7), "second");
        Assert.Empty(await StoreOne(cells, "a", new(1, 7), new(2, 7), "second"));
        Assert.Equal([0], await StoreOne(cells, "a", new(1, 7), new(2, 7), "other facts under the same version"));
    }

    [StoreFact]
    public async Task Store_BinaryAndLargeContent_ComesBackUnchanged()
    {
        var (cells, _) = await OpenAsync();
        var arena = new ByteArena();
        var at = arena.Length;
        new Random(1).NextBytes(arena.Append(300_000));
        var content = arena[arena.Since(at)].ToArray();
        await cells.StoreAsync([new CellWrite(Id("large"), CellVersion.None, arena.Since(at))], arena, CancellationToken.None);
        Assert.Equal(content, (await cells.LoadAsync([Id("large")], CancellationToken.None))[0].Cell);
    }

    [StoreFact]
    public async Task Store_ManyWritersOfTheSameCells_LoseNoWrite()
    {
        var (cells, _) = await OpenAsync();
        const int writers = 4, rounds = 25;
        IdentifierId[] ids = [Id("x"), Id("y"), Id("z")];
        await Task.WhenAll(Enumerable.Range(1, writers).Select(writer => Task.Run(async () =>
        {
            var left = ids.ToDictionary(id => id, _ => rounds);
            while (left.Values.Any(n => n > 0))
            {
                var open = ids.Where(id => left[id] > 0).ToArray();
                var loaded = await cells.LoadAsync(open, CancellationToken.None);
                var arena = new ByteArena();
                var writes = open.Select((id, i) => Cell(
                    arena, id, VersionOf(loaded[i]),
                    new(VersionOf(loaded[i]).Number + 1, (ulong)writer), $"{writer}:{left[id]}")).ToArray();
                var conflicts = await cells.StoreAsync(writes, arena, CancellationToken.None);
                for (var i = 0; i < open.Length; i++)
                    if (!conflicts.Contains(i)) left[open[i]]--;
            }
        })));
        foreach (var cell in await cells.LoadAsync(ids, CancellationToken.None))
            Assert.Equal((ulong)(writers * rounds), VersionOf(cell).Number);
    }

    [StoreFact]
    public async Task Load_CellWithView_ReturnsItsStampAndConclusion()
    {
        var (cells, views) = await OpenAsync();
        await StoreOne(cells, "a", CellVersion.None, new(1, 7), "a");
        await StoreOne(cells, "b", CellVersion.None, new(1, 7), "b");
        await views.PublishAsync(Customer(Id("a"), stamp: ulong.MaxValue - 1), Customer(Id("without cell"), stamp: 5));

        var loaded = await cells.LoadAsync([Id("without cell"), Id("b"), Id("a")], CancellationToken.None);
        Assert.True(loaded[0] is { Cell: null, ViewStamp: 0 });
        Assert.True(loaded[1] is { ViewStamp: 0, Conclusion.Length: 0 });
        Assert.Equal(ulong.MaxValue - 1, loaded[2].ViewStamp);
        Assert.Equal("c" + (ulong.MaxValue - 1), System.Text.Encoding.UTF8.GetString(loaded[2].Conclusion));
    }

    private static Task<IReadOnlyList<int>> StoreOne(ICellStore cells, string name, CellVersion expected, CellVersion version, string facts)
    {
        var arena = new ByteArena();
        return cells.StoreAsync([Cell(arena, Id(name), expected, version, facts)], arena, CancellationToken.None);
    }
}
