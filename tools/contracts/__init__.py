"""What the platform promises to the outside, generated from the code and never written by hand.

    python -m tools.contracts write     write everything that is generated anew
    python -m tools.contracts check     name what is stale; exits 1 when anything is
    python -m tools.contracts freeze    freeze new examples and stored states, which may then never change

JSON Schemas, the AsyncAPI document and the pages of the reference lie in `docs/reference/`, the alerts in
`docs/operations/alerts.md`. Nothing here runs in production, and nothing here connects to anything.
"""
