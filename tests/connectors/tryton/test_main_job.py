"""The main job on a real Tryton server, by the real command line, in Chinese and English."""

from __future__ import annotations

from pathlib import Path

from connectors.main_job import main_job
from servers.tryton import Tryton

from .main_job_crm import TrytonCompany


def test_the_whole_job_and_back(tryton: Tryton, tmp_path: Path) -> None:
    crm = TrytonCompany(tryton)
    for language in ("zh", "en"):
        main_job(crm, tmp_path / language, language)
