using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ScrmStream.Host.Servers;

/// <summary>Ports of 127.0.0.1: which are free, and who answers there.</summary>
public static class LoopbackPort
{
    /// <summary>The preferred port when it is free, else any free one.</summary>
    /// <param name="preferred">0: no preference.</param>
    public static int Free(int preferred)
    {
        if (preferred != 0 && TryListen(preferred, out var port)) return port;
        return TryListen(0, out port) ? port : throw new InvalidOperationException("127.0.0.1 has no free port.");
    }

    /// <summary>The port of <c>host:port</c> or <c>http://host:port</c>; 0 when there is none.</summary>
    public static int Of(string? address) =>
        address is not null && int.TryParse(address.AsSpan(address.LastIndexOf(':') + 1), out var port) ? port : 0;

    /// <summary>Connects, sends a line if there is one, and says whether the answer starts as expected.</summary>
    /// <param name="expected">Empty: a connection is enough.</param>
    public static async Task<bool> AnswersAsync(int port, string send, string expected, CancellationToken cancel)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, cancel);
            if (expected.Length == 0) return true;
            var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(send), cancel);
            var answer = new byte[64];
            var length = await stream.ReadAtLeastAsync(answer, expected.Length, throwOnEndOfStream: false, cancel);
            return Encoding.ASCII.GetString(answer, 0, length).StartsWith(expected, StringComparison.Ordinal);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }

    private static bool TryListen(int wanted, out int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, wanted);
        try
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
            return true;
        }
        catch (SocketException)
        {
            port = 0;
            return false;
        }
    }
}
