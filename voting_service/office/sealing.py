"""Personal data at rest: sealed with keys of their own, bound to the row they belong to.

`VOTING_PERSONAL_KEYS` lists them. The first one seals, every one opens, so a key is replaced by
putting a new one in front and sealing the rows anew that are not `is_current`. A key derived
from the master key always stands last: it seals where nothing is listed, so that a service
starts without the setting, and it still opens what was sealed before the first key was listed.

Sealed bytes are the key's id (8 bytes), a random nonce (12) and what AES-256-GCM made, with the
label as associated data.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voting_service.errors import Refused
from voting_service.office.id_numbers import parse_id_number
from voting_service.settings import Settings
from voting_service.storage.wrapping import unwrap, wrap

KEY_BYTES = 32
PERSON_HASH_BYTES = 32
_ID_BYTES = 8


class PersonalKeys:
    """The keys that personal data is sealed with, and the one that persons are told apart by."""

    def __init__(self, master_key: bytes, listed: tuple[bytes, ...] = ()) -> None:
        keys = (*listed, _derived(master_key, b"office personal data"))
        self._keys: Mapping[bytes, bytes] = {_key_id(key): key for key in keys}
        self._sealing_id = _key_id(keys[0])
        self._person_key = _derived(master_key, b"office person hash")

    @classmethod
    def of(cls, settings: Settings) -> PersonalKeys:
        return cls(
            settings.master_key.get_secret_value(),
            tuple(key.get_secret_value() for key in settings.personal_keys),
        )

    def seal(self, label: str, content: bytes) -> bytes:
        """`content`, readable only with the key and by whoever names the same `label`: the kind
        and key of its row, such as `recommendation 17`."""
        return self._sealing_id + wrap(self._keys[self._sealing_id], label, content)

    def open(self, label: str, sealed: bytes) -> bytes:
        """What `seal` was given. Raises Refused when the key is not listed any more, or the bytes
        were changed or belong to another label."""
        key = self._keys.get(sealed[:_ID_BYTES])
        if key is None:
            raise Refused(
                f"{label} is sealed with a key that VOTING_PERSONAL_KEYS does not list: "
                "list that key again, after the first one",
                zh=f"{label} 的密钥未列入 VOTING_PERSONAL_KEYS，请将其补列在首个密钥之后。",
            )
        try:
            return unwrap(key, label, sealed[_ID_BYTES:])
        except (Refused, ValueError):  # ValueError: cut so short that not even the nonce is whole
            raise Refused(
                f"{label} cannot be opened: its sealed bytes were changed, or belong to something "
                "else; restore them from a backup",
                zh=f"{label} 无法解密：密文已被改动或不属于此处，请从备份恢复。",
            ) from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether the key that seals now sealed it; if not, open it and seal it again."""
        return sealed[:_ID_BYTES] == self._sealing_id

    def person_hash(self, id_number: str) -> bytes:
        """Tells persons apart without saying who they are: the same for every spelling of an ID
        number, and, as the master key stays, for ever. Raises InvalidInput for what is none."""
        number = parse_id_number(id_number).text
        return blake2b(
            number.encode(), key=self._person_key, digest_size=PERSON_HASH_BYTES
        ).digest()


def _key_id(key: bytes) -> bytes:
    return blake2b(digest_size=_ID_BYTES, key=key, person=b"key id").digest()


def _derived(master_key: bytes, purpose: bytes) -> bytes:
    """HKDF with SHA-256 (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(master_key)
