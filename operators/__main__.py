"""`python -m operators`: see `operators.commands`."""

from operators.commands import run

if __name__ == "__main__":
    run()
