namespace ScrmStream.Identity;

/// <summary>A key under which phones and e-mail addresses are hashed. Settable at the edge, then left alone.</summary>
public sealed class PersonalKeyOptions
{
    /// <summary>Stands in front of every hash made with the key: 1 to 16 of a-z and 0-9.</summary>
    public string Id { get; set; } = "";
    /// <summary>The secret: hex digits or base64 of 16 to 256 bytes. What is hex is read as hex.</summary>
    public string Key { get; set; } = "";
}
