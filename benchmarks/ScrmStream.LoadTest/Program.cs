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
    case ["inputs"]:
        return new InputLadder().Run();
    case ["hub"]:
        return new HubLoad(10_000).Run();
    case ["hub", var count] when int.TryParse(count, out var people) && people is >= 1_000 and <= 500_000:
        return new HubLoad(people).Run();
    case ["board"]:
        return await new BoardLoad(1_000_000).RunAsync();
    case ["board", var count] when int.TryParse(count, out var customers) && customers is >= 100 and <= 20_000_000:
        return await new BoardLoad(customers).RunAsync();
    case ["bad"]:
        return new BadShareLoad(10).Run();
    case ["bad", var perThousand] when int.TryParse(perThousand, out var bad) && bad is >= 1 and <= 1000:
        return new BadShareLoad(bad).Run();
    case [var events, var rules]:
        new EngineLadder(events, RuleSet.Load(rules)).Run();
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: ./scrm bench load EVENTS.ndjson RULES.yaml
                   ./scrm bench load identity [IDENTIFIERS]
                   ./scrm bench load hub [PEOPLE]
                   ./scrm bench load board [CUSTOMERS]
                   ./scrm bench inputs
                   ./scrm bench load bad [PER-THOUSAND]
            """);
        return 2;
}
