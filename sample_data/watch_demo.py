"""What `make watch-demo` runs: a transfer folder, its gate, and an approver, from the first file dropped to the log verified.

`python sample_data/watch_demo.py [FOLDER]`; works in FOLDER (a temporary one otherwise), and ends with 0 if everything went as it should.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from scanner.render.messages import choose_language

HERE = Path(__file__).parent
STRAYSCAN = Path(sys.executable).parent / "strayscan"
PATIENCE = 180.0  # seconds; on an idle machine a few are enough

POLICY = """\
version: 1
outbound:
  ask: {ask}
  sender: folder            # out/sato/ is where Sato drops files
  settle_seconds: 1
  rules:
    - paths: ["sato/bank/**"]
      recipient: Example Bank
      purpose: payroll
      country: JP
      allow: [PERSON, JP_BANK_ACCOUNT]
      persons: 500
"""
TEXTS = {
    "en": {
        "ask": "Information Security, ext. 4711",
        "intro": "People drop files into {out}. Nothing reaches {release} that was not scanned. What may not leave waits in {hold}.",
        "start": "1. The watch starts. It loads its rules, which takes a moment.",
        "drop": "2. Sato drops four files: an agenda, a list of customers, an encrypted document, and an upload that is not finished.",
        "see": "3. What lies where now. The customers and the encrypted file are held, with a note in their place; the upload waits.",
        "note": "4. What Sato reads in the place of the list:",
        "list": "5. An approver looks at what is held.",
        "show": "6. And at the list of customers: what was found, masked, of how many, and why it is held.",
        "release": "7. The customers have agreed to it: it may go.",
        "reject": "8. Nobody can say what is in the encrypted file: it goes back.",
        "finish": "9. The upload comes to its end under its real name, and is released at once.",
        "verify": "10. Every step is in a log, chained by hash. Is it whole?",
        "end": "11. The service manager stops the watch.",
        "after": "What lies where in the end:",
        "next": "That was all. The same for your own folder: docs/how-to/watch-an-outbound-folder.md",
        "failed": "This did not go as it should: {what}.",
        "agreed": "the customers agreed, see ticket 17",
        "unknown": "send it unencrypted to the gate, please",
    },
    "ja": {
        "ask": "情報セキュリティ課 (内線 4711)",
        "intro": "{out} に置いたファイルは、走査を経ずに {release} へ届くことはありません。送ってはならないものは {hold} で承認を待ちます。",
        "start": "1. 監視を開始します。ルールの読み込みに少し時間がかかります。",
        "drop": "2. 佐藤さんが 4 つのファイルを置きます: 議題、顧客一覧、暗号化された文書、アップロード途中のファイル。",
        "see": "3. 現在の配置です。顧客一覧と暗号化ファイルは保留され、代わりに通知文が置かれます。途中のファイルは待ちます。",
        "note": "4. 顧客一覧の代わりに置かれた通知文:",
        "list": "5. 承認者が保留中のファイルを見ます。",
        "show": "6. 顧客一覧の詳細: 見つかったもの (伏せ字)、人数、保留の理由。",
        "release": "7. 顧客の同意があるため、送信を承認します。",
        "reject": "8. 暗号化ファイルの中身は確認できないため、差し戻します。",
        "finish": "9. アップロードが終わって本来の名前になると、すぐに送信されます。",
        "verify": "10. すべての操作はハッシュで連鎖したログに残ります。ログに異常はないでしょうか。",
        "end": "11. サービス管理が監視を終了させます。",
        "after": "最後の配置:",
        "next": "以上です。自分のフォルダーで使うには: docs/how-to/watch-an-outbound-folder.md",
        "failed": "期待どおりに進みませんでした: {what}",
        "agreed": "顧客の同意あり (チケット 17)",
        "unknown": "暗号化せずに置き直してください",
    },
}


class DemoFailed(Exception):
    """Something did not happen."""


class Demo:
    """The folders below `home`, and what is said of them."""

    def __init__(self, home: Path) -> None:
        self.home, self.out, self.release, self.hold = home, home / "out", home / "release", home / "hold"
        self.texts = TEXTS[choose_language(None)]

    def say(self, name: str, **words: object) -> None:
        print("\n" + self.texts[name].format(**words), flush=True)

    def run(self) -> None:
        """Raises DemoFailed."""
        for folder in (self.out / "sato", self.release):
            folder.mkdir(parents=True)
        (self.home / "policy.yaml").write_text(POLICY.format(ask=self.texts["ask"]), encoding="utf-8")
        self.say("intro", out=_shown(self.out), release=_shown(self.release), hold=_shown(self.hold))
        self.say("start")
        words = ["watch", self.out, "--policy", self.home / "policy.yaml", "--release", self.release, "--hold", self.hold]
        command = [str(word) for word in [STRAYSCAN, *words, "--health-file", self.home / "health.json"]]
        print("$ " + shlex.join(map(_shown, map(Path, command[:1]))) + " " + shlex.join(command[1:]), flush=True)
        watch = subprocess.Popen(command)
        try:
            self._day(watch)
        finally:
            if watch.poll() is None:
                watch.kill()
                watch.wait()

    def _day(self, watch: subprocess.Popen[bytes]) -> None:
        self._until((self.home / "health.json").exists, watch)
        self.say("drop")
        self._drop()
        self._until(lambda: self._numbers().get("released") == 1 and self._numbers().get("held_since_start") == 2, watch)
        self.say("see")
        self._tree()
        self.say("note")
        note = self.out / "sato" / "customers.csv.held.txt"
        print("\n".join("  | " + line for line in note.read_text("utf-8-sig").splitlines()))
        self._decide()
        self.say("finish")
        (self.out / "sato" / "slides.txt.part").rename(self.out / "sato" / "slides.txt")
        self._until((self.release / "sato" / "slides.txt").exists, watch)
        self.say("verify")
        self._strayscan("hold", "verify")
        self.say("end")
        time.sleep(0.3)  # the line of the last release comes first
        watch.send_signal(signal.SIGTERM)
        if watch.wait(60) != 0:
            raise DemoFailed(f"status {watch.returncode}")
        self.say("after")
        self._tree()
        self.say("next")

    def _drop(self) -> None:
        sato = self.out / "sato"
        (sato / "slides.txt.part").write_text("page one\n")
        (sato / "agenda.txt").write_text("Monday: stock-taking, new shelves, delivery times\n")
        lines = [f"C{number:03d},customer{number}@example.com,090-0000-{number:04d}" for number in range(1, 41)]
        (sato / "customers.csv").write_text("\n".join(["number,email,phone", *lines]) + "\n")
        shutil.copyfile(HERE / "broken" / "encrypted.pdf", sato / "minutes.pdf")

    def _decide(self) -> None:
        self.say("list")
        self._strayscan("hold", "list")
        told = subprocess.run(
            [STRAYSCAN, "hold", "list", "--hold", self.hold, "--json"], capture_output=True, text=True, check=True, encoding="utf-8"
        )
        items = {Path(one["path"]).name: one["item"] for one in json.loads(told.stdout)}
        self.say("show")
        self._strayscan("hold", "show", items["customers.csv"])
        self.say("release")
        self._strayscan("hold", "release", items["customers.csv"], "--reason", self.texts["agreed"])
        self.say("reject")
        self._strayscan("hold", "reject", items["minutes.pdf"], "--reason", self.texts["unknown"])

    def _strayscan(self, *words: str) -> None:
        command = [_shown(STRAYSCAN), *words, "--hold", _shown(self.hold)]
        print("$ " + shlex.join(command), flush=True)
        if subprocess.run([STRAYSCAN, *words, "--hold", self.hold], check=False).returncode != 0:
            raise DemoFailed(shlex.join(command))

    def _tree(self) -> None:
        for folder in (self.out, self.release):
            print("  " + folder.name + "/")
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    print("    " + str(path.relative_to(folder)))

    def _numbers(self) -> dict[str, object]:
        try:
            numbers: dict[str, object] = json.loads((self.home / "health.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return numbers

    def _until(self, said: Callable[[], bool], watch: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + PATIENCE
        while not said():
            if watch.poll() is not None or time.monotonic() > end:
                raise DemoFailed("the watch ended" if watch.poll() is not None else "the watch did not decide")
            time.sleep(0.1)


def _shown(path: Path) -> str:
    """Relative to where the reader is, if it lies below."""
    try:
        return os.fspath(path.relative_to(Path.cwd()))
    except ValueError:
        return os.fspath(path)


def main(home: Path) -> int:
    demo = Demo(home)
    try:
        demo.run()
    except DemoFailed as fault:
        demo.say("failed", what=fault)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        raise SystemExit(main(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory(prefix="strayscan-watch-demo-") as scratch:
        raise SystemExit(main(Path(scratch)))
