using System.Globalization;
using ScrmStream.Identity;
using ScrmStream.Pipeline.Timers;
using StackExchange.Redis;

namespace ScrmStream.Redis;

/// <summary>
/// Timers as sorted sets, a bucket each, which <see cref="RedisViewStore"/> writes with the views; and the common watermark of all
/// processes as one hash. An outage blocks; the calls return only when Redis answered or when they are cancelled.
/// </summary>
public sealed class RedisTimerStore(RedisConnection connection) : ITimerStore
{
    private readonly RedisKey _watermark = connection.Keys.Meta("watermark");

    public async Task<long> AdvanceAsync(WatermarkReport report, CancellationToken cancel)
    {
        // On a cluster nobody is ever alone, so the key of the writer need not lie beside that of the watermark.
        RedisKey[] keys = report.IsAlone && !connection.IsCluster ? [_watermark, connection.Epoch.Key] : [_watermark];
        RedisValue[] values =
        [
            report.Writer.ToString("x16", CultureInfo.InvariantCulture), Letter(report.State), report.TimeMs, connection.Epoch.Expected,
            report.GreatestMs == long.MinValue ? RedisValue.EmptyString : report.GreatestMs,
        ];
        var mark = (string?)await connection.CallAsync(db => db.ScriptEvaluateAsync(TimerScripts.Advance, keys, values), cancel);
        return string.IsNullOrEmpty(mark) ? long.MinValue : Number(mark);
    }

    public async Task<List<DueTimer>> DueAsync(
        IReadOnlyList<int> buckets, long untilMs, int perBucketMax, long[] nextMs, CancellationToken cancel)
    {
        var perCall = connection.IsCluster ? 1 : Math.Min(connection.KeysPerCall, buckets.Count);
        var calls = new List<Task<List<DueTimer>>>();
        for (var first = 0; first < buckets.Count; first += perCall)
        {
            await connection.EnterAsync(cancel);
            calls.Add(ReadAsync(first, Math.Min(first + perCall, buckets.Count)));
        }
        return [.. (await Task.WhenAll(calls)).SelectMany(due => due)];

        async Task<List<DueTimer>> ReadAsync(int from, int to)
        {
            RedisKey[] keys = [.. Enumerable.Range(from, to - from).Select(i => connection.Keys.Timers(buckets[i]))];
            var answer = await connection.RunAsync(
                db => db.ScriptEvaluateAsync(TimerScripts.Due, keys, [untilMs, perBucketMax]), cancel);
            var due = new List<DueTimer>();
            var found = (RedisResult[])answer;
            for (var i = from; i < to; i++) nextMs[i] = Take((string[])found[i - from], due);
            return due;
        }
    }

    // The next time or nothing, then customers and their times.
    private static long Take(string[] bucket, List<DueTimer> due)
    {
        for (var i = 1; i < bucket.Length; i += 2)
            if (IdentifierId.TryParse(bucket[i], out var customer)) due.Add(new DueTimer(customer, Number(bucket[i + 1])));
        return bucket[0].Length == 0 ? long.MaxValue : Number(bucket[0]);
    }

    // A score is printed as a double, and a time of this age exactly.
    private static long Number(string text) => (long)double.Parse(text, CultureInfo.InvariantCulture);

    private static string Letter(WatermarkState state) => state switch
    {
        WatermarkState.None => "",
        WatermarkState.Holding => "h",
        WatermarkState.Active => "a",
        WatermarkState.Idle => "i",
        _ => "f",
    };
}
