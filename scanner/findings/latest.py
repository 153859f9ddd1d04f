"""What holds now, out of many runs: SQL that decides which rows of the store are the latest word on their object.

* An object's latest row is that of its newest run. It is gone if a newer *complete* run over a root that contains it does not list it,
  unless that run could not read a folder around it.
* A member is gone as well if its file was read to the end later and no longer holds it.
* A finding is open if it stands in a run that is no older than the last full reading of its object: what could not be read again
  is not closed by that. `full`: scanned, without text, or partial only for pages and members that no run can read.
* An object that is `unchanged` and yet has findings in a run was judged anew there, from facts known before: all its findings stand in
  that run, and older ones are closed.
* An object that is `excluded` now makes its findings `ignored`.

What stands is one thing; what people decided about it is another (`triage`). The program's own questions about a share ask
`standing_findings`, which no decision changes.
"""

from __future__ import annotations

FULL = """(status IN ('scanned', 'no_text')
    OR (status = 'partial' AND reason IN ('image_only', 'member_unread', 'remote_reference')))"""

UNREAD = """(o.status IN ('partial', 'unreadable', 'unsupported')
    OR (o.status = 'unchanged' AND o.reason IS NOT NULL AND o.reason <> 'binary'))"""
"""An `objects` row `o` of something that was not fully read (scanner.judge.is_unread)."""

AT = "row_at"
"""Which file of the table and which row of it: tells rows apart at the cost of a number, where two long strings would have to be read."""

COVERING = "CREATE OR REPLACE TABLE covering AS SELECT prefix, max(run_id) AS run_id FROM complete_runs GROUP BY prefix"
"""The newest complete run over each root."""

CLOSED_FOLDERS = """
CREATE OR REPLACE TABLE closed_folders AS
SELECT o.run_id, rtrim(o.root, '/') || '/' || o.path AS place
FROM every_object o SEMI JOIN complete_runs c ON o.run_id = c.run_id
WHERE o.path LIKE '%/' AND o.status = 'unreadable'
"""

STANDING = f"""
CREATE OR REPLACE TABLE standing AS
WITH newest AS (
    SELECT object_id, any_value(root) AS root, any_value(path) AS path, any_value(member) AS member,
        rtrim(any_value(root), '/') || '/' || any_value(path) AS place,
        max(run_id) AS run_id, arg_max(status, run_id) AS status,
        max(run_id) FILTER ({FULL}) AS full_run,
        max(run_id) FILTER (status IN ('scanned', 'no_text', 'partial')) AS read_run
    FROM every_object GROUP BY object_id),
gone AS (
    SELECT DISTINCT n.object_id FROM newest n JOIN covering c ON n.run_id < c.run_id AND starts_with(n.place, c.prefix)
    WHERE NOT EXISTS (SELECT 1 FROM closed_folders f WHERE f.run_id = c.run_id AND starts_with(n.place, f.place))),
files AS (
    SELECT n.root, n.path, n.run_id, n.status, n.object_id IN (SELECT object_id FROM gone) AS is_gone
    FROM newest n WHERE n.member IS NULL)
SELECT n.object_id, n.run_id, n.status, n.full_run, n.read_run
FROM newest n LEFT JOIN files f ON n.member IS NOT NULL AND n.root = f.root AND n.path = f.path
WHERE CASE
    WHEN f.root IS NULL THEN n.object_id NOT IN (SELECT object_id FROM gone)
    ELSE NOT f.is_gone AND NOT (f.run_id > n.run_id AND f.status IN ('scanned', 'no_text', 'unsupported', 'excluded')) END
"""

FINDING_STATES = f"""
CREATE OR REPLACE TABLE finding_states AS
WITH judged AS (
    SELECT o.object_id, max(o.run_id) AS run_id
    FROM every_object o SEMI JOIN every_finding f ON o.object_id = f.object_id AND o.run_id = f.run_id
    WHERE o.status = 'unchanged' GROUP BY o.object_id),
seen AS (
    SELECT f.finding_id, any_value(f.object_id) AS object_id, max(f.run_id) AS run_id, arg_max(f.{AT}, f.run_id) AS {AT},
        min(coalesce(f.first_seen, r.started_at)) AS first_seen
    FROM placed_every_finding f JOIN runs r USING (run_id) GROUP BY f.finding_id)
SELECT e.finding_id, e.run_id, e.{AT}, e.first_seen, r.started_at AS last_seen,
    CASE WHEN s.object_id IS NULL THEN 'closed'
        WHEN s.status = 'excluded' THEN 'ignored'
        WHEN e.run_id >= greatest(coalesce(s.full_run, ''), coalesce(j.run_id, '')) THEN 'open'
        ELSE 'closed' END AS state
FROM seen e LEFT JOIN standing s USING (object_id) LEFT JOIN judged j USING (object_id)
JOIN runs r ON r.run_id = CASE
    WHEN s.status = 'unchanged' AND e.run_id >= coalesce(s.full_run, '') THEN greatest(s.run_id, e.run_id)
    ELSE e.run_id END
"""

DECIDED_COLUMNS = {
    "reopened": "VARCHAR",
    "until": "DATE",
    "decided_by": "VARCHAR",
    "decided_at": "TIMESTAMPTZ",
    "decided_why": "VARCHAR",
    "assigned_to": "VARCHAR",
    "due": "DATE",
    "overdue": "BOOLEAN",
    "cause": "VARCHAR",
    "measure": "VARCHAR",
    "measure_due": "DATE",
    "measure_state": "VARCHAR",
}
"""What people's decisions add to a finding or object; null where nothing was decided."""

_ADDED = ", ".join(f"g.{name}" for name in DECIDED_COLUMNS)
_FINDING_STATE = "CASE WHEN t.state = 'open' THEN coalesce(g.put_aside, 'open') ELSE t.state END"
_OBJECT_STATE = f"CASE WHEN {UNREAD} THEN CASE WHEN o.excused THEN 'excused' ELSE coalesce(g.put_aside, 'open') END END"
_FINDING_COLUMNS = f"""t.last_seen, {_FINDING_STATE} AS state,
        {_ADDED.replace("g.overdue", "g.overdue AND t.state = 'open' AS overdue")}"""

NEWEST = {
    "newest_findings": f"""SELECT f.* EXCLUDE ({AT}) REPLACE (t.first_seen AS first_seen), t.last_seen, t.state AS stood
        FROM placed_every_finding f JOIN finding_states t ON f.{AT} = t.{AT}""",
    "newest_objects": """SELECT o.*, s.full_run, s.read_run
        FROM every_object o JOIN standing s ON o.object_id = s.object_id AND o.run_id = s.run_id""",
}
"""The newest row of every finding, whatever became of it, and of every object that is still there."""

FROM_NEWEST = {
    "finding_states": "SELECT finding_id, run_id, first_seen, last_seen, stood AS state FROM newest_findings",
    "standing": "SELECT object_id, run_id, status, full_run, read_run FROM newest_objects",
}
"""The other way round, where the newest rows were kept (`current`)."""

_NEWEST = f"""SELECT n.* EXCLUDE (stood), {_FINDING_STATE.replace("t.state", "n.stood")} AS state,
        {_ADDED.replace("g.overdue", "g.overdue AND n.stood = 'open' AS overdue")}
    FROM newest_findings n LEFT JOIN finding_triage g ON g.finding_id = n.finding_id"""

VIEWS = {
    "all_objects": "SELECT * FROM every_object",
    "all_findings": f"""SELECT f.* REPLACE (t.first_seen AS first_seen), {_FINDING_COLUMNS}
        FROM every_finding f JOIN finding_states t ON f.finding_id = t.finding_id
        LEFT JOIN finding_triage g ON g.finding_id = f.finding_id""",
    "all_copies": "SELECT * FROM every_copy",
    "all_values": "SELECT * FROM every_value",
    "objects": f"""SELECT o.* EXCLUDE (full_run, read_run), {_OBJECT_STATE} AS state, {_ADDED}
        FROM newest_objects o LEFT JOIN object_triage g ON g.object_id = o.object_id""",
    "standing_findings": "SELECT * EXCLUDE (stood) FROM newest_findings WHERE stood = 'open'",
    "findings": f"{_NEWEST} WHERE n.stood = 'open' AND g.put_aside IS NULL",
    "closed_findings": f"{_NEWEST} WHERE n.stood <> 'open' OR g.put_aside IS NOT NULL",
    "all_decisions": "SELECT * EXCLUDE (part, newest) FROM every_decision",
    "decisions": f"""SELECT d.* EXCLUDE (part),
            CASE WHEN d.finding_id IS NULL THEN coalesce(o.state, 'closed')
                WHEN t.finding_id IS NULL THEN 'closed' ELSE {_FINDING_STATE} END AS state,
            coalesce(g.reopened, o.reopened) AS reopened, coalesce(g.measure_state, o.measure_state) AS measure_state
        FROM latest_decisions d LEFT JOIN finding_states t ON t.finding_id = d.finding_id
        LEFT JOIN finding_triage g ON g.finding_id = d.finding_id
        LEFT JOIN objects o ON d.finding_id IS NULL AND o.object_id = d.object_id""",
    "copies": """SELECT c.* FROM every_copy c JOIN standing s ON c.object_id = s.object_id
        WHERE c.run_id >= coalesce(s.full_run, s.read_run, '')
        QUALIFY c.run_id = max(c.run_id) OVER (PARTITION BY c.object_id)""",
    "values": """SELECT v.* FROM every_value v SEMI JOIN standing s
        ON v.object_id = s.object_id AND v.run_id >= coalesce(s.full_run, s.read_run, '')""",
}
"""What queries see: the four tables as they stand now, closed findings, and every row of every run as ``all_...``."""
