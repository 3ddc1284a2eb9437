"""Keys as settings hold them: 32 random bytes in base64, standard or URL-safe."""

import base64
import binascii

from shared.language.errors import Halt


def decoded(variable: str, text: str) -> bytes:
    """The bytes of a key. variable: the setting that holds it. Raises Halt naming what to set, and never the text."""
    standard = text.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Halt(f"{variable} is no base64.", "Set it to 32 random bytes in base64.") from None
