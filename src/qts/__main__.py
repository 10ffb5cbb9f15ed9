"""``python -m qts``: the command line."""

from qts.cli.main import main

if __name__ == "__main__":
    main()
