"""How Sphinx builds the documentation; `make docs` runs it."""

from __future__ import annotations

from mincloud import __version__

project = "mincloud"
author = "the mincloud authors"
version = release = __version__
language = "en"
# Not two hyphens into a dash: `--wait` is to be typed as it stands.
smartquotes_action = "qe"
# What is translated, and how, is in scripts/docs/translations.py.
locale_dirs = ["locales"]
gettext_compact = False
gettext_location = False

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "scripts.docs.extension",
]
exclude_patterns = ["images/README.md", "locales"]

# A name that nothing defines, and a link that leads nowhere, are errors (the build runs with `--fail-on-warning`).
nitpicky = True
# Docstrings put code into single backticks.
default_role = "literal"

myst_heading_anchors = 4
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
autodoc_type_aliases = {"Stub": "collections.abc.Callable", "ListingLag": "float | collections.abc.Callable"}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"mincloud {version}"
html_favicon = "../mincloud_emulator/console/icon.svg"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_css_files = ["mincloud.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
# The summaries of what a search found are read from the pages, which a browser refuses without a server.
html_show_search_summary = False
# The script for Chinese names a stemmer that Sphinx does not ship, and then finds nothing.
html_search_language = "en"
html_theme_options: dict[str, object] = {"top_of_page_buttons": []}
# What is to be typed has a button that copies it, what is printed has none.
copybutton_selector = "div:not(.highlight-text):not(.highlight-diff) > div.highlight > pre"
