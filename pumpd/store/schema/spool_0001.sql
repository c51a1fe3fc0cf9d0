-- Lines that the database may not have yet, oldest first: some readings each, compressed.
CREATE TABLE batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lines BLOB NOT NULL,
    line_count INTEGER NOT NULL
) STRICT;

-- How many readings of each minute stand in a batch.
CREATE TABLE batch_slot (
    batch INTEGER NOT NULL,
    slot_ms INTEGER NOT NULL,  -- wall time, milliseconds since 1970 (UTC), a whole minute
    readings INTEGER NOT NULL,
    PRIMARY KEY (batch, slot_ms)
) STRICT, WITHOUT ROWID;

-- What was read in each minute, and what of it was given up, with the reason.
CREATE TABLE read_count (
    slot_ms INTEGER PRIMARY KEY,
    readings INTEGER NOT NULL
) STRICT;
CREATE TABLE drop_count (
    slot_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    readings INTEGER NOT NULL,
    PRIMARY KEY (slot_ms, reason)
) STRICT, WITHOUT ROWID;

-- Every pump that has stood in a reading of this node.
CREATE TABLE pump (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Where the last run left off: era and newest_ms of the times, journal_seq of the journal's lines.
CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
