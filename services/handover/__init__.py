"""Handover: from one responsible organisation to the next, one offer at a time.

Owns: the collection `handovers`, one state per journey. Once a provider has accepted the referral, this service alone
changes who is responsible (docs/field.md, The journey).
Rows: `offers` (one per offer) and `superseded` (what was corrected).
In: commands over HTTP (`api`); every event of the others that moves a journey. The end of a journey, or a consent that
no longer covers the receiver, takes an open offer back.
Out: HandoverOffered, HandoverAccepted, HandoverDeclined, HandoverExpired and HandoverRecalled (`journey/<id>`).
"""
