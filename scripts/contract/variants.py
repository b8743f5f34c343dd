"""Derives the variants of the contract: Redocly CLI applies OpenAPI Overlays (`openapi/overlays/`) to it.

They are put into the Python package and the npm package, so that their users need no tool that applies overlays.
"""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, combinations
from pathlib import Path

from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from scripts import ROOT, ScriptError
from scripts.contract.document import CONTRACT, Document
from scripts.contract.redocly import last_line, redocly

OVERLAYS = ROOT / "openapi" / "overlays"
# In the order in which they are applied: each expects the result of those before it.
NAMES = ("portable", "server", "openapi-3.1")

Variant = tuple[str, ...]


def variants() -> list[Variant]:
    """Returns every combination of overlays, beginning with none, each in the order in which they are applied."""
    return list(chain.from_iterable(combinations(NAMES, count) for count in range(len(NAMES) + 1)))


def derive(variant: Variant, contract: Path = CONTRACT) -> Document:
    """Derives a variant of the contract in the given file; the result is valid OpenAPI.

    Raises:
        ScriptError: Node or Redocly CLI is missing, an overlay does not fit the contract, or what comes out is not valid.
    """
    name = "-".join(variant)
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "variant.json"
        overlays = [part for each in variant for part in ("--overlay", str(OVERLAYS / f"{each}.yaml"))]
        result = redocly("bundle", str(contract), *overlays, "--output", str(target))
        if result.returncode != 0 or not target.exists():
            raise ScriptError(f"the variant {name} could not be derived: {last_line(result)}")
        document: Document = json.loads(target.read_text("utf-8"))
    validator = OpenAPIV31SpecValidator if "openapi-3.1" in variant else OpenAPIV30SpecValidator
    error = next(iter(validator(document).iter_errors()), None)
    if error is not None:
        raise ScriptError(
            f"the variant {name} is not valid OpenAPI, mend its overlays: {error.message.splitlines()[0][:200]}"
        )
    return document


def derive_all(contract: Path = CONTRACT) -> dict[Variant, Document]:
    """Derives every variant that has an overlay, several at once, since each starts a program; see `derive`."""
    every = [variant for variant in variants() if variant]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(every, pool.map(partial(derive, contract=contract), every), strict=True))
