"""Handover: from one responsible organisation to the next, one offer at a time.

Owns the collection `handovers` (one state per journey) and the rows `offers` (one per offer).

In: every event of intake, activity-tracking and outcome that moves a journey. The end of a journey, or a
consent that no longer covers the receiver, takes an open offer back.
Out: HandoverOffered, HandoverAccepted, HandoverDeclined, HandoverExpired, HandoverRecalled (`journey/<id>`).

Once a provider has accepted the referral, this service alone changes who is responsible (docs/field.md, The journey).
"""
