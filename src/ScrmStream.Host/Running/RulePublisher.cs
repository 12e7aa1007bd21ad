using ScrmStream.ClickHouse;
using ScrmStream.Host.Reading;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Reload;
using ScrmStream.Redis;
using ScrmStream.Rules;

namespace ScrmStream.Host.Running;

/// <summary>Puts rule files in force in one namespace, for all processes that run there.</summary>
public sealed class RulePublisher(RedisConnection redis, ClickHouseClient clickHouse, TimeProvider time)
{
    public IRuleStore Store { get; } = new RedisRuleStore(redis);

    /// <summary>
    /// What a process that begins is to run, and may write by from then on: the file, which it puts in force where it differs from what is;
    /// without a file what is in force.
    /// </summary>
    /// <inheritdoc cref="PublishAsync" path="/exception"/>
    public async Task<RulesInForce> TakeAsync(RuleText? file, CancellationToken cancel)
    {
        var inForce = file is null && await Store.ReadAsync(cancel) is { } rules
            ? rules : await PublishAsync(file ?? new RuleText("(none)", ""), actsOnThePast: false, cancel);
        await Store.TakeAsync(inForce.Number, cancel);
        return inForce;
    }

    /// <summary>Puts a file in force; the same rules again change nothing.</summary>
    /// <exception cref="RuleFileException">Something in the file is refused; nothing was changed.</exception>
    /// <exception cref="StoreUnavailableException">A server did not answer within its limits.</exception>
    public async Task<RulesInForce> PublishAsync(RuleText file, bool actsOnThePast, CancellationToken cancel)
    {
        var rules = RuleSet.Parse(file.Text, file.File);
        var counted = await ResultRows.ReadAsync(clickHouse, "SELECT count() FROM events_rows", cancel);
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var pastMs = await new RedisPublished(redis).WatermarkAsync(cancel) ?? nowMs;
        var publication = new RulePublication(file.File, file.Text, ResultRows.Long(counted[0][0]), pastMs, actsOnThePast);
        var inForce = await publication.PublishAsync(Store, cancel);
        await PipelineTable.WriteAsync(clickHouse, rules.Pipelines, nowMs, cancel);
        return inForce;
    }
}
