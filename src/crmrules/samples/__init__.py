"""The sample CRM that comes with crmrules: what ``crmrules demo`` runs on."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

AS_OF = date(2026, 10, 31)  # the day on which the sample's records end

_DEMO = Path(__file__).resolve().parent / "demo"


def copy_demo(folder: Path) -> Path:
    """Copy the sample CRM, its mapping and its profile into *folder* and return the profile's path.

    Raises FileExistsError where a profile is there already: a demo never overwrites anything.
    """
    folder.mkdir(parents=True, exist_ok=True)
    profile = folder / "crmrules.yaml"
    if profile.exists() or (folder / "crm").exists():
        raise FileExistsError(f"{folder} has a profile or a CRM already")
    shutil.copytree(_DEMO, folder, dirs_exist_ok=True)
    return profile
