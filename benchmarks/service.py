"""The unit of the how-to under a systemd of its own: start, decide, reload, kill, hang, stop. Needs root, systemd and util-linux.

    sudo python benchmarks/service.py

systemd runs as the first process of namespaces of its own (mounts, processes, control groups), in which /opt, /srv, /run and /etc/strayscan
are empty; nothing of it is left when it ends. The unit is taken from docs/how-to/watch-an-outbound-folder.md as it stands, but for a shorter
WatchdogSec, so that the hang need not last three minutes. Its home directories are closed to it, so the interpreter is /usr/bin/python3,
which must be of the version that runs this script.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
PAGE = HERE / "docs" / "how-to" / "watch-an-outbound-folder.md"
NAME = "strayscan-watch.service"
TARGETS = "sysinit basic shutdown umount multi-user network-online remote-fs".split()
WATCHDOG = 8
POLICY = '{version: 1, outbound: {ask: "Information Security"}}'
PASSWD, GROUP = "strayscan:x:990:990::/nonexistent:/usr/sbin/nologin\n", "strayscan:x:990:\n"

PREPARE = """
set -e
umount -R /sys/fs/cgroup 2>/dev/null || true
mount --make-rprivate /
mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys
for folder in /run /opt /srv /var/lib /var/cache; do mount -t tmpfs tmpfs $folder; done
mkdir -p /run/systemd /opt/code /opt/site /etc/strayscan
mount -t tmpfs tmpfs /etc/strayscan
mount --bind {home}/passwd /etc/passwd
mount --bind {home}/group /etc/group
cp -r {here}/scanner {here}/detectors {here}/rules /opt/code/
mount --bind {site} /opt/site
/usr/bin/python3 -m venv --without-pip /opt/strayscan
printf '/opt/code\\n/opt/site\\n' > $(echo /opt/strayscan/lib/python3.*/site-packages)/code.pth
printf '#!/opt/strayscan/bin/python3\\nimport sys\\nfrom scanner.cli import main\\nsys.exit(main())\\n' > /opt/strayscan/bin/strayscan
chmod 755 /opt/strayscan/bin/strayscan
mkdir -p /srv/outbox /srv/release /srv/hold
chmod 1777 /srv/outbox; chown 990:990 /srv/hold /srv/release; chmod 700 /srv/hold
echo '{policy}' > /etc/strayscan/policy.yaml
export container=other SYSTEMD_UNIT_PATH={home}/units
exec /lib/systemd/systemd --system --unit=try.target --show-status=no --log-target=null < /dev/null
"""


class Machine:
    """A systemd in namespaces."""

    def __init__(self, home: Path) -> None:
        units = home / "units"
        units.mkdir()
        for target in TARGETS:
            (units / f"{target}.target").write_text("[Unit]\nDefaultDependencies=no\n")
        (units / "try.target").write_text(f"[Unit]\nDefaultDependencies=no\nWants={NAME}\n")
        unit = re.search(rf"\*\*`{NAME}`\*\*\n\n```ini\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
        assert unit is not None, "the page holds the unit"
        text, times = re.subn(r"(?m)^WatchdogSec=.*$", f"WatchdogSec={WATCHDOG}", unit[1])
        assert times == 1, "the unit has a watchdog"
        (units / NAME).write_text(text)
        for name, line in (("passwd", PASSWD), ("group", GROUP)):
            (home / name).write_text(Path("/etc", name).read_text() + line)
        script = PREPARE.format(home=home, policy=POLICY, here=shlex.quote(str(HERE)), site=shlex.quote(sysconfig.get_paths()["purelib"]))
        words = "unshare --mount --pid --ipc --uts --cgroup --fork --kill-child --mount-proc bash -c".split()
        self._process = subprocess.Popen([*words, script], preexec_fn=_own_group)  # noqa: PLW1509 - no threads here
        self.first = 0

    def booted(self) -> bool:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if not children or Path(f"/proc/{children[0]}/comm").read_text().strip() != "systemd":
            return False
        self.first = int(children[0])
        return self.run("systemctl is-system-running", check=False) in ("running", "degraded", "starting", "initializing")

    def run(self, line: str, *, check: bool = True) -> str:
        words = ["nsenter", "--target", str(self.first), "--mount", "--pid", "--cgroup", "sh", "-c", line]
        return subprocess.run(words, check=check, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()

    def show(self, key: str) -> str:
        return self.run(f"systemctl show --value --property {key} {NAME}")

    def health(self) -> dict[str, object]:
        told: dict[str, object] = json.loads(self.run("curl --silent http://127.0.0.1:9477/health") or "{}")
        return told

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def _own_group() -> None:
    """The control group that becomes the root of the namespace."""
    for tree in ("systemd", "unified", ""):
        folder = Path("/sys/fs/cgroup", tree)
        if (folder / "cgroup.procs").exists():
            mine = folder / f"strayscan-{os.getpid()}"
            mine.mkdir()
            (mine / "cgroup.procs").write_text(str(os.getpid()))


def until(said: Callable[[], object], what: str, seconds: float = 60.0) -> float:
    began = time.monotonic()
    while not said():
        if time.monotonic() - began > seconds:
            raise SystemExit(f"FAILED: {what}")
        time.sleep(0.1)
    took = time.monotonic() - began
    print(f"{took:6.1f} s  {what}", flush=True)
    return took


def go(machine: Machine) -> None:
    until(machine.booted, "systemd is up")
    until(lambda: machine.show("ActiveState") == "active", "the unit is active: READY=1, with the rules loaded")
    machine.run("echo 'plan of the week' > /srv/outbox/plan.txt")
    machine.run("printf 'name,mail\\nYamada Hanako,hanako@partner.example\\n' > /srv/outbox/list.csv")
    until(lambda: machine.run("cat /srv/release/plan.txt", check=False) == "plan of the week", "a harmless file is released")
    until(lambda: machine.run("ls /srv/outbox") == "list.csv.held.txt", "one with personal data is held, a note in its place")
    machine.run(f"echo '{POLICY.replace('Information Security', 'Extension 4321')}' > /etc/strayscan/policy.yaml; systemctl reload {NAME}")
    time.sleep(3.0)  # it is taken between two files
    machine.run("printf 'name,mail\\nYamada Taro,taro@partner.example\\n' > /srv/outbox/second.csv")
    note = "grep 4321 /srv/outbox/second.csv.held.txt"
    until(lambda: machine.run(note, check=False), "reload: the next note names whom the new policy says")
    machine.run("echo 'version: 99' > /etc/strayscan/policy.yaml")
    machine.run(f"systemctl reload {NAME}")
    until(lambda: machine.health().get("last_error"), "reload of a broken policy: said, the old one stays")
    machine.run("echo x > /srv/outbox/old-policy.txt")
    until(lambda: machine.run("ls /srv/release/old-policy.txt", check=False), "a file is decided by the old one")
    machine.run(f"echo '{POLICY}' > /etc/strayscan/policy.yaml")
    machine.run(f"systemctl kill --signal KILL --kill-whom main {NAME}; echo x > /srv/outbox/meanwhile.txt")
    until(lambda: machine.show("NRestarts") == "1", "killed by SIGKILL: started again")
    until(lambda: machine.run("ls /srv/release/meanwhile.txt", check=False), "what was dropped meanwhile is released")
    machine.run(f"systemctl kill --signal STOP --kill-whom main {NAME}")
    until(lambda: machine.show("NRestarts") == "2", f"hung (SIGSTOP): the watchdog of {WATCHDOG} s ends it, and it is started again", 90)
    machine.run("echo x > /srv/outbox/after.txt")
    until(lambda: machine.run("ls /srv/release/after.txt", check=False), "and decides")
    machine.run(f"systemctl stop {NAME}")
    told = [machine.show(key) for key in ("ActiveState", "Result", "ExecMainStatus")]
    until(lambda: told == ["inactive", "success", "0"], "stopped cleanly")
    held = machine.run("/opt/strayscan/bin/strayscan hold list --hold /srv/hold", check=False)
    until(lambda: "list.csv" in held, "the held file is in the approver's list")
    machine.run("echo 'version: 99' > /etc/strayscan/policy.yaml")
    machine.run(f"systemctl start {NAME}", check=False)
    until(
        lambda: machine.show("ActiveState") == "failed" and machine.show("ExecMainStatus") == "2", "a broken policy at the start: status 2"
    )
    time.sleep(7.0)
    until(lambda: machine.show("ActiveState") == "failed" and machine.show("NRestarts") == "0", "which is not tried again and again")
    print(machine.run(f"systemd-analyze security --no-pager {NAME} | tail -1"))


def main() -> int:
    if os.geteuid() or not Path("/lib/systemd/systemd").exists():
        print("this needs root, and systemd")
        return 2
    version = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print(sys.version_info[:2])"], stdout=subprocess.PIPE, text=True, check=False
    )
    if version.stdout.strip() != str(sys.version_info[:2]):
        print(f"this needs a /usr/bin/python3 of version {sys.version_info[0]}.{sys.version_info[1]}")
        return 2
    with tempfile.TemporaryDirectory(prefix="strayscan-service-") as temporary:
        Path(temporary).chmod(0o755)
        machine = Machine(Path(temporary))
        try:
            go(machine)
        finally:
            machine.end()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
