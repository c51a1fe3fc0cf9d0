-- a journal, as pumpd wrote it with this schema
BEGIN TRANSACTION;
CREATE TABLE command (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "command" VALUES(1,'command-1');
INSERT INTO "command" VALUES(2,'command-2');
INSERT INTO "command" VALUES(3,'command-3');
INSERT INTO "command" VALUES(4,'command-4');
INSERT INTO "command" VALUES(5,'command-5');
INSERT INTO "command" VALUES(6,'command-6');
INSERT INTO "command" VALUES(7,'command-7');
INSERT INTO "command" VALUES(8,'command-8');
INSERT INTO "command" VALUES(9,'command-9');
INSERT INTO "command" VALUES(10,'command-10');
INSERT INTO "command" VALUES(11,'command-11');
INSERT INTO "command" VALUES(12,'command-12');
CREATE TABLE durable (
    pump TEXT NOT NULL,
    channel TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (pump, channel)
) STRICT, WITHOUT ROWID;
INSERT INTO "durable" VALUES('','','{"alarms":{"occlusion":{"acknowledged_at":null,"acknowledged_by":"","allowed":"","causes":[],"degree":0,"measured":"","priority":"HIGH","revision":1,"signal":"latched","since":"2026-03-01T08:00:00+00:00"},"over-hard":{"acknowledged_at":"2026-03-01T08:00:00.000013+00:00","acknowledged_by":"Nurse Özil","allowed":"at most 0.5 mg/kg/h","causes":[],"degree":0,"measured":"0.61 mg/kg/h","priority":"HIGH","revision":13,"signal":"acknowledged","since":"2026-03-01T08:00:00+00:00"}},"restraints":{"over-hard":{"at":"2026-03-01T08:00:13+00:00","flow_nl_h":12500000,"settled":false}}}');
INSERT INTO "durable" VALUES('P-1','1','{"alarms":{"occlusion":{"acknowledged_at":null,"acknowledged_by":"","allowed":"","causes":[],"degree":0,"measured":"","priority":"HIGH","revision":1,"signal":"latched","since":"2026-03-01T08:00:00+00:00"},"over-hard":{"acknowledged_at":"2026-03-01T08:00:00.000012+00:00","acknowledged_by":"Nurse Özil","allowed":"at most 0.5 mg/kg/h","causes":[],"degree":0,"measured":"0.61 mg/kg/h","priority":"HIGH","revision":12,"signal":"acknowledged","since":"2026-03-01T08:00:00+00:00"}},"restraints":{"over-hard":{"at":"2026-03-01T08:00:12+00:00","flow_nl_h":12500000,"settled":false}}}');
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
INSERT INTO "line" VALUES(1,'boot-1',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-1", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(2,'boot-2',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-2", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(3,'boot-3',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-3", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(4,'boot-4',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-4", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(5,'boot-5',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-5", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(6,'boot-6',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-6", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(7,'boot-7',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-7", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(8,'boot-8',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-8", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(9,'boot-9',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-9", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(10,'boot-10',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-10", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(11,'boot-11',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-11", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(12,'boot-12',1772352000000000,1772352000000,'alarm','P-1','1','{"id": "boot-12", "text": "\u00e9 \u00fc \u60a3\u8005"}');
INSERT INTO "line" VALUES(13,'boot-13',1772352000000000,1772352000000,'node',NULL,NULL,'{"id": "boot-13", "text": "\u00e9 \u00fc \u60a3\u8005"}');
CREATE TABLE outbox (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    sent_seq INTEGER NOT NULL
) STRICT;
INSERT INTO "outbox" VALUES(1,9);
CREATE INDEX line_by_time ON line (at_us);
CREATE INDEX line_by_pump ON line (pump, at_us);
CREATE INDEX line_by_commit ON line (committed_ms);
COMMIT;
PRAGMA user_version = 1;
