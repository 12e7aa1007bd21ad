using System.Globalization;
using System.Text;
using ScrmStream.Events;

namespace ScrmStream.TestKit;

/// <summary>All that an event of a batch says, as text, so that events of two decoders can be compared field by field.</summary>
public static class EventText
{
    public static string[] All(EventBatch batch)
    {
        var texts = new string[batch.Count];
        for (var i = 0; i < texts.Length; i++) texts[i] = Of(batch, i);
        return texts;
    }

    public static string Of(EventBatch batch, int index)
    {
        ref var e = ref batch.Events[index];
        var text = new StringBuilder();
        void Add(string name, string value) => text.Append(name).Append('=').Append(value).Append('\n');
        void Text(string name, TextRange range) => Add(name, range.IsPresent ? $"'{Encoding.UTF8.GetString(batch.Text(range))}'" : "absent");
        Text("event_id", e.EventId);
        Text("event", e.Name);
        Add("event_time", Number(e.EventTimeMs));
        Add("received_time", Number(e.ReceivedTimeMs));
        Add("channel", e.Channel.ToString());
        Text("session_id", e.SessionId);
        Text("page", e.Page);
        Text("referrer", e.Referrer);
        Text("campaign.source", e.CampaignSource);
        Text("campaign.medium", e.CampaignMedium);
        Text("campaign.name", e.CampaignName);
        Text("campaign.content", e.CampaignContent);
        Text("campaign.term", e.CampaignTerm);
        Text("share.from", e.ShareFrom);
        Add("share.depth", e.HasShareDepth ? Number(e.ShareDepth) : "absent");
        Add("amount_fen", e.HasAmount ? Number(e.AmountFen) : "absent");
        Text("currency", e.Currency);
        Add("named", Number(e.NamedIdentifiers));
        foreach (ref var identifier in batch.IdentifiersOf(in e))
            Text($"identifier {identifier.Kind} {(identifier.Verified ? "verified" : "unverified")}", identifier.Text);
        foreach (ref var property in batch.PropertiesOf(in e))
        {
            var value = property.Type == PropertyType.String ? "" : $"{Number(property.Long)} {property.Double.ToString("R", CultureInfo.InvariantCulture)} ";
            Text($"property {Encoding.UTF8.GetString(batch.Text(property.Name))} {property.Type} {value}", property.Text);
        }
        return text.ToString();
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
