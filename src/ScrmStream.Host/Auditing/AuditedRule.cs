namespace ScrmStream.Host.Auditing;

/// <summary>What an audit found of one tag or score.</summary>
/// <param name="Kind">tag or score.</param>
internal sealed record AuditedRule(string Rule, string Kind)
{
    private const int SamplesMax = 5;

    /// <summary>Customers who have it by SQL: the tag, or points that are not 0.</summary>
    public long Members { get; set; }
    /// <summary>Customers of whom SQL and Redis do not say the same.</summary>
    public long Differences { get; set; }
    /// <summary>Some of them: customer, what SQL says, what Redis says.</summary>
    public List<string> Samples { get; } = [];

    public void Differs(string customer, string? sql, string? redis)
    {
        Differences++;
        if (Samples.Count < SamplesMax) Samples.Add($"{customer}: ClickHouse {sql ?? "-"}, Redis {redis ?? "-"}");
    }
}

/// <summary>What an audit came to.</summary>
/// <param name="AsOfMs">The watermark when it began, Unix milliseconds.</param>
internal sealed record AuditResult(long AsOfMs, IReadOnlyList<AuditedRule> Rules)
{
    /// <summary>Customers that were compared.</summary>
    public long Customers { get; set; }
    /// <summary>Customers with events that one of the two does not know yet, or later than the watermark: not compared.</summary>
    public long InMotion { get; set; }
    /// <summary>Customers that Redis has, by its own count.</summary>
    public long CustomersInRedis { get; set; }

    /// <summary>Time stood still meanwhile, so that both stores know the same customers.</summary>
    public bool IsStill { get; set; }
    /// <summary>They should, and do not.</summary>
    public bool LacksCustomers => IsStill && InMotion == 0 && CustomersInRedis != Customers;

    public long Differences => Rules.Sum(r => r.Differences);
}
