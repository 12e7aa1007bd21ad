namespace ScrmStream.Profiles;

/// <summary>Where a block lies: page (24 bits), start (24 bits) and size class (8 bits) in one number.</summary>
internal readonly record struct BlobPlace(long Packed)
{
    public BlobPlace(int page, int start, int size) : this((long)page << 32 | (long)start << 8 | (uint)size)
    {
    }

    public int Page => (int)(Packed >> 32);
    public int Start => (int)(Packed >> 8) & 0xFFFFFF;
    public int Size => (int)(Packed & 0xFF);
}

/// <summary>
/// Large pages cut into blocks of size classes. A freed block is used again by the next one of its class; a page of which less than half
/// is in use is to be emptied by its owner and is then used anew. Owned by one thread.
/// </summary>
internal sealed class BlobPages
{
    public const int PageBytes = 1 << 20;

    // Up to 512 B the classes are 16 B apart; above, each is a quarter larger than the one before.
    private static readonly int[] ClassBytes = Classes();

    private readonly List<Page> _pages = [];
    private readonly Stack<int> _spare = new();
    private readonly FreeBlocks[] _free;
    private int _used = PageBytes;
    private int _current = -1;

    public BlobPages()
    {
        _free = new FreeBlocks[ClassBytes.Length];
        for (var i = 0; i < _free.Length; i++) _free[i] = new FreeBlocks();
    }

    /// <summary>Memory held, in use or not.</summary>
    public long Bytes { get; private set; }

    public byte[] this[int page] => _pages[page].Bytes;

    public static int BytesOf(int size) => ClassBytes[size];

    /// <summary>The class of blocks that hold so many bytes.</summary>
    /// <exception cref="InvalidOperationException">No block is so large.</exception>
    public static int ClassOf(int bytes)
    {
        if (bytes <= 512) return (bytes - 1) >> 4;
        var at = Array.BinarySearch(ClassBytes, bytes);
        if (at < 0) at = ~at;
        return at < ClassBytes.Length
            ? at
            : throw new InvalidOperationException($"A blob of {bytes} bytes is beyond the limit of {ClassBytes[^1]}.");
    }

    /// <param name="left">What is left of a page that nothing more fits into; default when there is none.</param>
    public BlobPlace Take(int size, out Span<byte> left)
    {
        left = default;
        var bytes = ClassBytes[size];
        while (_free[size].TryPop(out var place, out var epoch))
        {
            if (_pages[place.Page].Epoch != epoch) continue;
            _free[size].Valid--;
            _pages[place.Page].InUse += bytes;
            return place;
        }
        if (bytes > PageBytes / 4) return new BlobPlace(Add(bytes), 0, size);
        if (_used + bytes > PageBytes)
        {
            if (_current >= 0) left = _pages[_current].Bytes.AsSpan(_used);
            (_current, _used) = (_spare.TryPop(out var page) ? page : Add(PageBytes), 0);
        }
        _used += bytes;
        _pages[_current].InUse += bytes;
        return new BlobPlace(_current, _used - bytes, size);
    }

    /// <summary>Takes a block back. True when so little of its page is in use that it should be emptied.</summary>
    public bool Free(BlobPlace place)
    {
        var page = _pages[place.Page];
        page.InUse -= ClassBytes[place.Size];
        var free = _free[place.Size];
        free.Push(place, page.Epoch);
        if (free.IsStale) free.Drop(f => _pages[f.Place.Page].Epoch != f.Epoch);
        return place.Page != _current && page.Bytes.Length == PageBytes && page.InUse < PageBytes / 2;
    }

    /// <summary>From now on no block of the page is used again; its bytes stay until <see cref="Recycle"/>.</summary>
    public void Retire(int page) => _pages[page].Epoch++;

    /// <summary>A free block of a retired page was met.</summary>
    public void Forget(int bytes) => _free[ClassOf(bytes)].Valid--;

    /// <summary>Nothing lies in the retired page any more.</summary>
    public void Recycle(int page)
    {
        _pages[page].InUse = 0;
        _spare.Push(page);
    }

    public void Clear()
    {
        _pages.Clear();
        _spare.Clear();
        foreach (var free in _free) free.Clear();
        _used = PageBytes;
        _current = -1;
        Bytes = 0;
    }

    private int Add(int bytes)
    {
        _pages.Add(new Page(new byte[bytes]));
        Bytes += bytes;
        return _pages.Count - 1;
    }

    private static int[] Classes()
    {
        var classes = new List<int>();
        for (var bytes = 16; bytes <= 512; bytes += 16) classes.Add(bytes);
        while (classes[^1] < 12 << 20) classes.Add((classes[^1] * 5 / 4 + 15) & ~15);
        return [.. classes];
    }

    private sealed class Page(byte[] bytes)
    {
        public byte[] Bytes { get; } = bytes;
        public int InUse { get; set; } = bytes.Length == PageBytes ? 0 : bytes.Length;
        // Rises whenever the page is emptied, so that free blocks of before are known as such.
        public int Epoch { get; set; }
    }

    /// <summary>Free blocks of one class, those of pages emptied meanwhile among them.</summary>
    private sealed class FreeBlocks
    {
        private readonly Stack<(BlobPlace Place, int Epoch)> _blocks = new();

        public int Valid { get; set; }

        public bool IsStale => _blocks.Count > 64 + 2 * Valid;

        public void Push(BlobPlace place, int epoch)
        {
            _blocks.Push((place, epoch));
            Valid++;
        }

        public bool TryPop(out BlobPlace place, out int epoch)
        {
            var found = _blocks.TryPop(out var block);
            (place, epoch) = block;
            return found;
        }

        public void Drop(Func<(BlobPlace Place, int Epoch), bool> isStale)
        {
            var kept = _blocks.Where(b => !isStale(b)).Reverse().ToList();
            _blocks.Clear();
            foreach (var block in kept) _blocks.Push(block);
        }

        public void Clear()
        {
            _blocks.Clear();
            Valid = 0;
        }
    }
}
