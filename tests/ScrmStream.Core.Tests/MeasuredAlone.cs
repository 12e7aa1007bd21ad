using Xunit;

namespace ScrmStream.Tests;

/// <summary>
/// Classes that ask what the whole process holds: while they run no other test does, for what that one lets go of would count too.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class MeasuredAlone
{
    public const string Name = "measured alone";
}
