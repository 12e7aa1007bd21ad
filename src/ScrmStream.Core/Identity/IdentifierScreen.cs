using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// What happens to the identifiers of decoded events before anything is decided: junk and repeats are dropped, fingerprints are
/// taken, the anchor is chosen; an event without a verified identifier is rejected. Stateless; one call per batch, on a decode lane.
/// </summary>
public sealed class IdentifierScreen(JunkList junk)
{
    public void Apply(EventBatch batch)
    {
        var kept = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            ref var e = ref batch.Events[i];
            Clean(batch, ref e);
            if (Refusal(batch, ref e) is var (reason, detail))
            {
                batch.Rejects.Add(new Reject(e.Record, e.Index, reason, detail));
                continue;
            }
            if (kept != i) batch.Events[kept] = e;
            kept++;
        }
        batch.TruncateEvents(kept);
    }

    /// <summary>The event <c>identity_unbind</c> takes links away (rule 2 of identity).</summary>
    public static bool IsUnbind(ReadOnlySpan<byte> eventName) => eventName.SequenceEqual("identity_unbind"u8);

    /// <summary>The event <c>identity_release</c> takes its identifier out of quarantine (rule 4).</summary>
    public static bool IsRelease(ReadOnlySpan<byte> eventName) => eventName.SequenceEqual("identity_release"u8);

    private void Clean(EventBatch batch, ref TrackingEvent e)
    {
        var identifiers = batch.IdentifiersOf(in e);
        var kept = 0;
        for (var i = 0; i < identifiers.Length; i++)
        {
            ref var identifier = ref identifiers[i];
            var text = batch.Text(identifier.Text);
            if (junk.Contains(IdentifierText.Value(text, identifier.Kind)))
            {
                batch.DroppedIdentifiers++;
                continue;
            }
            identifier.Fingerprint = Fingerprint.Of(text);
            if (IsRepeat(batch, identifiers[..kept], in identifier)) continue;
            identifiers[kept++] = identifier;
        }
        e.IdentifierCount = kept;
    }

    // The same identifier named twice counts once, as verified when either is.
    private static bool IsRepeat(EventBatch batch, Span<EventIdentifier> kept, in EventIdentifier identifier)
    {
        for (var i = 0; i < kept.Length; i++)
        {
            if (kept[i].Fingerprint != identifier.Fingerprint) continue;
            if (!batch.Text(kept[i].Text).SequenceEqual(batch.Text(identifier.Text))) continue;
            kept[i].Verified |= identifier.Verified;
            return true;
        }
        return false;
    }

    private static (RejectReason, string)? Refusal(EventBatch batch, ref TrackingEvent e)
    {
        if (e.NamedIdentifiers is < 1 or > 2 && IsUnbind(batch.Text(e.Name)))
            return (RejectReason.BadUnbind, $"identity_unbind names {e.NamedIdentifiers} identifiers; it takes one or two");
        if (e.NamedIdentifiers != 1 && IsRelease(batch.Text(e.Name)))
            return (RejectReason.BadRelease, $"identity_release names {e.NamedIdentifiers} identifiers; it takes one");
        e.Anchor = -1;
        for (var i = e.FirstIdentifier; i < e.FirstIdentifier + e.IdentifierCount; i++)
        {
            if (!batch.Identifiers[i].Verified) continue;
            if (e.Anchor < 0 || IsStronger(batch, i, e.Anchor)) e.Anchor = i;
        }
        return e.Anchor < 0 ? (RejectReason.NoVerifiedIdentifier, "no verified identifier that is neither junk nor of unknown kind") : null;
    }

    private static bool IsStronger(EventBatch batch, int a, int b)
    {
        ref var x = ref batch.Identifiers[a];
        ref var y = ref batch.Identifiers[b];
        return IdentifierText.CompareStrength(x.Kind, batch.Text(x.Text), y.Kind, batch.Text(y.Text)) < 0;
    }
}
