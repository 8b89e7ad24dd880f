"""The Python peers' programs, each its own module; they run in ``.venv-bench``."""
