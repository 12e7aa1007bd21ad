namespace ScrmStream.Identity;

/// <summary>
/// Rule 6: devices linked with each other form a group; a group linked to exactly one customer joins it, to none it stays together
/// as one anonymous customer, to two or more each of its devices decides alone. Works on the resolver's local indexes.
/// </summary>
internal sealed class DeviceGroups
{
    private const int None = -1, Several = -2;

    private int[] _parent = [];
    private int[] _ownCustomer = [];
    private int[] _groupCustomer = [];
    private int[] _target = [];

    public void Reset(int members)
    {
        if (_parent.Length < members)
        {
            var length = members * 2;
            (_parent, _ownCustomer, _groupCustomer, _target) = (new int[length], new int[length], new int[length], new int[length]);
        }
        for (var i = 0; i < members; i++) _parent[i] = i;
        Array.Fill(_ownCustomer, None, 0, members);
        Array.Fill(_groupCustomer, None, 0, members);
        Array.Fill(_target, None, 0, members);
    }

    public void Join(int a, int b) => _parent[Top(a)] = Top(b);

    /// <summary>Notes that a device is linked to a strong component. All <see cref="Join"/> calls come first.</summary>
    public void Meet(int device, int customer)
    {
        Note(ref _ownCustomer[device], customer);
        Note(ref _groupCustomer[Top(device)], customer);
    }

    /// <summary>Settles a device: the local index of a node that it is united with, or -1 when it stands alone.</summary>
    public void Decide(int device)
    {
        var group = _groupCustomer[Top(device)];
        _target[device] = group switch
        {
            None => Top(device) == device ? -1 : Top(device),
            Several => Math.Max(_ownCustomer[device], -1),
            _ => group,
        };
    }

    public int TargetOf(int device) => _target[device];

    private static void Note(ref int noted, int customer) => noted = noted == None || noted == customer ? customer : Several;

    private int Top(int i)
    {
        while (_parent[i] != i) i = _parent[i] = _parent[_parent[i]];
        return i;
    }
}
