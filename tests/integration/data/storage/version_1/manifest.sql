BEGIN TRANSACTION;
CREATE TABLE file (
	id INTEGER NOT NULL, 
	label TEXT NOT NULL, 
	interval TEXT NOT NULL, 
	exchange TEXT NOT NULL, 
	basis TEXT NOT NULL, 
	instrument_id INTEGER, 
	year INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	n_rows BIGINT NOT NULL, 
	n_bytes BIGINT NOT NULL, 
	sha256 TEXT NOT NULL, 
	content TEXT NOT NULL, 
	ts_min BIGINT NOT NULL, 
	ts_max BIGINT NOT NULL, 
	begin_snapshot INTEGER NOT NULL, 
	end_snapshot INTEGER, 
	seal TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(instrument_id) REFERENCES instrument (id), 
	FOREIGN KEY(begin_snapshot) REFERENCES snapshot (seq), 
	FOREIGN KEY(end_snapshot) REFERENCES snapshot (seq)
);
INSERT INTO "file" VALUES(1,'1m/NSE/raw/NSE:AAA/2024','1m','NSE','raw',1,2024,'data/bars/1m/NSE/raw/1/2024-84a85ccc.parquet',5,2166,'84a85ccc7334894876a262e2af8d65c9f06553a596b0afe50eab623f82654e72','6f01aed6525522d28cae1f663c01e1ad4b27d66c7cd6d47df4995544afee09c7',1704166500000000,1704166740000000,1,2,'b81586e06575814f');
INSERT INTO "file" VALUES(2,'1d/NSE/raw/*/2024','1d','NSE','raw',NULL,2024,'data/bars/1d/NSE/raw/2024-fa0a6aa4.parquet',5,2168,'fa0a6aa4132f484e811c90c5f47ece175d4c96559f8cffe3761eb86f6e1eb858','d4bcd2b1f6248a25e2162326977679d9e2b290a2fd4116386be1280819dda075',1704166500000000,1704512100000000,1,2,'e86f4f9e44d5d6be');
INSERT INTO "file" VALUES(3,'1d/NSE/raw/*/2024','1d','NSE','raw',NULL,2024,'data/bars/1d/NSE/raw/2024-679e8cd5.parquet',10,2299,'679e8cd5e932e8b081f028c827d51cd346e75dbba0fc7d24de652c593a29285a','0c3881fbcf9f9fcc029c97208b1a21ed3ba00d9adef1d778e6dffe34aeb5824d',1704166500000000,1704512100000000,2,NULL,'cb4d525158ae6487');
INSERT INTO "file" VALUES(4,'1m/NSE/raw/NSE:AAA/2024','1m','NSE','raw',1,2024,'data/bars/1m/NSE/raw/1/2024-6057ff2c.parquet',10,2172,'6057ff2ceb4eb6e0d269a6aff2f206be7901aecfee9334d2697ae674076c2165','ce7eab1d5617c88b5633939321bd233d494c3ef9a9e3a56780f3c2fc00da5fc0',1704166500000000,1704167040000000,2,NULL,'5dd3bd7b755d8685');
CREATE TABLE format (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "format" VALUES(1);
CREATE TABLE ingest_log (
	snapshot INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	simulated BOOLEAN NOT NULL, 
	note TEXT NOT NULL, 
	at_us BIGINT NOT NULL, 
	n_stored BIGINT NOT NULL, 
	n_changed BIGINT NOT NULL, 
	n_unchanged BIGINT NOT NULL, 
	PRIMARY KEY (snapshot), 
	FOREIGN KEY(snapshot) REFERENCES snapshot (seq)
);
INSERT INTO "ingest_log" VALUES(1,'file:a.csv',0,'',1767571200000000,10,0,0);
INSERT INTO "ingest_log" VALUES(2,'file:b.csv',0,'second',1767657600000000,10,0,0);
CREATE TABLE instrument (
	id INTEGER NOT NULL, 
	exchange TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	name TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (exchange, symbol)
);
INSERT INTO "instrument" VALUES(1,'NSE','AAA','');
INSERT INTO "instrument" VALUES(2,'NSE','BBB','');
CREATE TABLE series (
	id INTEGER NOT NULL, 
	instrument_id INTEGER NOT NULL, 
	interval TEXT NOT NULL, 
	basis TEXT NOT NULL, 
	first_ts BIGINT NOT NULL, 
	last_ts BIGINT NOT NULL, 
	last_close DOUBLE NOT NULL, 
	n_rows BIGINT NOT NULL, 
	simulated BOOLEAN NOT NULL, 
	sources_id INTEGER NOT NULL, 
	begin_snapshot INTEGER NOT NULL, 
	end_snapshot INTEGER, 
	seal TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(instrument_id) REFERENCES instrument (id), 
	FOREIGN KEY(sources_id) REFERENCES sources (id), 
	FOREIGN KEY(begin_snapshot) REFERENCES snapshot (seq), 
	FOREIGN KEY(end_snapshot) REFERENCES snapshot (seq)
);
INSERT INTO "series" VALUES(1,1,'1m','raw',1704166500000000,1704166740000000,104.5,5,0,1,1,2,'403223307d491a0d');
INSERT INTO "series" VALUES(2,1,'1d','raw',1704166500000000,1704512100000000,104.5,5,0,1,1,NULL,'e33135fdfb28a9d4');
INSERT INTO "series" VALUES(3,2,'1d','raw',1704166500000000,1704512100000000,104.5,5,0,3,2,NULL,'9c1232280024515c');
INSERT INTO "series" VALUES(4,1,'1m','raw',1704166500000000,1704167040000000,109.5,10,0,2,2,NULL,'c40e8616d732d946');
CREATE TABLE snapshot (
	seq INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	at_us BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	note TEXT NOT NULL, 
	files_seal TEXT NOT NULL, 
	series_seal TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "snapshot" VALUES(1,'4e251a37e4ce4da1',1767571200000000,'import','file:a.csv','7b126899768831d4','606b126312728947');
INSERT INTO "snapshot" VALUES(2,'65ecb86be8a17310',1767657600000000,'import','second','557b7eff1d7d5745','02d3bd2be70dcee8');
CREATE TABLE sources (
	id INTEGER NOT NULL, 
	names TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (names)
);
INSERT INTO "sources" VALUES(1,'["file:a.csv"]');
INSERT INTO "sources" VALUES(2,'["file:a.csv", "file:b.csv"]');
INSERT INTO "sources" VALUES(3,'["file:b.csv"]');
CREATE INDEX ix_snapshot_id ON snapshot (id);
CREATE UNIQUE INDEX file_live ON file (label) WHERE end_snapshot IS NULL;
CREATE INDEX file_of_series ON file (interval, exchange, basis, instrument_id, year);
CREATE UNIQUE INDEX series_live ON series (instrument_id, interval, basis) WHERE end_snapshot IS NULL;
COMMIT;
