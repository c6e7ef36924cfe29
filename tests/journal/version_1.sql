-- A journal of version 1, made by the crmrules of 2026-11-21 and written down by SQLite's `.dump`.
PRAGMA application_id = 1668443506;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE intent (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run INTEGER NOT NULL REFERENCES run (id), change INTEGER NOT NULL,
  object TEXT NOT NULL, record_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, account_id TEXT NOT NULL,
  old TEXT, new TEXT, rule TEXT NOT NULL, reason_zh TEXT NOT NULL, reason_en TEXT NOT NULL, cause TEXT NOT NULL,
  before TEXT, after TEXT NOT NULL, created TEXT NOT NULL
);
INSERT INTO "intent" VALUES(1,1,1,'account','a1','tag','seg.value','a1',NULL,'high','r','因','why','first',NULL,'{"value": "high", "wanted": "high", "account_id": "a1", "rule": "r", "ruleset_digest": "d", "as_of": "2026-11-21"}','2026-11-21T23:00:00+00:00');
INSERT INTO "intent" VALUES(2,2,2,'account','a2','note','n','a1',NULL,NULL,'r','因','why','first',NULL,'{"value": null, "wanted": null, "account_id": "a1", "rule": "r", "ruleset_digest": "d", "as_of": "2026-11-21"}','2026-11-21T23:00:00+00:00');
CREATE TABLE label (
  object TEXT NOT NULL, record_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, account_id TEXT NOT NULL,
  human TEXT, ours TEXT, rule TEXT NOT NULL, run INTEGER NOT NULL REFERENCES run (id), seen TEXT NOT NULL
);
INSERT INTO "label" VALUES('account','a1','tag','seg.value','a1',NULL,'high','r',2,'2026-11-21T23:00:00+00:00');
INSERT INTO "label" VALUES('account','a1','tag','seg.value','a1','','high','r',2,'2026-11-21T23:00:00+00:00');
INSERT INTO "label" VALUES('account','a1','tag','seg.value','a1','low',NULL,'r',2,'2026-11-21T23:00:00+00:00');
CREATE TABLE receipt (
  intent INTEGER PRIMARY KEY REFERENCES intent (id),
  result TEXT NOT NULL, echo TEXT, message TEXT NOT NULL, at TEXT NOT NULL
);
INSERT INTO "receipt" VALUES(1,'written','high','ok','2026-11-21T23:00:00+00:00');
CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('pull', 'decide', 'apply', 'undo', 'sync')),
  profile TEXT NOT NULL, plan TEXT NOT NULL, ruleset TEXT NOT NULL, ruleset_digest TEXT NOT NULL,
  as_of TEXT NOT NULL, snapshot TEXT NOT NULL,
  undoes INTEGER REFERENCES run (id),
  started TEXT NOT NULL, ended TEXT,
  status TEXT NOT NULL CHECK (status IN ('running', 'done', 'partial', 'stopped', 'interrupted')),
  counts TEXT NOT NULL
);
INSERT INTO "run" VALUES(1,'apply','p','abc','r@1','d','','',NULL,'2026-11-21T23:00:00+00:00','2026-11-21T23:00:00+00:00','done','{"written": 1}');
INSERT INTO "run" VALUES(2,'apply','p','abd','r@1','d','','',NULL,'2026-11-21T23:00:00+00:00','2026-11-21T23:00:00+00:00','interrupted','{"unknown": 1}');
CREATE TABLE written (
  object TEXT NOT NULL, record_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, account_id TEXT NOT NULL,
  value TEXT, wanted TEXT, rule TEXT NOT NULL, ruleset_digest TEXT NOT NULL, as_of TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES run (id),
  PRIMARY KEY (object, record_id, kind, name)
) WITHOUT ROWID;
INSERT INTO "written" VALUES('account','a1','tag','seg.value','a1','high','high','r','d','2026-11-21',1);
CREATE INDEX intent_of_run ON intent (run);
CREATE UNIQUE INDEX label_once
  ON label (object, record_id, kind, name, ifnull(human, char(0)), ifnull(ours, char(0)));
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('run',2);
INSERT INTO "sqlite_sequence" VALUES('intent',2);
COMMIT;
