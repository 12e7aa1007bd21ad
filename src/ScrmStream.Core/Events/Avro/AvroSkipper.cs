namespace ScrmStream.Events.Avro;

/// <summary>Passes over values that nobody reads, in time linear in their bytes and to a limited depth.</summary>
internal sealed class AvroSkipper(int depthMax)
{
    /// <summary>False when the bytes are no value of that node, or are nested too deep.</summary>
    public bool TrySkip(AvroPlan plan, int node, ref AvroCursor cursor) => TrySkip(plan, node, depthMax, ref cursor);

    private static bool TrySkip(AvroPlan plan, int node, int depth, ref AvroCursor cursor)
    {
        ref readonly var skip = ref plan.Skips[node];
        switch (skip.Kind)
        {
            case AvroSkipKind.Bytes: return cursor.TryPass(skip.Count);
            case AvroSkipKind.Varint: return cursor.TryLong(out _);
            case AvroSkipKind.Length: return cursor.TryTake(out _);
        }
        if (depth == 0) return false;
        switch (skip.Kind)
        {
            case AvroSkipKind.Sequence:
                for (var i = 0; i < skip.Count; i++)
                {
                    if (!TrySkip(plan, plan.SkipChildren[skip.First + i], depth - 1, ref cursor)) return false;
                }
                return true;
            case AvroSkipKind.Union:
                return cursor.TryLong(out var branch) && (ulong)branch < (ulong)skip.Count
                    && TrySkip(plan, plan.SkipChildren[skip.First + (int)branch], depth - 1, ref cursor);
            default:
                return TrySkipBlocks(plan, plan.SkipChildren[skip.First], skip.Kind == AvroSkipKind.Entries, depth - 1, ref cursor);
        }
    }

    private static bool TrySkipBlocks(AvroPlan plan, int item, bool hasNames, int depth, ref AvroCursor cursor)
    {
        var bytesMin = plan.Skips[item].BytesMin + (hasNames ? 1 : 0);
        while (true)
        {
            if (!cursor.TryBlock(bytesMin, out var count, out var bytes)) return false;
            if (count == 0) return true;
            // Items whose least is no bytes never have any, however many there are said to be.
            if (bytesMin == 0 && bytes > 0) return false;
            if (bytesMin == 0) continue;
            if (bytes >= 0)
            {
                if (!cursor.TryPass(bytes)) return false;
                continue;
            }
            for (; count > 0; count--)
            {
                if (hasNames && !cursor.TryTake(out _)) return false;
                if (!TrySkip(plan, item, depth, ref cursor)) return false;
            }
        }
    }
}
