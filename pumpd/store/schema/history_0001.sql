-- Who a reading is of, and what must never be mixed within one series.
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    pump TEXT NOT NULL,
    channel TEXT NOT NULL,
    ward TEXT NOT NULL,
    provenance TEXT NOT NULL,  -- real or demo
    dose_unit TEXT NOT NULL,   -- empty without a programme
    UNIQUE (pump, channel, ward, provenance, dose_unit)
) STRICT;

-- One row per reading; a value that is missing or can not be believed is NULL.
CREATE TABLE reading (
    source INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,  -- wall time, milliseconds since 1970 (UTC)
    status TEXT NOT NULL,
    flow_ml_h REAL,
    set_flow_ml_h REAL,
    volume_ml REAL,
    dose REAL,
    pressure_kpa REAL,
    battery_percent REAL,
    PRIMARY KEY (source, at_ms)
) STRICT, WITHOUT ROWID;

-- Readings added up over 10 seconds of wall time: lowest, highest, sum and count of each series.
CREATE TABLE rollup_10s (
    source INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    flow_ml_h_low REAL,
    flow_ml_h_high REAL,
    flow_ml_h_total REAL,
    flow_ml_h_n INTEGER NOT NULL,
    set_flow_ml_h_low REAL,
    set_flow_ml_h_high REAL,
    set_flow_ml_h_total REAL,
    set_flow_ml_h_n INTEGER NOT NULL,
    volume_ml_low REAL,
    volume_ml_high REAL,
    volume_ml_total REAL,
    volume_ml_n INTEGER NOT NULL,
    dose_low REAL,
    dose_high REAL,
    dose_total REAL,
    dose_n INTEGER NOT NULL,
    pressure_kpa_low REAL,
    pressure_kpa_high REAL,
    pressure_kpa_total REAL,
    pressure_kpa_n INTEGER NOT NULL,
    battery_percent_low REAL,
    battery_percent_high REAL,
    battery_percent_total REAL,
    battery_percent_n INTEGER NOT NULL,
    PRIMARY KEY (source, start_ms)
) STRICT, WITHOUT ROWID;

-- Readings added up over 5 minutes of wall time: lowest, highest, sum and count of each series.
CREATE TABLE rollup_300s (
    source INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    flow_ml_h_low REAL,
    flow_ml_h_high REAL,
    flow_ml_h_total REAL,
    flow_ml_h_n INTEGER NOT NULL,
    set_flow_ml_h_low REAL,
    set_flow_ml_h_high REAL,
    set_flow_ml_h_total REAL,
    set_flow_ml_h_n INTEGER NOT NULL,
    volume_ml_low REAL,
    volume_ml_high REAL,
    volume_ml_total REAL,
    volume_ml_n INTEGER NOT NULL,
    dose_low REAL,
    dose_high REAL,
    dose_total REAL,
    dose_n INTEGER NOT NULL,
    pressure_kpa_low REAL,
    pressure_kpa_high REAL,
    pressure_kpa_total REAL,
    pressure_kpa_n INTEGER NOT NULL,
    battery_percent_low REAL,
    battery_percent_high REAL,
    battery_percent_total REAL,
    battery_percent_n INTEGER NOT NULL,
    PRIMARY KEY (source, start_ms)
) STRICT, WITHOUT ROWID;
