"""The contract as YAML, where it was changed and its own text no longer serves. Needs PyYAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Dumper(yaml.SafeDumper):
    """YAML as a person would write it: text of several lines stays so, and nothing is an alias of something above."""

    def ignore_aliases(self, data: Any) -> bool:
        """Says that whatever occurs twice is written twice."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)  # pyright: ignore[reportUnknownMemberType] - PyYAML's stubs


_Dumper.add_representer(str, _text)


def as_yaml(document: Mapping[str, Any]) -> str:
    """A document as YAML, in the order that it has.

    Args:
        document: What `mincloud.contract()` gives, or something like it.
    """
    return yaml.dump(dict(document), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)
