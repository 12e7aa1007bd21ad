using ScrmStream.Pipeline;

namespace ScrmStream.ClickHouse.Blocks;

/// <summary>The block of the table of actions. The caller disposes what it gets.</summary>
internal static class ActionBlock
{
    private static readonly NativeTable Actions = new("actions_rows",
        new("customer_id", "UInt128"), new("action", "String"), new("at", "DateTime64(3, 'UTC')"), new("decided", "DateTime64(3, 'UTC')"),
        new("recipient", "String"), new("outcome", "String"), new("reason", "String"), new("rules", "String"));

    public static NativeBlock Of(IReadOnlyList<CustomerAction> actions)
    {
        var block = new NativeBlock(Actions) { Rows = actions.Count };
        for (var i = 0; i < actions.Count; i++)
        {
            var action = actions[i];
            block.Buffers[0].UInt128(action.Customer.Value);
            block.Buffers[1].Text(action.Action);
            block.Buffers[2].Int64(action.AtMs);
            block.Buffers[3].Int64(action.DecidedMs);
            block.Buffers[4].Text(action.IsForStaff ? "staff" : "customer");
            block.Buffers[5].Text(action.Outcome);
            block.Buffers[6].Text(action.Reason);
            block.Buffers[7].Text(action.Rules ?? "");
        }
        return block;
    }
}
