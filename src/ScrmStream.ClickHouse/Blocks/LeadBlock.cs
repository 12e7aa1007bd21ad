using ScrmStream.Pipeline.Leads;

namespace ScrmStream.ClickHouse.Blocks;

/// <summary>The block of customers' leads. The caller disposes what it gets.</summary>
internal static class LeadBlock
{
    private static readonly NativeTable Table = new("leads_rows",
        new("customer_id", "UInt128"), new("pipeline", "String"), new("type", "String"), new("version", "UInt64"),
        new("lead_ids", "Array(String)"), new("created", "Array(DateTime64(3, 'UTC'))"), new("channels", "Array(String)"),
        new("sources", "Array(String)"), new("campaigns", "Array(String)"), new("inviters", "Array(String)"),
        new("step_leads", "Array(UInt16)"), new("step_stages", "Array(String)"), new("step_previous", "Array(String)"),
        new("step_times", "Array(DateTime64(3, 'UTC'))"), new("step_kinds", "Array(String)"), new("step_reminders", "Array(String)"),
        new("rules", "String"));

    public static NativeBlock Of(IReadOnlyList<CustomerLeads> customers)
    {
        var block = new NativeBlock(Table) { Rows = customers.Count };
        var (leads, steps) = (0L, 0L);
        foreach (var customer in customers)
        {
            block.Buffers[0].UInt128(customer.Customer.Value);
            block.Buffers[1].Text(customer.Pipeline);
            block.Buffers[2].Text(customer.Type);
            block.Buffers[3].Int64((long)customer.Version);
            foreach (var lead in customer.Leads) Add(block, lead);
            foreach (var step in customer.Steps) Add(block, step);
            // An array is told by where it ends in the values of all rows.
            (leads, steps) = (leads + customer.Leads.Count, steps + customer.Steps.Count);
            for (var at = 4; at < 16; at += 2) block.Buffers[at].Int64(leads);
            for (var at = 16; at < 28; at += 2) block.Buffers[at].Int64(steps);
            block.Buffers[28].Text(customer.Rules ?? "");
        }
        return block;
    }

    private static void Add(NativeBlock block, PublishedLead lead)
    {
        block.Buffers[5].Text(lead.Id);
        block.Buffers[7].Int64(lead.CreatedMs);
        block.Buffers[9].Text(lead.Channel);
        block.Buffers[11].Text(lead.Source);
        block.Buffers[13].Text(lead.Campaign);
        block.Buffers[15].Text(lead.Inviter);
    }

    private static void Add(NativeBlock block, PublishedStep step)
    {
        block.Buffers[17].UInt16((ushort)(step.Lead + 1));
        block.Buffers[19].Text(step.Stage);
        block.Buffers[21].Text(step.Previous ?? "");
        block.Buffers[23].Int64(step.AtMs);
        block.Buffers[25].Text(step.Step);
        block.Buffers[27].Text(step.Reminder ?? "");
    }
}
