"""`python -m scanner` is `strayscan`."""

from scanner.cli import main

if __name__ == "__main__":
    main()
