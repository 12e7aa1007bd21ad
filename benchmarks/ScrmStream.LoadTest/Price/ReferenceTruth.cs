namespace ScrmStream.LoadTest.Price;

/// <summary>What a right engine finds in the reference topic, worked out by plain loops over what was made.</summary>
/// <param name="Tags">Over all customers, by the rules of <c>schemas/rules/examples/reference.yaml</c>.</param>
internal sealed record ReferenceTruth(long Events, long Identifiers, long Customers, long Tags, long PaidFen)
{
    private const int OrderPaid = 13;

    // How many events of each type bring its tag. All events lie within the rules' seven days.
    private static readonly int[] Needed = [10, 5, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 5];

    /// <summary>
    /// Makes the events once and adds them up: identifiers that were ever named together are one customer. Takes some 300 bytes an
    /// identifier while it runs.
    /// </summary>
    /// <param name="passes">So many times the events, the same people doing the same things again.</param>
    public static ReferenceTruth Of(int events, int people, int seed, int passes = 1)
    {
        var made = new ReferenceEvents(people, seed);
        var (nodes, parents) = (new Dictionary<(string, string), int>(), new List<int>());
        var counts = new List<int[]>();
        var paidFen = 0L;
        for (var i = 0; i < events; i++)
        {
            var e = made.Next();
            var first = NodeOf(e.Identifiers[0]);
            foreach (var other in e.Identifiers) Unite(first, NodeOf(other));
            counts[first][e.Type] += passes;
            if (e.Type == OrderPaid) paidFen += passes * e.AmountFen;
        }
        for (var node = 0; node < parents.Count; node++)
            if (RootOf(parents, node) is var root && root != node)
                for (var type = 0; type < Needed.Length; type++) counts[root][type] += counts[node][type];
        var roots = Enumerable.Range(0, parents.Count).Where(node => parents[node] == node).ToList();
        var tags = roots.Sum(root => Enumerable.Range(0, Needed.Length).Count(type => counts[root][type] >= Needed[type]));
        return new ReferenceTruth((long)passes * events, parents.Count, roots.Count, tags, paidFen);

        void Unite(int a, int b) => parents[RootOf(parents, b)] = RootOf(parents, a);

        int NodeOf((string, string) identifier)
        {
            if (nodes.TryGetValue(identifier, out var node)) return node;
            nodes.Add(identifier, node = parents.Count);
            parents.Add(node);
            counts.Add(new int[Needed.Length]);
            return node;
        }
    }

    private static int RootOf(List<int> parents, int node)
    {
        while (parents[node] != node) node = parents[node] = parents[parents[node]];
        return node;
    }
}
