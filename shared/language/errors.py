"""Every exception of the platform, by who must act; and the one catalogue of codes that callers see.

The caller acts. A refusal becomes a problem document (RFC 9457), and nothing is stored. Only the edge reads its status.

    Refused                 with a code from CODES, which says who acts and whether to repeat
      Invalid               the request itself is wrong; carries every field's error at once
        Doubled             a JSON object says a name twice
        Unfit               a row of a file is no session
      Forbidden             the role map, the duty or the relation to the journey does not allow it
      Unknown               there is no such thing, or none that the caller may know of
      Conflict              right request, wrong moment: the state does not allow it

The same request again will do; nobody is at fault.

      Later                 after `retry_after_seconds`
      NotYetSeen            the caller knows more than this service does yet
    Busy                    with the same key

The operator, or whoever wrote the file, acts.

      StateUnreadable       this release cannot read what is stored of the subject
    Halt                    a group must not go on; names cause and cure
    FaultySettings          variables are missing, malformed or unfit for production
    Malformed               one variable is no value of its kind
    FaultyProgramme         a programme's file is wrong, by line
    VersionTaken            a version was published with other content
    CannotApply             what is declared and what is there contradict each other, or may not be changed
    CannotDo                a backup cannot be taken or put back
    NotCompared             a database was restored and nobody has compared it with the log
    WronglyDeclared         a figure is declared in a way that would count or publish something wrong

Signals within the platform. Each is caught by the module that called, and none reaches a caller or an operator.

    Unready                 an event needs something that has not arrived; it waits
    Undecodable             a record is no event that this code can read; it is parked
    Damaged                 Kafka cannot give the record at a place; it is passed by, and told
    CutOff                  a partition does not hold what comes next
    Overtaken               another writer was at a document first; the batch is taken again
    Fenced                  another process has moved the offset on; this one reloads
    Narrowed                Kafka rejected something in a chunk; a smaller one is sent
    Apart                   a decision needs a transaction of its own
    _Behind                 a command waits for what its caller has seen
    StaleLedger             another publisher of figures has written since
    Closed                  a stream ends because its process does
    Unanswered              the log of erasures was not read to its end in time
    Unerased                somebody could not be erased again; all others were
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

ActingParty = Literal["caller", "operator", "nobody"]
Retry = Literal["never", "after-change", "after-delay"]
ACTING_PARTIES: tuple[ActingParty, ...] = get_args(ActingParty)
RETRIES: Mapping[Retry, str] = {
    "never": "The same request is refused again; send another.",
    "after-change": "The same request can succeed once the state has changed; until then it is refused again.",
    "after-delay": "Send the same request with the same Idempotency-Key again, after Retry-After where it is there.",
}
"""Whether the same request may be repeated. No refusal stores anything, so repeating one is always safe."""


@dataclass(frozen=True, slots=True)
class Code:
    """One stable error code: its HTTP status, what it means, who must act, and whether to repeat the request."""

    status: int
    title: str
    actor: ActingParty = "caller"
    retry: Retry = "never"


CODES: dict[str, Code] = {
    # the request
    "invalid-fields": Code(422, "One or more fields are wrong; `errors` names each."),
    "unreadable-body": Code(400, "The body cannot be read as what its Content-Type says."),
    "unreadable-request": Code(400, "The request is not valid HTTP."),
    "head-too-large": Code(431, "Address and headers together are longer than the server reads."),
    "unsupported-media-type": Code(415, "The content type is not one that the route reads."),
    "unsupported-encoding": Code(
        415, "The body is compressed; Accept-Encoding says which codings are taken."
    ),
    "not-acceptable": Code(406, "There is no answer of a type that Accept allows."),
    "body-too-large": Code(413, "The body is larger than the route allows."),
    "idempotency-key-missing": Code(400, "Every POST names itself in an Idempotency-Key header."),
    "idempotency-key-reused": Code(422, "The Idempotency-Key was used with another content."),
    "invalid-header": Code(400, "A request header cannot be read; `errors` names it."),
    "method-not-allowed": Code(405, "The route does not answer this method."),
    # who is asking
    "unauthenticated": Code(401, "No valid bearer token."),
    "acting-as-missing": Code(
        400, "The token holds several organisations or duties; the header Acting-As names one."
    ),
    "acting-as-refused": Code(403, "The token does not hold what Acting-As names."),
    "too-many-requests": Code(
        429, "The caller has asked more often than it may; try again later.", retry="after-delay"
    ),
    "issuer-unreachable": Code(
        503,
        "The issuer's keys cannot be had, so the token can be neither taken nor refused.",
        "operator",
        retry="after-delay",
    ),
    "not-allowed": Code(
        403, "The programme's role map does not let the organisation do this.", retry="after-change"
    ),
    "wrong-duty": Code(403, "The person's duty does not include this."),
    "too-late": Code(
        403,
        "Who no longer holds the journey or the role records its own days within the programme's days only.",
    ),
    "not-your-journey": Code(403, "The organisation has no such part in this journey.", retry="after-change"),
    "unknown-route": Code(404, "There is no such route."),
    "not-found": Code(404, "There is no such resource."),
    # order and state
    "not-yet-seen": Code(
        409, "This service has not yet seen what the caller has; try again.", retry="after-delay"
    ),
    "wrong-stage": Code(409, "The journey's stage does not allow this.", retry="after-change"),
    "already-referred": Code(
        409,
        "The person has an open journey in the programme, which the caller may read; `errors` names it.",
        retry="after-change",
    ),
    "changes-gone": Code(
        410,
        "The next change is no longer kept, was lost in a restore, or was never given; `errors` says where to go on.",
    ),
    "reference-taken": Code(409, "The organisation used this reference for another referral."),
    "answer-overdue": Code(409, "The last day for the answer to the referral has passed."),
    "already-taken": Code(409, "Another provider has taken the person on."),
    "passed-on": Code(409, "The referral was passed on after this no, so the no stands."),
    "no-room": Code(
        409, "The provider is responsible for as many people as it has capacity for.", retry="after-change"
    ),
    "consent-not-asked": Code(
        409, "The participant's answer on consent to sharing must be recorded first.", retry="after-change"
    ),
    "consent-missing": Code(
        409, "The participant has not consented to what this would reveal.", retry="after-change"
    ),
    "offer-open": Code(409, "Another handover awaits its answer.", retry="after-change"),
    "offer-closed": Code(409, "The handover is already answered, expired or recalled."),
    "follow-up-closed": Code(409, "The follow-up is already answered, or its time has passed."),
    "follow-up-not-due": Code(409, "The follow-up is not open yet.", retry="after-change"),
    "superseded": Code(409, "A later entry has already corrected this one."),
    "voided": Code(409, "The session was taken back as never held; a new one is logged instead."),
    "already-logged": Code(409, "The organisation's reference names a session that says something else."),
    "already-measured": Code(
        409, "The round was recorded before, with other answers or by another organisation."
    ),
    "goals-full": Code(
        409, "The journey has as many open goals as it may; one must be reached first.", retry="after-change"
    ),
    "group-full": Code(
        409, "The group has as many participants as it may on these days.", retry="after-change"
    ),
    "group-in-use": Code(
        409, "The group has participants; it is taken back when it has none.", retry="after-change"
    ),
    "goal-reached": Code(409, "The goal was already reached, on another day."),
    "participant-erased": Code(409, "The participant was erased."),
    "already-merged": Code(409, "The two handles are merged already."),
    "not-merged": Code(409, "The two handles are not merged."),
    "both-open": Code(
        409,
        "Both persons have an open journey in one programme; `errors` names them.",
        retry="after-change",
    ),
    "has-a-number": Code(409, "The participant has a personal number, so candidates are not looked for."),
    "record-unreadable": Code(
        409, "The record has no readable headers, so it can only be skipped.", "operator"
    ),
    "earlier-event-first": Code(
        409, "An earlier event of the same source has to be applied first.", "operator", retry="after-change"
    ),
    "rebuild-under-way": Code(
        409, "A rebuild of this projection is under way; abandon it first.", "operator", retry="after-change"
    ),
    "no-rebuild": Code(409, "No rebuild of this projection is under way.", "operator", retry="after-change"),
    "rebuild-behind": Code(
        409,
        "The rebuilt projection has not caught up with the live one yet.",
        "operator",
        retry="after-change",
    ),
    "rebuild-uncompared": Code(
        409,
        "The rebuilt projection has to be compared with the live one first.",
        "operator",
        retry="after-change",
    ),
    "rebuild-differs": Code(
        409,
        "The rebuilt projection differs from the live one, and the caller did not accept that.",
        "operator",
        retry="after-change",
    ),
    "not-halted-over-it": Code(
        409, "The group has not halted over this topic, or it was accepted already.", "operator"
    ),
    "not-standing-there": Code(
        409,
        "The group does not stand at that record, or nothing is there yet.",
        "operator",
        retry="after-change",
    ),
    "no-webhook": Code(409, "The organisation has no webhook."),
    "already-registered": Code(409, "The id names an entry of the register that says something else."),
    "still-responsible": Code(
        409,
        "The unit is responsible for open journeys; they are handed over first.",
        retry="after-change",
    ),
    "stale-revision": Code(412, "The resource has changed since the revision in If-Match."),
    "revision-missing": Code(428, "The change must name the revision it rests on, in If-Match."),
    # the platform
    "busy": Code(
        503,
        "The database did not answer in time; the same request again is safe.",
        "nobody",
        retry="after-delay",
    ),
    "state-unreadable": Code(
        503,
        "This release cannot read what is stored of this; nothing was changed. The operators mend it.",
        "operator",
        retry="after-change",
    ),
    "internal": Code(500, "The platform failed; nothing was stored.", "operator", retry="after-change"),
}

FieldErrors = Mapping[str, object]


class Refused(Exception):
    """The caller must act. `code` is one of CODES; `detail` says what in a sentence without personal data."""

    def __init__(self, code: str, detail: str, errors: FieldErrors | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retry_after_seconds: int | None = None


class Invalid(Refused):
    """The request is wrong; `errors` maps each field to its reasons."""

    def __init__(self, errors: FieldErrors, detail: str = "One or more fields are wrong.") -> None:
        super().__init__("invalid-fields", detail, errors)


class Forbidden(Refused):
    """The caller may not do this."""


class Unknown(Refused):
    """There is no such thing, or none that the caller may know of.

    within: it would lie within what the caller holds a part in, so that its absence tells nothing else.
    """

    def __init__(self, what: str, *, within: bool = False) -> None:
        super().__init__("not-found", f"There is no such {what}.")
        self.within = within


class Conflict(Refused):
    """The state does not allow it now."""


class Later(Refused):
    """The same request will do later."""

    def __init__(self, code: str, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(code, detail)
        self.retry_after_seconds = retry_after_seconds


class NotYetSeen(Refused):
    """This service is behind what the caller has seen."""

    def __init__(self, detail: str) -> None:
        super().__init__("not-yet-seen", detail)


class StateUnreadable(Refused):
    """This release cannot read the stored state of a subject; the subject waits until it can.

    kind: of the subject. why: for the operator, in a sentence without personal data.
    """

    def __init__(self, kind: str, why: str) -> None:
        super().__init__("state-unreadable", f"What is stored of this {kind} cannot be read at present.")
        self.why = why


class Busy(Exception):
    """Nobody is at fault; repeating the request with the same key is safe."""


class Unready(Exception):
    """An event rests on something that has not arrived: the event waits for `needs`."""

    def __init__(self, needs: str) -> None:
        super().__init__(needs)
        self.needs = needs


@dataclass(frozen=True, slots=True)
class Place:
    """Where a group stands in a partition, and where that partition begins now: offsets."""

    partition: int
    stands: int
    begins: int


@dataclass(frozen=True, slots=True)
class ReplacedTopic:
    """A topic that is not what a group has read. identity: Kafka's id of what has the name now; places: those lost."""

    group: str
    topic: str
    identity: str | None
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The one record that a group cannot get past."""

    group: str
    topic: str
    partition: int
    offset: int


class Halt(Exception):
    """The group must not go on: `cause` and `cure` are for the operator.

    log: what an operator may accept. standing: the record that an operator may pass over.
    """

    def __init__(
        self, cause: str, cure: str, log: ReplacedTopic | None = None, standing: Standing | None = None
    ) -> None:
        super().__init__(f"{cause} {cure}")
        self.cause = cause
        self.cure = cure
        self.log = log
        self.standing = standing
