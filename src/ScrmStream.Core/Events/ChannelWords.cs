namespace ScrmStream.Events;

/// <summary>The words of <see cref="Channel"/> in events, views and columns.</summary>
public static class ChannelWords
{
    private static readonly string[] Words =
        ["", "wechat_official", "mini_program", "wecom", "moments", "app", "web", "store", "douyin", "xiaohongshu", "weibo",
         "taobao", "meituan", "live", "call", "sms", "email", "crm", "other"];

    private static readonly WordTable Utf8 = new(Words);

    public static string Word(this Channel channel) => Words[(int)channel];

    public static ReadOnlySpan<byte> WordUtf8(this Channel channel) => Utf8[(int)channel];

    public static bool TryParse(ReadOnlySpan<byte> word, out Channel channel)
    {
        var found = Utf8.Find(word);
        channel = found < 0 ? Channel.Other : (Channel)found;
        return found >= 0;
    }
}
