"""Writes the traces of STRATEGIES.md beside this file, each by its rule: python3 tests/golden/traces.py

burst.csv has a rule of its own, burst.py. Phases are (from, to, hits): the hits lie evenly apart,
the first of them at the start.
"""

from pathlib import Path

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
MINUTE_EDGE_US = 28_333_334 * MINUTE_US  # 2023-11-14T22:14:00Z
DAY_EDGE_US = 19_676 * DAY_US  # 2023-11-15T00:00:00Z


def evenly(begin, end, hits, unit_us, *cells):
    """Rows (offset in us, *cells) of one phase."""
    for hit in range(hits):
        yield begin * unit_us + (end - begin) * unit_us * hit // hits, *cells


def reports():
    """Six minutes: 6 every 6 s, and a report of 40 in the middle of each minute: 100 a minute."""
    yield from evenly(0, 360, 60, SECOND_US, 6)
    yield from ((SECOND_US * (30 + 60 * minute) + 1, 40) for minute in range(6))


def tiers():
    """Three minutes: alice, who is free, and bob, who is pro, each hit 4 times a second."""
    yield from evenly(0, 180, 720, SECOND_US, "alice", "free")
    for at_us, *cells in evenly(0, 180, 720, SECOND_US, "bob", "pro"):
        yield at_us + 1, *cells


def priorities():
    """Three minutes: 4 low hits a second, and from 0:30 a critical one a second."""
    yield from evenly(0, 180, 720, SECOND_US, "low")
    for at_us, *cells in evenly(30, 180, 150, SECOND_US, "critical"):
        yield at_us + 1, *cells


def ramp():
    """Twenty minutes: 20 hits in the first, 20 more in each until 200, and then 20 in each."""
    for minute in range(20):
        hits = 20 * (minute + 1) if minute < 10 else 20
        yield from evenly(60 * minute, 60 * (minute + 1), hits, SECOND_US)


def quota():
    """Six days, with 20, 180, 180, no, 180 and 180 hits from midnight to noon."""
    for day, hits in enumerate((20, 180, 180, 0, 180, 180)):
        yield from evenly(24 * day, 24 * day + 12, hits, HOUR_US)


def days():
    """Five days: a hit of 5 every 225 s, which are 80 an hour."""
    yield from evenly(0, 120, 16 * 120, HOUR_US, 5)


def queries():
    """Nine minutes, in six of which 200 a minute are asked for.

    0:00 to 2:00   200 hits of 1 a minute
    2:00 to 5:00   50 hits of 4 a minute
    5:00 to 7:00   nothing
    7:00 to 9:00   200 hits of 1 a minute again
    """
    yield from evenly(0, 120, 400, SECOND_US, 1)
    yield from evenly(120, 300, 150, SECOND_US, 4)
    yield from evenly(420, 540, 400, SECOND_US, 1)


# The columns behind t_us.
TRACES = {
    "reports": (MINUTE_EDGE_US, ("cost",), reports),
    "tiers": (MINUTE_EDGE_US, ("key", "tier"), tiers),
    "priorities": (MINUTE_EDGE_US, ("priority",), priorities),
    "ramp": (MINUTE_EDGE_US, (), ramp),
    "quota": (DAY_EDGE_US, (), quota),
    "days": (DAY_EDGE_US, ("cost",), days),
    "queries": (MINUTE_EDGE_US, ("cost",), queries),
}


def text(name):
    """The trace as its file has it."""
    begin_us, columns, rows = TRACES[name]
    lines = [("t_us", *columns)]
    lines += ((begin_us + at_us, *cells) for at_us, *cells in sorted(rows()))
    return "".join(",".join(map(str, line)) + "\n" for line in lines)


if __name__ == "__main__":
    for name in TRACES:
        (Path(__file__).parent / f"{name}.csv").write_text(text(name))
