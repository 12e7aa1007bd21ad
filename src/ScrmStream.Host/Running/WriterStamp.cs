using System.Security.Cryptography;

namespace ScrmStream.Host.Running;

/// <summary>The number that tells one process's writes from another's.</summary>
public static class WriterStamp
{
    /// <summary>Random and never 0, so that no two processes share one.</summary>
    public static ulong New() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;
}
