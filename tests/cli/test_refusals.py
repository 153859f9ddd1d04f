"""Wrong usage, policies and rules: one sentence on standard error, status 2, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import one_sentence, strayscan

POLICY = "version: 1\nstores:\n  - {name: hr, paths: ['hr/**'], allow: [PERSON]}\n"


def test_unknown_command_and_option() -> None:
    assert "No such command 'scam'" in one_sentence(strayscan("scam"))
    assert "--outt" in one_sentence(strayscan("scan", ".", "--outt", "x"))
    assert "ROOT" in one_sentence(strayscan("scan", "--out", "x"))
    assert "--out" in one_sentence(strayscan("scan", "."))


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("secnds=5", 'did you mean "seconds"?'),
        ("seconds", "NAME=NUMBER"),
        ("seconds=soon", "wants a number"),
        ("members=1.5", "whole number"),
        ("depth=0", "more than 0"),
        ("ratio=inf", "more than 0"),
        ("ratio=nan", "more than 0"),
    ],
)
def test_limits(tmp_path: Path, limit: str, words: str) -> None:
    assert words in one_sentence(strayscan("scan", ".", "--out", tmp_path / "out", "--limit", limit))
    assert not (tmp_path / "out").exists()


def test_a_root_that_does_not_exist(tmp_path: Path) -> None:
    sentence = one_sentence(strayscan("scan", tmp_path / "none", "--out", tmp_path / "out"))
    assert str(tmp_path / "none") in sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (POLICY.replace("allow", "alow"), 'policy.yaml:3: stores[0].alow: unknown key; did you mean "allow"?'),
        (POLICY + POLICY.split("stores:\n")[1], "policy.yaml:4: stores[1].name: two stores of one name; the other is at line 3"),
        (POLICY.replace("hr/**", "hr/[x"), "policy.yaml:3: stores[0].paths[0]: invalid glob"),
        ("version: 1\nstores: [", "policy.yaml:2: not valid YAML"),
    ],
)
def test_a_policy_that_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(text)
    assert words in one_sentence(strayscan("scan", tmp_path, "--policy", policy, "--out", tmp_path / "out"))
    assert words in one_sentence(strayscan("policy", "check", policy))
    assert words in one_sentence(strayscan("policy", "explain", tmp_path, "--policy", policy))
    assert [path.name for path in tmp_path.iterdir()] == ["policy.yaml"]


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read (no such file or directory)" in one_sentence(strayscan("policy", "check", tmp_path / "p.yaml"))


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    sentence = one_sentence(strayscan("policy", "check", tmp_path / "a\x1b[2Jb"))
    assert r"a\x1b[2Jb" in sentence


def test_broken_rules(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("- id: own.badge\n  pattern: '['\n")
    assert "own.yaml:1: " in one_sentence(strayscan("rules", "check", tmp_path))
    assert "own.yaml:1: " in one_sentence(strayscan("rules", "list", "--folder", tmp_path))
