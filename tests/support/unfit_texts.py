"""Texts that no field takes: signs that show nothing, and personal numbers."""

UNFIT = {
    "lone surrogate": "{}\ud800",
    "NUL": "{}\0",
    "direction mark": "\u202e{}",
    "direction mark of Arabic": "{}\u061c",
    "tag": "{}\U000e0041",
    "line separator": "{0}\u2028{0}",
    "no character": "{}\uffff",
    "blank letter": "{}\u3164",
    "joiner of nothing": "\u200d{}",
    "grapheme joiner": "{}\u034f",
    "variation of nothing": "\ufe0f{}",
    "vowel that shows nothing": "{}\u17b4",
}


SHOWS_NOTHING = frozenset(
    {
        *("direction mark of Arabic", "tag", "line separator", "blank letter", "joiner of nothing"),
        *("grapheme joiner", "variation of nothing", "vowel that shows nothing"),
    }
)


NUMBERS = {
    "personnummer": "19850709-9805",
    "personnummer behind a number": "1. 850709-9805",
    "personnummer with a word": "850709 nr 9805",
    "personnummer apart": "1985-07-09 / 9805",
    "personnummer with invisible signs": "19850709\u200b\u00ad9805",
    "coordination number": "19850769-9802",
    "T-number": "19850709-T980",
}
