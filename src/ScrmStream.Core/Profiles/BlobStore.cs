using System.Buffers.Binary;
using ScrmStream.Identity;

namespace ScrmStream.Profiles;

/// <summary>
/// Many small byte strings (shards, conclusions) in large pages, so that a million of them are a handful of objects. A blob has a
/// handle. Blobs that grow leave free blocks behind; a page that is mostly free is emptied into others, so at most about half of the
/// memory is unused, however the sizes change. Owned by the deciding thread.
/// </summary>
public sealed class BlobStore
{
    // i32 handle, 0: free | i32 bytes of the blob, or of the free block; of what is left at the end of a page, negative.
    private const int HeaderBytes = 8;

    private readonly PagedEntries _entries = new();
    private readonly BlobPages _pages = new();

    /// <summary>Memory of the pages, in bytes.</summary>
    public long PageBytes => _pages.Bytes;

    /// <summary>The bytes of a blob; empty for handle 0. Good until any blob is stored.</summary>
    public ReadOnlySpan<byte> this[int handle] => Memory(handle).Span;

    /// <inheritdoc cref="this"/>
    public ReadOnlyMemory<byte> Memory(int handle)
    {
        if (handle == 0) return default;
        var place = new BlobPlace(_entries[handle]);
        var page = _pages[place.Page];
        var length = BinaryPrimitives.ReadInt32LittleEndian(page.AsSpan(place.Start + sizeof(int)));
        return page.AsMemory(place.Start + HeaderBytes, length);
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
        var place = new BlobPlace(_entries[handle]);
        CacheHint.Prefetch(ref _pages[place.Page][place.Start], BlobPages.BytesOf(place.Size));
    }

    /// <summary>Stores bytes under a handle (0: a new one) and returns the handle. May move other blobs.</summary>
    public int Store(int handle, ReadOnlySpan<byte> bytes)
    {
        var size = BlobPages.ClassOf(bytes.Length + HeaderBytes);
        if (handle == 0) handle = _entries.Add(Take(size).Packed);
        else if (new BlobPlace(_entries[handle]) is var old && old.Size != size)
        {
            var taken = Take(size);
            _entries[handle] = taken.Packed;
            // It is in use before the old one is given back: that may empty the page it lies in, and so move it.
            WriteHeader(_pages[taken.Page].AsSpan(taken.Start), handle, bytes.Length);
            Free(old);
        }
        var place = new BlobPlace(_entries[handle]);
        var block = _pages[place.Page].AsSpan(place.Start);
        WriteHeader(block, handle, bytes.Length);
        bytes.CopyTo(block[HeaderBytes..]);
        return handle;
    }

    public void Clear()
    {
        _entries.Clear();
        _pages.Clear();
    }

    private BlobPlace Take(int size)
    {
        var place = _pages.Take(size, out var left);
        if (!left.IsEmpty) WriteHeader(left, 0, -left.Length);
        return place;
    }

    private void Free(BlobPlace place)
    {
        WriteHeader(_pages[place.Page].AsSpan(place.Start), 0, BlobPages.BytesOf(place.Size));
        if (_pages.Free(place)) Empty(place.Page);
    }

    private void Empty(int page)
    {
        _pages.Retire(page);
        var bytes = _pages[page];
        for (var at = 0; at < bytes.Length;)
        {
            var handle = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + sizeof(int)));
            if (handle == 0)
            {
                if (length > 0) _pages.Forget(length);
                at += Math.Abs(length);
                continue;
            }
            var size = new BlobPlace(_entries[handle]).Size;
            var place = Take(size);
            _entries[handle] = place.Packed;
            var block = BlobPages.BytesOf(size);
            bytes.AsSpan(at, block).CopyTo(_pages[place.Page].AsSpan(place.Start));
            at += block;
        }
        _pages.Recycle(page);
    }

    private static void WriteHeader(Span<byte> block, int handle, int bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(block, handle);
        BinaryPrimitives.WriteInt32LittleEndian(block[sizeof(int)..], bytes);
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
