"""`python -m clients.operator`: see `clients.operator.commands`."""

from clients.operator.commands import run

if __name__ == "__main__":
    run()
