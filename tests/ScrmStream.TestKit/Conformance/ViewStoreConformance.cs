using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using static ScrmStream.TestKit.Conformance.StoreSamples;

namespace ScrmStream.TestKit.Conformance;

/// <summary>What every <see cref="IViewStore"/> does. Each test opens stores that hold nothing.</summary>
public abstract class ViewStoreConformance
{
    private static readonly IdentifierId A = Id("openid:wx1:a"), B = Id("phone::b"), C = Id("unionid::c");

    protected abstract Task<(ICellStore Cells, IViewStore Views)> OpenAsync();

    /// <summary>What a reader of the store opened last finds; null when nothing was published.</summary>
    protected abstract Task<PublishedView?> ReadAsync(IdentifierId id, IReadOnlyCollection<string> scores);

    [StoreFact]
    public async Task Publish_NewCustomer_IsReadWhole()
    {
        var (_, views) = await OpenAsync();
        Assert.Empty(await views.PublishAsync(Customer(A, 1)));
        Assert.Equal(
            "fields channels=app,mini_program, events=3, first_seen=1700000000000, score.intent=12.5 | tags lifecycle=active, vip=1 "
            + "| expiry lifecycle=1700000900000 | ranks intent=1704406000000", await Read(A));
    }

    [StoreFact]
    public async Task Publish_Nothing_RefusesNothing()
    {
        var (_, views) = await OpenAsync();
        Assert.Empty(await views.PublishAsync());
    }

    [StoreFact]
    public async Task Publish_StampIsStored_ReplacesFieldsAndKeepsTags()
    {
        var (_, views) = await OpenAsync();
        await views.PublishAsync(Customer(A, 1));
        Assert.Empty(await views.PublishAsync(Customer(A, 2, version: 2) with
        {
            ExpectedStamp = 1,
            TagsChanged = false,
            Fields = new() { ["events"] = "4" },
            Ranks = new() { ["intent"] = "1800000000000", ["loyalty"] = "1700000000001" },
        }));
        Assert.Equal("fields events=4 | tags lifecycle=active, vip=1 | expiry lifecycle=1700000900000 "
            + "| ranks intent=1800000000000, loyalty=1700000000001", await Read(A));
    }

    [StoreTheory]
    [InlineData(1UL)]
    [InlineData(99UL)]
    public async Task Publish_TagsChanged_ReplacesThem(ulong expectedStamp)
    {
        var (_, views) = await OpenAsync();
        await views.PublishAsync(Customer(A, 1));
        await views.PublishAsync(Customer(A, 2, version: 2) with
        {
            ExpectedStamp = expectedStamp, Tags = new() { ["new"] = "x" }, TagExpiry = [],
        });
        Assert.EndsWith("| tags new=x | expiry  | ranks intent=1704406000000", await Read(A));
        await views.PublishAsync(Customer(A, 3, version: 3) with
        {
            ExpectedStamp = 2, Tags = [], TagExpiry = [], Ranks = new() { ["intent"] = "-" },
        });
        Assert.EndsWith("| tags  | expiry  | ranks ", await Read(A));
    }

    [StoreFact]
    public async Task Publish_OtherStampIsStored_WritesTagsEvenIfUnchangedForTheWriter()
    {
        var (_, views) = await OpenAsync();
        await views.PublishAsync(Customer(A, 1));
        Assert.Empty(await views.PublishAsync(
            Customer(A, 2) with { ExpectedStamp = 77, TagsChanged = false, Tags = new() { ["mine"] = "1" }, TagExpiry = [] }));
        Assert.Contains("| tags mine=1 | expiry  |", await Read(A));
    }

    [StoreTheory]
    [InlineData(0UL)]
    [InlineData(1UL)]   // the stamp read was newer than the cells it is used with
    [InlineData(9UL)]
    public async Task Publish_StoredVectorIsHigher_IsRefused(ulong expectedStamp)
    {
        var (_, views) = await OpenAsync();
        await views.PublishAsync(Customer(A, 1) with { Vector = [(A, 5), (B, 3)] });
        var before = await Read(A);
        var late = Customer(A, 2) with { ExpectedStamp = expectedStamp, Fields = new() { ["events"] = "late" } };
        Assert.Equal([0], await views.PublishAsync(late with { Vector = [(A, 6), (B, 2)] }));
        Assert.Equal([0], await views.PublishAsync(late with { Vector = [(A, 6), (B, 0)] }));   // read, and not there yet
        Assert.Equal([0], await views.PublishAsync(late with { Vector = [(A, 4), (C, 9)] }));
        Assert.Equal([0], await views.PublishAsync(late with { Vector = [] }));   // by a process that believed to be alone
        Assert.Equal(before, await Read(A));
    }

    [StoreTheory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(9UL)]
    public async Task Publish_StoredVectorIsNowhereHigher_IsAccepted(ulong expectedStamp)
    {
        var (_, views) = await OpenAsync();
        await views.PublishAsync(Customer(A, 1) with { Vector = [(A, 5), (B, 256)] });
        Assert.Empty(await views.PublishAsync(Customer(A, 2) with { ExpectedStamp = expectedStamp, Vector = [(A, 5), (B, 256)] }));
        var higher = Customer(A, 3) with { ExpectedStamp = expectedStamp };
        Assert.Empty(await views.PublishAsync(higher with { Vector = [(A, 256), (B, 256), (C, 1)] }));
        Assert.Empty(await views.PublishAsync(higher with { Stamp = 4, Vector = [(A, 70_000), (B, 257), (C, 1)] }));
    }

    [StoreFact]
    public async Task Publish_CellNotReadAnyMore_IsNotCompared()
    {
        var (_, views) = await OpenAsync();
        await views.PublishAsync(Customer(A, 1) with { Vector = [(A, 1), (B, 7), (C, 1)] });
        Assert.Empty(await views.PublishAsync(Customer(A, 2) with { Vector = [(A, 1), (C, 2)] }));
    }

    [StoreFact]
    public async Task Publish_SameWriteAgain_IsDone()
    {
        var (_, views) = await OpenAsync();
        await views.PublishAsync(Customer(A, 1));
        var write = Customer(A, 2, version: 2) with { ExpectedStamp = 1, Fields = new() { ["events"] = "4" } };
        await views.PublishAsync(write);
        var once = await Read(A);
        Assert.Empty(await views.PublishAsync(write));
        Assert.Equal(once, await Read(A));
    }

    [StoreTheory]
    [InlineData(ViewForm.Merged, 1UL)]
    [InlineData(ViewForm.Merged, 9UL)]
    [InlineData(ViewForm.Empty, 1UL)]
    [InlineData(ViewForm.Empty, 9UL)]
    public async Task Publish_CustomerNoLonger_LosesFieldsTagsAndBoards(ViewForm form, ulong expectedStamp)
    {
        var (_, views) = await OpenAsync();
        await views.PublishAsync(Customer(A, 1));
        Assert.Empty(await views.PublishAsync(new ViewSample(A, 2)
        {
            Form = form,
            MergedInto = B,
            ExpectedStamp = expectedStamp,
            Vector = [(A, 2), (B, 1)],
            Ranks = new() { ["intent"] = "-", ["loyalty"] = "-" },
        }));
        var fields = form == ViewForm.Merged ? $"merged_into={B}" : "";
        Assert.Equal($"fields {fields} | tags  | expiry  | ranks ", await Read(A));
    }

    [StoreTheory]
    [InlineData(1UL)]
    [InlineData(9UL)]
    public async Task Publish_MergedBecomesCustomer_LosesMergedInto(ulong expectedStamp)
    {
        var (_, views) = await OpenAsync();
        await views.PublishAsync(new ViewSample(A, 1) { Form = ViewForm.Merged, MergedInto = B, Vector = [(A, 1)] });
        await views.PublishAsync(Customer(A, 2, version: 2) with { ExpectedStamp = expectedStamp, Fields = new() { ["events"] = "1" } });
        Assert.StartsWith("fields events=1 | tags lifecycle=active, vip=1 |", await Read(A));
    }

    [StoreTheory]
    [InlineData(1UL)]
    [InlineData(9UL)]
    public async Task Publish_LeavesOneOfManyBoards_StaysOnTheOthers(ulong expectedStamp)
    {
        var scores = Enumerable.Range(0, 20).Select(i => $"s{i}").ToArray();
        for (var leaving = 0; leaving < scores.Length; leaving++)
        {
            var (_, views) = await OpenAsync();
            await views.PublishAsync(Customer(A, 1) with { Ranks = scores.ToDictionary(s => s, _ => "1000") });
            await views.PublishAsync(Customer(A, 2, version: 2) with
            {
                ExpectedStamp = expectedStamp,
                Ranks = scores.ToDictionary(s => s, s => s == scores[leaving] ? "-" : "2000"),
            });
            var published = await ReadAsync(A, scores);
            Assert.Equal(scores.Where(s => s != scores[leaving]).Order(StringComparer.Ordinal), published!.Ranks.Keys);
            Assert.All(published.Ranks.Values, rank => Assert.Equal("2000", rank));
        }
    }

    [StoreFact]
    public async Task Publish_UnusualNamesAndValues_ComeBackUnchanged()
    {
        var (_, views) = await OpenAsync();
        var odd = new Dictionary<string, string>
        {
            ["a"] = "", ["b"] = "0", ["c"] = "-1", ["d"] = "127", ["e"] = "128", ["f"] = "-4096", ["g"] = "4095", ["h"] = "-4097",
            ["i"] = "32767",
            ["j"] = "32768", ["k"] = "-32769", ["l"] = "8388608", ["m"] = "2147483647", ["n"] = "2147483648", ["o"] = "-2147483649",
            ["p"] = "9223372036854775807", ["q"] = "-9223372036854775808", ["r"] = "9223372036854775808", ["s"] = "007", ["t"] = "+1",
            ["u"] = "-0", ["v"] = "1e5", ["w"] = " 1", ["x"] = "1 ", ["y"] = "12.50", ["z"] = "萌宠爱好者",
            ["名字"] = "x", ["12"] = "34", ["A"] = "\0\r\n",
            ["l63"] = new('x', 63), ["l64"] = new('x', 64), ["l123"] = new('x', 123), ["l125"] = new('x', 125), ["l126"] = new('x', 126),
            ["l4095"] = new('x', 4095), ["l4096"] = new('x', 4096), ["l16377"] = new('x', 16_377), ["l16378"] = new('x', 16_378),
            ["l16379"] = new('x', 16_379), ["l65535"] = new('x', 65_535),
        };
        await views.PublishAsync(Customer(A, 1) with { Fields = odd, Tags = odd });
        var published = (await ReadAsync(A, []))!;
        Assert.Equal(odd.OrderBy(p => p.Key, StringComparer.Ordinal), published.Fields);
        Assert.Equal(odd.OrderBy(p => p.Key, StringComparer.Ordinal), published.Tags);
    }

    [StoreTheory]
    [InlineData(1)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(3000)]
    public async Task Publish_ManyTags_ComeBack(int count)
    {
        var (_, views) = await OpenAsync();
        var tags = Enumerable.Range(0, count).ToDictionary(i => $"tag{i:d5}", i => $"{i * 37}");
        await views.PublishAsync(Customer(A, 1) with { Tags = tags });
        Assert.Equal(tags, (await ReadAsync(A, []))!.Tags);
        Assert.Equal(count, (await views.CountAsync(CancellationToken.None)).Tags);
    }

    [StoreFact]
    public async Task Publish_VectorOfTenThousandCells_IsCompared()
    {
        var (_, views) = await OpenAsync();
        var vector = Enumerable.Range(0, 10_000).Select(i => (Id($"v{i}"), (ulong)i + 1)).ToArray();
        Assert.Empty(await views.PublishAsync(Customer(A, 1) with { Vector = vector }));
        Assert.Empty(await views.PublishAsync(Customer(A, 2) with { Vector = [.. vector, (B, 1)] }));
        vector[^1].Item2--;
        Assert.Equal([0], await views.PublishAsync(Customer(A, 3) with { Vector = vector }));
    }

    [StoreFact]
    public async Task Publish_ManyViewsAtOnce_RefusesTheRightOnes()
    {
        var (_, views) = await OpenAsync();
        var ids = Enumerable.Range(0, 2000).Select(i => Id($"many:{i}")).ToArray();
        Assert.Empty(await views.PublishAsync([.. ids.Where((_, i) => i % 2 == 0).Select(id => Customer(id, 1, version: 5))]));
        var refused = await views.PublishAsync([.. ids.Select((id, i) =>
            Customer(id, 2, version: i % 6 == 0 ? 4UL : 5UL) with { ExpectedStamp = (ulong)(i % 4 == 0 ? 1 : i % 10 == 2 ? 9 : 0) })]);
        Assert.Equal(Enumerable.Range(0, ids.Length).Where(i => i % 6 == 0), refused);
    }

    [StoreFact]
    public async Task Publish_NameTwiceInOneView_IsRefusedAsAnError()
    {
        var (_, views) = await OpenAsync();
        var arena = new ByteArena();
        var write = Customer(A, 1).AddTo(arena);
        var at = arena.Length;
        arena.AddField("twice"u8, "1"u8);
        arena.AddField("twice"u8, "2"u8);
        write.Fields = arena.Since(at);
        await Assert.ThrowsAsync<ArgumentException>(async () =>
        {
            await views.PublishAsync([write], arena, CancellationToken.None);
            _ = await Read(A);
        });
    }

    [StoreFact]
    public async Task Count_CellsCustomersAndTags_AreThoseOfTheStore()
    {
        var (cells, views) = await OpenAsync();
        Assert.Equal(default, await views.CountAsync(CancellationToken.None));
        var arena = new ByteArena();
        CellWrite[] writes = [.. new[] { A, B, C }.Select(id => Cell(arena, id, CellVersion.None, new(1, 1), "x"))];
        await cells.StoreAsync(writes, arena, CancellationToken.None);
        await views.PublishAsync(
            Customer(A, 1),
            new ViewSample(B, 2) { Form = ViewForm.Merged, MergedInto = A, Vector = [(B, 1)] },
            new ViewSample(C, 3) { Form = ViewForm.Empty, Vector = [(C, 1)] },
            Customer(Id("d"), 4) with { Tags = [], TagExpiry = [] });
        Assert.Equal(new StoreTotals(3, 2, 2), await views.CountAsync(CancellationToken.None));
    }

    [StoreFact]
    public async Task Publish_RandomHistory_EqualsTheMemoryTwin()
    {
        var (_, views) = await OpenAsync();
        var twin = new MemoryViewStore();
        var random = new Random(20_260_101);
        string[] scores = ["intent", "loyalty", "s1", "s2"];
        var ids = Enumerable.Range(0, 12).Select(i => Id($"random:{i}")).ToArray();
        var stamps = ids.ToDictionary(id => id, _ => new List<ulong> { 0 });
        for (ulong round = 1; round <= 150; round++)
        {
            var samples = ids.Where(_ => random.Next(3) == 0).Select((id, i) => Random(id, round * 100 + (ulong)i)).ToArray();
            Assert.Equal(await twin.PublishAsync(samples), await views.PublishAsync(samples));
            foreach (var sample in samples) stamps[sample.Id].Add(sample.Stamp);
        }
        foreach (var id in ids)
        {
            var expected = twin.Find(id);
            var published = await ReadAsync(id, scores);
            Assert.Equal(expected is null ? null : AsPublished(expected).ToString(), published?.ToString());
        }

        ViewSample Random(IdentifierId id, ulong stamp)
        {
            var form = random.Next(4) switch { 0 => ViewForm.Merged, 1 => ViewForm.Empty, _ => ViewForm.Customer };
            var isCustomer = form == ViewForm.Customer;
            var tags = Enumerable.Range(0, random.Next(4)).ToDictionary(i => $"t{i}", _ => $"{random.Next(5)}");
            return new ViewSample(id, stamp)
            {
                Form = form,
                MergedInto = ids[random.Next(ids.Length)],
                ExpectedStamp = random.Next(3) == 0 ? stamps[id][random.Next(stamps[id].Count)] : stamps[id][^1],
                Vector = [.. ids.Take(3).Where(_ => random.Next(8) != 0).Select(v => (v, stamp / 2_000 + (ulong)random.Next(3)))
                    .DefaultIfEmpty((ids[0], 1UL))],
                Fields = isCustomer ? new() { ["events"] = $"{random.Next(1000)}", [$"f{random.Next(3)}"] = "x" } : [],
                Tags = isCustomer ? tags : [],
                TagExpiry = isCustomer ? tags.Where(_ => random.Next(2) == 0).ToDictionary() : [],
                Ranks = scores.ToDictionary(s => s, _ => isCustomer && random.Next(2) == 0 ? $"{random.Next(1_000_000)}" : "-"),
            };
        }
    }

    /// <summary>What a reader finds of a view in memory.</summary>
    protected static PublishedView AsPublished(MemoryView view) => new(
        Sorted(view.Fields), Sorted(view.Tags), Sorted(view.TagExpiry), Sorted(view.Ranks));

    protected static SortedDictionary<string, string> Sorted(IEnumerable<KeyValuePair<string, string>> fields) =>
        new(fields.ToDictionary(), StringComparer.Ordinal);

    private async Task<string?> Read(IdentifierId id) => (await ReadAsync(id, ["intent", "loyalty"]))?.ToString();
}
