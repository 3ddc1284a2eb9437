"""The rules of handing over: pure, no I/O, no clock.

`journey`  the state, what the others' events and a passed deadline do to an open offer
`offers`   the commands: offer, accept, decline, recall
"""
