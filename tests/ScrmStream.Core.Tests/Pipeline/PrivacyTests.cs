using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Rules;
using ScrmStream.TestKit;
using static ScrmStream.Tests.Identity.PersonalKeysTests;

namespace ScrmStream.Tests.Pipeline;

/// <summary>The whole pipeline with keys, over stores that keep every byte they were given.</summary>
public sealed class PrivacyTests
{
    private const string Digits = "13912345678", Mailbox = "ann.lee";
    private static readonly string Old = Hashed("k1", Key1, $"phone::+86{Digits}"), New = Hashed("k2", Key2, $"phone::+86{Digits}");

    private readonly WatchedStores _stores = new();

    [Fact]
    public async Task Run_WithAKey_NoStoreSeesAPlainValue()
    {
        await RunAsync(Rotating(("k1", Key1)), 0, Touches());
        Assert.Contains(Old, _stores.Seen(), StringComparison.Ordinal);
        Assert.DoesNotContain(Digits, _stores.Seen(), StringComparison.Ordinal);
        Assert.DoesNotContain(Mailbox, _stores.Seen(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Run_WithoutAKey_StoresTheNormalForms()
    {
        await RunAsync(new IdentityOptions(), 0, Touches());
        Assert.Contains($"phone::+86{Digits}", _stores.Seen(), StringComparison.Ordinal);
        Assert.Contains($"email::{Mailbox}@example.cn", _stores.Seen(), StringComparison.Ordinal);
    }

    /// <summary>Met under the old key, again under both, then under the new one alone, each time in a process of its own.</summary>
    [Fact]
    public async Task Run_KeysRotated_TheHistoryStaysWithThePerson()
    {
        await RunAsync(Rotating(("k1", Key1)), 0, Touch($$"""[{"kind":"phone","value":"{{Digits}}"},{"kind":"cookie","value":"c1"}]"""));
        var before = _stores.CustomerOf(Old);
        await RunAsync(Rotating(("k2", Key2), ("k1", Key1)), 1, Touch($$"""[{"kind":"phone","value":"+86 {{Digits}}"}]"""));
        await RunAsync(Rotating(("k2", Key2)), 2, Touch($$"""[{"kind":"phone","value":"0086{{Digits}}"},{"kind":"cookie","value":"c2"}]"""));
        foreach (var text in new[] { Old, New, "cookie::c1", "cookie::c2" }) Assert.Equal(before, _stores.CustomerOf(text));
        Assert.Equal("3", _stores.Views.Find(before!.Value)!.Fields["events"]);
        Assert.DoesNotContain(Digits, _stores.Seen(), StringComparison.Ordinal);
    }

    private static string[] Touches() =>
    [
        .. Touch($$"""[{"kind":"phone","value":"{{Digits}}"},{"kind":"email","value":"Ann.Lee@Example.CN"},{"kind":"member_id","value":"m"}]"""),
        .. Touch($$"""[{"kind":"phone","value":"0086-{{Digits}}"}]"""),
        .. Touch($$"""[{"kind":"cookie","value":"c"},{"kind":"phone","value":"{{Digits}}","verified":false}]"""),
    ];

    private static string[] Touch(string identifiers) =>
        [$$"""{"event":"page_view","event_time":1772334000000,"identifiers":{{identifiers}}}"""];

    private async Task RunAsync(IdentityOptions identity, int partition, string[] records)
    {
        await using var source = new ListSource([(ListSource.Partition(partition), ListSource.Utf8(records))], []);
        var ports = new PipelinePorts(source, _stores, _stores, _stores.Analytics, _stores.Analytics);
        var pipeline = new StreamPipeline(
            new PipelineOptions { Identity = identity }, RuleSet.Empty, ports, writerStamp: (ulong)partition + 1, TimeProvider.System);
        await pipeline.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(records.Length, pipeline.Counters.Accepted);
    }

    private sealed class WatchedStores : ICellStore, IViewStore
    {
        private readonly MemoryStream _seen = new();
        private readonly MemoryCellStore _cells;

        public WatchedStores() => _cells = new MemoryCellStore(Views);

        public MemoryViewStore Views { get; } = new();
        public MemoryAnalytics Analytics { get; } = new();
        public bool IsSoleWriter => false;

        public ulong WriterEpoch => 0;

        /// <summary>All bytes that were to be stored, as Latin 1, and the texts of the identity map.</summary>
        public string Seen() => Encoding.Latin1.GetString(_seen.ToArray())
            + string.Concat(Analytics.Map.Values.Select(m => Encoding.UTF8.GetString(m.Text.Span)));

        public IdentifierId? CustomerOf(string text) => Analytics.Map[IdentifierId.Of(Encoding.UTF8.GetBytes(text))].Customer;

        public Task<StoredCell[]> LoadAsync(IReadOnlyList<IdentifierId> ids, CancellationToken cancel) => _cells.LoadAsync(ids, cancel);

        public Task<IReadOnlyList<int>> StoreAsync(IReadOnlyList<CellWrite> writes, ByteArena arena, CancellationToken cancel)
        {
            foreach (var write in writes) _seen.Write(arena[write.Content]);
            return _cells.StoreAsync(writes, arena, cancel);
        }

        public Task<IReadOnlyList<int>> PublishAsync(IReadOnlyList<ViewWrite> views, ByteArena arena, CancellationToken cancel)
        {
            foreach (var view in views)
                foreach (var part in new[] { view.Fields, view.Tags, view.TagExpiry, view.Ranks, view.Conclusion, view.Vector })
                    _seen.Write(arena[part]);
            return Views.PublishAsync(views, arena, cancel);
        }

        public Task<StoreTotals> CountAsync(CancellationToken cancel) => Views.CountAsync(cancel);
    }
}
