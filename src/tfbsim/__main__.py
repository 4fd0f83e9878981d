"""``python -m tfbsim``."""

from .cli import main

main()
