using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace ScrmStream.Redis;

/// <summary>Redis answered a call of a <see cref="RespPipe"/> with an error; the message is Redis's own.</summary>
internal sealed class RespErrorException(string message) : Exception(message);

/// <summary>
/// One connection that carries out transactions already encoded: the path of bulk writes, where an object and a queue entry per
/// command would cost more than Redis needs to run it. One transaction at a time; after an exception it must be disposed, for an
/// answer may still be under way.
/// </summary>
internal sealed class RespPipe : IDisposable
{
    private readonly Stream _stream;
    private readonly RespWriter _head = new();
    private readonly byte[] _in = new byte[64 * 1024];
    private int _at, _end;

    private RespPipe(Stream stream) => _stream = stream;

    /// <exception cref="RespErrorException">Redis refuses the password.</exception>
    public static async Task<RespPipe> ConnectAsync(EndPoint server, RedisOptions options, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        RespPipe? pipe = null;
        try
        {
            await socket.ConnectAsync(server, cancel);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (options.Tls)
            {
                var secured = new SslStream(stream);
                stream = secured;
                var host = server is DnsEndPoint dns ? dns.Host : ((IPEndPoint)server).Address.ToString();
                await secured.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = host }, cancel);
            }
            pipe = new RespPipe(stream);
            if (!string.IsNullOrEmpty(options.Password)) await pipe.SignInAsync(options.Password, cancel);
            return pipe;
        }
        catch
        {
            if (pipe is not null) pipe.Dispose();
            else socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Runs the commands in one transaction that holds only while a key has a value. Their answers must be lines (status or number);
    /// they are only looked through for errors.
    /// </summary>
    /// <returns>False: the key has another value, nothing was written.</returns>
    /// <exception cref="RespErrorException">Redis refused a command.</exception>
    public async Task<bool> TransactAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, RespWriter commands, CancellationToken cancel)
    {
        if (!await WatchAsync(key, value, cancel)) return false;
        _head.Clear();
        _head.Command("MULTI"u8, 1);
        await _stream.WriteAsync(_head.Written, cancel);
        await _stream.WriteAsync(commands.Written, cancel);
        _head.Clear();
        _head.Command("EXEC"u8, 1);
        await _stream.WriteAsync(_head.Written, cancel);

        // +OK, then +QUEUED for each. The first error says why; EXEC only says that there was one.
        string? refused = null;
        for (var i = 0; i <= commands.Commands; i++) refused ??= ErrorIn(await LineAsync(cancel));
        var outcome = await LineAsync(cancel);
        refused ??= ErrorIn(outcome);
        if (refused is not null) throw new RespErrorException(refused);
        if (outcome.Span.SequenceEqual("*-1"u8)) return false;
        for (var i = 0; i < commands.Commands; i++) refused ??= ErrorIn(await LineAsync(cancel));
        if (refused is not null) throw new RespErrorException(refused);
        return true;
    }

    public void Dispose() => _stream.Dispose();

    private async Task SignInAsync(string password, CancellationToken cancel)
    {
        _head.Command("AUTH"u8, 2);
        _head.Argument(Encoding.UTF8.GetBytes(password));
        await _stream.WriteAsync(_head.Written, cancel);
        if (ErrorIn(await LineAsync(cancel)) is { } refused) throw new RespErrorException(refused);
    }

    // True: the key has the value, and the next transaction fails if that changes before it runs.
    private async Task<bool> WatchAsync(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, CancellationToken cancel)
    {
        _head.Clear();
        _head.Command("WATCH"u8, 2);
        _head.Argument(key.Span);
        _head.Command("GET"u8, 2);
        _head.Argument(key.Span);
        await _stream.WriteAsync(_head.Written, cancel);
        if (ErrorIn(await LineAsync(cancel)) is { } refused) throw new RespErrorException(refused);
        var length = await LineAsync(cancel);
        if (ErrorIn(length) is { } alsoRefused) throw new RespErrorException(alsoRefused);
        if (!length.Span.SequenceEqual("$-1"u8) && (await LineAsync(cancel)).Span.SequenceEqual(value.Span)) return true;
        _head.Clear();
        _head.Command("UNWATCH"u8, 1);
        await _stream.WriteAsync(_head.Written, cancel);
        await LineAsync(cancel);
        return false;
    }

    private static string? ErrorIn(ReadOnlyMemory<byte> line) =>
        line.Span is [(byte)'-', .. var message] ? Encoding.UTF8.GetString(message) : null;

    // One line without its end; valid until the next one is read.
    private async ValueTask<ReadOnlyMemory<byte>> LineAsync(CancellationToken cancel)
    {
        while (true)
        {
            var length = _in.AsSpan(_at, _end - _at).IndexOf("\r\n"u8);
            if (length >= 0)
            {
                var line = _in.AsMemory(_at, length);
                _at += length + 2;
                return line;
            }
            if (_end - _at == _in.Length) throw new IOException("Redis answered a line longer than any answer it has.");
            _in.AsSpan(_at, _end - _at).CopyTo(_in);
            (_at, _end) = (0, _end - _at);
            var read = await _stream.ReadAsync(_in.AsMemory(_end), cancel);
            if (read == 0) throw new IOException("Redis closed the connection.");
            _end += read;
        }
    }
}
