namespace ScrmStream.Events.Avro;

/// <summary>Flattens a writer's schema into nodes by which its values are passed over.</summary>
internal sealed class AvroSkipCompiler
{
    // A sum of minima stays within an int: more than any record may have anyway.
    private const int BytesMinMax = 1 << 30;
    private readonly Dictionary<AvroSchema, int> _numbers = new(ReferenceEqualityComparer.Instance);
    private readonly List<(AvroSchema Schema, int FirstChild, int Children)> _nodes = [];
    private readonly List<int> _children = [];

    public int[] Children => [.. _children];

    /// <summary>The node's number.</summary>
    public int Number(AvroSchema schema)
    {
        if (_numbers.TryGetValue(schema, out var known)) return known;
        var number = _nodes.Count;
        _numbers.Add(schema, number);
        _nodes.Add(default);
        // The children of a node follow one another, and each of them adds its own: first all of their numbers, then the list.
        var parts = schema.Type == AvroType.Record ? Array.ConvertAll(schema.Fields, f => f.Type) : schema.Parts;
        var numbers = Array.ConvertAll(parts, Number);
        _nodes[number] = (schema, _children.Count, numbers.Length);
        _children.AddRange(numbers);
        return number;
    }

    /// <summary>All nodes that have a number.</summary>
    /// <exception cref="AvroSchemaException">A record contains itself without an end, so no value of it exists.</exception>
    public AvroSkip[] Nodes()
    {
        var least = LeastBytes();
        var endless = Array.IndexOf(least, long.MaxValue);
        if (endless >= 0) throw new AvroSchemaException($"{_nodes[endless].Schema.Said} contains itself without an end");
        return [.. _nodes.Select((node, i) =>
            new AvroSkip(KindOf(node.Schema.Type), node.FirstChild, CountOf(node.Schema, node.Children), (int)least[i]))];
    }

    // From "no value exists" downwards until nothing changes: a record that contains itself ends where a union has another branch.
    private long[] LeastBytes()
    {
        var least = Enumerable.Repeat(long.MaxValue, _nodes.Count).ToArray();
        for (var changed = true; changed;)
        {
            changed = false;
            for (var i = _nodes.Count - 1; i >= 0; i--)
            {
                var bytes = LeastBytes(i, least);
                changed |= bytes != least[i];
                least[i] = bytes;
            }
        }
        return least;
    }

    private long LeastBytes(int number, long[] least)
    {
        var (schema, first, count) = _nodes[number];
        switch (schema.Type)
        {
            case AvroType.Null or AvroType.Float or AvroType.Double or AvroType.Fixed:
                return CountOf(schema, 0);
            case AvroType.Record:
                long sum = 0;
                for (var i = first; i < first + count; i++)
                {
                    if (least[_children[i]] == long.MaxValue) return long.MaxValue;
                    sum = Math.Min(sum + least[_children[i]], BytesMinMax);
                }
                return sum;
            case AvroType.Union:
                var branch = long.MaxValue;
                for (var i = first; i < first + count; i++) branch = Math.Min(branch, least[_children[i]]);
                // A union of nothing has no value; it is met in no datum.
                return branch == long.MaxValue && count > 0 ? branch : Math.Min(branch, BytesMinMax - 1) + 1;
            default:
                return 1;
        }
    }

    private static int CountOf(AvroSchema schema, int parts) => schema.Type switch
    {
        AvroType.Boolean => 1,
        AvroType.Float => 4,
        AvroType.Double => 8,
        AvroType.Fixed => schema.Size,
        AvroType.Null => 0,
        _ => parts,
    };

    private static AvroSkipKind KindOf(AvroType type) => type switch
    {
        AvroType.Int or AvroType.Long or AvroType.Enum => AvroSkipKind.Varint,
        AvroType.Bytes or AvroType.String => AvroSkipKind.Length,
        AvroType.Record => AvroSkipKind.Sequence,
        AvroType.Array => AvroSkipKind.Items,
        AvroType.Map => AvroSkipKind.Entries,
        AvroType.Union => AvroSkipKind.Union,
        _ => AvroSkipKind.Bytes,
    };
}
