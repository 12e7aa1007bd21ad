using ScrmStream.Host.Running;
using ScrmStream.LoadTest;
using ScrmStream.LoadTest.Chaos;
using ScrmStream.LoadTest.Plain;
using ScrmStream.LoadTest.Price;
using ScrmStream.LoadTest.Reference;
using ScrmStream.LoadTest.Scale;
using ScrmStream.Rules;

SpareThreads.Provide();
switch (args)
{
    case ["identity"]:
        new IdentityLadder(1_000_000).Run();
        return 0;
    case ["identity", var count] when int.TryParse(count, out var identifiers) && identifiers is > 0 and <= 50_000_000:
        new IdentityLadder(identifiers).Run();
        return 0;
    case ["inputs", .. var rest]:
        return InputLadder.Start(rest);
    case ["hub"]:
        return new HubLoad(10_000).Run();
    case ["hub", var count] when int.TryParse(count, out var people) && people is >= 1_000 and <= 500_000:
        return new HubLoad(people).Run();
    case ["board"]:
        return await new BoardLoad(1_000_000).RunAsync();
    case ["board", var count] when int.TryParse(count, out var customers) && customers is >= 100 and <= 20_000_000:
        return await new BoardLoad(customers).RunAsync();
    case ["plain", .. var rest]:
        return await PlainAsync(rest);
    case ["chaos", var ruleFile, .. var more]:
        return await ChaosAsync(ruleFile, more);
    case ["price", _, .. var more] when more.Contains("--help") || more.Contains("-h"):
        Console.WriteLine(PriceOptions.Usage);
        return 0;
    case ["price", var ruleFile, .. var more]:
        return await PriceAsync(ruleFile, more);
    case ["scale", _, .. var more] when more.Contains("--help") || more.Contains("-h"):
        Console.WriteLine(ScaleOptions.Usage);
        return 0;
    case ["scale", var ruleFile, .. var more]:
        return await ScaleAsync(ruleFile, more);
    case ["reference", _, .. var more] when more.Contains("--help") || more.Contains("-h"):
        Console.WriteLine(LadderOptions.Usage);
        return 0;
    case ["reference", var ruleFile, .. var more]:
        return await LadderAsync(ruleFile, more);
    // What "reference" starts as a process of its own.
    case ["paced", .. { Length: 6 } rest]:
        await PacedTopic.Parse(rest).PublishAsync(Console.In, Console.Out);
        return 0;
    case ["bad"]:
        return BadShareLoad.OfOnePercent().Run();
    case ["bad", var perThousand] when int.TryParse(perThousand, out var bad) && bad is >= 1 and <= 1000:
        return new BadShareLoad(bad).Run();
    case [var events, var rules]:
        new EngineLadder(events, RuleSet.Load(rules)).Run();
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: ./scrm bench load EVENTS.ndjson RULES.yaml
                   ./scrm bench load --reference [--help]
                   ./scrm bench load identity [IDENTIFIERS]
                   ./scrm bench load hub [PEOPLE]
                   ./scrm bench load board [CUSTOMERS]
                   ./scrm bench load plain KAFKA TOPIC [--redis HOST:PORT] [--clickhouse URL]
                   ./scrm bench inputs [--help]
                   ./scrm bench load bad [PER-THOUSAND]
                   ./scrm bench price [--help]
                   ./scrm bench scale [--help]
                   ./scrm bench chaos [--kills N] [--zombies N] [--restarts N] [--events N] [--seed S] [--workers N] [--scattered]
                                 [--session SECONDS] [--kafka ADDRESS] [--forgetful-redis] [--logs FOLDER]
            """);
        return 2;
}

static async Task<int> PlainAsync(string[] arguments)
{
    try
    {
        return await PlainLoad.Parse(arguments).RunAsync();
    }
    catch (ArgumentException e)
    {
        Console.Error.WriteLine($"plain: {e.Message}");
        return 2;
    }
}

static async Task<int> ChaosAsync(string ruleFile, string[] arguments)
{
    try
    {
        var options = ChaosOptions.Parse(arguments);
        if (options.Kafka is null && !ScrmStream.TestKit.RealKafka.IsAvailable)
            throw new ArgumentException("there is no real broker here: give --kafka, or $SCRM_SHARED/kafka and java");
        using var stop = new StopSignals();
        var result = await new ChaosRun(options, ruleFile, Console.Error.WriteLine).RunAsync(stop.Token);
        return ChaosReport.Print(options, result, Console.Out);
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("chaos: stopped before its end; nothing was compared");
        return 1;
    }
    catch (ArgumentException e)
    {
        Console.Error.WriteLine($"chaos: {e.Message}");
        return 2;
    }
}

static async Task<int> PriceAsync(string ruleFile, string[] arguments)
{
    try
    {
        var options = PriceOptions.Parse(arguments);
        if (options.Kafka is null && !ScrmStream.TestKit.RealKafka.IsAvailable)
            throw new ArgumentException("there is no real broker here: give --kafka, or $SCRM_SHARED/kafka and java");
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) => { e.Cancel = true; stop.Cancel(); };
        var (truth, pairs) = await new PriceRun(options, ruleFile, Console.Error.WriteLine).RunAsync(stop.Token);
        return PriceReport.Print(options, truth, pairs, Console.Out);
    }
    catch (ArgumentException e)
    {
        Console.Error.WriteLine($"price: {e.Message}");
        return 2;
    }
}

static async Task<int> LadderAsync(string ruleFile, string[] arguments)
{
    try
    {
        var options = LadderOptions.Parse(arguments);
        if (options.Kafka is null && !ScrmStream.TestKit.RealKafka.IsAvailable)
            throw new ArgumentException("there is no real broker here: give --kafka, or $SCRM_SHARED/kafka and java");
        using var stop = new StopSignals();
        var result = await new LadderRun(options, ruleFile, Console.Error.WriteLine).RunAsync(stop.Token);
        return new LadderReport(options, result, Console.Out).Print();
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("bench load --reference: stopped before its end");
        return 1;
    }
    catch (ArgumentException e)
    {
        Console.Error.WriteLine($"bench load --reference: {e.Message}");
        return 2;
    }
}

static async Task<int> ScaleAsync(string ruleFile, string[] arguments)
{
    try
    {
        var options = ScaleOptions.Parse(arguments);
        if (options.Kafka is null && !ScrmStream.TestKit.RealKafka.IsAvailable)
            throw new ArgumentException("there is no real broker here: give --kafka, or $SCRM_SHARED/kafka and java");
        using var stop = new StopSignals();
        var results = await new ScaleRun(options, ruleFile, Console.Error.WriteLine).RunAsync(stop.Token);
        return ScaleReport.Print(options, results, Console.Out);
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("scale: stopped before its end");
        return 1;
    }
    catch (ArgumentException e)
    {
        Console.Error.WriteLine($"scale: {e.Message}");
        return 2;
    }
}
