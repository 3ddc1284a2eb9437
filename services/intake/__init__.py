"""Intake: the way in, from the referral to the start, and the loop back to the organisation that referred.

Owns: the collection `referrals`, one state per journey, per participant, per identity that an organisation brought, per
published programme and per entry of the register. Identity lives here alone, sealed with a key per organisation and
person (`vault.py`).
Rows: `references` (the referrers' own references), `participations` (one person's journeys in one programme), `parts`
(who took the person on, per journey) and `superseded` (what was corrected). `contents` holds what a referral says,
sealed, and `content_keys` the key for it, per handle. `handles` and `held` (what an organisation calls a person),
`numbers` (who has which number, as keyed hashes), `links` (who is the same person), `merges` (who said so). `takings`
orders the acceptances of one unit. `register` (who takes part), `register_history` (what was said of each entry, and
why), `unit_memberships` and `organisation_numbers`. `replies` have no number yet;
`changes` are what each organisation was told, and `sequences` hold their last numbers. `webhooks`: where they are sent.
In: commands over HTTP (`api`) and referrals on the agencies' topics (`inbound.py`); other services' answers to records
(`answers.py`); the events of the others that move stage, responsible, exit or follow-up.
Out: ReferralReceived, ReferralCorrected, ReferralAccepted, ReferralDeclined, ReferralPassedOn, ReferralReturned,
ReferralWithdrawn, ConsentGiven, ConsentRefused, ConsentWithdrawn, JourneyStarted, JourneyRegisteredByMistake,
ParticipationSettled, JourneyPersonChanged and, in old logs, JourneySetBeside (`journey/<id>`); ParticipantErased
(`participant/<id>`); ProgrammePublished (`programme/<key>`); LegalPersonRegistered and LegalPersonChanged
(`legal-person/<id>`), UnitRegistered, UnitChanged and UnitEnded (`unit/<id>`), MembershipBegun, MembershipChanged and
MembershipEnded (`membership/<id>`). Replies to the organisations, numbered.
"""
