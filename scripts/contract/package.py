"""Builds the npm package of the contract, `mincloud-openapi`, into dist/.

It holds the contract and its portable variant as YAML and JSON, TypeScript types, and guards, as an ES module and as a
CommonJS one. `openapi/package.json` describes it; what is derived from the contract is derived here and committed nowhere.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mincloud._contract_yaml import as_yaml
from mincloud._portable_contract import portable
from scripts import ROOT, ScriptError
from scripts.contract.document import CONTRACT, read_document

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = ROOT / "openapi"
TYPES = ROOT / "scripts" / "contract" / "types.mjs"
NODE_MODULES = ROOT / "node_modules"
COMPILER = NODE_MODULES / "typescript" / "bin" / "tsc"
FORMATS = {"esm": "module", "cjs": "commonjs"}
LONGEST_MESSAGE = 500


def read_contract(path: Path) -> dict[str, Any]:
    """The contract, which has to be valid, and of the version that the package has.

    Raises:
        ScriptError: It is not, or cannot be read.
    """
    contract, problems = read_document(path)
    if problems:
        raise ScriptError(problems[0].line(path.name))
    version = json.loads((FOLDER / "package.json").read_text("utf-8"))["version"]
    if contract["info"]["version"] != version:
        raise ScriptError(
            f"{path.name} has the version {contract['info']['version']} and openapi/package.json {version}: make them the same"
        )
    return contract


def _run(command: Sequence[str], *, folder: Path, given: str = "") -> str:
    """Runs a Node program; gives what it wrote.

    Raises:
        ScriptError: It failed.
    """
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env={**os.environ, "NO_COLOR": "1", "npm_config_update_notifier": "false"},
        )
    except FileNotFoundError as error:
        raise ScriptError(f"{command[0]} is missing: install Node.js 20 or newer") from error
    if result.returncode != 0:
        said = " ".join((result.stderr or result.stdout).split())
        raise ScriptError(f"{Path(command[0]).name} {Path(command[1]).name} failed: {said[:LONGEST_MESSAGE]}")
    return result.stdout


def stage(contract: dict[str, Any], written: Path, folder: Path) -> None:
    """Lays out the package's files.

    Args:
        contract: The contract.
        written: Its file, which the package holds as it is.
        folder: An empty folder.

    Raises:
        ScriptError: The development tools are missing, or one of them failed.
    """
    if not COMPILER.exists() or not (NODE_MODULES / "openapi-typescript").exists():
        raise ScriptError("the Node tools are missing: run `make setup`")
    try:
        variant = portable(contract)
    except ValueError as error:
        raise ScriptError(str(error)) from error
    for name in ("package.json", "README.md", "CHANGELOG.md"):
        shutil.copyfile(FOLDER / name, folder / name)
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    shutil.copyfile(written, folder / "mincloud.yaml")
    (folder / "portable.yaml").write_text(as_yaml(variant), "utf-8")
    for name, document in (("mincloud", contract), ("portable", variant)):
        (folder / f"{name}.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")

    sources: list[Path] = []
    for name, kind in FORMATS.items():
        module = folder / name
        module.mkdir()
        # A bundler looks for `sideEffects` in the package.json that is nearest to the file.
        (module / "package.json").write_text(json.dumps({"type": kind, "sideEffects": False}) + "\n", "utf-8")
        sources += [module / "index.ts", module / "contract.ts", module / "schemas.ts"]
    first, second = (folder / name for name in FORMATS)
    shutil.copyfile(FOLDER / "src" / "index.ts", first / "index.ts")
    _run(["node", str(TYPES), str(first)], folder=ROOT, given=json.dumps(contract))
    for source in first.glob("*.ts"):
        shutil.copyfile(source, second / source.name)
    settings = folder / "tsconfig.json"
    shutil.copyfile(FOLDER / "src" / "tsconfig.json", settings)
    _run(["node", str(COMPILER), "--project", str(settings), "--pretty", "false"], folder=folder)
    for source in (*sources, settings, first / "schemas.js", second / "schemas.js"):
        source.unlink()


def build(target: Path, written: Path = CONTRACT) -> Path:
    """Builds the package.

    Args:
        target: The folder for the tarball; it is made if it is not there.
        written: The contract's file.

    Returns:
        The tarball.

    Raises:
        ScriptError: The contract is not valid or the package could not be built.
    """
    contract = read_contract(written)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        stage(contract, written, folder)
        packed = _run(
            [
                "npm",
                "pack",
                "--json",
                "--ignore-scripts",
                "--loglevel=error",
                "--pack-destination",
                str(target.resolve()),
            ],
            folder=folder,
        )
    return target / str(json.loads(packed)[0]["filename"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--contract", type=Path, default=CONTRACT, help="the document (default: the contract)")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder for the tarball (default: dist)")
    options = parser.parse_args(arguments)
    try:
        tarball = build(options.output, options.contract)
    except ScriptError as error:
        print(f"package_contract: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"package_contract: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    place = tarball.resolve()
    shown = place.relative_to(ROOT) if place.is_relative_to(ROOT) else place
    print(f"{shown}: {place.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
