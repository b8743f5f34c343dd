"""The variants of the contract: OpenAPI Overlays (`openapi/overlays/`) that Redocly CLI applies to it, and takes the references out of it.

They are derived here and put into the Python package and the npm package, so that nobody who uses one needs a tool: of what applies
overlays there is nothing that a bare installation of `mincloud` could carry.
"""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING

from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from scripts import ROOT, ScriptError
from scripts.contract.document import CONTRACT, Document
from scripts.contract.redocly import last_line, redocly

if TYPE_CHECKING:
    from collections.abc import Iterable

OVERLAYS = ROOT / "openapi" / "overlays"
# In the order in which they are applied, each of which holds for what the ones before it leave.
NAMES = ("portable", "server", "openapi-3.1")
DEREFERENCED = "dereferenced"

Variant = tuple[str, ...]


def variants() -> list[Variant]:
    """Every combination of overlays, beginning with none, each in the order in which they are applied."""
    return list(chain.from_iterable(combinations(NAMES, count) for count in range(len(NAMES) + 1)))


def derive(variant: Variant, contract: Path = CONTRACT) -> Document:
    """A variant of the contract in the given file, which is valid OpenAPI.

    Raises:
        ScriptError: Node or Redocly CLI is missing, an overlay does not fit the contract, or what comes out is not valid.
    """
    name = "-".join(variant)
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "variant.json"
        overlays = [
            part for each in variant if each != DEREFERENCED for part in ("--overlay", str(OVERLAYS / f"{each}.yaml"))
        ]
        flags = ["--dereferenced"] if DEREFERENCED in variant else []
        result = redocly("bundle", str(contract), *overlays, *flags, "--output", str(target))
        if result.returncode != 0 or not target.exists():
            raise ScriptError(f"the variant {name} could not be derived: {last_line(result.stderr, result.stdout)}")
        document: Document = json.loads(target.read_text("utf-8"))
    validator = OpenAPIV31SpecValidator if "openapi-3.1" in variant else OpenAPIV30SpecValidator
    error = next(iter(validator(document).iter_errors()), None)
    if error is not None:
        raise ScriptError(
            f"the variant {name} is not valid OpenAPI, mend its overlays: {error.message.splitlines()[0][:200]}"
        )
    return document


def derive_all(wanted: Iterable[Variant], contract: Path = CONTRACT) -> dict[Variant, Document]:
    """Several variants at once, since each starts a program; see `derive`."""
    with ThreadPoolExecutor(4) as pool:
        pending = {variant: pool.submit(derive, variant, contract) for variant in wanted}
    return {variant: future.result() for variant, future in pending.items()}
