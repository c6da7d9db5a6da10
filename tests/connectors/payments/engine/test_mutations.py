"""No field of any recipe can change without a vector that notices."""

import copy

import pytest

from connectors.payments.engine import provider_files
from tests.connectors.payments.engine.mutations import Mutant, killer, mutants

ALL = provider_files.names()


def mutants_of(provider_id: str) -> list[Mutant]:
    """Every mutant of a file; of one that extends another, those of what it says itself."""
    whole = provider_files.merged(provider_id)
    own = provider_files.tables(provider_id)
    return list(mutants(whole, only=own if "extends" in own else None))


@pytest.mark.parametrize("provider_id", ALL)
def test_every_mutant_is_killed(provider_id: str) -> None:
    """Each field of the file, changed by machine: the file or one of its vectors refuses it."""
    made = mutants_of(provider_id)

    alive = [str(one) for one in made if not killer(one)]

    # A clone has nothing of its own but its address and its name.
    assert made or provider_files.load(provider_id).extends == "praxis"
    assert alive == []


def test_an_untouched_file_is_no_mutant() -> None:
    """What kills a mutant is its change: the files themselves stand."""
    for provider_id in ALL:
        data = provider_files.merged(provider_id)
        assert killer(Mutant(("name",), "nothing", copy.deepcopy(data))) == ""


def test_a_field_without_a_vector_is_found() -> None:
    """With the vectors taken out that look at a field, its mutants live: the search can fail."""
    data = provider_files.merged("skrill")
    data["vectors"] = [one for one in data["vectors"] if one["of"] != "callback"]

    alive = [one for one in mutants(data) if one.path[0] == "callback" and not killer(one)]

    assert len(alive) > 10
