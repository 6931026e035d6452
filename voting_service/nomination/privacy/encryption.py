"""Encryption of personal data at rest, with its own keys, bound to the row it belongs to.

`VOTING_PERSONAL_KEYS` lists the keys. The first one encrypts, every one decrypts. To replace a
key, put a new one in front and encrypt again every value that is not `is_current`
(nomination/retention/rotate_keys.py). Keys derived from the master keys always come last: one
encrypts where no key is listed, so that the service starts without the setting, and they
decrypt what was encrypted before the first key was listed.

Encrypted bytes: the key's id (8 bytes), a random nonce (12), then the output of AES-256-GCM with
the label as associated data.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voting_service.errors import Refused
from voting_service.infrastructure.crypto.key_wrapping import older_keys, unwrap, wrap
from voting_service.nomination.form.id_numbers import parse_id_number
from voting_service.settings import Settings

KEY_BYTES = 32
PERSON_HASH_BYTES = 32
_ID_BYTES = 8


class PersonalKeys:
    """The keys that encrypt personal data, and the key of the person hash."""

    def __init__(
        self, master_key: bytes, listed: tuple[bytes, ...] = (), person_key: bytes | None = None
    ) -> None:
        keys = (*listed, *map(derived_data_key, (master_key, *older_keys(master_key))))
        self._keys: Mapping[bytes, bytes] = {key_id(key): key for key in keys}
        self._current_id = key_id(keys[0])
        self._person_key = person_key or derived_person_key(master_key)

    @classmethod
    def of(cls, settings: Settings) -> PersonalKeys:
        return cls(
            settings.master_key.get_secret_value(),
            tuple(key.get_secret_value() for key in settings.personal_keys),
            None if settings.person_key is None else settings.person_key.get_secret_value(),
        )

    def encrypt(self, label: str, content: bytes) -> bytes:
        """Encrypt `content` for one row. `label` names the kind and the key of the row, such as
        `recommendation 17`; decryption needs the same label."""
        return self._current_id + wrap(self._keys[self._current_id], label, content)

    def decrypt(self, label: str, encrypted: bytes) -> bytes:
        """Return what `encrypt` was given. Raises Refused when the key is no longer listed, or
        the bytes were changed or belong to another label."""
        key = self._keys.get(encrypted[:_ID_BYTES])
        if key is None:
            raise Refused("nomination.privacy.key_not_listed", label=label)
        try:
            return unwrap(key, label, encrypted[_ID_BYTES:])
        except (Refused, ValueError):  # ValueError: shorter than a nonce
            raise Refused("nomination.privacy.cannot_decrypt", label=label) from None

    def is_current(self, encrypted: bytes) -> bool:
        """Whether the first listed key encrypted this; otherwise it is to be encrypted again."""
        return encrypted[:_ID_BYTES] == self._current_id

    def person_hash(self, id_number: str) -> bytes:
        """Keyed hash that identifies a person without naming them: the same for every spelling of
        an ID number, and permanent: the settings accept no second master key as long as this key
        is derived from the first. Raises InvalidInput for text that is not an ID number."""
        number = parse_id_number(id_number).text
        return blake2b(
            number.encode(), key=self._person_key, digest_size=PERSON_HASH_BYTES
        ).digest()


def derived_data_key(master_key: bytes) -> bytes:
    """Return the key that encrypts personal data where no key is listed."""
    return _derived(master_key, b"office personal data")


def derived_person_key(master_key: bytes) -> bytes:
    """Return the key of the person hash where none is set."""
    return _derived(master_key, b"office person hash")


def key_id(key: bytes) -> bytes:
    """Return the id that stands before everything a key encrypted."""
    return blake2b(digest_size=_ID_BYTES, key=key, person=b"key id").digest()


def _derived(master_key: bytes, purpose: bytes) -> bytes:
    """HKDF with SHA-256 (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(master_key)
