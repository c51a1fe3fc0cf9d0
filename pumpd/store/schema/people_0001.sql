CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,       -- how names are told apart: see dashboard/people.py
    role TEXT NOT NULL,
    wards TEXT NOT NULL,               -- a JSON list; empty: every ward
    password TEXT NOT NULL,            -- argon2id, with its parameters and salt
    pin TEXT NOT NULL DEFAULT '',      -- the same; empty: has none
    disabled INTEGER NOT NULL DEFAULT 0,
    demo INTEGER NOT NULL DEFAULT 0,   -- known to everybody: never beside a real pump
    made_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
    token BLOB PRIMARY KEY,            -- SHA-256 of what the cookie holds
    account INTEGER NOT NULL REFERENCES account (id),
    begun_ms INTEGER NOT NULL,
    active_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,                -- wall or shared
    code BLOB UNIQUE,                  -- SHA-256 of the code that is typed at the screen once; null when used
    code_until_ms INTEGER NOT NULL,
    token BLOB UNIQUE,                 -- SHA-256 of what the cookie holds; null before the code was typed
    made_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE failure (
    what TEXT NOT NULL,                -- password, pin or address
    key BLOB NOT NULL,                 -- SHA-256 of a folded name, or of an address
    count INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    PRIMARY KEY (what, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    event TEXT NOT NULL,
    who TEXT NOT NULL,                 -- the account or device that it is about; empty: of no account
    by TEXT NOT NULL,                  -- who did it, or from where
    detail TEXT NOT NULL
) STRICT;
