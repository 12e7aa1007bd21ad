using System.Text.Json;
using Confluent.Kafka;
using ScrmStream.Host.Settings;
using ScrmStream.Kafka;
using ScrmStream.Pipeline;

namespace ScrmStream.Host.Generation;

/// <summary>How far a production has come: so many rows of the file with this number are done, and all files before it.</summary>
/// <param name="Inputs">What it reads; another text is another production.</param>
public sealed record ProduceNote(string Inputs, int File, long Rows, long Records, long Refused, long Skipped, bool IsDone);

/// <summary>
/// A production that can be stopped and gone on with: records and the note of how far it has come are one transaction, so each row is
/// published exactly once whatever happens in between. Used by one thread.
/// </summary>
public sealed class ProduceNotes : IDisposable
{
    private readonly KafkaTransactions _transactions;
    private readonly string _name;

    private ProduceNotes(KafkaTransactions transactions, string name, ProduceNote last) =>
        (_transactions, _name, Last) = (transactions, name, last);

    /// <summary>Where it stands.</summary>
    public ProduceNote Last { get; private set; }

    /// <param name="name">Of the production; who gives it again goes on with it.</param>
    /// <param name="noteTopic">Where notes are; made when missing.</param>
    /// <exception cref="SettingsException">The name belongs to a production of other inputs.</exception>
    /// <exception cref="StoreUnavailableException">No broker answers, or it refuses.</exception>
    public static async Task<ProduceNotes> OpenAsync(
        KafkaOptions kafka, string noteTopic, string name, string inputs, CancellationToken cancel)
    {
        var transactions = await KafkaTransactions.OpenAsync(kafka, $"{noteTopic}.{name}", noteTopic);
        try
        {
            var text = (await transactions.NotesAsync(cancel)).LastOrDefault(note => note.Key == name).Value;
            var last = text is null ? new ProduceNote(inputs, 0, 0, 0, 0, 0, false) : JsonSerializer.Deserialize<ProduceNote>(text)!;
            if (last.Inputs == inputs) return new ProduceNotes(transactions, name, last);
            throw new SettingsException(
                $"--resume {name} was begun with other inputs ({last.Inputs}, now {inputs}): "
                + "give another name, or the same files and mapping.");
        }
        catch
        {
            transactions.Dispose();
            throw;
        }
    }

    public Task CreateMissingAsync(string topic) => _transactions.CreateMissingAsync(topic);

    /// <exception cref="StoreUnavailableException">Kafka does not take it; nothing since the last commit will be seen.</exception>
    public void Publish(string topic, byte[]? key, byte[] value) =>
        _transactions.Publish(topic, partition: null, new Message<byte[]?, byte[]?> { Key = key, Value = value });

    /// <summary>Makes what was published since the last commit visible, and notes how far it has come.</summary>
    public void Commit(ProduceNote note)
    {
        _transactions.Note(_name, JsonSerializer.SerializeToUtf8Bytes(note));
        _transactions.Commit();
        Last = note;
    }

    public void Dispose() => _transactions.Dispose();
}
