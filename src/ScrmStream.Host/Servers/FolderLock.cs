using ScrmStream.Pipeline;

namespace ScrmStream.Host.Servers;

/// <summary>One process at a time starts or ends the servers of a folder. Held until disposed, and by a dead process never.</summary>
public sealed class FolderLock : IDisposable
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <exception cref="StoreUnavailableException">Another process held it for three minutes, or the folder is not writable.</exception>
    public static async Task<FolderLock> TakeAsync(string folder, TimeProvider time, CancellationToken cancel)
    {
        var path = Path.Combine(folder, "lock");
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                Directory.CreateDirectory(folder);
                return new FolderLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException) when (time.GetElapsedTime(started) < WaitMax)
            {
                await Task.Delay(PollInterval, time, cancel);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StoreUnavailableException(
                    $"{path} cannot be taken ({e.Message}). Another up or down is at work, or set SCRM_HOME to a folder that can be "
                    + "written.", e);
            }
        }
    }

    public void Dispose() => _file.Dispose();
}
