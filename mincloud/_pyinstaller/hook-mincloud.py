"""Tells PyInstaller of the modules that are imported by name, and of the files beside the code: the contract, and the emulator's own."""

from __future__ import annotations

from pathlib import Path
from pkgutil import walk_packages

import mincloud_api

import mincloud
import mincloud_emulator

hiddenimports = [
    module.name
    for package in (mincloud, mincloud_api)
    for module in walk_packages(package.__path__, f"{package.__name__}.")
    if "._pyinstaller" not in module.name
]
# Pairs of a file and the folder it goes into.
datas = [
    (str(file), str(file.parent.relative_to(folder.parent)))
    for package in (mincloud_api, mincloud_emulator)
    for folder in map(Path, package.__path__)
    for file in sorted(folder.rglob("*"))
    if file.is_file() and file.suffix not in (".py", ".pyc")
]
