using System.Buffers;
using ScrmStream.Rules;
using Xunit;
using static ScrmStream.Tests.Rules.EventMaker;

namespace ScrmStream.Tests.Rules;

public sealed class ConclusionTests
{
    private const string Rules =
        """
        tags:
          - { tag: zeta, when: seen(event = "x") }
          - { tag: 萌宠爱好者, when: seen(event = "x"), expires: 30d }
          - { tag: page, value: "last(page, any)" }
        scores:
          - { score: s, half_life: 1d, points: [{ when: any, add: 10 }], grades: { A: 20, B: 10 } }
          - { score: r, points: [{ when: any, add: 1 }] }
        """;

    private static readonly Told X = new("x", StartMs) { Page = "/a" };

    [Fact]
    public void ReadFrom_WhatWasWritten_IsTheSame()
    {
        var conclusion = Conclude(RuleSet.Parse(Rules, "r"), X);
        var stored = new ArrayBufferWriter<byte>();
        conclusion.WriteTo(stored);
        var read = new Conclusion();
        read.ReadFrom(stored.WrittenSpan);
        Assert.Equal(conclusion.Bytes, read.Bytes);
        Assert.Equal(conclusion.Tags(), read.Tags());
        Assert.Equal(conclusion.Tag(2).ExpiresMs, read.Tag(2).ExpiresMs);
        Assert.Equal(10, read.Points("s"));
        Assert.Equal("B"u8, read.Score(1).Grade);
        Assert.True(read.HasSameTags(conclusion) && conclusion.HasSameTags(read));
    }

    [Fact]
    public void Bytes_OfTheSameRulesInAnotherOrder_AreTheSame()
    {
        var reordered = Rules.Split('\n');
        (reordered[1], reordered[3]) = (reordered[3], reordered[1]);
        (reordered[5], reordered[6]) = (reordered[6], reordered[5]);
        Assert.Equal(
            Conclude(RuleSet.Parse(Rules, "r"), X).Bytes, Conclude(RuleSet.Parse(string.Join('\n', reordered), "r"), X).Bytes);
    }

    [Fact]
    public void ReadFrom_EmptyOrBroken_IsNothingOrRefused()
    {
        var conclusion = Conclude(RuleSet.Parse(Rules, "r"), X);
        var bytes = conclusion.Bytes.ToArray();
        conclusion.ReadFrom(default);
        Assert.Equal((0, 0), (conclusion.TagCount, conclusion.ScoreCount));
        Assert.Equal(new Conclusion().Bytes, conclusion.Bytes);
        for (var length = 1; length < bytes.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => new Conclusion().ReadFrom(bytes.AsSpan(0, length)));
        }
        bytes[0]++;
        Assert.Throws<InvalidDataException>(() => new Conclusion().ReadFrom(bytes));
    }

    [Fact]
    public void CollectDifferences_AcrossRuleEdits_NamesWhatChanged()
    {
        var before = Conclude(RuleSet.Parse(Rules, "r"), X);
        var edited = RuleSet.Parse(Rules.Replace("zeta", "alpha"), "r");
        var after = Conclude(edited, X, new Told("y", StartMs) { Page = "/b" });
        List<TagDifference> tags = [];
        List<GradeDifference> grades = [];
        after.CollectDifferences(before, tags, grades);
        Assert.Equal([new("alpha", "1", null), new("page", "/b", "/a"), new("zeta", null, "1")], tags);
        Assert.Equal([new GradeDifference("s", "A", "B", 20_000_000)], grades);
        Assert.False(after.HasSameTags(before));

        tags.Clear();
        grades.Clear();
        new Conclusion().CollectDifferences(before, tags, grades);
        Assert.Equal(["page", "zeta", "萌宠爱好者"], tags.Select(t => t.Tag));
        Assert.Equal([new GradeDifference("s", null, "B", 0)], grades);
    }
}
