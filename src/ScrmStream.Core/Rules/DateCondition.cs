using ScrmStream.Profiles;

namespace ScrmStream.Rules;

/// <summary>What is counted between an attribute's date and today.</summary>
internal enum DateMeasure : byte { DaysUntil, DaysUntilAnniversary, AgeDays, AgeMonths, AgeYears }

/// <summary>
/// A number of days, months or years between a date and the day of the moment, compared with a whole number. It changes at midnights only,
/// and of these only where the number passes the one compared with. No date: it compares with nothing.
/// </summary>
internal sealed class DateCondition(EdgeValue attribute, DateMeasure measure, CalendarZone zone, Comparison comparison, int number)
    : Condition
{
    public override bool Holds(Evaluation v, long atMs)
    {
        if (!attribute.TryGet(v.Shards, out var text, out _) || !CivilDay.TryParse(text, out var date)) return false;
        var today = zone.DayOf(atMs);
        NoteChanges(v, date, today);
        return HoldsOn(date, today);
    }

    private bool HoldsOn(DateOnly date, int day) => comparison.Holds(NumberOn(date, CivilDay.DateOf(day)), number);

    private long NumberOn(DateOnly date, DateOnly today) => measure switch
    {
        DateMeasure.DaysUntil => date.DayNumber - today.DayNumber,
        DateMeasure.DaysUntilAnniversary => CivilDay.NextAnniversary(date, today).DayNumber - today.DayNumber,
        DateMeasure.AgeDays => today.DayNumber - date.DayNumber,
        DateMeasure.AgeMonths => CivilDay.MonthsBetween(date, today),
        _ => Years(CivilDay.MonthsBetween(date, today)),
    };

    // The days on which the number becomes the one compared with, and stops being it.
    private void NoteChanges(Evaluation v, DateOnly date, int today)
    {
        switch (measure)
        {
            case DateMeasure.DaysUntil:
                NoteDays(v, date, today, CivilDay.Of(date) - number);
                break;
            case DateMeasure.AgeDays:
                NoteDays(v, date, today, CivilDay.Of(date) + number);
                break;
            case DateMeasure.AgeMonths:
                NoteAge(v, today, date, number);
                NoteAge(v, today, date, number + 1);
                break;
            case DateMeasure.AgeYears:
                NoteAge(v, today, date, 12L * number);
                NoteAge(v, today, date, 12L * (number + 1));
                break;
            default:
                NoteAnniversaries(v, date, today);
                break;
        }
    }

    // The number runs down to 0 on the day and starts again behind it; next year's may be nearer or farther by the length of a year.
    private void NoteAnniversaries(Evaluation v, DateOnly date, int today)
    {
        var next = CivilDay.NextAnniversary(date, CivilDay.DateOf(today));
        for (var year = next.Year; year <= Math.Min(next.Year + 1, DateOnly.MaxValue.Year); year++)
        {
            var day = CivilDay.Of(CivilDay.Anniversary(date, year));
            NoteDays(v, date, today, day - number);
            NoteDays(v, date, today, day);
        }
    }

    private void NoteAge(Evaluation v, int today, DateOnly date, long months)
    {
        if (months is > 120_000 or < -120_000) return;
        var year = date.Year + (date.Month - 1 + months) / 12;
        if (year is < 1 or > 9998) return;
        NoteDay(v, date, today, CivilDay.Of(date.AddMonths((int)months)));
    }

    private void NoteDays(Evaluation v, DateOnly date, int today, int day)
    {
        NoteDay(v, date, today, day);
        NoteDay(v, date, today, day + 1);
    }

    private void NoteDay(Evaluation v, DateOnly date, int today, int day)
    {
        if (day > today && HoldsOn(date, day) != HoldsOn(date, today)) v.MayChangeAt(zone.StartOfDay(day));
    }

    private static long Years(int months) => months >= 0 ? months / 12 : (months - 11) / 12;
}
