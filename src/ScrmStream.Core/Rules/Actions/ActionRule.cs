using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ScrmStream.Rules.Actions;

/// <summary>One action of a rule set. Immutable, any thread.</summary>
public sealed class ActionRule
{
    internal ActionRule(ActionSyntax syntax, int when, int also)
    {
        Name = syntax.Name;
        Description = syntax.Description;
        Line = syntax.Place.Line;
        Text = syntax.Text;
        OncePerMs = syntax.OncePerMs;
        IsForStaff = syntax.IsForStaff;
        IsLost = syntax.When.Syntax.IsLost;
        (When, If) = (when, also);
        NameUtf8 = Encoding.UTF8.GetBytes(Name);
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(NameUtf8, hash);
        Key = BinaryPrimitives.ReadUInt32LittleEndian(hash);
    }

    public string Name { get; }
    public string Description { get; }
    /// <summary>Where it stands in the rule file.</summary>
    public int Line { get; }
    /// <summary>The rule in canonical form.</summary>
    public string Text { get; }
    /// <summary>0: as often as its moment comes; <see cref="long.MaxValue"/>: once for ever.</summary>
    public long OncePerMs { get; }
    /// <summary>It reaches a colleague: nothing about contacts concerns it.</summary>
    public bool IsForStaff { get; }

    /// <summary>Its moment is that at which the condition ceases to hold.</summary>
    internal bool IsLost { get; }
    /// <summary>Its condition's place among the tags that are watched; of the other condition too, or -1.</summary>
    internal int When { get; }
    /// <inheritdoc cref="When"/>
    internal int If { get; }
    /// <summary>The first 32 bits of the SHA-256 of its name, which stand for it in the log.</summary>
    internal uint Key { get; }
    internal byte[] NameUtf8 { get; }
}
