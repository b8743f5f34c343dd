"""What builds and checks this project, a package for each subject."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
