using ScrmStream.LoadTest;
using ScrmStream.Rules;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: ./scrm bench load EVENTS.ndjson RULES.yaml");
    return 2;
}
new EngineLadder(args[0], RuleSet.Load(args[1])).Run();
return 0;
