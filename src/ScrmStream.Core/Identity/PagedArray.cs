using System.Runtime.CompilerServices;

namespace ScrmStream.Identity;

/// <summary>
/// A growing array of structs in pages, so that growth never copies and a reference stays good. Not thread safe.
/// </summary>
public sealed class PagedArray<T> where T : unmanaged
{
    private const int PageBits = 14;
    private const int PageSize = 1 << PageBits;

    private T[][] _pages = new T[4][];

    public int Count { get; private set; }

    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _pages[index >> PageBits][index & (PageSize - 1)];
    }

    /// <inheritdoc cref="CacheHint"/>
    public void Prefetch(int index) => CacheHint.Prefetch(ref this[index]);

    /// <summary>Adds a default element and returns its index.</summary>
    public int Add()
    {
        var page = Count >> PageBits;
        if (page == _pages.Length) Array.Resize(ref _pages, page * 2);
        _pages[page] ??= new T[PageSize];
        this[Count] = default;
        return Count++;
    }

    /// <summary>Forgets all elements; keeps no pages.</summary>
    public void Clear()
    {
        _pages = new T[4][];
        Count = 0;
    }
}
