namespace ScrmStream.Identity;

/// <summary>Sizes of the sets that strong edges connect, refused ones included. Works on the resolver's local indexes.</summary>
internal sealed class RawComponents
{
    // A parent, or at the top minus the number of members.
    private int[] _parent = [];

    public void Reset(int members)
    {
        if (_parent.Length < members) _parent = new int[members * 2];
        Array.Fill(_parent, -1, 0, members);
    }

    public void Join(int a, int b)
    {
        (a, b) = (Top(a), Top(b));
        if (a == b) return;
        if (_parent[a] > _parent[b]) (a, b) = (b, a);
        _parent[a] += _parent[b];
        _parent[b] = a;
    }

    public int Size(int member) => -_parent[Top(member)];

    private int Top(int i)
    {
        while (_parent[i] >= 0)
        {
            if (_parent[_parent[i]] >= 0) _parent[i] = _parent[_parent[i]];
            i = _parent[i];
        }
        return i;
    }
}
