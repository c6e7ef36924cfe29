"""A lexicon of 10,000 patterns on 100,000 distinct titles.

``python -m benchmarks.lexicon`` prints its part of the table.
"""

from __future__ import annotations

import random
import time
from itertools import product
from typing import Any

from benchmarks.child import interleaved
from benchmarks.table import Line, draw

PATTERNS, TITLES, LIMIT = 10_000, 100_000, 5.0  # limit in seconds
_HEADS = ("总", "副", "首席", "高级", "区域", "执行", "Senior", "Deputy", "Chief", "Regional", "Group", "Acting")
_FIELDS = (
    "采购",
    "财务",
    "信息",
    "设备",
    "市场",
    "法务",
    "生产",
    "质量",
    "Procurement",
    "Finance",
    "Quality",
    "Legal",
    "Plant",
)
_STRANGE = ("Visiting", "荣誉", "Guild", "驻场")  # words that no pattern has
_RANKS = ("经理", "总监", "主任", "专员", "工程师", "Manager", "Director", "Officer", "Specialist", "Engineer")


def run(repeats: int = 3) -> list[Line]:
    """Measure in child processes."""
    result = interleaved({"": {"module": "lexicon", "function": "read"}}, repeats)[""]
    label = f"lexicon {PATTERNS:,} patterns × {TITLES:,} titles"
    figure = f"{result['seconds']:.2f} s ({result['cpu_seconds']:.2f} cpu-s), {result['peak_mb']:,} MB"
    # Judged by the processor's time: the wall clock measures the neighbours.
    return [
        Line(
            benchmark=label, what=f"{result['matched']:,} matched", figure=figure, target=f"< {LIMIT:.0f} s",
            met=result["cpu_seconds"] < LIMIT,
        )
    ]  # fmt: skip


def read() -> dict[str, Any]:
    """Compile the lexicon and read every title, in this process."""
    from crmrules.evaluation.lexicons import read_texts

    lexicon, texts = make_lexicon(), make_titles()
    started, cpu = time.perf_counter(), time.process_time()
    readings = read_texts(lexicon, texts)
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    matched = sum(reading.matched for reading in readings)
    known = dict(zip(texts, readings, strict=True))
    sample = next(text for text in texts if text.startswith("首席采购总监"))
    if not 0 < matched < TITLES or known[sample].level != "L1":
        raise RuntimeError(f"the lexicon was not read rightly: {sample} is {known[sample]}")
    return {"seconds": seconds, "cpu_seconds": used, "matched": matched}


def make_lexicon() -> Any:
    """Return 10,000 patterns: three quarters literals, a quarter RE2, in a level and a function block."""
    from crmrules.language.ruleset import Lexicon, LexiconBlock, Pattern

    dice = random.Random(5)
    level: list[Pattern] = []
    function: list[Pattern] = []
    for head, rank in product(_HEADS, _RANKS):
        gives = {"level": "L1" if head in ("首席", "Chief") else f"L{2 + len(level) % 4}"}
        level.append(Pattern(id=f"l{len(level)}", pattern=f"{head}.*{rank}", literal=False, gives=gives))
    while len(level) + len(function) < PATTERNS:
        number = len(function)
        word = f"{dice.choice(_FIELDS)}{number}"
        literal = dice.random() < 0.75
        pattern = word if literal else f"(?i){dice.choice(_FIELDS)}[a-z]* ?{number}"
        function.append(
            Pattern(id=f"f{number}", pattern=pattern, literal=literal, gives={"function": f"fn{number % 40}"})
        )
    blocks = (
        LexiconBlock(name="level", gives="level", patterns=tuple(level)),
        LexiconBlock(name="function", gives="function", patterns=tuple(function)),
    )
    return Lexicon(
        name="title", of="contact", field="title", prefix="title", split=("、", "/", ";"),
        levels=("L1", "L2", "L3", "L4", "L5"), modifiers=(), blocks=blocks,
    )  # fmt: skip


def make_titles() -> list[str]:
    """Return 100,000 distinct titles in two languages."""
    dice = random.Random(6)
    titles = {f"首席采购总监 {PATTERNS}": None}
    while len(titles) < TITLES:
        head, field, rank = dice.choice((*_HEADS, *_STRANGE)), dice.choice((*_FIELDS, *_STRANGE)), dice.choice(_RANKS)
        gap = " " if rank.isascii() else ""
        titles[f"{head}{gap}{field}{dice.randint(0, 12_000)}{gap}{rank}"] = None
    return list(titles)


if __name__ == "__main__":
    print(draw(run()))
