using ScrmStream.Pipeline;
using ScrmStream.Pipeline.Leads;

namespace ScrmStream.Kafka;

/// <summary>The topics of changes and of actions (schemas/changes/README.md is their contract).</summary>
public static class ChangeTopics
{
    // Keyed by the identifier; the others by the customer.
    private static readonly ChangeFormat<IdentityChange> Identities = new(
        "Identity changes", "Kafka:IdentityChangesTopic", c => c.Mapping.Identifier, (json, c) => json.Write(in c));
    private static readonly ChangeFormat<TagChange> Tags = new(
        "Tag changes", "Kafka:TagChangesTopic", c => c.Customer, (json, c) => json.Write(in c));
    private static readonly ChangeFormat<ScoreChange> Scores = new(
        "Score changes", "Kafka:ScoreChangesTopic", c => c.Customer, (json, c) => json.Write(in c));
    private static readonly ChangeFormat<StageChange> Stages = new(
        "Stage changes", "Kafka:StageChangesTopic", c => c.Customer, (json, c) => json.Write(in c));
    private static readonly ChangeFormat<CustomerAction> Actions = new(
        "Actions", "Kafka:ActionsTopic", a => a.Customer, (json, a) => json.Write(in a));

    /// <inheritdoc cref="ChangeTopic{T}.OpenAsync"/>
    public static Task<ChangeTopic<IdentityChange>> OpenIdentitiesAsync(KafkaOptions options) =>
        ChangeTopic<IdentityChange>.OpenAsync(options, options.IdentityChangesTopic, Identities);

    /// <inheritdoc cref="ChangeTopic{T}.OpenAsync"/>
    public static Task<ChangeTopic<TagChange>> OpenTagsAsync(KafkaOptions options) =>
        ChangeTopic<TagChange>.OpenAsync(options, options.TagChangesTopic, Tags);

    /// <inheritdoc cref="ChangeTopic{T}.OpenAsync"/>
    public static Task<ChangeTopic<ScoreChange>> OpenScoresAsync(KafkaOptions options) =>
        ChangeTopic<ScoreChange>.OpenAsync(options, options.ScoreChangesTopic, Scores);

    /// <inheritdoc cref="ChangeTopic{T}.OpenAsync"/>
    public static Task<ChangeTopic<StageChange>> OpenStagesAsync(KafkaOptions options) =>
        ChangeTopic<StageChange>.OpenAsync(options, options.StageChangesTopic, Stages);

    /// <inheritdoc cref="ChangeTopic{T}.OpenAsync"/>
    public static Task<ChangeTopic<CustomerAction>> OpenActionsAsync(KafkaOptions options) =>
        ChangeTopic<CustomerAction>.OpenAsync(options, options.ActionsTopic, Actions);
}
