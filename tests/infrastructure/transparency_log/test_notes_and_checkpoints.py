"""Signed notes, checkpoints, cosignatures and proof files, with the examples of C2SP's texts."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from voting_service.errors import InvalidInput, MalformedInput
from voting_service.infrastructure.transparency_log.checkpoints import (
    Checkpoint,
    check_cosignatures,
    cosign,
    cosigned_at,
    open_checkpoint,
    read_checkpoint,
    sign_checkpoint,
)
from voting_service.infrastructure.transparency_log.proof_file import LogProof, read_proof
from voting_service.infrastructure.transparency_log.signed_note import (
    COSIGNATURE,
    SignedNote,
    read_note,
    read_signature_line,
    read_verifier_key,
    require_signature,
    verifier_key,
)

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
"""C2SP signed-note, "Example"."""
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
"""golang.org/x/mod, sumdb/note/example_test.go."""
SPLIT_NOTE = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU"
    "0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
"""C2SP signed-note, first example: a text with an empty line."""
BEHIND_THE_SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q"
    "1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXc"
    "rtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
"""C2SP tlog-cosignature, first example."""
LOG_KEY = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
ORIGIN = "vote.example/log/test-2022"
LOG = verifier_key(ORIGIN, LOG_KEY)
WITNESS = verifier_key("witness.example/w1", WITNESS_KEY, COSIGNATURE)
CHECKPOINT = Checkpoint(ORIGIN, 5, bytes(range(32)))


def cosigned_checkpoint() -> SignedNote:
    note = sign_checkpoint(CHECKPOINT, LOG_KEY)
    line = cosign(note.text, WITNESS.name, WITNESS_KEY, 1_679_315_147)
    return note._replace(signatures=(*note.signatures, line))


@pytest.mark.parametrize(("key", "note"), [(EXAMPLE_KEY, EXAMPLE_NOTE), (GO_KEY, GO_NOTE)])
def test_the_published_notes_verify_and_no_changed_one_does(key: str, note: str) -> None:
    read = read_verifier_key(key)
    assert read.text == key
    require_signature(read_note(note.encode()), read)
    assert read_note(note.encode()).data.decode() == note
    with pytest.raises(InvalidInput, match=read.name):
        require_signature(read_note(note.replace("is", "was", 1).encode()), read)
    with pytest.raises(InvalidInput, match="missing"):
        require_signature(read_note(note.encode()), LOG)


def test_a_note_ends_with_its_last_empty_line() -> None:
    note = read_note(SPLIT_NOTE.encode())
    assert note.text.endswith("sole:\n\ned è subito sera.\n")
    assert note.signatures[0].key_id.hex() == "367ba04b"


def test_the_published_checkpoint_is_read() -> None:
    note = read_note(BEHIND_THE_SOFA.encode())
    checkpoint = read_checkpoint(note)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.text == note.text
    assert note.signatures[1].signature[:8] == (1_679_315_147).to_bytes(8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        EXAMPLE_NOTE.encode()[:-1],
        EXAMPLE_NOTE.replace("—", "-").encode(),
        EXAMPLE_NOTE.replace("foo Uw", "f+o Uw").encode(),
        EXAMPLE_NOTE.replace("message", "mess\rage").encode(),
        EXAMPLE_NOTE.replace("yaQM=", "yaQN=").encode(),
        EXAMPLE_NOTE.encode() + b"\xff",
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_note(data)


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE_KEY.replace("530d903a", "530d903b"),
        EXAMPLE_KEY.replace("3U2k", "3U2l"),
        "example.com/foo",
        "",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_verifier_key(text)


def test_a_checkpoint_is_signed_cosigned_and_opened() -> None:
    note = cosigned_checkpoint()
    assert read_verifier_key(WITNESS.text) == WITNESS
    checkpoint, read = open_checkpoint(note.data, LOG)
    assert (checkpoint, read) == (CHECKPOINT, note)
    assert check_cosignatures(note, [WITNESS]) == {WITNESS.name: 1_679_315_147}
    another = verifier_key("vote.example/log/other", LOG_KEY)
    with pytest.raises(InvalidInput):
        open_checkpoint(note.data, another)
    stranger = verifier_key(WITNESS.name, LOG_KEY, COSIGNATURE)
    assert check_cosignatures(note, [stranger]) == {}
    assert cosigned_at(note.text, note.signatures[0], WITNESS) is None


@given(st.integers(0, 10**6))
def test_no_checkpoint_with_one_bit_changed_is_taken(bit: int) -> None:
    """Every bit of the file: the text, the log's line and the witness's."""
    whole = cosigned_checkpoint().data
    changed = bytearray(whole)
    changed[bit // 8 % len(whole)] ^= 1 << bit % 8
    try:
        _, note = open_checkpoint(bytes(changed), LOG)
        assert check_cosignatures(note, [WITNESS]) == {}  # a line of nobody that we know
    except InvalidInput:
        pass


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n05\n{b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n-5\n{b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n5\n{b64encode(bytes(31)).decode()}\n",
        f"{ORIGIN}\n5\n",
        f"{ORIGIN}\n5\n{b64encode(bytes(32)).decode()}\nextension\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput):
        read_checkpoint(SignedNote(text, ()))


def test_a_proof_is_the_text_of_the_specification() -> None:
    """The cases of transparency-dev/formats, proof/tlog_proof_test.go."""
    hashes = (bytes(32), b"1" * 32)
    proof = LogProof(10, hashes, b"checkpoint data\n")
    lines = "".join(f"{b64encode(given).decode()}\n" for given in hashes)
    assert proof.text == f"c2sp.org/tlog-proof@v1\nindex 10\n{lines}\ncheckpoint data\n"
    assert read_proof(proof.text) == proof
    assert read_proof(proof.text.replace("index", "extra aGVsbG8=\nindex", 1)) == proof
    empty = LogProof(0, (), b"checkpoint\n")
    assert empty.text == "c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n"
    assert read_proof(empty.text) == empty


@pytest.mark.parametrize(
    "text",
    [
        "wrong-header\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{b64encode(bytes(64)).decode()}\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n",
    ],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput):
        read_proof(text)


def test_a_signature_line_alone_is_read() -> None:
    line = cosigned_checkpoint().signatures[1]
    assert read_signature_line(line.text.removesuffix("\n")) == line
