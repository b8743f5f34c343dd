"""Builds the npm package of the contract, `mincloud-openapi`, and files of the contract and its variants, into dist/.

The package holds the contract, its variants and their overlays, TypeScript types, and guards, as an ES module and as a CommonJS one;
`openapi/package.json` describes it. The files have the version in their names, and their checksums stand in `mincloud-VERSION.sha256`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mincloud._contract import as_yaml, without_references
from scripts import ROOT, ScriptError
from scripts.contract.code_samples import overlay
from scripts.contract.document import CONTRACT, Document, one_line, read_valid
from scripts.contract.redocly import run_node
from scripts.contract.variants import OVERLAYS, derive_all

FOLDER = ROOT / "openapi"
TYPES = ROOT / "scripts" / "contract" / "types.mjs"
NODE_MODULES = ROOT / "node_modules"
DEREFERENCED = "dereferenced"
COMPILER = NODE_MODULES / "typescript" / "bin" / "tsc"
LONGEST_MESSAGE = 500


def _run(command: Sequence[str], *, folder: Path, given: str = "") -> str:
    """Runs a Node program that has to succeed; returns its output."""
    result = run_node(command, folder=folder, given=given)
    if result.returncode != 0:
        said = one_line(result.stderr or result.stdout)[:LONGEST_MESSAGE]
        raise ScriptError(f"{Path(command[0]).name} {Path(command[1]).name} failed: {said}")
    return result.stdout


def _documents(contract: Document, written: Path) -> dict[str, Document]:
    """Returns the contract and its variants by name: `mincloud`, `portable`, `portable-server`, …, each also without references."""
    plain = {("mincloud",): contract, **derive_all(written)}
    found: dict[str, Document] = {}
    for variant, document in plain.items():
        found["-".join(variant)] = document
        found["-".join((*variant, DEREFERENCED)).removeprefix("mincloud-")] = without_references(document)
    return found


def _write_documents(documents: Mapping[str, Document], written: Path, stem: Callable[[str], Path]) -> list[Path]:
    """Writes each document as JSON, and as YAML but for those without references, which only programs read; returns the files.

    The contract's own YAML is a copy of the file; `stem` gives the path of a document without its ending, by the document's name.
    """
    files: list[Path] = []
    for name, document in documents.items():
        plain = DEREFERENCED not in name
        form: dict[str, Any] = {"indent": 1} if plain else {"separators": (",", ":")}
        texts = {".json": json.dumps(document, ensure_ascii=False, **form) + "\n"}
        if plain:
            texts[".yaml"] = written.read_text("utf-8") if name == "mincloud" else as_yaml(document)
        for ending, text in texts.items():
            files.append(Path(f"{stem(name)}{ending}"))
            files[-1].write_text(text, "utf-8")
    return files


def _stage(documents: Mapping[str, Document], written: Path, folder: Path) -> None:
    """Lays out the package's files in an empty folder."""
    for original in ("package.json", "npm-README.md", "CHANGELOG.md"):
        shutil.copyfile(FOLDER / original, folder / original.removeprefix("npm-"))
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    shutil.copytree(OVERLAYS, folder / "overlays")
    (folder / "overlays" / "code-samples.yaml").write_text(as_yaml(overlay(documents["mincloud"])), "utf-8")
    _write_documents(documents, written, folder.joinpath)

    sources = folder / "src"  # which the package leaves out
    shutil.copytree(FOLDER / "src", sources / "esm")
    shutil.move(sources / "esm" / "tsconfig.json", sources)
    _run(["node", str(TYPES), str(sources / "esm")], folder=ROOT, given=json.dumps(documents["mincloud"]))
    shutil.copytree(sources / "esm", sources / "cjs")
    for name, kind in {"esm": "module", "cjs": "commonjs"}.items():
        # A bundler looks for `sideEffects` in the package.json that is nearest to the file, and the compiler for `type`.
        for module in (sources / name, folder / name):
            module.mkdir(exist_ok=True)
            (module / "package.json").write_text(json.dumps({"type": kind, "sideEffects": False}) + "\n", "utf-8")
    _run(["node", str(COMPILER), "--project", str(sources), "--pretty", "false"], folder=folder)
    for name in ("esm", "cjs"):
        (folder / name / "schemas.js").unlink()  # it has types alone


def build(target: Path, written: Path = CONTRACT) -> list[Path]:
    """Builds the package and the files.

    Returns:
        The package's tarball, the documents, and the file with their checksums.

    Raises:
        ScriptError: The contract is not valid or has another version than the package, or a development tool is missing or failed.
    """
    if not COMPILER.exists() or not (NODE_MODULES / "openapi-typescript").exists():
        raise ScriptError("the Node tools are missing: run `make setup`")
    contract = read_valid(written)
    version = json.loads((FOLDER / "package.json").read_text("utf-8"))["version"]
    if contract["info"]["version"] != version:
        raise ScriptError(
            f"{written.name} has the version {contract['info']['version']} and openapi/package.json {version}: make them the same"
        )
    made = _documents(contract, written)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _stage(made, written, folder)
        pack = ["npm", "pack", "--json", "--ignore-scripts", "--loglevel=error"]
        packed = _run([*pack, "--pack-destination", str(target.resolve())], folder=folder)
    files = [target / str(json.loads(packed)[0]["filename"])]
    prefix = f"mincloud-{version}"

    files += _write_documents(
        made, written, lambda name: target / (prefix if name == "mincloud" else f"{prefix}-{name}")
    )
    checksums = target / f"{prefix}.sha256"
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    checksums.write_text("".join(lines), "utf-8")
    return [*files, checksums]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--contract", type=Path, default=CONTRACT, help="the document (default: the contract)")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder for all of it (default: dist)")
    options = parser.parse_args(arguments)
    try:
        files = build(options.output, options.contract)
    except ScriptError as error:
        print(f"package_contract: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"package_contract: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    for file in files:
        place = file.resolve()
        shown = place.relative_to(ROOT) if place.is_relative_to(ROOT) else place
        print(f"{shown}: {place.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
