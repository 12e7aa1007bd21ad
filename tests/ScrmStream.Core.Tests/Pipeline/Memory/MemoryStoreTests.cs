using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Pipeline.Timers;
using ScrmStream.TestKit.Conformance;

namespace ScrmStream.Tests.Pipeline.Memory;

public sealed class MemoryCellStoreTests : CellStoreConformance
{
    protected override Task<(ICellStore Cells, IViewStore Views)> OpenAsync()
    {
        var views = new MemoryViewStore();
        return Task.FromResult<(ICellStore, IViewStore)>((new MemoryCellStore(views), views));
    }
}

public sealed class MemoryTimerStoreTests : TimerStoreConformance
{
    protected override Task<(IViewStore Views, ITimerStore Timers)> OpenAsync()
    {
        var views = new MemoryViewStore();
        return Task.FromResult<(IViewStore, ITimerStore)>((views, new MemoryTimerStore(views, TimeProvider.System)));
    }
}

public sealed class MemoryRuleStoreTests : RuleStoreConformance
{
    protected override Task<(ICellStore Cells, IRuleStore Rules)> OpenAsync()
    {
        var cells = new MemoryCellStore(new MemoryViewStore());
        return Task.FromResult<(ICellStore, IRuleStore)>((cells, new MemoryRuleStore(cells, TimeProvider.System)));
    }
}

public sealed class MemoryTurnStoreTests : TurnStoreConformance
{
    protected override Task<ITurnStore> OpenAsync() => Task.FromResult<ITurnStore>(new MemoryTurnStore(TimeProvider.System));
}

public sealed class MemoryViewStoreTests : ViewStoreConformance
{
    private MemoryViewStore _views = new();

    [Fact]
    public async Task Customers_SeveralViews_AreThoseOfCustomersInOrderOfId()
    {
        await OpenAsync();
        var ids = Enumerable.Range(0, 20).Select(i => StoreSamples.Id($"{i}")).ToArray();
        await _views.PublishAsync([.. ids.Select(id => StoreSamples.Customer(id, 1))]);
        await _views.PublishAsync(new ViewSample(ids[3], 2) { Form = ViewForm.Empty, Vector = [(ids[3], 2)] });
        Assert.Equal(ids.Where(id => id != ids[3]).Order(), _views.Customers().Select(c => c.Id));
    }

    protected override Task<(ICellStore Cells, IViewStore Views)> OpenAsync()
    {
        _views = new MemoryViewStore();
        return Task.FromResult<(ICellStore, IViewStore)>((new MemoryCellStore(_views), _views));
    }

    protected override Task<PublishedView?> ReadAsync(IdentifierId id, IReadOnlyCollection<string> scores) =>
        Task.FromResult(_views.Find(id) is { } view ? AsPublished(view) : null);
}
