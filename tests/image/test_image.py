"""The life of a device, from its first boot to power cuts, in an emulated machine: `make image-test`, as root.

One story in order; what it took is printed as a table, and kept in docs/reliability.md.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.broker import Mosquitto, Subscriber
from tests.deb.later import later_version
from tests.image.disk import Disk, tools_missing
from tests.image.report import Report
from tests.image.vm import HOST, Vm, make_key
from tests.image.writes import WriteLog, chance

pytestmark = [
    pytest.mark.skipif("EDGE_FER_TEST_IMAGE" not in os.environ, reason="takes an hour and root: make image-test"),
    pytest.mark.timeout(3600),
]
ROOT = Path(__file__).resolve().parents[2]
CARD = 4 << 30
#: A boot, emulated, while other things run.
BOOT = 1500.0
#: The next event of a recording that begins anew all the time.
SOON = 300.0
CUTS = 10
#: Which of the disks are booted again: late ones, so that there is something to send.
REBOOTED = (5, 9)


def settings(port, site):
    return f"""node: {{id: pi, site: {site}}}
mqtt: {{broker: "mqtt://edge@{HOST}:{port}", password: hunter22, allow_insecure: true}}
cameras: {{front: {{source: sample, loop: true}}}}
"""


def user_data(key):
    user = {"name": "tester", "ssh_authorized_keys": [key], "sudo": "ALL=(ALL) NOPASSWD:ALL", "shell": "/bin/bash"}
    return f"#cloud-config\n{json.dumps({'users': [user]})}\n"


def number_of(message):
    """A message's `seq`; None where it has none."""
    return message.json.get("seq") if message.payload.startswith("{") else None


def cameras(message):
    """What `health` tells of each camera; nothing, of another message."""
    return message.json["cameras"] if message.topic.endswith("/health") else {}


def is_replayed(message):
    """Whether it tells of something that was while there was no broker."""
    return '"replayed":true' in message.payload


def gaps(numbers):
    """The numbers that are missing between the first and the last."""
    found = set(numbers)
    return sorted(set(range(min(found), max(found))) - found) if found else []


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    missing = tools_missing()
    assert not missing, f"apt install {missing}"
    images = sorted(ROOT.glob("dist/edge-fer-*-arm64.img.zst"), key=lambda file: file.stat().st_mtime)
    assert images, "there is no image in dist: make image"
    folder = tmp_path_factory.mktemp("image")
    with Mosquitto(folder / "broker", users={"edge": "hunter22"}) as broker, Subscriber(broker, user="edge") as seen:
        story = Story(folder, images[-1], broker, seen)
        try:
            yield story
        finally:
            story.vm.cut()
    story.report.finish(ROOT / "docs/reliability.md" if os.environ["EDGE_FER_TEST_IMAGE"] == "page" else None)


class Story:
    """The card, the machine that it is in, and who listens."""

    def __init__(self, folder, image, broker, seen):
        self.folder, self.image, self.broker, self.seen = folder, image, broker, seen
        self.report = Report()
        self.key = folder / "key"
        self.disk = Disk.unpacked(image, folder / "card.img", size=CARD)
        self.disk.put("user-data", user_data(make_key(self.key)))
        self.disk.put("edge-fer.yaml", settings(broker.port, "hall"))
        # an emulated start takes minutes, where a Raspberry Pi takes seconds
        for unit in ("edge-fer", "edge-fer-boot-config"):
            self.disk.put_root(f"/etc/systemd/system/{unit}.service.d/slow.conf", "[Service]\nTimeoutStartSec=15min\n")
        self.fresh = self.disk.copy(folder / "fresh.img")
        self.writes = folder / "writes"
        self.vm = Vm(self.disk.file, self.key, writes=self.writes)

    def next_event(self, timeout=SOON, **wanted):
        """The next event from now on that has these fields."""
        began = len(self.seen.messages)

        def fits(message):
            if not message.topic.endswith("/event") or message not in self.seen.messages[began:]:
                return False
            return all(message.json.get(name) == value for name, value in wanted.items())

        return self.seen.wait_for(fits, timeout=timeout)[0].json


def test_the_first_boot_ends_in_events(story):
    event = story.next_event(BOOT, site="hall")
    story.report.row("first boot, from power to the first event on the broker", time.monotonic() - story.vm.started)
    assert event["event_type"]
    story.vm.wait_for("systemctl is-active edge-fer")
    story.vm.wait_for("systemctl is-system-running | grep -E 'running|degraded'")
    assert story.vm.ok("systemctl list-units --failed --plain --no-legend") == ""
    story.report.row("the same, as systemd sees it", story.vm.ok("systemd-analyze | head -n 1"))


def test_the_root_partition_has_grown(story):
    size = int(story.vm.ok("df --output=size -B1 / | tail -n 1"))
    assert size > 0.85 * CARD
    story.report.row("root file system on a card of 4 GiB", f"{size / 2**30:.1f} GiB")


def test_the_system_is_made_for_a_card_and_for_nobody_to_log_in(story):
    ok = story.vm.ok
    assert ok("swapon --noheadings --show") == ""
    assert "noatime" in ok("findmnt -no OPTIONS /")
    assert ok("findmnt -no FSTYPE /var/log") == "tmpfs"
    assert ok("ls /var/log/journal 2>/dev/null | wc -l") == "0"
    assert "passwordauthentication no" in ok("sshd -T")
    assert ok("awk -F: '$2 !~ /^[!*]/' /etc/shadow") == ""
    assert ok("cat /sys/class/watchdog/watchdog0/state") == "active"
    assert ok("systemctl is-enabled apt-daily-upgrade.timer") == "enabled"
    assert "Debian-Security" in ok(
        "unattended-upgrade --dry-run --debug 2>&1 | grep -i 'allowed origins' || true"
    ) + ok("apt-config dump Unattended-Upgrade")


def test_the_doctor_finds_nothing_wrong(story):
    findings = json.loads(story.vm.run("edge-fer doctor --json").stdout)["findings"]
    assert not [finding for finding in findings if finding["state"] == "fault"], findings
    assert next(finding["state"] for finding in findings if finding["name"] == "service") == "good"


def test_the_password_has_left_the_boot_partition(story):
    assert "hunter22" not in story.vm.ok("cat /boot/firmware/edge-fer.yaml /boot/firmware/edge-fer.log")


def test_a_killed_daemon_is_back(story):
    before = story.vm.ok("systemctl show -P MainPID edge-fer")
    story.vm.ok("systemctl kill -s KILL edge-fer")
    began = time.monotonic()
    story.vm.wait_for(f'pid=$(systemctl show -P MainPID edge-fer); [ "$pid" != 0 ] && [ "$pid" != {before} ]')
    story.next_event()
    story.report.row("daemon killed, to the next event", time.monotonic() - began)


def test_what_happens_without_a_broker_comes_later(story):
    story.seen.clear()
    story.next_event()
    subscribed = story.seen.subscriptions
    story.broker.stop()
    time.sleep(120)
    story.broker.start()
    story.seen.wait_until_back(subscribed)
    began = time.monotonic()
    story.seen.wait_for(is_replayed, timeout=SOON)
    story.report.row("broker back after 2 min, to the first event of that time", time.monotonic() - began)
    story.next_event()
    assert not gaps(message.json["seq"] for message in story.seen.of("/camera/front/event"))
    replayed = sum(map(is_replayed, story.seen.messages))
    story.report.row("messages of that time, and how many were lost", f"{replayed}, 0")


def test_wrong_settings_on_the_boot_partition_change_nothing(story):
    boot = story.vm.ok("cat /proc/sys/kernel/random/boot_id")
    story.vm.ok("printf 'node: {sight: garden}\\n' >/boot/firmware/edge-fer.yaml")
    began = time.monotonic()
    story.vm.run("systemctl reboot", timeout=60)
    story.vm.wait_for(f'[ "$(cat /proc/sys/kernel/random/boot_id)" != {boot} ]', BOOT)
    story.next_event(BOOT, site="hall")
    story.report.row("restart with wrong settings on the boot partition, to the next event", time.monotonic() - began)
    assert "edge-fer.yaml:1: node.sight is not a known setting" in story.vm.ok("cat /boot/firmware/edge-fer.log")


def test_an_upgrade_keeps_the_config(story):
    packages = sorted(ROOT.glob("dist/edge-fer_*~deb13_arm64.deb"), key=lambda file: file.stat().st_mtime)
    story.vm.ok("echo '# ours' >>/etc/edge-fer/config.yaml")
    before = story.vm.ok("systemctl show -P MainPID edge-fer")
    story.vm.put(later_version(packages[-1], story.folder / "later.deb"), "/root/later.deb")
    began = time.monotonic()
    install = "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
    story.vm.ok(f"{install} -o Dpkg::Options::=--force-confold /root/later.deb", timeout=1800)
    story.report.row("package upgraded", time.monotonic() - began)
    assert story.vm.ok("tail -n 1 /etc/edge-fer/config.yaml") == "# ours"
    assert story.vm.ok("dpkg-query -W -f '${Version}' edge-fer").startswith("9.")
    story.vm.wait_for("systemctl is-active edge-fer")
    assert story.vm.ok("systemctl show -P MainPID edge-fer") != before
    story.next_event(site="hall")
    story.vm.ok("rm /root/later.deb")


def test_a_camera_of_the_kernels_is_opened_inside_the_sandbox(story):
    """`vivid`, which is to programs what a USB camera is."""
    story.vm.ok("modprobe vivid n_devs=1 node_types=0x1")
    camera = settings(story.broker.port, "yard").replace("source: sample, loop: true", "source: /dev/video0")
    story.vm.ok(f"cat >/boot/firmware/edge-fer.yaml <<'YAML'\n{camera}YAML\n")
    story.seen.clear()
    story.vm.ok("systemctl restart edge-fer-boot-config edge-fer", timeout=600)
    health = story.seen.wait_for(lambda message: cameras(message).get("front", {}).get("frames", 0) > 50, timeout=SOON)
    front = cameras(health[0])["front"]
    story.report.row(
        "frames from a V4L2 camera (vivid) in its first minutes, stalls", f"{front['frames']}, {front['stalls']}"
    )
    assert front["online"]
    story.vm.ok(f"cat >/boot/firmware/edge-fer.yaml <<'YAML'\n{settings(story.broker.port, 'hall')}YAML\n")
    story.vm.ok("systemctl restart edge-fer-boot-config edge-fer", timeout=600)
    story.next_event(site="hall")


@pytest.fixture(scope="module")
def cuts(story):
    """Disks as they are after power cuts at random times while settings are taken over and events are kept."""
    story.vm.ok(
        "cat >/root/write.sh <<'END'\n"
        "for site in $(seq 1000); do\n"
        f"cat >/boot/firmware/edge-fer.yaml <<'YAML'\n{settings(story.broker.port, 'SITE')}YAML\n"
        'sed -i "s/SITE/site-$site/" /boot/firmware/edge-fer.yaml\n'
        "systemctl restart edge-fer-boot-config\n"
        "done\n"
        "END\n"
        "systemd-run --quiet sh /root/write.sh"
    )
    story.broker.stop()
    began = story.writes.stat().st_size
    time.sleep(240)
    ended = story.writes.stat().st_size
    story.vm.cut()
    log = WriteLog(story.writes)
    written = range(log.entries_before(began), log.entries_before(ended))
    assert len(written) > 10 * CUTS, f"{len(written)} writes in the log, of which {log.end} bytes can be read"
    places = sorted(chance(20261121).sample(written, CUTS))
    story.report.row("writes while the power is cut", f"{len(written)}")
    return log, places


def test_no_power_cut_damages_anything(story, cuts):
    log, places = cuts
    waiting = []
    for number, place in enumerate(places):
        disk = story.fresh.copy(story.folder / f"cut-{number}.img")
        log.apply(disk.file, upto=place, random=chance(place))
        mended = disk.mended(story.folder / f"mended-{number}")
        assert mended.faults == []
        outbox = mended.outbox()
        assert outbox.sound
        assert not gaps(seq for topic, seq in outbox.waiting if topic.endswith("/camera/front/event"))
        waiting.append(outbox.waiting)
        assert mended.read("/etc/edge-fer/config.yaml").endswith("# ours\n")
        taken_over = mended.read("/var/lib/edge-fer-boot/edge-fer.yaml")
        assert "site: site-" in taken_over or "site: hall" in taken_over
        assert "hunter22" not in taken_over
        assert mended.read("/var/lib/edge-fer-boot/boot-mqtt-password").strip() == "hunter22"
        mended.forget()
        if number not in REBOOTED:
            disk.file.unlink()
    story.kept = waiting
    kept = ", ".join(str(len(messages)) for messages in waiting)
    story.report.row(f"power cuts, and disks with anything wrong ({kept} messages kept)", f"{CUTS}, 0")


@pytest.mark.parametrize("number", REBOOTED)
def test_after_a_power_cut_it_boots_and_sends_what_it_kept(story, cuts, number):
    disk = Disk(story.folder / f"cut-{number}.img")
    kept = story.kept[number]
    story.broker.start()
    story.seen.clear()
    story.vm = Vm(disk.file, story.key)
    story.next_event(BOOT, replayed=False)
    story.report.row(f"power cut {number + 1}: from power to the first new event", time.monotonic() - story.vm.started)
    for topic, seq in kept:
        story.seen.wait_for(lambda message, is_=(topic, seq): (message.topic, number_of(message)) == is_, timeout=60)
    story.report.row(f"power cut {number + 1}: messages kept, and how many of them came", f"{len(kept)}, {len(kept)}")
    story.vm.cut()
    story.broker.stop()
    disk.file.unlink()
