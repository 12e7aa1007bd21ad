using System.Buffers.Binary;
using ScrmStream.Identity;

namespace ScrmStream.Profiles;

/// <summary>
/// Many small byte strings (shards, conclusions) in large pages, so that a million of them are a handful of objects. A blob has a
/// handle; storing a longer one may move it. Freed room is reused by blobs of its size class. Owned by the deciding thread.
/// </summary>
public sealed class BlobStore
{
    private const int PageBytes = 1 << 20;
    private const int StepBits = 4;
    private const int HeaderBytes = 4;
    // Up to 512 B the classes are 16 B apart; above, each is a quarter larger than the one before.
    private static readonly int[] ClassBytes = Classes();

    private readonly PagedEntries _entries = new();
    private readonly List<byte[]> _pages = [];
    private readonly Stack<long>[] _free;
    private int _used = PageBytes;
    private int _current = -1;

    public BlobStore()
    {
        _free = new Stack<long>[ClassBytes.Length];
        for (var i = 0; i < _free.Length; i++) _free[i] = new Stack<long>();
    }

    /// <summary>The bytes of a blob; empty for handle 0. Good until the blob is stored or freed.</summary>
    public ReadOnlySpan<byte> this[int handle] => Memory(handle).Span;

    public ReadOnlyMemory<byte> Memory(int handle)
    {
        if (handle == 0) return default;
        var (page, start) = Place(_entries[handle]);
        var length = BinaryPrimitives.ReadInt32LittleEndian(_pages[page].AsSpan(start));
        return _pages[page].AsMemory(start + HeaderBytes, length);
    }

    /// <summary>Two hints that together hide the cost of a blob: for many the place, then the bytes.</summary>
    public void PrefetchPlace(int handle)
    {
        if (handle != 0) CacheHint.Prefetch(ref _entries[handle]);
    }

    /// <inheritdoc cref="PrefetchPlace"/>
    public void PrefetchBytes(int handle)
    {
        if (handle == 0) return;
        var entry = _entries[handle];
        var (page, start) = Place(entry);
        CacheHint.Prefetch(ref _pages[page][start], ClassBytes[SizeClass(entry)]);
    }

    /// <summary>Stores bytes under a handle (0: a new one) and returns the handle.</summary>
    public int Store(int handle, ReadOnlySpan<byte> bytes)
    {
        var size = ClassOf(bytes.Length + HeaderBytes);
        if (handle == 0) handle = _entries.Add(-1);
        var entry = _entries[handle];
        if (entry < 0 || SizeClass(entry) != size)
        {
            if (entry >= 0) _free[SizeClass(entry)].Push(entry);
            entry = _entries[handle] = Take(size);
        }
        var (page, start) = Place(entry);
        BinaryPrimitives.WriteInt32LittleEndian(_pages[page].AsSpan(start), bytes.Length);
        bytes.CopyTo(_pages[page].AsSpan(start + HeaderBytes));
        return handle;
    }

    public void Clear()
    {
        _entries.Clear();
        _pages.Clear();
        foreach (var stack in _free) stack.Clear();
        _used = PageBytes;
        _current = -1;
    }

    // An entry packs page (24 bits), start (24 bits) and size class (8 bits).
    private static (int Page, int Start) Place(long entry) => ((int)(entry >> 32), (int)(entry >> 8) & 0xFFFFFF);

    private static int SizeClass(long entry) => (int)(entry & 0xFF);

    private long Take(int size)
    {
        if (_free[size].TryPop(out var entry)) return entry;
        var bytes = ClassBytes[size];
        if (bytes > PageBytes / 4)
        {
            _pages.Add(new byte[bytes]);
            return (long)(_pages.Count - 1) << 32 | (uint)size;
        }
        if (_used + bytes > PageBytes)
        {
            _pages.Add(new byte[PageBytes]);
            (_current, _used) = (_pages.Count - 1, 0);
        }
        _used += bytes;
        return (long)_current << 32 | (long)(_used - bytes) << 8 | (uint)size;
    }

    private static int ClassOf(int bytes)
    {
        if (bytes <= 512) return (bytes - 1) >> StepBits;
        var at = Array.BinarySearch(ClassBytes, bytes);
        if (at < 0) at = ~at;
        return at < ClassBytes.Length
            ? at
            : throw new InvalidOperationException($"A blob of {bytes} bytes is beyond the limit of {ClassBytes[^1]}.");
    }

    private static int[] Classes()
    {
        var classes = new List<int>();
        for (var bytes = 16; bytes <= 512; bytes += 16) classes.Add(bytes);
        while (classes[^1] < 12 << 20) classes.Add((classes[^1] * 5 / 4 + 15) & ~15);
        return [.. classes];
    }

    /// <summary>Handles to places; handle 0 is never given out.</summary>
    private sealed class PagedEntries
    {
        private const int Bits = 15;
        private readonly List<long[]> _pages = [];
        private int _count = 1;

        public ref long this[int handle] => ref _pages[handle >> Bits][handle & ((1 << Bits) - 1)];

        public int Add(long entry)
        {
            if (_count >> Bits >= _pages.Count) _pages.Add(new long[1 << Bits]);
            this[_count] = entry;
            return _count++;
        }

        public void Clear()
        {
            _pages.Clear();
            _count = 1;
        }
    }
}
