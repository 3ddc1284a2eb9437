"""Intake: the way in, from the referral to the start, and the loop back to whoever referred.

Owns the collection `referrals` (one state per journey, per participant and per published programme) and the rows
`references` (the referrers' own references), `parts` (who took the person on, per journey) and `reads`
(who read a person's identity, and why). Identity lives here alone, sealed with a key per participant (`vault.py`).

Commands in: HTTP (`api.py`) and the agencies' topics `inbound.<organisation>.referrals.v1` (`inbound.py`).
Events out: referral received, accepted, declined, withdrawn; consent given, refused, withdrawn; journey started,
registered by mistake; participant erased; programme published. Replies out, to `inbound.<organisation>.replies.v1`:
the answer to each inbound record, and every change of where a referral stands.
Events in: from activity tracking, handover and outcome, those that move stage, responsible, exit or follow-up.
"""
