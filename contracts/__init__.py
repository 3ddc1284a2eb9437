"""What the platform promises to the outside, generated from the code and never written by hand.

    python -m contracts write     write everything that is generated anew
    python -m contracts check     name what is stale; exits 1 when anything is
    python -m contracts freeze    add new examples to the list of those that may never change

JSON Schemas and the AsyncAPI document lie in `docs/contracts/`, tables in `README.md` between markers. Nothing here
runs in production, and nothing here connects to anything.
"""
