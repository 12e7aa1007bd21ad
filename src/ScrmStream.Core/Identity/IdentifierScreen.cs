using ScrmStream.Events;

namespace ScrmStream.Identity;

/// <summary>
/// What happens to the identifiers of decoded events before anything is decided: values are normalised, invalid ones, junk and repeats
/// are dropped, personal ones hashed, fingerprints taken, the anchor chosen; an event without a verified identifier is rejected.
/// Thread safe; one call per batch, on a decode lane.
/// </summary>
public sealed class IdentifierScreen(IdentityOptions options)
{
    private readonly Normaliser _normaliser = options.Normaliser();
    private readonly JunkList _junk = options.Junk();
    private readonly PersonalKeys _keys = new(options.PersonalKeys);
    private readonly KindTable _kinds = options.KindTable();

    public void Apply(EventBatch batch)
    {
        var kept = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            ref var e = ref batch.Events[i];
            Clean(batch, ref e);
            _keys.Apply(batch, ref e);
            if (Refusal(batch, ref e) is var (reason, detail))
            {
                batch.Rejects.Add(new Reject(e.Record, e.Index, reason, detail, e.Raw));
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
            if (!IsUsable(batch, ref identifier))
            {
                batch.DroppedIdentifiers++;
                continue;
            }
            identifier.Fingerprint = Fingerprint.Of(batch.Text(identifier.Text));
            if (IsRepeat(batch, identifiers[..kept], in identifier)) continue;
            identifiers[kept++] = identifier;
        }
        e.IdentifierCount = kept;
    }

    // Puts the value in normal form; false when it is invalid or junk.
    private bool IsUsable(EventBatch batch, ref EventIdentifier identifier)
    {
        var value = IdentifierText.Value(batch.Text(identifier.Text), identifier.Kind);
        if (Normaliser.IsNormal(identifier.Kind, value)) return !_junk.Contains(identifier.Kind, value);
        return IsHashed(batch, in identifier) || (Normalise(batch, ref identifier)
            && !_junk.Contains(identifier.Kind, IdentifierText.Value(batch.Text(identifier.Text), identifier.Kind)));
    }

    // Text that changes goes behind the records, as unescaped text does.
    private bool Normalise(EventBatch batch, ref EventIdentifier identifier)
    {
        var text = batch.Text(identifier.Text);
        var value = IdentifierText.Value(text, identifier.Kind);
        var normal = _normaliser.Normalise(identifier.Kind, value, stackalloc byte[Normaliser.ScratchBytes]);
        if (normal.IsEmpty || normal.SequenceEqual(value)) return !normal.IsEmpty;
        var prefix = text[..^value.Length];
        // The buffer may move; both spans stay on the bytes that they were taken from.
        var start = batch.Records.Reserve(prefix.Length + normal.Length);
        prefix.CopyTo(batch.Buffer.AsSpan(start));
        normal.CopyTo(batch.Buffer.AsSpan(start + prefix.Length));
        identifier.Text = new TextRange(start, prefix.Length + normal.Length);
        return true;
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

    // A producer or a person may name what the stores hold; a hash under a key that is not configured is nobody's.
    private bool IsHashed(EventBatch batch, in EventIdentifier identifier) =>
        IdentifierText.KeyId(batch.Text(identifier.Text), identifier.Kind) is { IsEmpty: false } id && _keys.Knows(id);

    private (RejectReason, string)? Refusal(EventBatch batch, ref TrackingEvent e)
    {
        if (e.NamedIdentifiers is < 1 or > 2 && IsUnbind(batch.Text(e.Name)))
            return (RejectReason.BadUnbind, $"identity_unbind names {e.NamedIdentifiers} identifiers; it takes one or two");
        if (e.NamedIdentifiers != 1 && IsRelease(batch.Text(e.Name)))
            return (RejectReason.BadRelease, $"identity_release names {e.NamedIdentifiers} identifiers; it takes one");
        e.Anchor = -1;
        for (var i = e.FirstIdentifier; i < e.FirstIdentifier + e.IdentifierCount; i++)
        {
            ref var identifier = ref batch.Identifiers[i];
            if (!identifier.Verified || identifier.AliasOf >= 0) continue;
            if (e.Anchor < 0 || IsStronger(batch, i, e.Anchor)) e.Anchor = i;
        }
        return e.Anchor < 0
            ? (RejectReason.NoVerifiedIdentifier, "no verified identifier that is neither junk nor invalid nor of unknown kind")
            : null;
    }

    private bool IsStronger(EventBatch batch, int a, int b)
    {
        ref var x = ref batch.Identifiers[a];
        ref var y = ref batch.Identifiers[b];
        return _kinds.CompareStrength(x.Kind, batch.Text(x.Text), y.Kind, batch.Text(y.Text)) < 0;
    }
}
