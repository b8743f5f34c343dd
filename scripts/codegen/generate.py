"""Derives the typed client in `generated/mincloud_api/`, and the contract's variants. `--check` only says whether they are up to date.

The templates of openapi-python-client are taken from its installed package. `templates/` has what this project changes in them: whole
files, `*.append.*` files that are added at the end, and small edits in `edits.yaml`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from contextlib import redirect_stdout
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import openapi_python_client
import yaml
from jinja2 import TemplateError
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import GeneratorError

from scripts import ROOT, ScriptError
from scripts.codegen.derived import run, tidy
from scripts.contract.document import CONTRACT, Document, one_line, read_valid
from scripts.contract.variants import derive_all

TARGET = ROOT / "generated" / "mincloud_api"
TEMPLATES = Path(__file__).resolve().parent / "templates"
# Public names of `mincloud` that differ from the contract's, which other languages cannot use: browsers have an `EventSource`.
CLASS_NAMES = {"JobSource": {"class_name": "EventSource", "module_name": "event_source"}}


class Edit(NamedTuple):
    """A change of one of the generator's templates: what stands there, what takes its place, and why."""

    template: str
    old: str
    new: str
    why: str


EDITS = [Edit(**edit) for edit in yaml.safe_load((TEMPLATES / "edits.yaml").read_text("utf-8"))]


def write_templates(contract: Document, digest: str, folder: Path) -> None:
    """Writes the generator's templates into a folder as this project wants them; the digest is the SHA-256 of the contract's file.

    Raises:
        ScriptError: The text that an edit replaces is not in the generator's template.
    """
    original = files("openapi_python_client") / "templates"
    texts = {path.name: path.read_text("utf-8") for path in original.iterdir() if path.name.endswith(".jinja")}
    for name, old, new, why in EDITS:
        if texts[name].count(old) != 1:
            raise ScriptError(
                f"the generator's template {name} has changed where this project edits it ({why}): "
                "compare it with scripts/codegen/templates/edits.yaml"
            )
        texts[name] = texts[name].replace(old, new)
    secrets = {
        name: [field for field, schema in schemas.get("properties", {}).items() if schema.get("x-secret")]
        for name, schemas in contract["components"]["schemas"].items()
    }
    settings = {
        "secrets": secrets,
        "contract_version": contract["info"]["version"],
        "contract_sha256": digest,
        "server": contract["servers"][0]["url"],
    }
    prefix = "".join(f"{{% set {name} = {value!r} %}}" for name, value in settings.items())
    texts["client.py.jinja"] = prefix + texts["client.py.jinja"]
    for template in TEMPLATES.glob("*.jinja"):
        name, appended, _ = template.name.partition(".append")
        text = template.read_text("utf-8")
        if appended:
            texts[f"{name}.py.jinja"] += text
        else:
            texts[template.name] = prefix + text
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def generate(target: Path) -> None:
    """Generates the client into a folder that does not exist yet, and the contract's variants beside it.

    Raises:
        ScriptError: The contract is not valid, the generator warned or failed, or a variant could not be derived.
    """
    contract = read_valid(CONTRACT)
    settings = ConfigFile.model_validate({"class_overrides": CLASS_NAMES, "post_hooks": []})
    config = Config.from_sources(settings, MetaType.NONE, CONTRACT, "utf-8", overwrite=False, output_path=target)
    with tempfile.TemporaryDirectory() as temporary:
        templates = Path(temporary)
        write_templates(contract, hashlib.sha256(CONTRACT.read_bytes()).hexdigest(), templates)
        try:
            with redirect_stdout(StringIO()):
                errors = openapi_python_client.generate(config=config, custom_template_path=templates)
        except TemplateError as error:  # a template meets what it does not know
            errors = [GeneratorError(header=str(error))]
    if errors:
        said = " ".join(f"{error.header} {error.detail or ''}" for error in errors)
        raise ScriptError(f"the generator did not accept the contract, or warned about it: {one_line(said)}")
    tidy(target, "F401,F811,F841,I,UP")
    (target / "py.typed").touch()
    # As JSON, so that `mincloud.contract()` needs no YAML parser; indented, so that a change of the contract shows as what it is.
    (target / "contract.json").write_text(json.dumps(contract, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (target / "variants").mkdir()
    for variant, document in derive_all().items():
        # For `mincloud.contract()`, each on one line, since nobody reads them here.
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        (target / "variants" / f"{'-'.join(variant)}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run(TARGET, "the contract", generate))
