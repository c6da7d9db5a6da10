"""What is sealed opens for its owner and purpose alone."""

from __future__ import annotations

import pytest

from kernel.crypto import SealBroken, Vault
from kernel.ids import uuid7

OWNER, OTHER = uuid7(), uuid7()


def test_sealed_bytes_open_again(vault: Vault) -> None:
    """And two seals of one text differ."""
    first, second = (vault.seal(OWNER, b"secret", purpose="test") for _ in range(2))

    assert first != second
    assert b"secret" not in first
    assert vault.open(OWNER, first, purpose="test") == b"secret"


@pytest.mark.parametrize("position", [0, 1, 13, 40, 61, -1])
def test_one_changed_byte_breaks_the_seal(vault: Vault, position: int) -> None:
    """Version, nonces, wrapped key and body are all bound."""
    sealed = bytearray(vault.seal(OWNER, b"secret", purpose="test"))
    sealed[position] ^= 1

    with pytest.raises(SealBroken):
        vault.open(OWNER, bytes(sealed), purpose="test")


def test_another_owner_or_purpose_opens_nothing(vault: Vault) -> None:
    """A row copied into another tenant's table stays closed."""
    sealed = vault.seal(OWNER, b"secret", purpose="test")

    with pytest.raises(SealBroken):
        vault.open(OTHER, sealed, purpose="test")
    with pytest.raises(SealBroken):
        vault.open(OWNER, sealed, purpose="other")
    with pytest.raises(SealBroken):
        Vault(b"another master key of 32 bytes!!").open(OWNER, sealed, purpose="test")


def test_cut_or_empty_bytes_are_refused(vault: Vault) -> None:
    """Whatever stands in the column, no other error comes out."""
    sealed = vault.seal(OWNER, b"secret", purpose="test")
    for cut in (b"", sealed[:1], sealed[:40], sealed[:-1]):
        with pytest.raises(SealBroken):
            vault.open(OWNER, cut, purpose="test")
