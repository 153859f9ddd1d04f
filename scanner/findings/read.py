"""Reading the store back: frames of what holds now or of one run, and SQL over the same tables.

A damaged file, an unfinished run or a missing column is named in `Findings.problems`; everything else still answers.
"""

from __future__ import annotations

import datetime
import json
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, overload

from scanner.findings import compact, current, latest, runs, triage
from scanner.findings.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from scanner.findings.questions import Questions
    from scanner.findings.snapshot import Snapshot

_SOURCES = {"objects": "every_object", "findings": "every_finding", "copies": "every_copy", "values": "every_value"}
_BY_FILE = ("objects", "findings", "copies")  # tables with root and path
_TRIES = 5
_DECIDED = {"decisions": "decided_row", "covered": "covered_row"}


def open_findings(out: str | Path, today: datetime.date | None = None) -> Findings:
    """The findings in the store `out` as they are at this moment; runs that end later are seen by opening again.

    `today`: the day that decides what is overdue and which decisions have run out; this machine's if not given. Raises `StoreError` if
    `out` is no folder. Needs no key and writes nothing into the store.
    """
    from scanner.findings import snapshot

    return Findings(snapshot.take(Path(out).resolve()), today)


class Findings:
    """Tables of a store. Frames are pandas (nullable integers and booleans, times in UTC), or Arrow tables with ``arrow=True``."""

    def __init__(
        self, snapshot: Snapshot, today: datetime.date | None = None, only: pa.Table | None = None, memory: str | None = None
    ) -> None:
        """`only`: a table of `root` and `path`; the store is then read as if it held these files and no others, which is quicker.
        `memory`: DuckDB's limit; four fifths of the machine's if not given."""
        self._snapshot = snapshot
        self._today = today
        self._only = only
        self._memory = memory
        self._kept = None if only is not None or memory is not None else current.kept(snapshot)
        self._connection: Any = None
        self._close: Callable[[], object] = bool  # nothing to close yet

    @property
    def out(self) -> Path:
        return self._snapshot.out

    @property
    def manifests(self) -> tuple[runs.Manifest, ...]:
        """Of the runs that happened, oldest first."""
        return self._snapshot.manifests

    @property
    def key_id(self) -> str | None:
        """Of the values that are read."""
        return self._snapshot.key_id

    @property
    def files(self) -> dict[str, tuple[Path, ...]]:
        """Table -> its whole files."""
        return self._snapshot.files

    @property
    def today(self) -> datetime.date:
        """The day as of which decisions are read."""
        return self._today or datetime.date.today()  # a person's day: until and due are days where they are

    @property
    def problems(self) -> list[str]:
        """What of the store could not be used, one sentence each; empty if all is well."""
        return list(self._snapshot.problems)

    @overload
    def objects(self, run: str | None = None, *, arrow: Literal[False] = False) -> pd.DataFrame: ...
    @overload
    def objects(self, run: str | None = None, *, arrow: Literal[True]) -> pa.Table: ...
    def objects(self, run: str | None = None, *, arrow: bool = False) -> Any:
        """The newest row of every object that is still there, or all rows of one run. What holds now has `state` (`open`, `ignored`,
        `accepted`, `excused`; null for what was fully read) and what was decided about it."""
        return self._frame("objects", run, arrow)

    @overload
    def findings(self, run: str | None = None, *, closed: bool = False, arrow: Literal[False] = False) -> pd.DataFrame: ...
    @overload
    def findings(self, run: str | None = None, *, closed: bool = False, arrow: Literal[True]) -> pa.Table: ...
    def findings(self, run: str | None = None, *, closed: bool = False, arrow: bool = False) -> Any:
        """Open findings (with `closed`, those that were closed, ignored or accepted), or all of one run; with last_seen, state and what
        was decided about them."""
        return self._frame("closed_findings" if closed and run is None else "findings", run, arrow)

    @overload
    def copies(self, run: str | None = None, *, arrow: Literal[False] = False) -> pd.DataFrame: ...
    @overload
    def copies(self, run: str | None = None, *, arrow: Literal[True]) -> pa.Table: ...
    def copies(self, run: str | None = None, *, arrow: bool = False) -> Any:
        return self._frame("copies", run, arrow)

    @overload
    def values(self, run: str | None = None, *, arrow: Literal[False] = False) -> pd.DataFrame: ...
    @overload
    def values(self, run: str | None = None, *, arrow: Literal[True]) -> pa.Table: ...
    def values(self, run: str | None = None, *, arrow: bool = False) -> Any:
        """All fingerprints; a store may hold more than fits into memory, so prefer `sql` with a condition."""
        return self._frame("values", run, arrow)

    @overload
    def decisions(self, *, every: bool = False, arrow: Literal[False] = False) -> pd.DataFrame: ...
    @overload
    def decisions(self, *, every: bool = False, arrow: Literal[True]) -> pa.Table: ...
    def decisions(self, *, every: bool = False, arrow: bool = False) -> Any:
        """What people decided and holds until somebody decides otherwise, with the state of what it is about; with `every`, all that was
        ever decided, as it was written."""
        return self._shaped(self._query(f"SELECT * FROM {'all_' if every else ''}decisions ORDER BY decision_id, path, member"), arrow)

    @overload
    def runs(self, *, arrow: Literal[False] = False) -> pd.DataFrame: ...
    @overload
    def runs(self, *, arrow: Literal[True]) -> pa.Table: ...
    def runs(self, *, arrow: bool = False) -> Any:
        """One row per run that happened, oldest first; `manifest` is its JSON."""
        return self._shaped(self._query("SELECT * FROM runs ORDER BY run_id"), arrow)

    @overload
    def sql(self, query: str, *, arrow: Literal[False] = False) -> pd.DataFrame: ...
    @overload
    def sql(self, query: str, *, arrow: Literal[True]) -> pa.Table: ...
    def sql(self, query: str, *, arrow: bool = False) -> Any:
        """One SELECT in DuckDB's SQL over objects, findings, closed_findings, copies, values, decisions, runs and all_objects, ...

        The query can reach the store's files and nothing else: no network, no extension, no other file. Raises `StoreError`
        for anything but one SELECT, and duckdb.Error for a query that DuckDB rejects.
        """
        import duckdb

        statements = self._database().extract_statements(query)
        if len(statements) != 1 or statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            raise StoreError("a query of the findings is one SELECT")
        return self._shaped(self._query(query), arrow)

    def batches(self, query: str, rows: int = 131_072, **tables: pa.Table) -> Iterator[pa.RecordBatch]:
        """The answer to a query of ours, piece by piece, so that it need not fit into memory; `tables` can be joined by their names. Unlike
        `sql` it is not for queries of users, and a file that turns out damaged inside ends it with duckdb.Error."""
        connection = self._database().cursor()
        try:
            for name, table in tables.items():
                connection.register(name, table)
            yield from connection.sql(query).to_arrow_reader(rows)
        finally:
            connection.close()

    def write(self, query: str, file: Path) -> None:
        """Write the answer to a query of ours as Parquet. Raises OSError, duckdb.Error."""
        import pyarrow.parquet as pq

        reader = self._database().sql(query).to_arrow_reader(131_072)
        with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)

    @property
    def questions(self) -> Questions:
        """The usual questions, each answered by one call."""
        from scanner.findings.questions import Questions

        return Questions(self)

    def check_run(self, run: str) -> None:
        """Raises `StoreError` if no such run is in the store."""
        if run not in {m.run_id for m in self._snapshot.manifests}:
            raise StoreError(f"there is no run {run} in {self.out}")

    def working(self) -> Any:
        """A DuckDB connection over the same tables for statements of ours; to be closed."""
        return self._database().cursor()

    def working_rows(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to a query of ours, over tables that `sql` does not tell of too."""
        connection = self.working()
        try:
            rows: list[tuple[Any, ...]] = connection.execute(query).fetchall()
            return rows
        finally:
            connection.close()

    def verify(self) -> list[str]:
        """Compare every file with the hash its run wrote down (reads the whole store), leave out what differs; all problems."""
        self._leave_out_damaged()
        return self.problems

    def close(self) -> None:
        self._close()
        self._connection = None

    def __enter__(self) -> Findings:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _frame(self, view: str, run: str | None, arrow: bool) -> Any:
        if run is None:
            return self._shaped(self._query(f'SELECT * FROM "{view}"'), arrow)
        self.check_run(run)
        return self._shaped(self._query(f"SELECT * FROM all_{view} WHERE run_id = {_quoted(run)}"), arrow)

    def _shaped(self, table: Any, arrow: bool) -> Any:
        return table if arrow else _to_pandas(table)

    def _query(self, query: str) -> Any:
        """Should a file turn out damaged inside, which its footer does not tell, it is left out and the query asked again."""
        import duckdb

        try:
            return _in_utc(self._database().sql(query).to_arrow_table())
        except duckdb.Error:
            if not self._leave_out_damaged():
                raise
        return _in_utc(self._database().sql(query).to_arrow_table())

    def _leave_out_damaged(self) -> bool:
        from scanner.findings import snapshot

        if any(not path.exists() for paths in self._snapshot.files.values() for path in paths):
            self._snapshot = snapshot.take(self.out)  # files were merged (`compact`) since: their rows stand in others
            self._kept = None
            self.close()
            return True
        spoilt = self._kept is not None and not current.is_whole(self._kept)  # damaged, or a later run has put its own there
        faults = snapshot.damaged(self._snapshot)
        if faults:
            self._snapshot = snapshot.without(self._snapshot, faults)
        if faults or spoilt:
            self._kept = None
            self.close()
        return bool(faults) or spoilt

    def _database(self) -> Any:
        """DuckDB in memory with the views. Building them may itself meet a damaged file, or one that was merged since it was listed."""
        import duckdb

        for last in (*[False] * (_TRIES - 1), True):
            if self._connection is None:
                try:
                    self._open()
                except duckdb.Error:
                    if last or not self._leave_out_damaged():
                        raise
        return self._connection

    def _open(self) -> None:
        spill = tempfile.mkdtemp(prefix="strayscan-")
        connection = _connect(spill, self._memory)
        self._close = weakref.finalize(self, _discard, connection, spill)
        _build(connection, self._snapshot, self.today, self._only, self._kept)
        files = [path for paths in self._snapshot.files.values() for path in paths]
        _shut_in(connection, [*files, *(self._kept or {}).values()])
        self._connection = connection


# --------------------------------------------------------------------------- DuckDB


def _connect(spill: str, memory: str | None) -> Any:
    """Nothing is fetched: no extension is installed or loaded by itself. What does not fit into memory goes to a private folder."""
    import duckdb

    config = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "temp_directory": spill,
        **({} if memory is None else {"memory_limit": memory}),
    }
    return duckdb.connect(":memory:", config=config)


def _discard(connection: Any, spill: str) -> None:
    connection.close()
    shutil.rmtree(spill, ignore_errors=True)


def _build(connection: Any, snapshot: Snapshot, today: datetime.date, only: pa.Table | None, kept: Mapping[str, Path] | None) -> None:
    import pyarrow as pa

    _load(connection, "runs", _runs_table(snapshot))
    _load(connection, "complete_runs", _complete_runs(snapshot))
    _load(connection, "clock", pa.table({"today": [today]}))
    if only is not None:
        _load(connection, "kept", only)
    for table, source in (_SOURCES | _DECIDED).items():
        _source(connection, table, source, snapshot.files[table], kept=only is not None and table in _BY_FILE)
    connection.execute(latest.COVERING)
    if kept is None:
        for statement in (latest.CLOSED_FOLDERS, latest.STANDING, latest.FINDING_STATES):
            connection.execute(statement)
    sources = {"newest_findings": "findings", "newest_objects": "objects", "closed_folders": "folders"}
    newest = latest.NEWEST if kept is None else {name: _all_of(kept[file]) for name, file in sources.items()} | latest.FROM_NEWEST
    for name, query in newest.items():
        connection.execute(f'CREATE VIEW "{name}" AS {query}')
    for statement in triage.EMPTY:
        connection.execute(statement)
    for statement in triage.DECIDED if snapshot.files["decisions"] else ():
        connection.execute(statement)
    for name, query in latest.VIEWS.items():
        connection.execute(f'CREATE VIEW "{name}" AS {query}')


def _all_of(file: Path) -> str:
    return f"SELECT * FROM read_parquet({_quoted(str(file))}, hive_partitioning = false)"


def _load(connection: Any, name: str, table: Any) -> None:
    connection.register("incoming", table)
    connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM incoming')
    connection.unregister("incoming")


def _source(connection: Any, table: str, name: str, files: Iterable[Path], *, kept: bool) -> None:
    """All rows of a table. The empty table in front brings every column in its type, whatever the files lack."""
    from scanner.findings.schema import DECIDED, TABLES

    schema = (TABLES | DECIDED)[table]
    _load(connection, f"{name}_columns", schema.empty_table())
    query, place = (
        f"SELECT *, NULL::BIGINT AS {latest.AT} FROM {name}_columns",
        f"(file_index::BIGINT << 40) | file_row_number AS {latest.AT}",
    )
    listed = ", ".join(_quoted(str(path)) for path in files)
    if listed:
        query += f" UNION ALL BY NAME SELECT *, {place} FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    columns = ", ".join(f'"{column}"' for column in schema.names)
    only = " SEMI JOIN kept USING (root, path)" if kept else ""
    connection.execute(f"CREATE VIEW {name} AS SELECT {columns} FROM ({query}){only}")
    connection.execute(f"CREATE VIEW placed_{name} AS SELECT {columns}, {latest.AT} FROM ({query}){only}")


def _shut_in(connection: Any, files: list[Path]) -> None:
    listed = ", ".join(_quoted(str(path)) for path in files)
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --------------------------------------------------------------------------- runs


def _runs_table(snapshot: Snapshot) -> Any:
    import pyarrow as pa

    time, texts = pa.timestamp("us", tz="UTC"), pa.list_(pa.string())
    schema = pa.schema(
        [("run_id", pa.string()), ("started_at", time), ("ended_at", time), ("outcome", pa.string())]
        + [("roots_asked", texts), ("roots_reached", texts), ("roots_not_reached", texts)]
        + [("key_id", pa.string()), ("schema", pa.int64()), ("host", pa.string()), ("account", pa.string())]
        + [(name, pa.int64()) for name in _SOURCES]
        + [("manifest", pa.string())]
    )
    return pa.Table.from_pylist([_run_row(manifest) for manifest in snapshot.manifests], schema=schema)


def _run_row(manifest: runs.Manifest) -> dict[str, Any]:
    told = manifest.told
    rows = {table: compact.told_rows(told, table) for table in _SOURCES}
    return {
        "run_id": manifest.run_id,
        "started_at": _time(told.get("start")) or runs.started(manifest.run_id),
        "ended_at": _time(told.get("end")),
        "outcome": manifest.outcome,
        **{f"roots_{how}": list(told["roots"][how]) for how in ("asked", "reached", "not_reached")},
        "key_id": manifest.key_id,
        "schema": manifest.schema,
        "host": _text(told.get("host")),
        "account": _text(told.get("account")),
        **rows,
        "manifest": json.dumps(told, ensure_ascii=False),
    }


def _time(text: object) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _complete_runs(snapshot: Snapshot) -> Any:
    """Each complete run over each root that it reached: what the newest does not list under the root is gone."""
    import pyarrow as pa

    rows = [(root.rstrip("/") + "/", m.run_id) for m in snapshot.manifests if m.outcome == "complete" for root in m.reached]
    return pa.table({"prefix": pa.array([p for p, _ in rows], pa.string()), "run_id": pa.array([r for _, r in rows], pa.string())})


# --------------------------------------------------------------------------- frames


def _in_utc(table: Any) -> Any:
    """DuckDB labels times with the machine's zone; the instants are the same."""
    import pyarrow as pa

    fields = [f.with_type(pa.timestamp("us", tz="UTC")) if pa.types.is_timestamp(f.type) and f.type.tz else f for f in table.schema]
    return table.cast(pa.schema(fields))


def _to_pandas(table: Any) -> Any:
    """Integers and booleans stay what they are beside nulls, so that a frame's types do not depend on its rows."""
    import pandas as pd
    import pyarrow as pa

    kinds = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype(), pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return table.to_pandas(types_mapper=kinds.get)
