using System.Text;

namespace ScrmStream.Events;

/// <summary>The words of <see cref="Channel"/> in events, views and columns.</summary>
public static class ChannelWords
{
    private static readonly string[] Words =
        ["", "wechat_official", "mini_program", "wecom", "moments", "app", "web", "store", "douyin", "xiaohongshu", "weibo",
         "taobao", "meituan", "live", "call", "sms", "email", "crm", "other"];

    private static readonly byte[][] Utf8 = Array.ConvertAll(Words, Encoding.UTF8.GetBytes);

    public static string Word(this Channel channel) => Words[(int)channel];

    public static ReadOnlySpan<byte> WordUtf8(this Channel channel) => Utf8[(int)channel];

    public static bool TryParse(ReadOnlySpan<byte> word, out Channel channel)
    {
        for (var i = 1; i < Utf8.Length; i++)
        {
            if (!word.SequenceEqual(Utf8[i])) continue;
            channel = (Channel)i;
            return true;
        }
        channel = Channel.Other;
        return false;
    }
}
