"""Runs the worked examples in this folder: `python notebooks/execute.py` writes their outputs, `--check` compares them with those kept.

Compared is the text of every output, pictures apart. Needs the extra `notebook` and `nbclient`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))


def texts(notebook: Any) -> list[list[str]]:
    """Of each code cell the text of its outputs."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [[output.get("text") or output.get("data", {}).get("text/html", "") for output in cell.outputs] for cell in cells]


def executed(path: Path) -> Any:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(HERE)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of the machine
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("text/plain", None) if "image/svg+xml" in output.get("data", {}) else None
    notebook.metadata.pop("language_info", None)
    return notebook


def main() -> int:
    import nbformat
    import prepare

    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        if prepare.STORE not in os.environ:
            os.environ[prepare.STORE] = str(prepare.make(Path(folder)))
        for path in sorted(HERE.glob("*.ipynb")):
            notebook = executed(path)
            if "--check" not in sys.argv:
                nbformat.write(notebook, path)
            elif texts(notebook) != texts(nbformat.read(path, as_version=4)):
                wrong.append(path.name)
    for name in wrong:
        print(f"{name} gives something else than is kept in it: python notebooks/execute.py writes it anew")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
