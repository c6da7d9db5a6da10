"""What one rendering may cost; every number is a wall, not a hope."""

from __future__ import annotations

from dataclasses import asdict, dataclass

KINDS = ("subject", "html", "text", "sms", "pdf_block", "landing")
# Those whose text is HTML: values are escaped in them, and only allowed elements come out.
HTML_KINDS = frozenset({"html", "landing"})


@dataclass(frozen=True)
class Limits:
    """The walls around one rendering; seconds, bytes, characters and counts."""

    wall_seconds: float = 0.7  # then the parent kills the child
    cpu_seconds: float = 0.4  # then the kernel kills it
    memory_bytes: int = 160 * 1024 * 1024  # of address space; an idle child has about 35 MB
    source_bytes: int = 64 * 1024
    context_bytes: int = 64 * 1024
    output_bytes: int = 256 * 1024
    string_characters: int = 32 * 1024  # what goes into or comes out of a filter
    list_items: int = 1_000
    assigned_characters: int = 256 * 1024  # by all assign and capture tags together
    loop_iterations: int = 10_000  # of one nest of loops, multiplied
    block_nesting: int = 12
    renderings: int = 500  # then the child is replaced

    def as_dict(self) -> dict[str, float | int]:
        """Return the numbers for the child's command line."""
        return asdict(self)


SUBJECT_CHARACTERS = 200
SMS_CHARACTERS = 612  # four parts of a long SMS in the GSM alphabet
NOTE_CHARACTERS = 1_200  # a block on a document, which has one page
