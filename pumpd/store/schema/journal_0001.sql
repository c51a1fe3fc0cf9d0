-- The journal: one line per event, never changed, never deleted; seq has no gaps.
CREATE TABLE line (
    seq INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    at_us INTEGER NOT NULL,         -- wall time of the event, microseconds since 1970 (UTC)
    committed_ms INTEGER NOT NULL,  -- wall time of the commit, milliseconds since 1970 (UTC)
    kind TEXT NOT NULL,
    pump TEXT,
    channel TEXT,
    payload TEXT NOT NULL           -- the event as JSON, kept byte for byte
) STRICT;
CREATE INDEX line_by_time ON line (at_us);
CREATE INDEX line_by_pump ON line (pump, at_us);
CREATE INDEX line_by_commit ON line (committed_ms);

-- What outlives a restart, per channel; pump and channel are empty for the node itself.
CREATE TABLE durable (
    pump TEXT NOT NULL,
    channel TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (pump, channel)
) STRICT, WITHOUT ROWID;

-- Commands that were carried out, in order, so that none is carried out twice.
CREATE TABLE command (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
) STRICT;

-- Up to which line the broker has confirmed.
CREATE TABLE outbox (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    sent_seq INTEGER NOT NULL
) STRICT;
INSERT INTO outbox (only, sent_seq) VALUES (1, 0);
