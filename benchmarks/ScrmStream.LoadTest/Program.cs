using ScrmStream.LoadTest;
using ScrmStream.Rules;

switch (args)
{
    case ["identity"]:
        new IdentityLadder(1_000_000).Run();
        return 0;
    case ["identity", var count] when int.TryParse(count, out var identifiers) && identifiers is > 0 and <= 50_000_000:
        new IdentityLadder(identifiers).Run();
        return 0;
    case [var events, var rules]:
        new EngineLadder(events, RuleSet.Load(rules)).Run();
        return 0;
    default:
        Console.Error.WriteLine("usage: ./scrm bench load EVENTS.ndjson RULES.yaml\n       ./scrm bench load identity [IDENTIFIERS]");
        return 2;
}
