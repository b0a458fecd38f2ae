"""Writes burst.csv, the trace of design reviews: python3 tests/golden/burst.py > burst.csv

At 100/min it tells strategies apart. Six minutes that begin on a minute, each hit of cost 1:

    0:00 to 1:56   calm: a hit every 2 s, less than a third of the rate
    1:56 to 2:00   a burst: 70 hits in the 4 s before a minute ends
    2:00 to 2:04   and 95 in the 4 s behind it: 165 in 8 s
    2:04 to 3:00   calm
    3:00 to 4:00   a flood: 20 hits a second, twelve times the rate
    4:00 to 4:30   nothing
    4:30 to 6:00   calm
"""

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
BEGIN_US = 28_333_334 * MINUTE_US  # 2023-11-14T22:14:00Z

# From and to in seconds, and how many hits, evenly apart and the first at the start.
PHASES = (
    (0, 116, 58),
    (116, 120, 70),
    (120, 124, 95),
    (124, 180, 28),
    (180, 240, 1200),
    (270, 360, 45),
)


def rows():
    """(t_us, cost) of every hit."""
    for begin, end, hits in PHASES:
        for hit in range(hits):
            yield BEGIN_US + begin * SECOND_US + (end - begin) * SECOND_US * hit // hits, 1


def text():
    return "t_us,cost\n" + "".join(f"{t_us},{cost}\n" for t_us, cost in rows())


if __name__ == "__main__":
    print(text(), end="")
