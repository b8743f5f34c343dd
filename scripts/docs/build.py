"""Builds the documentation into `site/`: Sphinx's pages, and the contract as one page that works without the internet.

    python -m scripts.docs.build [--output FOLDER] [--source FOLDER]

The exit status is 0 when all is built, every link and reference leads somewhere and every paragraph has its translation, and 1 when not.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from scripts import ROOT, ScriptError
from scripts.contract.code_samples import code_samples
from scripts.contract.document import CONTRACT, one_line, operations, read_valid
from scripts.contract.redocly import redocly
from scripts.docs.translations import LANGUAGES, problems

DOCS = ROOT / "docs"
CONTRACT_PAGE = "openapi.html"
_TEMPLATE = Path(__file__).parent / "contract_page.hbs"
# Redocly's logo, which the page would load from another host, and what stands in its place.
_LOGO = re.compile(r"https://cdn\.redoc\.ly/[\w/-]+\.svg")
_OWN_LOGO = (
    "data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 width=%2244%22 height=%2214%22%3E"
    "%3Ctext y=%2211%22 font-size=%2211%22 font-family=%22sans-serif%22 fill=%22gray%22%3ERedocly%3C/text%3E%3C/svg%3E"
)


def _build_pages(source: Path, output: Path, language: str = "en") -> None:
    """Builds the pages with Sphinx. A warning is an error, so a broken link or reference is."""
    from sphinx.cmd.build import main  # noqa: PLC0415 - takes half a second, which a wrong argument need not wait

    with tempfile.TemporaryDirectory() as scratch:
        # Everything is read anew: Sphinx repeats no warning of an unchanged page.
        words = ["--builder=html", "--fail-on-warning", "--nitpicky", "--fresh-env", "--quiet"]
        words += [f"--define=language={language}", f"--doctree-dir={scratch}"]
        if main([*words, str(source), str(output)]):
            raise ScriptError("Sphinx met the warnings above: mend the pages or docstrings that they name")


def expand_extensions(node: Any) -> Any:
    """Returns a part of the contract whose descriptions also show what its extensions say."""
    if isinstance(node, list):
        return [expand_extensions(element) for element in cast("Any", node)]
    if not isinstance(node, dict):
        return node
    parts: dict[str, Any] = {name: expand_extensions(field) for name, field in cast("Any", node).items()}
    description = parts.get("description")
    if isinstance(description, str):
        said = [description.rstrip()]
        if values := parts.get("x-extensible-enum"):
            said.append(f"Known values: {', '.join(f'`{value}`' for value in values)}; others are valid.")
        said += [_provenance(entry) for entry in parts.get("x-provenance", ())]
        parts["description"] = "\n\n".join(said)
    return parts


def _provenance(entry: dict[str, str]) -> str:
    about = f" ({entry['about']})" if "about" in entry else ""
    documented = f" The documentation: {entry['documentation'].strip()}" if "documentation" in entry else ""
    return f"*{entry['standing'].capitalize()}*{about}:{documented} {entry.get('note', '').strip()}".rstrip()


def build_contract_page(output: Path) -> None:
    """Builds the page of the contract: one HTML file, with all that it needs in it.

    Raises:
        ScriptError: The contract cannot be read, or the tool is not installed or refused it.
    """
    document = read_valid(CONTRACT)
    samples = code_samples(document)
    for _, _, operation in operations(document):
        operation["x-codeSamples"] = samples[operation["operationId"]]
    page = output / CONTRACT_PAGE
    with tempfile.TemporaryDirectory() as scratch:
        contract = Path(scratch) / "mincloud.json"
        contract.write_text(json.dumps(expand_extensions(document)), "utf-8")
        done = redocly("build-docs", str(contract), "--inlineBundle", f"--template={_TEMPLATE}", f"--output={page}")
    if done.returncode or not page.exists():
        raise ScriptError(f"Redocly could not render the contract: {one_line(done.stderr or done.stdout)}")
    page.write_text(_LOGO.sub(_OWN_LOGO, page.read_text("utf-8")), "utf-8")


def build(source: Path, output: Path) -> None:
    """Builds everything into an empty folder.

    Raises:
        ScriptError: Something could not be built.
    """
    if output.exists():
        if not (output / ".buildinfo").exists() and any(output.iterdir()):
            raise ScriptError(f"{output} holds something else: name a folder that is empty or has an earlier build")
        shutil.rmtree(output)
    _build_pages(source, output)
    # After the English pages, since a mistake in one of them is mended before it is translated.
    if untranslated := problems(source):
        raise ScriptError("\n".join(untranslated))
    build_contract_page(output)
    for code, language in LANGUAGES.items():
        if language.folder:
            _build_pages(source, output / language.folder, code)
            # A copy, so that its link leads back to the pages in that language.
            shutil.copy(output / CONTRACT_PAGE, output / language.folder)


def main() -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="build_docs", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "site", help="where to put it (site)")
    parser.add_argument("--source", type=Path, default=DOCS, help="where the pages are (docs)")
    args = parser.parse_args()
    output = args.output.resolve()
    try:
        build(args.source, output)
    except ScriptError as error:
        sys.stderr.write(f"build_docs: {error}\n")
        return 1
    print(f"the documentation is in {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
