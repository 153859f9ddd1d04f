"""Globs: what they cover, what they must not cover, and that none is slow."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.model import path_text
from scanner.policy.globs import GlobError, GlobIndex, compile_glob, quote

BASE = "/srv/share"


def covers(glob: str, path: str, base: str = BASE) -> bool:
    return compile_glob(glob, base).matches(path if path.startswith("/") else f"{base}/{path}")


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("hr/**", "hr/list.csv"),
        ("hr/**", "hr/2024/01/list.csv"),
        ("hr/**", "hr/.hidden"),
        ("hr/", "hr/list.csv"),
        ("./hr/**", "hr/list.csv"),
        ("../other/**", "/srv/other/x"),
        ("**/.git/**", ".git/config"),
        ("**/.git/**", "a/b/.git/config"),
        ("**", "anything/at/all"),
        ("a/**/z.csv", "a/z.csv"),
        ("a/**/z.csv", "a/b/c/z.csv"),
        ("*.csv", "list.csv"),
        ("*.{csv,tsv}", "list.tsv"),
        ("{a,b{1,2}}/x", "b2/x"),
        ("list-?.csv", "list-1.csv"),
        ("list-[0-9].csv", "list-7.csv"),
        ("list-[!0-9].csv", "list-a.csv"),
        (r"a\[1\]/\*", "a[1]/*"),
        ("/srv/share/hr/**", "hr/x"),
        ("file:///srv/share/hr/**", "hr/x"),
        ("file://localhost/srv/share/%E9%A1%A7%E5%AE%A2/**", "顧客/x"),
        ("file:///srv/share/100%25/*", "100%/x"),
        ("file:///srv/share/a%2Ab/x", "a*b/x"),
        ("file:///srv/share/%FF/x", r"\xff/x"),
        ("s3://bucket/hr/**", "s3://bucket/hr/x"),
        (r"back\\slash/*", r"back\\slash/x"),
        (r"\xff/*", r"\xff/x"),
        (r"\xFF/*", r"\xff/x"),
        ("?/x", r"\xff/x"),
        ("?/x", r"\\/x"),
        ("a*c", "a\nc"),
    ],
)
def test_covers(glob: str, path: str) -> None:
    assert compile_glob(glob, BASE).matches(path if path.startswith(("/", "s3:")) else f"{BASE}/{path}")


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("hr/**", "hr-old/list.csv"),
        ("hr/**", "hr"),
        ("hr/**", "hrx"),
        ("hr/**", "HR/list.csv"),
        ("hr/**", "a/hr/list.csv"),
        ("hr/*", "hr/2024/list.csv"),
        ("hr", "hr/list.csv"),
        ("*.csv", "a/list.csv"),
        ("a?c", "a/c"),
        ("a[!b]c", "a/c"),
        ("a[+-9]c", "a/c"),
        ("**/.git/**", "a.git/config"),
        ("a/**/z.csv", "a/bz.csv"),
        ("file:///srv/share/hr%2A/**", "hrx/x"),
        ("s3://hr-vault/**", "s3://hr-vault-backup/x"),
        (r"a\*", "ab"),
    ],
)
def test_does_not_cover(glob: str, path: str) -> None:
    assert not compile_glob(glob, BASE).matches(path if path.startswith(("/", "s3:")) else f"{BASE}/{path}")


@pytest.mark.parametrize("glob", ["", "a**", "a/**b/c", "[a", "a]", "{a,b", "a}", "{a/b,c}", "[z-a]", "a/*/../b", "file://host/x", "a\\"])
def test_invalid(glob: str) -> None:
    with pytest.raises(GlobError):
        compile_glob(glob, BASE)


def test_spellings_of_one_name_are_equal() -> None:
    for form in ("NFC", "NFD"):
        for other in ("NFC", "NFD"):
            glob, path = unicodedata.normalize(form, "パスポート/**"), unicodedata.normalize(other, "パスポート/x")
            assert covers(glob, path)


def test_the_base_is_taken_literally() -> None:
    base = "/srv/a[b]{c}*"
    assert covers("hr/**", f"{base}/hr/x", base)
    assert not covers("hr/**", "/srv/ab/hr/x", base)


def test_links_in_an_absolute_glob_are_resolved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    real = os.path.realpath(tmp_path / "real")
    assert compile_glob(f"{tmp_path}/link/hr/**", "/").matches(f"{real}/hr/x")


def test_covers_folder() -> None:
    assert compile_glob("**/.git/**", BASE).covers_folder("/srv/share/a/.git")
    assert not compile_glob("hr/**", BASE).covers_folder("/srv/share/hr-old")
    assert not compile_glob("hr/*.csv", BASE).covers_folder("/srv/share/hr")


@pytest.mark.parametrize(
    ("inner", "outer", "within"),
    [
        ("sales/leads/**", "sales/**", True),
        ("sales/**", "sales/**", True),
        ("sales/*.csv", "sales/**", True),
        ("sales-old/**", "sales/**", False),
        ("**/x", "sales/**", False),
        ("sales/../hr/**", "sales/**", False),
        ("sales*/**", "sales/**", False),
        ("a/b/c/**", "*/b/**", True),
        ("a/*/c", "a/*/**", True),
        ("a/x", "a/*", False),
    ],
)
def test_within(inner: str, outer: str, within: bool) -> None:
    assert compile_glob(inner, BASE).within(compile_glob(outer, BASE)) is within


@pytest.mark.timeout(20)  # by plain backtracking it would take longer than the universe has lasted
def test_no_glob_is_slow() -> None:
    assert not compile_glob("*a" * 40 + "b", BASE).matches(f"{BASE}/" + "a" * 255)


def test_index_prefers_the_longest_literal_prefix_then_the_first_listed() -> None:
    globs = ["**", "crm*/**", "crm/**", "crm/vip/*.csv", "crm/**/", "crm/vip/**"]
    index = GlobIndex((compile_glob(glob, BASE), glob) for glob in globs)
    found = [owner for _, owner in index.matches(f"{BASE}/crm/vip/x.csv")]
    assert found == ["crm/vip/*.csv", "crm/vip/**", "crm/**", "crm/**/", "crm*/**", "**"]


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name not in {".", ".."}
)


@settings(max_examples=100, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=4), NAMES)
def test_a_quoted_path_matches_itself_and_no_other(steps: list[str], other: str) -> None:
    path = path_text("/".join(steps).encode())
    glob = compile_glob(quote(path), BASE)
    assert glob.matches(f"{BASE}/{path}")
    assert unicodedata.normalize("NFC", glob.literal) == glob.literal
    changed = path_text("/".join([*steps[:-1], other]).encode())
    if unicodedata.normalize("NFC", changed) != unicodedata.normalize("NFC", path):
        assert not glob.matches(f"{BASE}/{changed}")


@settings(max_examples=150, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=4), st.sampled_from(["**", "a/**", "*/x", "**/x", "[a-c]*", "{a,b}/**"]))
def test_index_and_glob_agree(steps: list[str], source: str) -> None:
    path = f"{BASE}/{path_text('/'.join(steps).encode())}"
    glob = compile_glob(source, BASE)
    assert glob.matches(path) is any(GlobIndex([(glob, 1)]).matches(path))
