using Microsoft.Extensions.Logging.Abstractions;
using ScrmStream.ClickHouse;
using ScrmStream.Host.Running;
using ScrmStream.Host.Settings;
using ScrmStream.LoadTest.Price;
using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Memory;
using ScrmStream.Redis;

namespace ScrmStream.LoadTest.Reference;

/// <summary>The rungs that are the real pipeline, between fewer and fewer stand-ins.</summary>
internal sealed class PipelineRungs(LadderGround ground)
{
    /// <summary>From Kafka into stores in memory; rows are counted.</summary>
    /// <param name="rows">Takes the rows in place of a count, for who wants to have them; null: they are counted.</param>
    public async Task<Rung> KafkaAsync(LadderTopic topic, CancellationToken cancel, IAnalyticsSink? rows = null)
    {
        var settings = ground.Settings(ground.NextName(), redis: null, topic);
        await using var source = await LadderGround.OpenSourceAsync(settings);
        var views = new MemoryViewStore { IsSoleWriter = true, WriterEpoch = 1 };
        var counted = new CountedRows(rows);
        var ports = new PipelinePorts(
            source, new MemoryCellStore(views), views, counted, counted, counted, Timers: new MemoryTimerStore(views, TimeProvider.System));
        var pipeline = PipelineOf(settings, ports);
        var cost = await DrainAsync(pipeline, topic, new CostMeter(), cancel);
        var check = new TruthCheck(topic.Truth);
        check.Pipeline(pipeline);
        Check(check, counted, topic.Truth, isPaidCounted: rows is null);
        check.Stored("the memory stores", await views.CountAsync(cancel));
        return new Rung($"Kafka, {topic.Format}", "the topic, decode lane, deciding thread, flushes", topic.Truth.Events, cost)
        {
            Wrote = [counted.InWords], Wrong = check.Wrong,
        };
    }

    /// <summary>From Kafka into Redis; rows are counted.</summary>
    /// <param name="server">An empty one.</param>
    /// <param name="space">The namespace of its keys.</param>
    public async Task<Rung> RedisAsync(LadderTopic topic, LadderRedis server, string space, CancellationToken cancel)
    {
        var settings = ground.Settings(space, server.Server, topic);
        await using var redis = await RedisConnection.OpenAsync(settings.Redis, NullLogger.Instance, TimeProvider.System, cancel);
        await redis.Epoch.ClaimAsync(cancel);
        await using var source = await LadderGround.OpenSourceAsync(settings);
        var counted = new CountedRows();
        var ports = new PipelinePorts(
            source, new RedisCellStore(redis), new RedisViewStore(redis), counted, counted, counted, Timers: new RedisTimerStore(redis),
            Turns: new RedisTurnStore(redis));
        var pipeline = PipelineOf(settings, ports);
        var work = await RedisWork.BeginAsync(redis);
        var cost = await DrainAsync(pipeline, topic, new CostMeter(server.Server), cancel);
        var wrote = await work.EndAsync(topic.Truth.Events);
        var check = new TruthCheck(topic.Truth);
        check.Pipeline(pipeline);
        Check(check, counted, topic.Truth, isPaidCounted: true);
        check.Stored("Redis", await new RedisViewStore(redis).CountAsync(cancel));
        return new Rung("Redis", "cells and views in Redis, logged and synced", topic.Truth.Events, cost)
        {
            Wrote = [wrote], Wrong = check.Wrong,
        };
    }

    /// <summary>The whole job, as <c>run</c> does it.</summary>
    /// <param name="server">An empty one.</param>
    public async Task<Rung> JobAsync(LadderTopic topic, LadderRedis server, CancellationToken cancel)
    {
        var settings = ground.Settings(ground.NextName(), server.Server, topic);
        CountedRows? counted = null;
        Rung rung;
        await using (var job = await PricedJob.OpenAsync(
            settings, ground.RuleText, Guarantees.All, cancel, tables => counted = new CountedRows(tables)))
        {
            var work = await RedisWork.BeginAsync(job.Connected.Redis);
            var (meter, cost) = (new CostMeter(server.Server, ground.Servers.ClickHouse), Cost.None);
            CostMeter.Settle();
            await job.RunAsync((int)topic.Truth.Events, meter.Begin, () => cost = meter.End(), cancel);
            var wrote = await work.EndAsync(topic.Truth.Events);
            var check = await PriceCheck.OfAsync(job, topic.Truth, ground.Options.PeopleOrDefault, cancel);
            rung = new Rung("ClickHouse", "rows, identity map and changes in ClickHouse and on topics", topic.Truth.Events, cost)
            {
                Wrote = [wrote, counted!.InWords], Wrong = check.Wrong,
            };
        }
        // What is left to merge must not cost the next run.
        using var client = new ClickHouseClient(new ClickHouseOptions { Address = settings.ClickHouse.Address, Database = "default" });
        await client.CommandAsync($"DROP DATABASE {settings.ClickHouse.Database} SYNC", cancel);
        return rung;
    }

    private StreamPipeline PipelineOf(HostSettings settings, PipelinePorts ports) =>
        new(settings.Pipeline, ground.Rules, ports, WriterStamp.New(), TimeProvider.System, endsWhenIdle: true);

    private static async Task<Cost> DrainAsync(StreamPipeline pipeline, LadderTopic topic, CostMeter meter, CancellationToken cancel)
    {
        CostMeter.Settle();
        var cost = Cost.None;
        await TopicDrain.RunAsync(pipeline, topic.Truth.Events, meter.Begin, EndedAsync, cancel);
        return cost;

        Task EndedAsync()
        {
            cost = meter.End();
            return Task.CompletedTask;
        }
    }

    private static void Check(TruthCheck check, CountedRows counted, ReferenceTruth truth, bool isPaidCounted)
    {
        check.Same("rows", truth.Events, counted.EventRows);
        check.Same("letters", 0, counted.Letters);
        if (isPaidCounted) check.Same("fen paid", truth.PaidFen, counted.PaidFen);
    }
}
