-- Each line carries a hash of itself and of all before it, so that it shows when the journal was edited.
ALTER TABLE line ADD COLUMN hash TEXT NOT NULL DEFAULT '';  -- SHA-256 in hex; see journal_chain.py
