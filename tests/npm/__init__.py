"""The npm package of the contract, as somebody who installs it meets it; `make test-package`."""
