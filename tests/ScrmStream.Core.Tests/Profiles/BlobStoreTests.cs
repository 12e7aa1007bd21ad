using ScrmStream.Profiles;

namespace ScrmStream.Core.Profiles;

public sealed class BlobStoreTests
{
    /// <summary>Whatever grows, shrinks and moves: every blob keeps its bytes, and the store holds not much more than they need.</summary>
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void Store_GrowingAndShrinkingBlobs_KeepsAllAndLittleElse(int seed)
    {
        var random = new Random(seed);
        var store = new BlobStore();
        var expected = new Dictionary<int, byte[]>();
        var handles = new List<int>();
        // Waves of sizes, so that the free blocks of one wave are of no use to the next.
        foreach (var scale in (int[])[40, 200, 900, 60, 3_000])
        {
            for (var i = 0; i < 12_000; i++)
            {
                var handle = handles.Count < 6_000 ? 0 : handles[random.Next(handles.Count)];
                var bytes = new byte[random.Next(scale, scale * 2)];
                random.NextBytes(bytes);
                var stored = store.Store(handle, bytes);
                if (handle == 0) handles.Add(stored);
                expected[stored] = bytes;
            }
        }
        Assert.Equal(6_000, expected.Count);
        Assert.All(expected, e => Assert.True(store[e.Key].SequenceEqual(e.Value)));
        var live = expected.Values.Sum(b => (long)b.Length);
        Assert.InRange(store.PageBytes, live, live * 3);
    }

    [Fact]
    public void Store_BlobsThatOnlyGrow_UseAtMostTwiceTheirSizeAndAFewPages()
    {
        var store = new BlobStore();
        var handles = new int[20_000];
        var content = new byte[700];
        for (var size = 20; size <= content.Length; size += 20)
            for (var i = 0; i < handles.Length; i++) handles[i] = store.Store(handles[i], content.AsSpan(0, size));
        var live = (long)handles.Length * content.Length;
        Assert.InRange(store.PageBytes, live, live * 2 + (8 << 20));
    }

    [Fact]
    public void Store_LargeBlobs_ComeBackWhole()
    {
        var store = new BlobStore();
        var random = new Random(7);
        var large = new byte[3 << 20];
        random.NextBytes(large);
        var handle = store.Store(0, large);
        var small = store.Store(0, [1, 2, 3]);
        Assert.Equal(large, store[handle].ToArray());
        Assert.Equal(handle, store.Store(handle, large.AsSpan(0, 5)));
        Assert.Equal(large[..5], store[handle].ToArray());
        Assert.Equal([1, 2, 3], store[small].ToArray());
        Assert.True(store[0].IsEmpty);
    }

    [Fact]
    public void Clear_ForgetsEverything()
    {
        var store = new BlobStore();
        store.Store(0, new byte[1000]);
        store.Clear();
        Assert.Equal(0, store.PageBytes);
        Assert.Equal([4], store[store.Store(0, [4])].ToArray());
    }
}
