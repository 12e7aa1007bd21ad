namespace ScrmStream.Diagnostics;

/// <summary>
/// The places at which a process can be told to fail (<see cref="Failpoints"/>): before a side effect, when nothing is done yet, and after
/// it, when it is done and nobody knows. Their names are those of this list in lower case with hyphens.
/// </summary>
public enum Failpoint : byte
{
    // The pipeline: a failure here ends the run, as an outage does that lasts too long; the next run goes on.

    /// <summary>Records are fetched, and not handed on.</summary>
    PollAfter,
    /// <summary>A batch is decoded, and not handed on.</summary>
    DecodeAfter,
    /// <summary>Cells are about to be read ahead.</summary>
    LoadBefore,
    /// <summary>Cells are read, and not taken in.</summary>
    LoadAfter,
    /// <summary>A batch is folded.</summary>
    FoldAfter,
    /// <summary>A flush begins.</summary>
    FlushBefore,
    /// <summary>A slice of cells is about to be stored.</summary>
    StoreBefore,
    /// <summary>A slice of cells is stored.</summary>
    StoreAfter,
    /// <summary>Rows are about to be inserted.</summary>
    RowsBefore,
    /// <summary>Rows are inserted.</summary>
    RowsAfter,
    /// <summary>Dead letters are about to be written.</summary>
    LettersBefore,
    /// <summary>Dead letters are in their topic, and not in their table.</summary>
    LettersBetween,
    /// <summary>Dead letters are in both.</summary>
    LettersAfter,
    /// <summary>Change records and mappings are about to be written.</summary>
    AnnounceBefore,
    /// <summary>Change records and mappings are written, and the views not published.</summary>
    AnnounceAfter,
    /// <summary>A slice of views is published.</summary>
    PublishAfter,
    /// <summary>All is durable, and no offset noted.</summary>
    CommitBefore,
    /// <summary>Offsets are noted.</summary>
    CommitAfter,
    /// <summary>Another process was faster: everything open is about to be read and applied again.</summary>
    RewindBefore,
    /// <summary>The turn to write is taken, and others wait.</summary>
    TurnAfter,
    /// <summary>Another process has appeared while rows were ahead: reading is about to start over.</summary>
    StartOverBefore,
    /// <summary>Time is about to be told to the other processes.</summary>
    TimeBefore,
    /// <summary>Time is told.</summary>
    TimeAfter,
    /// <summary>Due timers are read.</summary>
    TimersAfter,
    /// <summary>The stop begins: what was read is about to be flushed.</summary>
    StopBefore,

    // The adapters: a failure here is an outage of the server; the call is sent again, or the run ends where that would not help.

    /// <summary>A call to Redis is about to be sent.</summary>
    RedisBefore,
    /// <summary>Redis has answered, and nobody hears it.</summary>
    RedisAfter,
    /// <summary>An insert into ClickHouse is about to be sent.</summary>
    InsertBefore,
    /// <summary>An insert is stored, and nobody hears it.</summary>
    InsertAfter,
    /// <summary>A query is about to be sent.</summary>
    QueryBefore,
    /// <summary>A query is answered, and nobody hears it.</summary>
    QueryAfter,
    /// <summary>A dead letter is about to be produced.</summary>
    ProduceBefore,
    /// <summary>A dead letter is acknowledged, and nobody hears it.</summary>
    ProduceAfter,
    /// <summary>Change records are about to be produced.</summary>
    ChangesBefore,
    /// <summary>Change records are acknowledged, and nobody hears it.</summary>
    ChangesAfter,
    /// <summary>Partitions were assigned, and where to start is about to be asked.</summary>
    AssignBefore,
    /// <summary>Offsets are about to be given to the client library.</summary>
    OffsetsBefore,
}
