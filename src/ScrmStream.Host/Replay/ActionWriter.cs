using System.Buffers;
using ScrmStream.Identity;
using ScrmStream.Pipeline;
using ScrmStream.Rules.Actions;

namespace ScrmStream.Host.Replay;

/// <summary>Writes actions as lines of JSON, customer by customer, of each in order of time.</summary>
/// <param name="path">The file is made anew.</param>
internal sealed class ActionWriter(string path) : IDisposable
{
    private readonly BufferedStream _file = new(File.Create(path), 1 << 16);
    private readonly ArrayBufferWriter<byte> _line = new();

    public long Sent { get; private set; }
    public long Suppressed { get; private set; }

    public void Write(IdentifierId customer, IReadOnlyList<ActionDecision> decisions)
    {
        if (decisions.Count == 0) return;
        using var json = new ChangeJson(_line);
        foreach (var decision in decisions)
        {
            var action = CustomerAction.Of(customer, in decision);
            _line.ResetWrittenCount();
            json.Write(in action);
            _file.Write(_line.WrittenSpan);
            _file.WriteByte((byte)'\n');
            if (action.IsSent) Sent++;
            else Suppressed++;
        }
    }

    public void Dispose() => _file.Dispose();
}
