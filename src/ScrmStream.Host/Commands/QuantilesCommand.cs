using System.CommandLine;
using System.Globalization;
using ScrmStream.Host.Quantiles;
using ScrmStream.Host.Reading;
using ScrmStream.Host.Settings;
using ScrmStream.Profiles;

namespace ScrmStream.Host.Commands;

/// <summary><c>scrmstream quantiles</c>: the cuts of an attribute over all customers, as events that rules can use.</summary>
internal static class QuantilesCommand
{
    private const int CutsMax = 20;

    public static Command Create()
    {
        var customers = new Option<string>("--customers") { Description = "customers.ndjson of a replay.", Required = true };
        var attribute = new Option<string>("--attribute") { Description = "A number attribute of the rule file.", Required = true };
        var at = new Option<string>("--at")
            { Description = "Percentages, from 1 to 99, in rising order.", DefaultValueFactory = _ => "20,80" };
        var asOf = new Option<string>("--as-of") { Description = $"From when on the cuts apply: {TimeText.Help}.", Required = true };
        var output = new Option<string>("--output") { Description = "Events as NDJSON, for \"produce\" and \"replay\".", Required = true };
        var command = new Command("quantiles", "Finds the cuts of an attribute over all customers and writes them as events, one for each "
            + "customer: profile_update with ATTRIBUTE_p20 and so on. Whatever reads the events again knows the cuts of then.")
            { customers, attribute, at, asOf, output };
        command.Runs((parsed, _) =>
        {
            var file = parsed.GetValue(customers)!;
            var timeMs = Times.Parse(parsed.GetValue(asOf), "--as-of", Times.Shanghai)!.Value;
            var cuts = QuantileCuts.Find(file, parsed.GetValue(attribute)!, Percents(parsed.GetValue(at)!));
            using (var events = new BufferedStream(File.Create(parsed.GetValue(output)!), 1 << 16)) cuts.Write(file, timeMs, events);
            foreach (var (percent, micro) in cuts.Cuts) Console.WriteLine($"{cuts.Attribute}_p{percent} = {Text(micro)}");
            Console.Error.WriteLine($"{cuts.Customers} customers have {cuts.Attribute}; an event for each is in "
                + $"{parsed.GetValue(output)}.");
            return Task.FromResult(Exits.Done);
        });
        return command;
    }

    private static List<int> Percents(string text)
    {
        List<int> percents = [];
        foreach (var word in text.Split(','))
        {
            if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var percent) || percent is < 1 or > 99
                || (percents.Count > 0 && percent <= percents[^1]) || percents.Count == CutsMax)
                throw new SettingsException(
                    $"--at {text}: give up to {CutsMax} whole percentages from 1 to 99 in rising order, as in 20,80.");
            percents.Add(percent);
        }
        return percents;
    }

    private static string Text(Int128 micro)
    {
        Span<byte> text = stackalloc byte[Micro.TextBytesMax];
        return System.Text.Encoding.ASCII.GetString(text[..Micro.Format(micro, text)]);
    }
}
