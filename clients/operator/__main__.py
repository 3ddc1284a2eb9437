"""`python -m clients.operator`: see `operators.commands`."""

from clients.operator.commands import run

if __name__ == "__main__":
    run()
