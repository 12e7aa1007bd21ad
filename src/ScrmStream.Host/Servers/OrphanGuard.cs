using System.Diagnostics;
using ScrmStream.Host.Settings;

namespace ScrmStream.Host.Servers;

/// <summary>
/// A small shell beside a private stack. It waits on a pipe from this process; when the pipe breaks because this process was killed, it
/// ends the servers and deletes their folder. Not thread safe.
/// </summary>
internal sealed class OrphanGuard : IDisposable
{
    // A process is only ended when its start time (field 22 of stat) is the one that was noted.
    private const string Script = """
        folder=$1
        servers=
        while read -r pid started; do
          [ "$pid" != done ] || exit 0
          servers="$servers $pid:$started"
        done
        is_alive() {
          read -r stat 2>/dev/null </proc/${1%:*}/stat || return 1
          set -- "$1" ${stat##*) }
          [ "$2" != Z ] && [ "${21}" = "${1#*:}" ]
        }
        for server in $servers; do is_alive "$server" && kill -TERM "${server%:*}"; done
        for server in $servers; do
          tries=0
          while is_alive "$server"; do
            tries=$((tries + 1))
            [ $tries -lt 100 ] || { kill -KILL "${server%:*}"; break; }
            sleep 0.1
          done
        done
        rm -rf "$folder"
        """;

    private readonly Process _process;

    private OrphanGuard(Process process) => _process = process;

    /// <param name="folder">Deleted when this process dies.</param>
    public static OrphanGuard Start(string folder)
    {
        // A session of its own: Ctrl-C at the terminal must not reach it.
        var start = new ProcessStartInfo("setsid", ["/bin/sh", "-c", Script, "sh", folder])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
        };
        return new OrphanGuard(Process.Start(start) ?? throw new InvalidOperationException("setsid (package util-linux) does not start."));
    }

    public void Watch(LocalProcess process)
    {
        _process.StandardInput.WriteLine($"{process.Pid} {process.StartTicks}");
        _process.StandardInput.Flush();
    }

    /// <summary>Sends it away; the caller has ended the servers.</summary>
    public void Dispose()
    {
        _process.StandardInput.WriteLine("done");
        _process.StandardInput.Close();
        _process.Dispose();
    }
}
