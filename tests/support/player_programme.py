"""A programme document small enough to read, with every part that the player looks at."""

from typing import Any

from clients.player.programme import Programme, read

PROVIDER = [
    "answer_referral",
    "start_journey",
    "record_consent",
    "register_mistake",
    "log_activity",
    "log_output",
    "offer_handover",
    "recall_handover",
    "answer_handover",
    "record_entry",
    "record_exit",
    "answer_follow_up",
]
REFERRER = [
    "register_participant",
    "refer",
    "withdraw_referral",
    "register_mistake",
    "answer_handover",
    "record_exit",
    "erase_participant",
]
RECEIVER = ["answer_handover", "log_activity", "record_exit"]


def coded(*codes: str) -> list[dict[str, Any]]:
    """Programme as the document writes them."""
    return [{"code": code, "name": {"sv": code, "en": code}} for code in codes]


def document() -> dict[str, Any]:
    """The document, as JSON would have it."""
    return {
        "id": "coactive",
        "version": 1,
        "name": {"sv": "CoActive", "en": "CoActive"},
        "owner": "owner",
        "starts_on": "2016-02-01",
        "ends_on": "2018-12-31",
        "municipalities": [{"code": "2482", "name": "Skellefteå"}, {"code": "2417", "name": "Norsjö"}],
        "roles": [
            {"code": "owner", "may": ["read_report", "log_output"]},
            {"code": "provider", "may": PROVIDER},
            {"code": "referrer", "may": REFERRER},
            {"code": "receiver", "may": RECEIVER},
        ],
        "organisations": [
            {"id": "owner", "roles": ["owner", "provider"]},
            {"id": "af", "roles": ["referrer"]},
            {"id": "fk", "roles": ["referrer"]},
            {"id": "kommun", "roles": ["referrer"]},
            {"id": "psykiatrin", "roles": ["referrer", "provider"]},
            {"id": "second-hand", "roles": ["provider"]},
            {"id": "kafe", "roles": ["provider"]},
            {"id": "bageri", "roles": ["receiver"]},
            {"id": "folkhogskola", "roles": ["receiver"]},
        ],
        "activities": coded("work_training", "guidance", "mentoring"),
        "competences": coded("shop_work", "cleaning"),
        "competence_levels": 4,
        "progress": {"every_months": 3, "indicators": coded("job_search", "network")},
        "handover_kinds": [
            "medical_to_vocational",
            "provider_to_provider",
            "provider_to_employer",
            "provider_to_education",
            "provider_to_agency",
        ],
        "answer_within_days": 30,
        "handover_max_days": 60,
        "follow_ups": [
            {"code": "28d", "days": 28, "answer_within_days": 30},
            {"code": "6m", "months": 6, "answer_within_days": 45},
        ],
        "outputs": coded("workplace_carved", "manager_trained", "social_enterprise_established"),
        "targets": [
            {"figure": "started", "at_least": 140},
            {"figure": "workplace_carved", "at_least": 40},
            {"figure": "manager_trained", "at_least": 60},
            {"figure": "social_enterprise_established", "at_least": 1, "municipality": "2482"},
            {"figure": "social_enterprise_established", "at_least": 1, "municipality": "2417"},
            {"figure": "employed_6m", "at_least": 40},
        ],
        "reasons": {
            "decline": [{**one, "refused_by": "provider"} for one in coded("no_place")],
            "withdraw": coded("other_effort"),
            "mistake": coded("wrong_person"),
            "absence": coded("ill", "transport"),
            "handover_decline": coded("no_capacity"),
            "recall": coded("other_receiver"),
            "exit": [
                {"code": "goal_reached", "ways": ["by_plan"]},
                {"code": "broke_off", "ways": ["interrupted"]},
                {"code": "consent_withdrawn", "ways": ["interrupted"]},
                {"code": "moved_away", "ways": ["moved"]},
            ],
        },
    }


CODES: Programme = read(document())
INBOUND = ("af", "fk")
