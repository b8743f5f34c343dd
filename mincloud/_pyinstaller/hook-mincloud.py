"""What PyInstaller has to take along: the modules that are imported by name, and the contract."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from pkgutil import walk_packages

import mincloud_api

import mincloud

hiddenimports = [
    module.name
    for package in (mincloud, mincloud_api)
    for module in walk_packages(package.__path__, f"{package.__name__}.")
    if "._pyinstaller" not in module.name
]
# Pairs of a file and the folder it goes into.
_FOLDER = Path(str(files("mincloud_api")))
datas = [
    (str(file), str(Path("mincloud_api", file.relative_to(_FOLDER).parent)))
    for file in sorted(_FOLDER.rglob("*"))
    if file.suffix in (".json", ".yaml")
]
