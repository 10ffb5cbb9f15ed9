BEGIN TRANSACTION;
CREATE TABLE runs (
	run_id VARCHAR(64) NOT NULL, 
	made_at VARCHAR(40) NOT NULL, 
	strategy VARCHAR(200) NOT NULL, 
	instruments TEXT NOT NULL, 
	interval VARCHAR(8) NOT NULL, 
	first VARCHAR(10) NOT NULL, 
	last VARCHAR(10) NOT NULL, 
	simulated BOOLEAN NOT NULL, 
	final_equity FLOAT, 
	total_return FLOAT, 
	sharpe FLOAT, 
	max_drawdown FLOAT, 
	n_trades INTEGER, 
	PRIMARY KEY (run_id)
);
INSERT INTO "runs" VALUES('a1','2026-11-20T12:00:00+00:00','ema_cross','NSE:A,NSE:B','1d','2020-01-01','2021-01-01',0,1.5,0.5,NULL,-0.1,3);
CREATE TABLE trials (
	idea VARCHAR(200) NOT NULL, 
	run_id VARCHAR(64) NOT NULL, 
	made_at VARCHAR(40) NOT NULL, 
	interval VARCHAR(8) NOT NULL, 
	sharpe FLOAT, 
	PRIMARY KEY (idea, run_id)
);
INSERT INTO "trials" VALUES('ema_cross','a1','2026-11-20T12:00:00+00:00','1d',NULL);
INSERT INTO "trials" VALUES('ema_cross','z9','2026-11-21T12:00:00+00:00','1d',0.25);
PRAGMA user_version = 1;
COMMIT;
