using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace ScrmStream.LoadTest.Reference;

/// <summary>What belongs together in the log of a Redis: one command, or a transaction from MULTI to EXEC.</summary>
/// <param name="Answers">Lines that Redis answers, where every answer is one line and that of EXEC a line and one for each command.</param>
internal readonly record struct LogUnit(long Offset, int Length, int Commands, int Answers);

/// <summary>
/// The append-only file that a Redis has written in a run: every command that changed something, in the order in which it was carried out.
/// Calls may come from any thread.
/// </summary>
internal sealed class RedisLog : IDisposable
{
    private const int WindowBytes = 4 * 1024 * 1024;
    private readonly SafeFileHandle _file;
    private readonly List<LogUnit> _units = [];

    private RedisLog(SafeFileHandle file) => _file = file;

    public IReadOnlyList<LogUnit> Units => _units;

    public long Bytes => _units.Sum(unit => (long)unit.Length);

    /// <param name="folder">The folder of the server.</param>
    /// <exception cref="InvalidDataException">It has no log, or more than one file of it, or something else stands there.</exception>
    public static RedisLog Open(string folder)
    {
        var files = Directory.GetFiles(folder, "*.aof", SearchOption.AllDirectories);
        if (files.Length != 1) throw new InvalidDataException($"Redis has {files.Length} files of its log in {folder}, and not one.");
        var log = new RedisLog(File.OpenHandle(files[0], FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        try
        {
            log.Index();
            return log;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>Copies a unit to the start of a buffer, which is made larger where it has to be.</summary>
    public ReadOnlyMemory<byte> Read(LogUnit unit, ref byte[] buffer)
    {
        if (buffer.Length < unit.Length) buffer = new byte[unit.Length];
        var room = buffer.AsMemory(0, unit.Length);
        ReadExactly(room.Span, unit.Offset);
        return room;
    }

    public void Dispose() => _file.Dispose();

    private void Index()
    {
        var (window, from, end) = (new byte[WindowBytes], 0L, RandomAccess.GetLength(_file));
        var (open, commands) = (-1L, 0);
        while (from < end)
        {
            var bytes = window.AsSpan(0, (int)Math.Min(window.Length, end - from));
            ReadExactly(bytes, from);
            var used = 0;
            for (var left = bytes; TryCommand(left, out var length, out var name); left = bytes[used..])
            {
                var at = from + used;
                used += length;
                if (name.SequenceEqual("MULTI"u8)) (open, commands) = (at, 0);
                else if (name.SequenceEqual("EXEC"u8))
                {
                    // +OK, +QUEUED for each, the head of the array, one for each.
                    _units.Add(new LogUnit(open, checked((int)(at + length - open)), commands, 2 + 2 * commands));
                    open = -1;
                }
                else if (open >= 0) commands++;
                else _units.Add(new LogUnit(at, length, 1, 1));
            }
            from += used;
            if (used > 0) continue;
            if (bytes.Length == end - from) throw new InvalidDataException($"The log of Redis ends within a command at {from}.");
            window = new byte[checked(window.Length * 2)];
        }
        if (open >= 0) throw new InvalidDataException("The log of Redis ends within a transaction.");
    }

    // *N, then N times $LENGTH and as many bytes. False: it does not end here.
    private static bool TryCommand(ReadOnlySpan<byte> bytes, out int length, out ReadOnlySpan<byte> name)
    {
        length = 0;
        name = default;
        if (!TryNumber(bytes, (byte)'*', ref length, out var arguments)) return false;
        for (var i = 0; i < arguments; i++)
        {
            if (!TryNumber(bytes, (byte)'$', ref length, out var size) || length + size + 2 > bytes.Length) return false;
            if (i == 0) name = bytes.Slice(length, size);
            length += size + 2;
        }
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<byte> bytes, byte kind, ref int at, out int number)
    {
        number = 0;
        var line = bytes[at..];
        var end = line.IndexOf((byte)'\n');
        if (end < 0) return false;
        if (line[0] != kind || !Utf8Parser.TryParse(line[1..(end - 1)], out number, out _))
            throw new InvalidDataException("The log of Redis holds something that is no command.");
        at += end + 1;
        return true;
    }

    private void ReadExactly(Span<byte> room, long offset)
    {
        while (!room.IsEmpty)
        {
            var read = RandomAccess.Read(_file, room, offset);
            if (read == 0) throw new EndOfStreamException("The log of Redis is shorter than it was.");
            room = room[read..];
            offset += read;
        }
    }
}
