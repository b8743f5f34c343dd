"""One script per verb of the Makefile."""
