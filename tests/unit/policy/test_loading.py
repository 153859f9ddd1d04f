"""Reading a policy: every fault is one sentence with file, line and key, and none quotes a value."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.config import CopySettings, StoreTracing
from scanner.model import Dictionary, Limits
from scanner.policy import Combination, Policy, PolicyError, load

FULL = """\
version: 1
stores:
  - name: 顧客台帳
    paths: ["crm/**", "file:///srv/crm/**"]
    owner: Sales Planning Dept.
    purpose: orders
    allow: [PERSON, ADDRESS, PHONE_NUMBER, EMAIL_ADDRESS]
    retention_days: 1825
    approved_by:
    review_by: 2027-03-31
  - {name: all, paths: [any/], allow: ["*"]}
departments:
  - {name: Sales, paths: ["sales/**"], manager: M, contact: c@example.com}
exclude: ["**/.git/**"]
excuse:
  - {reason: image_only, paths: ["photos/**"], why: product pictures, until: 2027-03-31}
  - {reason: [encrypted, permission], paths: ["vault/**"], why: keys are kept apart}
known: {phones: ["03-0000-0000"], emails: ["*@example.com"]}
report_from: {persons: 3}
limits: {seconds: 5, members: 10, ratio: 50}
detect: {entities: [PERSON], thresholds: {default: 0.4, PERSON: 0.6}, disable_rules: [jp.fax]}
copies: {records: 2, index: copies-index, stores: {all: {keys: メール, trace: no}}}
outbound: {}
examples:
  - {path: crm/x.csv, store: 顧客台帳, department: null}
  - {path: crm-old/x.csv, store: null}
"""


def policy_of(folder: Path, text: str = FULL) -> Policy:
    file = folder / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def fault_of(folder: Path, text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        policy_of(folder, text)
    return caught.value


def test_everything_is_read(tmp_path: Path) -> None:
    policy = policy_of(tmp_path)
    store = policy.stores[0]
    assert (store.name, store.owner, store.retention_days, store.approved_by) == ("顧客台帳", "Sales Planning Dept.", 1825, None)
    assert store.review_by == datetime.date(2027, 3, 31)
    assert policy.departments[0].contact == "c@example.com"
    assert policy.excuses[1].reasons == {"encrypted", "permission"}
    assert policy.known.emails == ("*@example.com",)
    assert policy.report_from_persons == 3
    assert (policy.limits.seconds, policy.limits.members, policy.limits.depth) == (5, 10, Limits().depth)
    assert (policy.detect.entities, policy.detect.thresholds) == (("PERSON",), {"default": 0.4, "PERSON": 0.6})
    assert policy.copies == CopySettings(
        index=tmp_path / "copies-index", records=2, stores={"all": StoreTracing(trace=False, keys=("メール",))}
    )
    assert policy.failing_examples() == ()


def test_without_a_file_nothing_is_approved() -> None:
    policy = load(None)
    assert policy.place("/srv/x").store is None
    assert not policy.excluded("/srv/x")
    assert policy.digest


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "words"),
    [
        ("    allow: [PERSON, A", "    alow: [PERSON, A", 7, "stores[0].alow", 'did you mean "allow"?'),
        ("stores:", "shops:", 2, "shops", "unknown key"),
        ("1825", "five years", 8, "stores[0].retention_days", "expected a whole number, found text"),
        ("1825", "0", 8, "stores[0].retention_days", "must be 1 or more"),
        ("1825", "true", 8, "stores[0].retention_days", "found yes/no"),
        ("name: all", "name: 顧客台帳", 11, "stores[1].name", "two stores of one name; the other is at line 3"),
        ("name: all", "name: no", 11, "stores[1].name", "put it in quotes"),
        ("name: all", "name: 2024", 11, "stores[1].name", "put it in quotes"),
        ("name: all, ", "", 11, "stores[1]", "`name` is missing"),
        ('["crm/**", "file:///srv/crm/**"]', "[]", 4, "stores[0].paths", "at least one path"),
        ('["crm/**", "file:///srv/crm/**"]', "crm/**", 4, "stores[0].paths", "expected a list, found text"),
        ("crm/**", "crm/[a", 4, "stores[0].paths[0]", "invalid glob: `[` without `]`"),
        ("crm/**", "crm**", 4, "stores[0].paths[0]", "must be a whole step"),
        ("PERSON, ADDRESS", "PERSN, ADDRESS", 7, "stores[0].allow[0]", 'unknown entity type "PERSN"; did you mean "PERSON"?'),
        ("review_by: 2027-03-31", "review_by: 2027-02-30", 10, "stores[0].review_by", "not a date that exists"),
        ("review_by: 2027-03-31", "review_by: soon", 10, "stores[0].review_by", "expected a date"),
        ("reason: image_only", "reason: image_olny", 16, "excuse[0].reason", 'did you mean "image_only"?'),
        ("why: product pictures, ", "", 16, "excuse[0]", "`why` is missing"),
        ("{seconds: 5", "{secnds: 5", 20, "limits.secnds", 'did you mean "seconds"?'),
        ("{seconds: 5", "{seconds: -1", 20, "limits.seconds", "must be 0 or more"),
        ("members: 10", "members: 1.5", 20, "limits.members", "expected a whole number"),
        ("PERSON: 0.6", "PERSON: 6", 21, "detect.thresholds.PERSON", "between 0 and 1"),
        ("entities: [PERSON]", "entities: [NOBODY]", 21, "detect.entities[0]", "unknown entity type"),
        ("disable_rules: [jp.fax]", "rules: [none.yaml]", 21, "detect.rules[0]", "does not exist"),
        ("phones:", "people: [staff.csv], phones:", 18, "known.people[0]", "does not exist"),
        ("copies: {", "copies: [", None, "", "not valid YAML"),
        ("records: 2", "records: 0", 22, "copies.records", "must be 1 or more"),
        ("records: 2", "recods: 2", 22, "copies.recods", 'did you mean "records"?'),
        ("records: 2", "strong: [JP_MY_NUMBER]", 22, "copies.strong[0]", "never fingerprinted"),
        ("records: 2", "never: [PERSON]", 22, "copies.never[0]", "expected a list"),
        ("records: 2", "texts: maybe", 22, "copies.texts", "expected yes/no"),
        ("records: 2", "text_chars: 20", 22, "copies.text_chars", "must be 300 or more"),
        ("{all: {keys", "{al: {keys", 22, "copies.stores.al", 'did you mean "all"?'),
        ("outbound: {}", "copies: {}", 23, "copies", "this key stands twice"),
        ("outbound: {}", "outbound: {ask: !!python/name:os.system ''}", 23, "outbound.ask", "expected text"),
        ("outbound: {}", "outbound: {sender: group}", 23, "outbound.sender", "known are owner, folder, unknown"),
        ("outbound: {}", "outbound: {rules: [{recipient: Partner}]}", 23, "outbound.rules[0]", "`paths` is missing"),
        ("outbound: {}", "outbound: {rules: [{paths: /srv/a}]}", 23, "outbound.rules[0].paths", "without a leading /"),
        ("outbound: {}", "outbound: {rules: [{paths: a, allow: [NOBODY]}]}", 23, "outbound.rules[0].allow[0]", "unknown entity type"),
        ("outbound: {}", "outbound: {rules: [{paths: a, persons: -1}]}", 23, "outbound.rules[0].persons", "must be 0 or more"),
        ("outbound: {}", "outbound: {default: {paths: a}}", 23, "outbound.default.paths", "unknown key"),
        ("outbound: {}", "outbound: {default: {release_unread: [encripted]}}", 23, "outbound.default.release_unread[0]", '"encrypted"?'),
        ("outbound: {}", "outbound: {default: {release_unread: [{types: a}]}}", 23, "outbound.default", "`reasons` is missing"),
        ("outbound: {}", "outbound: {default: {hold_types: video}}", 23, "outbound.default.hold_types", "a media type such as"),
        ("outbound: {}", "outbound: {default: {from_stores: nowhere}}", 23, "outbound.default.from_stores", "unknown store"),
        ("version: 1\n", "", 1, "", "`version` is missing"),
        ("version: 1\n", "version: 2\n", 1, "version", "policy version 1"),
        ("store: 顧客台帳,", "store: 顧客,", 25, "examples.store", 'no store is named "顧客"'),
        ("path: crm/x.csv", "path: crm/*.csv", 25, "examples[0].path", "without wildcards"),
        ("version: 1\n", "version: 1\n---\n", None, "", "more than one YAML document"),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, old: str, new: str, line: int | None, key: str, words: str) -> None:
    assert old in FULL
    fault = fault_of(tmp_path, FULL.replace(old, new, 1))
    assert words in str(fault)
    assert fault.key.startswith(key)
    if line is not None:
        assert str(fault).startswith(f"{tmp_path}/policy.yaml:{line}: ")
    assert "\n" not in str(fault)


@pytest.mark.parametrize(
    "text",
    ["", "   \n", "# nothing\n", "- a\n", "[" * 3000, "a: 'open", "\ta: 1", "a: \x01", "version: 1\n<<: {a: 1}\n", "1: 2\nversion: 1"],
)
def test_what_is_no_policy(tmp_path: Path, text: str) -> None:
    assert str(fault_of(tmp_path, text)).startswith(str(tmp_path / "policy.yaml"))


def test_another_encoding_is_said(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes("version: 1\n# 顧客\n".encode("cp932"))
    with pytest.raises(PolicyError, match=r"policy\.yaml:2: not UTF-8"):
        load(file)
    file.write_bytes("version: 1\n# 顧客\n".encode("utf-8-sig"))
    assert load(file).stores == ()


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        load(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        'version: 1\nknown: {phones: ["090-0000-1234" "x"]}\n',
        "version: 1\nknown: {emails: [taro@example.co.jp\n",
        "version: 1\nstores: *taro@example.co.jp\n",
        "version: 1\nknown: {phones: 090-0000-1234}\n",
        "version: 1\nknown: {phones: [{a: 090-0000-1234}]}\n",
        "version: 1\nreport_from: {persons: 090-0000-1234}\n",
        'version: 1\nknown: "taro@example.co.jp\n',
        "version: 1\nknown: %taro@example.co.jp\n",
    ],
)
def test_no_complaint_quotes_a_value(tmp_path: Path, text: str) -> None:
    message = str(fault_of(tmp_path, text)).removeprefix(str(tmp_path))
    assert "0000" not in message
    assert "taro" not in message


# --------------------------------------------------------------------------- includes

BOUND = """\
version: 1
departments:
  - {name: Sales, paths: ["sales/**"]}
  - {name: HR, paths: ["hr/**"]}
include: ["departments/*.yaml"]
"""


def included(folder: Path, text: str) -> Policy:
    (folder / "departments").mkdir(exist_ok=True)
    (folder / "departments" / "sales.yaml").write_text(text, encoding="utf-8")
    return policy_of(folder, BOUND)


def test_an_included_file_adds_to_the_policy(tmp_path: Path) -> None:
    policy = included(
        tmp_path, "department: Sales\nstores: [{name: leads, paths: [sales/leads/**], allow: [PERSON]}]\nexclude: [sales/tmp/]\n"
    )
    assert policy.place(f"{tmp_path}/sales/leads/x").store_name == "leads"
    assert policy.excluded(f"{tmp_path}/sales/tmp", True)
    assert [file.name for file in policy.files] == ["policy.yaml", "sales.yaml"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("department: Sales\nstores: [{name: x, paths: [hr/**], allow: []}]", "lies outside the paths of the department"),
        ("department: Sales\nstores: [{name: x, paths: ['sales-old/**'], allow: []}]", "lies outside"),
        ("department: Sales\nstores: [{name: x, paths: ['sales/../hr/**'], allow: []}]", "lies outside"),
        ("department: Sales\nexclude: ['**/x']", "lies outside"),
        ("department: Sales\nexcuse: [{reason: encrypted, paths: ['**'], why: none}]", "lies outside"),
        ("department: Sals\n", 'did you mean "Sales"?'),
        ("stores: []\n", "`department` is missing"),
        ("department: Sales\nreport_from: {persons: 9}\n", "unknown key"),
        ("department: Sales\ninclude: [x]\n", "unknown key"),
    ],
)
def test_an_included_file_is_bound_to_its_department(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        included(tmp_path, text)
    assert words in str(caught.value)
    assert "sales.yaml:" in str(caught.value)


def test_two_stores_of_one_name_in_two_files(tmp_path: Path) -> None:
    (tmp_path / "departments").mkdir()
    for name in ("a", "b"):
        (tmp_path / "departments" / f"{name}.yaml").write_text("department: HR\nstores: [{name: x, paths: [hr/x/], allow: []}]\n")
    assert "a.yaml:2" in str(fault_of(tmp_path, BOUND))


def test_a_named_include_must_exist(tmp_path: Path) -> None:
    assert "does not exist" in str(fault_of(tmp_path, BOUND.replace("*.yaml", "sales.yaml")))


# --------------------------------------------------------------------------- entity types, digest


def test_user_rules_bring_entity_types(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "badge.yaml").write_text("- id: our.badge\n  entity: STAFF_BADGE\n")
    text = "version: 1\nstores: [{name: x, paths: [a/], allow: [STAFF_BADGE, SENSITIVE_HEALTH]}]\n"
    assert policy_of(tmp_path, text + "detect: {rules: [rules]}\n").detect.rules == (str(tmp_path / "rules"),)
    assert "unknown entity type" in str(fault_of(tmp_path, text))


def test_digest_follows_what_decides(tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("name\nA\n")
    text = FULL.replace("known: {", 'known: {people: ["staff.csv"], ')
    first = policy_of(tmp_path, text).digest
    same = text.replace("[PERSON, ADDRESS,", "[ADDRESS, PERSON,").replace("owner: Sales Planning Dept.", "owner: x") + "# comment\n"
    assert policy_of(tmp_path, same).digest == first
    for old, new in (("1825", "1826"), ("crm/**", "crm2/**"), ("persons: 3", "persons: 4"), ("seconds: 5", "seconds: 6"), ("0.6", "0.7")):
        assert policy_of(tmp_path, text.replace(old, new, 1).replace("crm2/x", "crm/x").split("examples:")[0]).digest != first
    (tmp_path / "staff.csv").write_text("name\nB\n")
    assert policy_of(tmp_path, text).digest != first


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.integers(0, len(FULL)))
def test_any_text_is_read_or_told_of(tmp_path_factory: pytest.TempPathFactory, text: str, where: int) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes((FULL[:where] + text + FULL[where:]).encode("utf-8", "surrogatepass"))
    try:
        load(file)
    except PolicyError as fault:
        assert "\n" not in str(fault)


def test_dictionaries_and_combinations(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("\ufeffMaple Ltd\n\n  Oak Ltd \n", encoding="utf-8")
    policy = policy_of(
        tmp_path,
        "version: 1\ndetect:\n  dictionaries:\n    - {entity: CLIENT_NAME, words: [Blue Heron], file: names.txt, score: 0.7}\n"
        "  combinations:\n    - {persons: 5, all: [ADDRESS], any: [CLIENT_NAME, PERSON]}\n    - {all: [CLIENT_NAME]}\n",
    )
    assert policy.detect.dictionaries == (Dictionary("CLIENT_NAME", ("Blue Heron", "Maple Ltd", "Oak Ltd"), 0.7),)
    assert policy.combinations == (
        Combination(5, frozenset({"ADDRESS"}), frozenset({"CLIENT_NAME", "PERSON"})),
        Combination(0, frozenset({"CLIENT_NAME"})),
    )
    assert policy.digest != policy_of(tmp_path, "version: 1\n").digest


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("dictionaries: [{entity: lower, words: [xx]}]", "written in capitals"),
        ("dictionaries: [{entity: CLIENT_NAME}]", "names no words"),
        ("dictionaries: [{entity: CLIENT_NAME, words: [x]}]", "2 characters"),
        ("dictionaries: [{entity: CLIENT_NAME, file: none.txt}]", "does not exist"),
        ("dictionaries: [{words: [xx]}]", "entity"),
        ("combinations: [{}]", "asks for nothing"),
        ("combinations: [{all: [NOBODY]}]", "unknown entity type"),
        ("combinations: [{persons: many}]", "number"),
    ],
)
def test_faults_of_dictionaries_and_combinations(tmp_path: Path, block: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message) as raised:
        policy_of(tmp_path, f"version: 1\ndetect: {{{block}}}\n")
    assert "xx" not in str(raised.value)
