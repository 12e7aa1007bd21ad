using System.Text;
using ScrmStream.Events;
using ScrmStream.Identity;
using ScrmStream.Rules;
using ScrmStream.Rules.Stages;

namespace ScrmStream.Pipeline.Leads;

/// <summary>
/// Says what became of a customer's leads since it was last published: the whole history of each pipeline in which something is different,
/// and what of it is news. Owned by the deciding thread.
/// </summary>
internal sealed class LeadPublisher(RuleSet rules)
{
    // A clock that is set back does not make what is published now older than what was.
    private ulong _version;

    /// <summary>Compares two conclusions and adds what is different to a slice.</summary>
    /// <param name="events">How many events the customer has.</param>
    /// <param name="version">See <see cref="CustomerLeads.Version"/>.</param>
    public void Announce(FlushSlice slice, IdentifierId customer, Conclusion before, Conclusion now, long events, ulong version)
    {
        if (before.LeadCount == 0 && now.LeadCount == 0) return;
        version = _version = Math.Max(version, _version);
        for (var i = 0; i < rules.Pipelines.Count; i++)
        {
            var pipeline = rules.Pipelines[i];
            var isNew = !before.TryGetLead(pipeline.NameUtf8, out var old);
            if (!now.TryGetLead(pipeline.NameUtf8, out var lead) || (!isNew && lead.HistoryHash == old.HistoryHash)) continue;
            var history = now.HistoryOf(i)!;
            var told = Told(pipeline, customer, history, version, rules.Fingerprint);
            var isLonger = isNew || history.Hash(history.CountUpTo(before.ScoresAsOfMs)) == old.HistoryHash;
            var first = isNew ? 0 : history.CountUpTo(before.ScoresAsOfMs);
            slice.Leads.Add(told with
            {
                Changes = isLonger
                    ? [.. told.Steps.Skip(first).Select(s => Change(told, s, events))]
                    : [new StageChange(
                        customer, pipeline.Name, pipeline.Type, lead.Id, Utf8(lead.Stage), Utf8(old.Stage), "rewritten", null, lead.SinceMs)
                        { Events = events, Rules = rules.Fingerprint }],
            });
        }
        for (var i = 0; i < before.LeadCount; i++)
            if (!now.TryGetLead(before.Lead(i).Pipeline, out _))
                AddEnd(slice, customer, before.Lead(i), before.ScoresAsOfMs, events, version);
    }

    private void AddEnd(FlushSlice slice, IdentifierId customer, LeadStage old, long asOfMs, long events, ulong version)
    {
        var name = Utf8(old.Pipeline);
        var type = rules.Pipelines.FirstOrDefault(p => p.Name == name)?.Type ?? "";
        slice.Leads.Add(new CustomerLeads(customer, name, type, version)
        {
            Rules = rules.Fingerprint,
            Changes =
            [
                new StageChange(customer, name, type, "", null, Utf8(old.Stage), "rewritten", null, asOfMs)
                    { Events = events, Rules = rules.Fingerprint },
            ],
        });
    }

    private static CustomerLeads Told(
        LeadPipeline pipeline, IdentifierId customer, LeadHistory history, ulong version, string fingerprint) =>
        new(customer, pipeline.Name, pipeline.Type, version)
        {
            Rules = fingerprint,
            Leads = [.. Enumerable.Range(0, history.LeadCount).Select(i => Lead(pipeline, history, i))],
            Steps = [.. history.Entries.Select(e => new PublishedStep(
                e.Lead, pipeline.States[e.State], e.Previous < 0 ? null : pipeline.States[e.Previous], e.AtMs,
                e.Step.ToString().ToLowerInvariant(), e.Reminder < 0 ? null : pipeline.Reminders[e.Reminder]))],
        };

    private static PublishedLead Lead(LeadPipeline pipeline, LeadHistory history, int i)
    {
        var origin = history.Origin(i);
        var channel = origin.Channel == Channel.None ? "" : Utf8(origin.Channel.WordUtf8());
        return new PublishedLead(
            LeadStage.IdOf(pipeline.Name, history.CreatedMs(i), origin.Anchor), history.CreatedMs(i), channel, Utf8(origin.Source),
            Utf8(origin.Campaign), Utf8(origin.Inviter));
    }

    private static StageChange Change(CustomerLeads told, PublishedStep step, long events) => new(
        told.Customer, told.Pipeline, told.Type, told.Leads[step.Lead].Id, step.Stage, step.Previous, step.Step, step.Reminder, step.AtMs)
    {
        Events = events, Rules = told.Rules,
    };

    private static string Utf8(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);
}
