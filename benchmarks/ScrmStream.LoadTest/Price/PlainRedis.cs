using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using ScrmStream.Redis;

namespace ScrmStream.LoadTest.Price;

/// <summary>
/// One connection on which encoded commands follow each other without a transaction; a few calls are under way at once. Answers are only
/// looked through for errors. Calls may come from any thread, and are carried out in the order in which they came.
/// </summary>
internal sealed class PlainRedis : IAsyncDisposable
{
    private const int CallsInFlight = 4;

    private readonly NetworkStream _stream;
    private readonly Channel<Call> _toSend = Channel.CreateBounded<Call>(CallsInFlight);
    private readonly Channel<Call> _toAnswer = Channel.CreateBounded<Call>(CallsInFlight);
    private readonly TaskCompletionSource _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _sending, _answering;

    private PlainRedis(Socket socket)
    {
        _stream = new NetworkStream(socket, ownsSocket: true);
        _sending = Task.Run(SendAsync);
        _answering = Task.Run(ReadAnswersAsync);
    }

    private sealed record Call(RespWriter Commands, Action<RespWriter> WhenSent, TaskCompletionSource Answered)
    {
        public int Count { get; } = Commands.Commands;
    }

    public static async Task<PlainRedis> ConnectAsync(string address, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPEndPoint.Parse(address), cancel);
        return new PlainRedis(socket);
    }

    /// <summary>Returns when the commands have their place in the queue; the task answered ends when Redis has carried them out.</summary>
    /// <param name="whenSent">Gets the writer back, which is not to be touched before.</param>
    public async Task<Task> AddAsync(RespWriter commands, Action<RespWriter> whenSent, CancellationToken cancel)
    {
        var call = new Call(commands, whenSent, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _toSend.Writer.WriteAsync(call, cancel);
        return AnsweredAsync(call);
    }

    /// <summary>Returns when Redis has carried out all that was added.</summary>
    public async Task DrainAsync(CancellationToken cancel)
    {
        var ping = new RespWriter();
        ping.Command("PING"u8, 1);
        await await AddAsync(ping, _ => { }, cancel);
    }

    public async ValueTask DisposeAsync()
    {
        _toSend.Writer.TryComplete();
        await Task.WhenAll(_sending, _answering);
        await _stream.DisposeAsync();
    }

    private async Task AnsweredAsync(Call call) => await await Task.WhenAny(call.Answered.Task, _failure.Task);

    private async Task SendAsync()
    {
        try
        {
            await foreach (var call in _toSend.Reader.ReadAllAsync())
            {
                await _toAnswer.Writer.WriteAsync(call);
                await _stream.WriteAsync(call.Commands.Written);
                call.WhenSent(call.Commands);
            }
            _toAnswer.Writer.TryComplete();
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private async Task ReadAnswersAsync()
    {
        try
        {
            var bytes = new byte[64 * 1024];
            var (at, end, isStart) = (0, 0, true);
            await foreach (var call in _toAnswer.Reader.ReadAllAsync())
            {
                for (var left = call.Count; left > 0; left -= Lines(bytes.AsSpan(0, end), ref at, ref isStart, left))
                {
                    if (at < end) continue;
                    (at, end) = (0, await _stream.ReadAsync(bytes));
                    if (end == 0) throw new IOException("Redis closed the connection.");
                }
                call.Answered.SetResult();
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    // Every answer is one line. How many of them end here, up to a number.
    private static int Lines(ReadOnlySpan<byte> bytes, ref int at, ref bool isStart, int max)
    {
        var lines = 0;
        while (at < bytes.Length && lines < max)
        {
            if (isStart && bytes[at] == '-') throw new IOException($"Redis refused a command: {Encoding.UTF8.GetString(bytes[at..])}");
            var length = bytes[at..].IndexOf((byte)'\n');
            isStart = length >= 0;
            at = isStart ? at + length + 1 : bytes.Length;
            if (isStart) lines++;
        }
        return lines;
    }

    private void Fail(Exception e)
    {
        _failure.TrySetException(e);
        _toSend.Writer.TryComplete(e);
        _toAnswer.Writer.TryComplete(e);
    }
}
