"""sluicectl simulate: the answers of a replay, its bounded memory, and the picture, pixel by pixel."""

import collections
import csv
import io
import math
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from harness import ROOT, SLUICECTL, free_port
from redis_servers import Redis

GOLDEN = ROOT / "tests" / "golden"
BURST = GOLDEN / "burst.csv"
STRATEGIES = ("fixed_window", "sliding_window_counter", "gcra")
COLUMNS = "t_us,key,op,cost,allowed,hits_remaining,wait_us,reset_us".split(",")

# The picture's series, as the legend shows them.
COLORS = {
    "admitted": (0x56, 0xB4, 0xE9),
    "denied": (0xD5, 0x5E, 0x00),
    "limit": (0, 0, 0),
    "remaining": (0x5B, 0x2A, 0x86),
    "paper": (255, 255, 255),
}
ZOOM = 2


def simulate(*arguments, trace=None, timeout=60):
    """Runs `sluicectl simulate` with the trace, if it is given, as standard input."""
    return subprocess.run(
        [str(SLUICECTL), "simulate", *map(str, arguments)],
        input=trace or "",
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def answers(*arguments, trace=None):
    """The rows of a replay that is fine, as dicts."""
    done = simulate(*arguments, trace=trace)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def several(strategies):
    return [word for strategy in strategies for word in ("--strategy", strategy)]


# The answers.

ISSUE = ("--strategy", "gcra", "--rate", "10/s", "--param", "burst=10")


def test_after_a_pause_exactly_the_burst_passes_and_each_wait_is_tight():
    times = [0] + [850_000] * 12

    def replay(hits):
        return answers(*ISSUE, trace="t_us\n" + "".join(f"{t_us}\n" for t_us in hits))

    rows = replay(times)
    assert list(rows[0]) == COLUMNS
    assert [row["allowed"] for row in rows] == ["1"] * 11 + ["0"] * 2
    denied = [index for index, row in enumerate(rows) if row["allowed"] == "0"]
    for index in denied:
        passes_at = times[index] + int(rows[index]["wait_us"])
        assert replay(times[: index + 1] + [passes_at])[-1]["allowed"] == "1"
        assert replay(times[: index + 1] + [passes_at - 1])[-1]["allowed"] == "0"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_wait_in_the_burst_is_tight(strategy):
    """Of a sample of denials: the same hit passes at its wait, and not a microsecond before."""
    lines = BURST.read_text().splitlines()
    options = ("--strategy", strategy, "--rate", "100/min")
    rows = answers(*options, "--trace", BURST)
    denied = [index for index, row in enumerate(rows) if row["allowed"] == "0"]
    assert denied
    for index in denied[:: max(1, len(denied) // 15)]:
        passes_at = int(rows[index]["t_us"]) + int(rows[index]["wait_us"])
        before = "\n".join(lines[: index + 2])
        for at, allowed in ((passes_at - 1, "0"), (passes_at, "1")):
            again = answers(*options, trace=f"{before}\n{at},{rows[index]['cost']}\n")
            assert again[-1]["allowed"] == allowed, (index, at)


def test_the_golden_trace_follows_its_rule():
    written = subprocess.run(
        [sys.executable, GOLDEN / "burst.py"], capture_output=True, text=True, check=True
    )
    assert written.stdout == BURST.read_text()


def test_the_burst_tells_strategies_apart():
    """Over a window's edge a fixed window admits nearly twice the rate, gcra never more than it."""
    admitted = {}
    for strategy in STRATEGIES:
        rows = answers("--strategy", strategy, "--rate", "100/min", "--trace", BURST)
        times = [int(row["t_us"]) for row in rows if row["allowed"] == "1"]
        admitted[strategy] = max(
            sum(1 for at in times if start <= at < start + 60_000_000) for start in times
        )
    assert admitted["fixed_window"] > 180
    assert 100 <= admitted["sliding_window_counter"] < 140
    assert admitted["gcra"] == 100

    summary = simulate(*several(STRATEGIES), "--rate", "100/min", "--trace", BURST, "--summary")
    told = summary.stderr.splitlines()[-1]
    assert told.split()[-len(STRATEGIES) :] == [str(admitted[each]) for each in STRATEGIES]


def test_several_strategies_answer_as_each_alone():
    rows = answers(*several(STRATEGIES), "--rate", "100/min", "--trace", BURST)
    assert list(rows[0]) == ["strategy", *COLUMNS]
    for strategy in STRATEGIES:
        alone = answers("--strategy", strategy, "--rate", "100/min", "--trace", BURST)
        assert [row for row in rows if row["strategy"] == strategy] == [
            {"strategy": strategy, **row} for row in alone
        ]


def test_a_replay_is_always_the_same():
    first = simulate(*several(STRATEGIES), "--rate", "100/min", "--trace", BURST)
    assert simulate(*several(STRATEGIES), "--rate", "100/min", trace=BURST.read_text()).stdout == (
        first.stdout
    )


def test_an_error_is_one_line_and_what_came_before_it_stays(tmp_path):
    trace = tmp_path / "trace.csv"
    trace.write_text("t_us,cost\n0,1\n1,many\n2,1\n")
    done = simulate("--strategy", "gcra", "--rate", "1/s", "--trace", trace)
    assert done.returncode == 2
    assert done.stdout.splitlines() == [",".join(COLUMNS), "0,,hit,1,1,0,0,1000000"]
    assert done.stderr == (
        f"sluicectl simulate: {trace}:3: cost: 'many' is not a whole number from 0 to"
        " 4503599627370495\n"
    )


def test_a_full_disk_is_an_error():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [SLUICECTL, "simulate", *ISSUE, "--trace", BURST],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2
    assert done.stderr == "sluicectl: cannot write to standard output\n"


# Its memory.


def peak_kib(rows):
    """The most memory that a replay of so many rows, with picture and summary, ever held.

    It answers each row before it waits for more, so once all answers are there it has done its work
    and can still be looked at.
    """
    arguments = [*several(STRATEGIES), "--rate", "1000/min", "--summary", "--plot", "/dev/null"]
    process = subprocess.Popen(
        [SLUICECTL, "simulate", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def feed():
        process.stdin.write("t_us,key,cost\n")
        for begin in range(0, rows, 1000):
            process.stdin.write(
                "".join(f"{row * 700},key-{row % 100},1\n" for row in range(begin, begin + 1000))
            )
        process.stdin.flush()

    feeder = threading.Thread(target=feed)
    feeder.start()
    for _ in range(1 + rows * len(STRATEGIES)):
        assert process.stdout.readline()
    feeder.join()
    with open(f"/proc/{process.pid}/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors.splitlines()[1].split() == ["rows"] + [str(rows)] * len(STRATEGIES)
    return peak


def test_memory_does_not_grow_with_the_trace():
    short = peak_kib(10_000)
    long = peak_kib(1_000_000)
    assert long <= short + 20 * 1024, (short, long)


# Through Redis.

EVERY = {
    "fixed_window": ["count_denied=true"],
    "sliding_window_counter": [],
    "sliding_window_log": ["max_entries=40"],
    "token_bucket": ["burst_size=50"],
    "token_bucket_with_debt": ["max_debt=20"],
    "leaky_bucket": [],
    "leaky_bucket_with_queue": [],
    "gcra": ["burst=10"],
    "tiered_rate": ['tiers={"free": 0.5, "pro": 2}', "default_tier=free"],
    "adaptive_throttle": [],
    "priority_queue": [],
    "quota_with_rollover": [],
    "time_of_day": [
        'windows=[{"from": 8, "to": 20, "multiplier": 2}, {"from": 20, "to": 8, "multiplier": 1}]',
        "timezone=Europe/Berlin",
    ],
    "cost_based_token_bucket": [],
}


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.mark.parametrize("strategy", EVERY)
@pytest.mark.parametrize("trace", ["burst", "days", "priorities", "tiers", "ramp"])
def test_redis_answers_byte_for_byte_as_memory_does(redis, strategy, trace):
    arguments = ["--strategy", strategy, "--rate", "100/min"]
    for param in EVERY[strategy]:
        arguments += ["--param", param]
    arguments += ["--trace", GOLDEN / f"{trace}.csv"]
    memory = simulate(*arguments)
    assert memory.returncode == 0, memory.stderr
    shared = simulate(*arguments, "--backend", f"redis://{redis.address}")
    assert (shared.returncode, shared.stderr) == (0, "")
    assert shared.stdout == memory.stdout
    assert redis.keys() == []


def test_redis_has_the_same_summary_and_picture(redis, tmp_path):
    arguments = [*several(STRATEGIES), "--rate", "100/min", "--trace", BURST, "--summary", "--plot"]
    memory = simulate(*arguments, tmp_path / "memory.svg")
    shared = simulate(*arguments, tmp_path / "redis.svg", "--backend", f"redis://{redis.address}/3")
    assert (shared.stdout, shared.stderr) == (memory.stdout, memory.stderr)
    assert (tmp_path / "redis.svg").read_text() == (tmp_path / "memory.svg").read_text()


def test_two_replays_at_once_do_not_meet(redis):
    command = [SLUICECTL, "simulate", *ISSUE, "--trace", BURST]
    command += ["--backend", f"redis://{redis.address}"]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    alone = simulate(*ISSUE, "--trace", BURST).stdout
    assert [each.communicate(timeout=60)[0] for each in running] == [alone, alone]
    assert redis.keys() == []


def test_a_redis_that_is_not_there_is_an_error_at_once():
    address = f"127.0.0.1:{free_port()}"
    backend = f"redis://:secret@{address}"
    done = simulate(*ISSUE, "--trace", BURST, "--backend", backend, timeout=10)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"sluicectl simulate: --backend: cannot connect to {address}: Connection refused\n"
    )


def test_each_answer_comes_before_the_next_row_is_asked_for(redis):
    process = subprocess.Popen(
        [SLUICECTL, "simulate", *ISSUE, "--backend", f"redis://{redis.address}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdin.write("t_us\n")
    process.stdin.flush()
    for row in range(3):
        process.stdin.write(f"{row}\n")
        process.stdin.flush()
        if row == 0:
            assert process.stdout.readline().split(",")[0] == "t_us"
        assert process.stdout.readline().split(",")[0] == str(row)
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == 0


# The picture.

Panel = collections.namedtuple(
    "Panel", "left top width height origin_us from_us to_us bin_us cost_top remaining_top"
)


def panels_of(svg):
    """Each strategy's panel, by the attributes that tell how it is drawn."""
    found = {}
    for group in ElementTree.parse(svg).getroot().iter("{http://www.w3.org/2000/svg}g"):
        if group.get("class") != "panel":
            continue
        numbers = (float(group.get(f"data-{name.replace('_', '-')}")) for name in Panel._fields)
        found[group.get("id")] = Panel(*numbers)
    return found


class Picture:
    """A rendered plot. Coordinates are those of the SVG."""

    def __init__(self, svg, png):
        subprocess.run(["rsvg-convert", f"--zoom={ZOOM}", svg, "--output", png], check=True)
        self.pixels = Image.open(png).convert("RGB").load()

    def kinds(self, left, top, right, bottom):
        """Which series the pixels wholly within a rectangle belong to, and how many are of each."""
        counts = collections.Counter()
        for x in range(math.ceil(left * ZOOM), math.floor(right * ZOOM)):
            for y in range(math.ceil(top * ZOOM), math.floor(bottom * ZOOM)):
                counts[self.kind(self.pixels[x, y])] += 1
        return counts

    @staticmethod
    def kind(pixel):
        for name, color in COLORS.items():
            if all(abs(a - b) <= 12 for a, b in zip(pixel, color)):
                return name
        return "other"


class Bin:
    def __init__(self):
        self.admitted = 0
        self.denied = 0
        self.remaining = None


def bins_of(rows, panel):
    """What the answers of one strategy say of each bin."""
    origin = int(rows[0]["t_us"])
    assert origin == panel.origin_us
    bins = collections.defaultdict(Bin)
    for row in rows:
        each = bins[(int(row["t_us"]) - origin) // int(panel.bin_us)]
        if row["op"] == "hit":
            name = "admitted" if row["allowed"] == "1" else "denied"
            setattr(each, name, getattr(each, name) + int(row["cost"]))
        remaining = int(row["hits_remaining"])
        each.remaining = remaining if each.remaining is None else min(each.remaining, remaining)
    return bins


@pytest.fixture(scope="module")
def burst_picture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plot")
    svg = folder / "out.svg"
    rows = answers(*several(STRATEGIES), "--rate", "100/min", "--trace", BURST, "--plot", svg)
    panels = panels_of(svg)
    assert list(panels) == list(STRATEGIES)
    by_strategy = collections.defaultdict(list)
    for row in rows:
        by_strategy[row["strategy"]].append(row)
    return Picture(svg, folder / "out.png"), panels, by_strategy


def edges(panel, index):
    """A bin's left and right, from pixels of the whole panel."""
    def x(since_us):
        return panel.left + (since_us - panel.from_us) / (panel.to_us - panel.from_us) * panel.width

    return x(index * panel.bin_us), x((index + 1) * panel.bin_us)


def height_of(panel, cost):
    return cost / panel.cost_top * panel.height


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_bars_stand_where_the_answers_say(burst_picture, strategy):
    picture, panels, rows = burst_picture
    panel = panels[strategy]
    bottom = panel.top + panel.height
    seen = collections.Counter()
    for index, each in bins_of(rows[strategy], panel).items():
        left, right = edges(panel, index)
        left, right = left + 0.9, right - 0.9
        joint = bottom - height_of(panel, each.admitted)
        peak = joint - height_of(panel, each.denied)
        for name, other, top, foot in (
            ("admitted", "denied", joint, bottom),
            ("denied", "admitted", peak, joint),
        ):
            kinds = picture.kinds(left, top + 0.8, right, foot - 0.8)
            assert kinds[other] == 0, (index, name, kinds)
            assert kinds["paper"] == 0, (index, name, kinds)
            # Lines may run along in front of a low bar.
            if foot - top > 9:
                assert kinds[name] >= kinds.total() / 6, (index, name, kinds)
                seen[name] += 1
        above = picture.kinds(left, panel.top, right, peak - 0.8)
        assert above["admitted"] + above["denied"] == 0, (index, above)
    assert seen["denied"] > 20
    assert seen["admitted"] > 4


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_bars_stand_nowhere_else(burst_picture, strategy):
    picture, panels, rows = burst_picture
    panel = panels[strategy]
    bins = bins_of(rows[strategy], panel)
    empty = [i for i in range(int((panel.to_us - panel.from_us) // panel.bin_us)) if i not in bins]
    assert empty
    for index in empty:
        left, right = edges(panel, index)
        kinds = picture.kinds(left + 0.5, panel.top, right - 0.5, panel.top + panel.height - 1)
        assert kinds["admitted"] + kinds["denied"] == 0, index


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_limit_is_a_line_at_the_rate_of_a_bin(burst_picture, strategy):
    picture, panels, _ = burst_picture
    panel = panels[strategy]
    y = panel.top + panel.height - height_of(panel, 100 * panel.bin_us / 60_000_000)
    right = panel.left + panel.width

    def dark(middle):
        kinds = picture.kinds(panel.left, middle - 0.5, right, middle + 0.5)
        return kinds["limit"] / kinds.total()

    # Two thirds of it are dashes.
    assert dark(y) > 0.4
    assert dark(y - 4) == dark(y + 4) == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_remaining_line_goes_through_every_bin_that_told(burst_picture, strategy):
    picture, panels, rows = burst_picture
    panel = panels[strategy]
    for index, each in bins_of(rows[strategy], panel).items():
        x = sum(edges(panel, index)) / 2
        y = panel.top + panel.height * (1 - each.remaining / panel.remaining_top)
        kinds = picture.kinds(x - 1, y - 1, x + 1, y + 1)
        assert kinds["remaining"] > 0, (index, each.remaining, kinds)


def test_the_picture_is_valid_and_says_what_it_shows(tmp_path):
    svg = tmp_path / "out.svg"
    key = "<b>&\"'\x01\xff"
    trace = f't_us,key\n0,"{key.replace(chr(34), chr(34) * 2)}"\n1,other\n2000000,third\n'
    done = simulate(*ISSUE, "--plot", svg, trace=trace)
    assert done.returncode == 0, done.stderr
    root = ElementTree.parse(svg).getroot()
    assert root.get("width") == "900"
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    for text in ("gcra", "10/s, burst=10", "admitted", "denied", "time since the first row"):
        assert text in texts
    assert any(text.startswith("remaining of '<b>&\"'%01") for text in texts)
    subprocess.run(["rsvg-convert", svg, "--output", tmp_path / "out.png"], check=True)
