namespace ScrmStream.Host.Mapping;

/// <summary>The fields of one row as UTF-8 text; reused from row to row. Used by one thread.</summary>
internal sealed class SourceRow
{
    private byte[] _text = new byte[1024];
    private int _length, _fieldStart;
    private readonly List<(int Start, int Length)> _fields = [];

    /// <summary>Fields so far.</summary>
    public int Count => _fields.Count;

    /// <summary>Where the columns that a mapping names stand in the row.</summary>
    public int[] Positions { get; set; } = [];

    /// <summary>The field of a column by its number in the mapping.</summary>
    public ReadOnlySpan<byte> this[int column] => Field(Positions[column]);

    /// <summary>The field by its place in the row.</summary>
    public ReadOnlySpan<byte> Field(int position) => _text.AsSpan(_fields[position].Start, _fields[position].Length);

    public void Clear()
    {
        _fields.Clear();
        _length = _fieldStart = 0;
    }

    /// <summary>Adds text to the open field.</summary>
    public void Append(ReadOnlySpan<byte> text)
    {
        if (_length + text.Length > _text.Length) Array.Resize(ref _text, Math.Max(_text.Length * 2, _length + text.Length));
        text.CopyTo(_text.AsSpan(_length));
        _length += text.Length;
    }

    public void EndField()
    {
        _fields.Add((_fieldStart, _length - _fieldStart));
        _fieldStart = _length;
    }
}
