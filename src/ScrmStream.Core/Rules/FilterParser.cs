using System.Text;
using ScrmStream.Events;
using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>The part of the grammar that tests one event: comparisons of fields under and, or, not.</summary>
internal sealed class FilterParser(ExpressionParser tokens)
{
    private const int ListMax = 256;

    private static readonly string[] TextFilters = ["contains", "starts_with", "ends_with", "matches"];

    public EventFilter Filter() => tokens.Algebra<EventFilter>(
        Atom, (_, isAnd, parts) => isAnd ? EventFilter.All(parts) : EventFilter.OneOf(parts), (_, inner) => EventFilter.Not(inner));

    public EventField Field()
    {
        var word = tokens.Current;
        if (word.Kind != TokenKind.Word) throw tokens.Unexpected("a field of the event");
        var field = EventField.TryFind(word.Value)
            ?? throw new ExpressionException(word.Position, $"unknown field '{word.Value}'; there are {EventField.KnownNames}"
                + Suggestion.Of(word.Value, EventField.Known));
        tokens.Take();
        return field;
    }

    public string TextLiteral()
    {
        if (tokens.Current.Kind != TokenKind.Text) throw tokens.Unexpected("a text in double quotes");
        var token = tokens.Take();
        if (Encoding.UTF8.GetByteCount(token.Value) > EdgeValue.ValueBytesMax)
        {
            throw new ExpressionException(token.Position, $"a text has at most {EdgeValue.ValueBytesMax} bytes");
        }
        return token.Value;
    }

    public List<string> TextList()
    {
        List<string> texts = [];
        List(() => texts.Add(TextLiteral()));
        return texts;
    }

    private EventFilter Atom()
    {
        var start = tokens.Current;
        if (tokens.TryTakeWord("any")) return EventFilter.Any;
        if (start.Kind == TokenKind.Word && start.Value is "count" or "seen" or "sum" or "has" or "first" or "last" or "distinct" or "days")
        {
            throw new ExpressionException(
                start.Position, $"'{start.Value}' is a condition over many events; here stands a filter of one event");
        }
        var field = Field();
        if (tokens.TryTakeWord("in")) return In(field);
        if (tokens.TryTakeWord("exists")) return new ExistsFilter(field);
        if (tokens.Current.Kind == TokenKind.Word && TextFilters.Contains(tokens.Current.Value)) return Part(field);
        if (tokens.TryTakeWord("not"))
        {
            if (!tokens.TryTakeWord("in")) throw tokens.Unexpected("'in' after 'not'");
            return EventFilter.Not(In(field));
        }
        var comparison = tokens.TakeComparison();
        return comparison == Comparison.NotEqual ? EventFilter.Not(Single(field, Comparison.Equal)) : Single(field, comparison);
    }

    // contains, starts_with, ends_with: bytes of the text. matches: a pattern that never looks back, so that no text makes it slow.
    private EventFilter Part(EventField field)
    {
        var word = tokens.Take();
        if (field.IsInteger) throw new ExpressionException(word.Position, $"{field.Name} is a number; '{word.Value}' tests a text");
        var position = tokens.Current.Position;
        var text = TextLiteral();
        if (text.Length == 0) throw new ExpressionException(position, "an empty text is part of every text; write 'exists'");
        if (word.Value != "matches")
        {
            var place = word.Value switch { "contains" => TextPlace.Anywhere, "starts_with" => TextPlace.Start, _ => TextPlace.End };
            return new PartFilter(field, place, text);
        }
        try
        {
            return new PatternFilter(field, text);
        }
        catch (NotSupportedException)
        {
            throw new ExpressionException(position, "a pattern has to work without looking back: no (?=...), (?<=...), (?>...) and no \\1");
        }
        catch (ArgumentException e)
        {
            throw new ExpressionException(position, $"this is no pattern: {e.Message}");
        }
    }

    private EventFilter In(EventField field)
    {
        List<EventFilter> numbers = [];
        List<(string Text, int Position)> texts = [];
        List(() =>
        {
            if (tokens.Current.Kind == TokenKind.Number) numbers.Add(Single(field, Comparison.Equal));
            else
            {
                var position = tokens.Current.Position;
                texts.Add((TextLiteral(), position));
            }
        });
        if (texts.Count > 0) numbers.Add(Texts(field, texts));
        return EventFilter.OneOf(numbers);
    }

    private EventFilter Single(EventField field, Comparison comparison)
    {
        var literal = tokens.Current;
        switch (literal.Kind)
        {
            case TokenKind.Number:
                if (!field.CanBeNumber)
                {
                    throw new ExpressionException(literal.Position, $"{field.Name} is a text; write it in double quotes");
                }
                return new NumberFilter(field, comparison, tokens.TakeNumber());
            case TokenKind.Word when literal.Value is "true" or "false":
                if (!field.IsProperty) throw new ExpressionException(literal.Position, $"{field.Name} is never true or false");
                if (comparison != Comparison.Equal) throw new ExpressionException(literal.Position, "true and false compare with = or !=");
                tokens.Take();
                return new BooleanFilter(field, literal.Value == "true");
            case TokenKind.Text when comparison != Comparison.Equal:
                throw new ExpressionException(literal.Position, $"texts compare with =, != or in; {comparison.Symbol()} needs a number");
            case TokenKind.Text:
                return Texts(field, [(TextLiteral(), literal.Position)]);
        }
        throw tokens.Unexpected("a text in double quotes, a number, true or false");
    }

    private static EventFilter Texts(EventField field, List<(string Text, int Position)> texts)
    {
        if (field.IsInteger) throw new ExpressionException(texts[0].Position, $"{field.Name} is a number; write it without quotes");
        if (field.IsEvent) return new EventNameFilter(texts.Select(t => t.Text));
        if (field.IsChannel) return new ChannelFilter(texts.ConvertAll(KnownChannel));
        return new TextFilter(field, texts.Select(t => t.Text));
    }

    private static Channel KnownChannel((string Text, int Position) word) =>
        ChannelWords.TryParse(Encoding.UTF8.GetBytes(word.Text), out var channel)
            ? channel
            : throw new ExpressionException(
                word.Position, $"unknown channel \"{word.Text}\"; an event with an unknown channel is in \"other\"");

    private void List(Action takeOne)
    {
        tokens.Expect(TokenKind.Open, "'(' and a list");
        var count = 0;
        do
        {
            if (++count > ListMax) throw new ExpressionException(tokens.Current.Position, $"a list has at most {ListMax} values");
            takeOne();
        }
        while (tokens.TryTake(TokenKind.Comma));
        tokens.Expect(TokenKind.Close, "',' or ')'");
    }
}
