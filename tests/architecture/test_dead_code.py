"""No code without a caller: vulture reads the whole tree, tests included, and finds nothing that is not listed here.

Fields of schemas, structs and enums are left out, because callers outside read them by name.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from vulture import Vulture

from tests.support.sources import EVERYTHING, PRODUCT, ROOT, sources

CALLED_FROM_OUTSIDE = {
    # libraries call or read these
    "services/intake/api/schemas.py: handle_error",
    "services/outcome/stream/server.py: send_400_response",
    "shared/edge/fields.py: on_bind_field",
    "shared/edge/http_server.py: content_length",
    "shared/edge/http_server.py: expect_continue",
    "shared/edge/http_server.py: maintenance",
    "shared/edge/texts.py: equal",
    "shared/edge/tokens.py: redirect_request",
    "tests/chaos/launch.py: succeeded",
    "tests/support/asked.py: succeeded",
    "tests/support/page_server.py: should_exit",
    "tests/support/receiver.py: do_POST",
    "tests/support/receiver.py: log_message",
    "tests/unit/clients/player/test_wire.py: do_POST",
    "tests/unit/clients/player/test_wire.py: close_connection",
    "tests/unit/clients/player/test_wire.py: log_message",
    "tests/unit/clients/player/test_wire.py: daemon_threads",
    "tests/unit/tests/chaos/test_dashboard.py: do_GET",
    "tests/unit/tests/chaos/test_dashboard.py: log_message",
    # pytest and hypothesis call these
    "tests/e2e/conftest.py: pytest_unconfigure",
    "tests/unit/services/handover/test_any_order.py: teardown",
    # a reference cycle on purpose
    "tests/unit/shared/runtime/test_gc_tuning.py: itself",
}
FOR_TESTS = {
    # waitress calls it; a test has a function of the same name
    "shared/edge/http_server.py: execute",
    # what a test compares with what is served
    "clients/player/periods.py: STANDING",
    "services/outcome/stream/described.py: FOR_PEOPLE",
    "tools/contracts/messages.py: MODULES",
    # whether every version in use has a frozen example
    "tools/contracts/examples.py: raw_headers",
    "tools/contracts/examples.py: unfrozen",
    "tools/contracts/states.py: unfrozen",
    # when a test's condition has come about
    "shared/runtime/waiting.py: taken_now",
    # how suites reach a stack of their own
    "tools/stack/preflight.py: free_port_base",
    "tools/stack/stack.py: admin_mongo_uri",
    "tools/stack/stack.py: kafka_config",
}
"""What stands in the product and is used by tests alone. Everything else that tests need is in tests/support."""
BY_DECORATOR = [
    *(
        "@*.route",
        "@*.get",
        "@*.post",
        "@*.arguments",
        "@*.errorhandler",
        "@*.before_request",
        "@*.after_request",
    ),
    *("@*.command", "@pytest.*", "@invariant", "@rule*", "@initialize*", "@precondition", "@scenario*"),
    *("@post_load", "@pre_load", "@post_dump", "@validates*"),
]


def unused(*folders: Path) -> set[str]:
    """`<file>: <name>` of everything in these folders that nothing in them uses."""
    reader = Vulture(ignore_names=["test_*", "pytestmark", "__*__"], ignore_decorators=BY_DECORATOR)
    reader.scavenge([str(folder) for folder in folders])
    return {
        f"{Path(found.filename).relative_to(ROOT).as_posix()}: {found.name}"
        for found in reader.get_unused_code(min_confidence=60)
        if (str(found.filename), found.first_lineno) not in FIELDS
    }


def _fields() -> Iterator[tuple[str, int]]:
    for source in sources(*EVERYTHING):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                yield from (
                    (str(ROOT / source.name), one.lineno)
                    for one in node.body
                    if isinstance(one, ast.Assign | ast.AnnAssign)
                )


FIELDS = frozenset(_fields())


def test_nothing_is_left_without_a_caller() -> None:
    found = unused(*(ROOT / folder for folder in EVERYTHING))
    assert found - CALLED_FROM_OUTSIDE == set(), "delete it, or say who calls it"
    assert CALLED_FROM_OUTSIDE - found == set(), "it is used or gone: take it off the list"


def test_nothing_in_the_product_is_there_for_tests_alone() -> None:
    found = unused(*(ROOT / folder for folder in PRODUCT)) - CALLED_FROM_OUTSIDE
    assert found - FOR_TESTS == set(), "move it to tests/support"
    assert FOR_TESTS - found == set(), "it is used or gone: take it off the list"
