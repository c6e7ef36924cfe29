"""The mutation score of a ruleset: which of its mutants its cases notice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from crmrules.authoring.coverage.equivalents import equivalent
from crmrules.authoring.coverage.mutants import Key, Mutant, mutants
from crmrules.authoring.coverage.replay import Replayed, by_itself, replayed
from crmrules.authoring.coverage.stage import Stage, stage
from crmrules.authoring.lint.columns import Known
from crmrules.language.loader import load_ruleset
from crmrules.plugins.host import installed
from crmrules.testing.cases import case_files
from crmrules.testing.together import Batch, batches

AT_ONCE = 250  # mutants of one decision


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of a mutant: ``killed`` by the expectation that is told, ``equivalent``, or ``survived``."""

    mutant: Mutant
    fate: str
    by: str = ""  # case and expectation that notice it
    shows_in: tuple[str, ...] = ()  # cases in which it changes something that no expectation asks for


@dataclass(frozen=True, kw_only=True)
class Score:
    """The fates of all mutants that were looked at, in the ruleset's order."""

    ruleset: str
    cases: int
    mutants: int  # that the ruleset has
    fates: tuple[Fate, ...]

    def count(self, fate: str) -> int:
        """Return how many mutants had this *fate*."""
        return sum(one.fate == fate for one in self.fates)

    @property
    def score(self) -> float:
        """killed / (all - equivalent); 1 where there is nothing to kill."""
        real = len(self.fates) - self.count("equivalent")
        return self.count("killed") / real if real else 1.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """Where a ruleset and its cases are: what a process needs to do its share."""

    folder: Path
    cases: tuple[Path, ...] = ()
    search: tuple[Path, ...] = ()


def mutation_score(work: Work, *, sample: int = 0, seed: int = 0, jobs: int = 2) -> Score:
    """Return the fates of the mutants of *work*'s ruleset; of *sample* of them, drawn with *seed*, where it is not 0.

    Batches of cases are asked one after another, and only about the mutants that no earlier one noticed. *jobs*
    processes share the work; 0 means this one. Raises RulesetError where the ruleset or a case is wrong.
    """
    ruleset = load_ruleset(work.folder, search=work.search)
    every = mutants(ruleset)
    chosen = list(every)
    if 0 < sample < len(every):
        picked = set(random.Random(seed).sample(range(len(every)), sample))  # noqa: S311 - a draw, not a secret
        chosen = [mutant for number, mutant in enumerate(every) if number in picked]
    left = {mutant.key: mutant for mutant in chosen}
    known: dict[Key, Replayed] = {}
    shows: dict[Key, list[str]] = {key: [] for key in left}
    groups = _batches(work)
    with _pool(jobs) as run:
        for number in sorted(range(len(groups)), key=lambda n: -len(groups[n].cases)):
            keys = [key for key in left if key not in known]
            for key, told in _asked(run, work, number, keys):
                shows[key] += told.shows_in
                if told.noticed is not None:
                    known[key] = told
    as_of = max(batch.as_of for batch in groups)
    facts = Known(ruleset)
    fates = []
    for key, mutant in left.items():
        one = known[key].noticed if key in known else None
        if one is not None:
            fates.append(Fate(mutant=mutant, fate="killed", by=f"{one.case}: {one.subject} {one.what}"))
        else:
            fate = "equivalent" if not shows[key] and equivalent(facts, mutant, as_of) else "survived"
            fates.append(Fate(mutant=mutant, fate=fate, shows_in=tuple(shows[key])))
    return Score(
        ruleset=f"{ruleset.name}@{ruleset.version}", cases=sum(len(b.cases) for b in groups), mutants=len(every),
        fates=tuple(fates),
    )  # fmt: skip


_Run = Callable[[Work, int, Sequence[Key]], Future[list[tuple[Key, Replayed]]]]


def _asked(run: _Run, work: Work, number: int, keys: Sequence[Key]) -> Iterator[tuple[Key, Replayed]]:
    """Ask batch *number* about the mutants *keys*; alike ones are spread over the chunks, for some cost more."""
    plain = [key for key in keys if key[0] != "inference"]
    chunks = max(1, -(-len(plain) // AT_ONCE))
    shares = [plain[n::chunks] for n in range(chunks) if plain] + [[key] for key in keys if key[0] == "inference"]
    for answered in [run(work, number, share) for share in shares]:
        yield from answered.result()


@contextmanager
def _pool(jobs: int) -> Iterator[_Run]:
    if jobs < 1:
        yield _here
        return
    pool: Executor
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield lambda work, number, keys: pool.submit(_share, work, number, keys)


def _here(work: Work, number: int, keys: Sequence[Key]) -> Future[list[tuple[Key, Replayed]]]:
    done: Future[list[tuple[Key, Replayed]]] = Future()
    done.set_result(_share(work, number, keys))
    return done


def _share(work: Work, number: int, keys: Sequence[Key]) -> list[tuple[Key, Replayed]]:
    """Return what batch *number* says of the mutants *keys*; of those that its policy switches off, nothing."""
    there = _stage(work, number)
    own = {mutant.key: mutant for mutant in mutants(there.batch.ruleset)}
    found = [key for key in keys if key in own]
    single = [key for key in found if key[0] == "inference" or (there.batch.alone and _ranks(there.batch, own[key]))]
    together = [key for key in found if key not in single and not there.batch.alone]
    told = [(key, by_itself(there, own[key])) for key in single]
    if together:
        numbered = {f"@{n}": own[key] for n, key in enumerate(together, 1)}
        answers = replayed(there, numbered)
        told += [(key, answers[mark]) for mark, key in zip(numbered, together, strict=True)]
    return told


def _ranks(batch: Batch, mutant: Mutant) -> bool:
    """Whether a case that is decided alone is asked about *mutant*: it may touch a rank."""
    return batch.ranked is None or mutant.inside in batch.ranked


@cache
def _batches(work: Work) -> tuple[Batch, ...]:
    ruleset = load_ruleset(work.folder, search=work.search)
    return batches(work.folder, case_files(work.folder, ruleset, work.cases), work.search)


@cache
def _stage(work: Work, number: int) -> Stage:
    host = installed()
    return stage(_batches(work)[number], host.engine("python"), host.renderer("jinja"))
