"""``python -m trigger_local``: ``etp``, where its console script is not on the path."""

from .cli import main

if __name__ == "__main__":
    main()
