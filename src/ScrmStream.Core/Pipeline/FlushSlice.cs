using ScrmStream.Pipeline.Leads;

namespace ScrmStream.Pipeline;

/// <summary>
/// A part of a flush, as large as the stores take at once. Built by the deciding thread, written beside it, then reused; owned by one
/// of them at a time.
/// </summary>
public sealed class FlushSlice
{
    public ByteArena Arena { get; } = new();
    public List<CellWrite> Cells { get; } = [];
    public List<IdentityMapping> Mappings { get; } = [];
    /// <summary>Mappings that say another customer than before; announced before the views.</summary>
    public List<IdentityChange> IdentityChanges { get; } = [];
    public List<ViewWrite> Views { get; } = [];
    /// <summary>What the views of this slice announce; written before them.</summary>
    public List<TagChange> TagChanges { get; } = [];
    public List<ScoreChange> ScoreChanges { get; } = [];
    /// <inheritdoc cref="TagChanges"/>
    public List<CustomerLeads> Leads { get; } = [];
    /// <inheritdoc cref="TagChanges"/>
    public List<CustomerAction> Actions { get; } = [];

    /// <summary>The ranks of views that are on no board, once written in the arena.</summary>
    internal ArenaRange? OffEveryBoard { get; set; }

    public void Clear()
    {
        Arena.Clear();
        Cells.Clear();
        Mappings.Clear();
        IdentityChanges.Clear();
        Views.Clear();
        TagChanges.Clear();
        ScoreChanges.Clear();
        Leads.Clear();
        Actions.Clear();
        OffEveryBoard = null;
    }
}
