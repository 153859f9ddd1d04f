"""What people's decisions mean for what stands: SQL over `every_decision` and `covered_row`, beside `latest`.

* Of the decisions about one finding or unread object the newest of each part counts: whether it is put aside (`ignore`, `accept`,
  `reopen`), whose it is (`assign`), what is done about it (`measure`).
* A finding is put aside as long as every value that now lies at its place was there when it was decided. Where nothing was written of
  it since, or the same bytes were read by the same engine, that is so; else the values are compared. What has no fingerprints (regulated
  kinds never have) is compared by how many distinct values there are. What has them on one side only cannot be compared, and is open.
* An unread object is put aside as long as it is unread for the same reason and, as far as can be told, has the same content.
* A measure is closed by a complete run, begun after it was written down, that read the object in full without the finding, or no longer
  met it; a finding that was absent from such a run and stands again has `recurred`.
"""

from __future__ import annotations

from typing import Final

from scanner.findings.latest import DECIDED_COLUMNS, FULL, UNREAD

_EVERY = """
SELECT *, part IS NOT NULL AND object_id IS NOT NULL
    AND row_number() OVER (PARTITION BY object_id, finding_id, part ORDER BY decision_id DESC) = 1 AS newest
FROM (SELECT DISTINCT *, CASE
        WHEN action IN ('ignore', 'accept', 'reopen') THEN 'aside'
        WHEN action IN ('assign', 'unassign') THEN 'whose'
        WHEN action IN ('measure', 'unmeasure') THEN 'measure' END AS part FROM {rows})
"""
"""All rows, each once, in memory: their files may be merged while the store is open. `newest`: it counts for its `part`."""

_TYPES = "put_aside VARCHAR, " + ", ".join(f"{name} {kind}" for name, kind in DECIDED_COLUMNS.items())
EMPTY: Final = (
    f"CREATE OR REPLACE TABLE finding_triage (finding_id VARCHAR, {_TYPES})",
    f"CREATE OR REPLACE TABLE object_triage (object_id VARCHAR, {_TYPES})",
    f"CREATE OR REPLACE TABLE every_decision AS {_EVERY.format(rows='decided_row LIMIT 0')}",
    "CREATE OR REPLACE VIEW latest_decisions AS SELECT * EXCLUDE (newest) FROM every_decision WHERE newest",
)

_REWRITTEN = """
CREATE OR REPLACE TABLE rewritten AS
WITH given AS (
    SELECT d.decision_id, d.finding_id, d.object_id, d.run_id AS given_run, d."distinct" AS given_distinct, d.fingerprints,
        d.content_hash AS given_hash, d.engine_digest AS given_engine, s.run_id AS now_run
    FROM latest_decisions d JOIN finding_states s USING (finding_id)
    WHERE d.part = 'aside' AND d.action <> 'reopen' AND s.run_id <> d.run_id),
rows AS (
    SELECT g.*, f."distinct", f.entity_type, f.place, f."column"
    FROM given g JOIN every_finding f ON f.finding_id = g.finding_id AND f.run_id = g.now_run),
reads AS (
    SELECT r.finding_id, max(o.run_id) AS values_run, arg_max(o.content_hash, o.run_id) AS content_hash,
        arg_max(o.engine_digest, o.run_id) AS engine_digest
    FROM rows r JOIN every_object o ON o.object_id = r.object_id
    WHERE o.run_id <= r.now_run AND o.status IN ('scanned', 'no_text', 'partial') GROUP BY r.finding_id)
SELECT rows.*, values_run,
    coalesce(content_hash = given_hash AND engine_digest = given_engine, false) AS same,
    g.key_id <> v.key_id AS other_key
FROM rows LEFT JOIN reads USING (finding_id) LEFT JOIN runs g ON g.run_id = given_run LEFT JOIN runs v ON v.run_id = values_run
"""
"""Findings put aside that a later run wrote again, with the run whose values lie behind the newest row."""

_NEW_VALUES = """
CREATE OR REPLACE TABLE new_values AS
SELECT r.finding_id, count(*) AS held, count(*) FILTER (k.fingerprint IS NULL) AS fresh
FROM rewritten r
JOIN every_value v ON v.run_id = r.values_run AND v.object_id = r.object_id AND v.entity_type = r.entity_type
    AND v.place IS NOT DISTINCT FROM r.place AND v."column" IS NOT DISTINCT FROM r."column"
LEFT JOIN covered_row k ON k.decision_id = r.decision_id AND k.finding_id = r.finding_id AND k.fingerprint = v.fingerprint
WHERE NOT r.same
GROUP BY r.finding_id
"""

_ASIDE = f"""
CREATE OR REPLACE TABLE aside AS
SELECT d.finding_id, d.object_id, d.action, d.until, d.author, d.decided_at, d.why,
    CASE WHEN d.action = 'reopen' THEN 'withdrawn'
        WHEN d.until < (SELECT today FROM clock) THEN 'expired'
        WHEN r.finding_id IS NULL OR r.same THEN NULL
        WHEN d.fingerprints IS NULL AND n.held IS NULL THEN CASE WHEN r."distinct" > d."distinct" THEN 'grown' END
        WHEN d.fingerprints IS NULL OR n.held IS NULL OR coalesce(r.other_key, false) THEN 'cannot_compare'
        WHEN n.fresh > 0 THEN 'new_values' END AS reopened
FROM latest_decisions d LEFT JOIN rewritten r USING (finding_id) LEFT JOIN new_values n USING (finding_id)
WHERE d.part = 'aside' AND d.finding_id IS NOT NULL
UNION ALL
SELECT NULL, d.object_id, d.action, d.until, d.author, d.decided_at, d.why,
    CASE WHEN d.action = 'reopen' THEN 'withdrawn'
        WHEN d.until < (SELECT today FROM clock) THEN 'expired'
        WHEN NOT {UNREAD} THEN NULL
        WHEN o.reason IS DISTINCT FROM d.unread_reason THEN 'other_reason'
        WHEN o.content_hash <> d.content_hash THEN 'other_content'
        WHEN (o.content_hash IS NULL OR d.content_hash IS NULL)
            AND (o.size_bytes IS DISTINCT FROM d.size_bytes OR o.modified_at IS DISTINCT FROM d.modified_at) THEN 'other_content'
        END AS reopened
FROM latest_decisions d JOIN standing s USING (object_id) JOIN every_object o ON o.object_id = s.object_id AND o.run_id = s.run_id
WHERE d.part = 'aside' AND d.finding_id IS NULL
"""

# --------------------------------------------------------------------------- measures

_MEASURED = """
CREATE OR REPLACE TABLE measured AS
SELECT d.decision_id, d.finding_id, d.object_id, d.root, d.path, d.member, d.cause, d.measure, d.due,
    rtrim(d.root, '/') || '/' || d.path AS place
FROM latest_decisions d WHERE d.part = 'measure' AND d.action = 'measure'
"""

_MEASURED_OBJECTS = f"""
CREATE OR REPLACE TABLE measured_objects AS
WITH judged AS (
    SELECT DISTINCT f.object_id, f.run_id FROM every_finding f SEMI JOIN measured m ON f.object_id = m.object_id)
SELECT o.object_id, o.run_id, o.status,
    {UNREAD} AS unread,
    {FULL} OR (o.status = 'unchanged' AND j.run_id IS NOT NULL) AS whole,
    o.status = 'unchanged' AND (o.reason IS NULL OR o.reason IN ('binary', 'image_only', 'member_unread', 'remote_reference')) AS as_before
FROM every_object o SEMI JOIN measured m ON o.object_id = m.object_id
LEFT JOIN judged j ON j.object_id = o.object_id AND j.run_id = o.run_id
"""
"""`whole`: this row tells all that there is in it; `as_before`: it repeats one that did."""

_MEASURED_FILES = """
CREATE OR REPLACE TABLE measured_files AS
SELECT o.root, o.path, o.run_id, o.status FROM every_object o
SEMI JOIN (SELECT root, path FROM measured WHERE member IS NOT NULL) m ON o.root = m.root AND o.path = m.path WHERE o.member IS NULL
"""

_SIGHTINGS = """
CREATE OR REPLACE TABLE sightings AS
SELECT DISTINCT f.object_id, f.finding_id, f.run_id FROM every_finding f SEMI JOIN measured m ON f.finding_id = m.finding_id
UNION ALL
SELECT o.object_id, NULL, o.run_id FROM measured_objects o SEMI JOIN measured m ON o.object_id = m.object_id AND m.finding_id IS NULL
WHERE o.unread
"""

_ABSENCES = """
CREATE OR REPLACE TABLE absences AS
WITH asked AS (
    SELECT DISTINCT m.decision_id, m.finding_id, m.object_id, m.root, m.path, m.member, m.place, c.run_id
    FROM measured m JOIN complete_runs c ON c.run_id > m.decision_id AND starts_with(m.place, c.prefix)),
known AS (
    SELECT a.*, o.status, o.whole, o.as_before, o.unread, w.status AS file_status,
        (SELECT max(s.run_id) FROM sightings s
            WHERE s.object_id = a.object_id AND s.finding_id IS NOT DISTINCT FROM a.finding_id AND s.run_id <= a.run_id) AS sighted,
        (SELECT max(r.run_id) FROM measured_objects r WHERE r.object_id = a.object_id AND r.whole AND r.run_id <= a.run_id) AS whole_run
    FROM asked a LEFT JOIN measured_objects o ON o.object_id = a.object_id AND o.run_id = a.run_id
    LEFT JOIN measured_files w ON a.member IS NOT NULL AND w.root = a.root AND w.path = a.path AND w.run_id = a.run_id)
SELECT k.finding_id, k.object_id, k.run_id FROM known k
WHERE k.sighted IS DISTINCT FROM k.run_id AND CASE
    WHEN k.status IS NULL THEN (k.member IS NULL OR k.file_status IS NULL
            OR k.file_status IN ('scanned', 'no_text', 'unsupported', 'excluded'))
        AND NOT EXISTS (SELECT 1 FROM closed_folders f WHERE f.run_id = k.run_id AND starts_with(k.place, f.place))
    WHEN k.finding_id IS NULL THEN NOT k.unread AND k.status <> 'excluded'
    WHEN k.whole THEN true
    WHEN k.as_before THEN k.whole_run > coalesce(k.sighted, '')
    ELSE false END
"""
"""Complete runs after a measure was written down that did not find what it is about."""

_MEASURES = """
CREATE OR REPLACE TABLE measures AS
WITH newest AS (
    SELECT m.*, (SELECT max(s.run_id) FROM sightings s
        WHERE s.object_id = m.object_id AND s.finding_id IS NOT DISTINCT FROM m.finding_id) AS sighted
    FROM measured m)
SELECT n.finding_id, n.object_id, n.cause, n.measure, n.due,
    CASE WHEN a.newest > coalesce(n.sighted, '') THEN 'closed' WHEN a.newest IS NOT NULL THEN 'recurred'
        WHEN n.due < (SELECT today FROM clock) THEN 'overdue'
        ELSE 'pending' END AS measure_state
FROM newest n LEFT JOIN (SELECT object_id, finding_id, max(run_id) AS newest FROM absences GROUP BY ALL) a
    ON a.object_id = n.object_id AND a.finding_id IS NOT DISTINCT FROM n.finding_id
"""

CLOSED_BY: Final = """
SELECT a.object_id, a.finding_id, min(a.run_id) AS run_id FROM absences a
LEFT JOIN (SELECT object_id, finding_id, max(run_id) AS run_id FROM sightings GROUP BY ALL) s
    ON s.object_id = a.object_id AND s.finding_id IS NOT DISTINCT FROM a.finding_id
WHERE a.run_id > coalesce(s.run_id, '') GROUP BY a.object_id, a.finding_id
"""
"""The run that closed a measure: the first that did not find what it is about, and none has found it since. There is nothing to ask where
nothing was decided (`DECIDED`)."""

# --------------------------------------------------------------------------- one row per finding or object

_GATHERED = """
INSERT INTO {table}
SELECT t.{key}, CASE WHEN a.reopened IS NULL THEN CASE a.action WHEN 'ignore' THEN 'ignored' WHEN 'accept' THEN 'accepted' END END,
    CASE WHEN m.measure_state = 'recurred' AND (a.action IS NULL OR a.reopened IS NOT NULL) THEN 'recurred' ELSE a.reopened END,
    a.until, a.author, a.decided_at, a.why, w.assigned_to, w.due,
    CASE WHEN w.assigned_to IS NOT NULL
        THEN coalesce(w.due < (SELECT today FROM clock), false) AND (a.action IS NULL OR a.reopened IS NOT NULL) END,
    m.cause, m.measure, m.due, m.measure_state
FROM (SELECT DISTINCT {key} FROM latest_decisions WHERE {which}) t
LEFT JOIN (SELECT * FROM aside WHERE {which}) a USING ({key})
LEFT JOIN (SELECT * FROM latest_decisions WHERE part = 'whose' AND action = 'assign' AND {which}) w USING ({key})
LEFT JOIN (SELECT * FROM measures WHERE {which}) m USING ({key})
"""

_CONTAINERS = f"""
INSERT INTO object_triage (object_id, put_aside)
WITH unread AS (
    SELECT o.object_id, o.root, o.path, o.member, o.reason, o.excused
    FROM every_object o SEMI JOIN standing s ON o.object_id = s.object_id AND o.run_id = s.run_id
    SEMI JOIN (SELECT DISTINCT d.root, d.path FROM latest_decisions d JOIN object_triage t USING (object_id)
        WHERE d.finding_id IS NULL AND d.member IS NOT NULL AND t.put_aside IS NOT NULL) b ON o.root = b.root AND o.path = b.path
    WHERE {UNREAD}),
inside AS (
    SELECT c.object_id, bool_and(coalesce(u.excused, false) OR t.put_aside IS NOT NULL) AS settled
    FROM unread c JOIN unread u ON c.root = u.root AND c.path = u.path AND u.reason <> 'member_unread'
        AND u.member IS NOT NULL AND (c.member IS NULL OR starts_with(u.member, c.member || '!'))
    LEFT JOIN object_triage t ON t.object_id = u.object_id
    WHERE c.reason = 'member_unread' GROUP BY c.object_id)
SELECT object_id, 'ignored' FROM inside WHERE settled AND object_id NOT IN (SELECT object_id FROM object_triage)
"""
"""A container that is unread only through members is put aside if each of those is, or is excused."""

DECIDED: Final = (
    f"CREATE OR REPLACE TABLE every_decision AS {_EVERY.format(rows='decided_row')}",
    _REWRITTEN,
    _NEW_VALUES,
    _ASIDE,
    _MEASURED,
    _MEASURED_OBJECTS,
    _MEASURED_FILES,
    _SIGHTINGS,
    _ABSENCES,
    _MEASURES,
    _GATHERED.format(table="finding_triage", key="finding_id", which="finding_id IS NOT NULL"),
    _GATHERED.format(table="object_triage", key="object_id", which="finding_id IS NULL"),
    _CONTAINERS,
)
"""To be executed in this order, after `latest.STANDING` and `latest.FINDING_STATES`, where anything was decided at all."""
