"""What can go wrong, in the words of the domain.

Nothing here knows HTTP or a command line: `web/problems.py` renders these as problem
documents, `cli.py` as a line on stderr and an exit code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: where (`choices[2]`, `window.opens_at (line 12)`) and what."""

    field: str
    message: str
    zh: str = dataclass_field(default="", compare=False)
    """The whole of it as a sentence for readers of Chinese, where staff may meet it."""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class VotingError(Exception):
    """Base of every error that a person outside may be told about. `zh` says the same to readers
    of Chinese, where staff may meet it."""

    def __init__(self, *message: str, zh: str = "") -> None:
        super().__init__(*message)
        self.zh = zh


class InvalidInput(VotingError):
    """The input breaks its contract; `faults` names every place at once."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults


class MalformedInput(InvalidInput):
    """The input cannot even be read as what it claims to be (not JSON, not UTF-8)."""


class InputTooLarge(VotingError):
    """The body is larger than `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the body is larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class UnsupportedMedia(VotingError):
    """The body is declared to be something else than JSON."""


class NotSignedIn(VotingError):
    """No session, or one that is forged, of another contest, or expired."""


class PlatformSwitchedOff(NotSignedIn):
    """The session is good, but its platform takes no part any more."""


class SentFromElsewhere(VotingError):
    """A form came from a page of another site, or without the mark that ours carry."""


class TokenRefused(VotingError):
    """A platform's sign-in token is not good; the message says which rule it breaks."""


class NotFound(VotingError):
    """There is nothing at that name."""


class NotOpen(VotingError):
    """Votes are not taken at this moment."""

    def __init__(self, opens_at: datetime, closes_at: datetime, *, closed: bool) -> None:
        super().__init__("voting has closed" if closed else "voting has not opened yet")
        self.opens_at = opens_at
        self.closes_at = closes_at
        self.closed = closed


class NotPublished(VotingError):
    """The profiles are under embargo until `publish_at`."""

    def __init__(self, publish_at: datetime) -> None:
        super().__init__("the candidates have not been published yet")
        self.publish_at = publish_at


class AlreadyVoted(VotingError):
    """A different ballot of this voter is stored for the period; `receipt` is that ballot's."""

    def __init__(self, receipt: bytes) -> None:
        super().__init__("another ballot is already stored for this period")
        self.receipt = receipt


class SlowDown(VotingError):
    """This voter tried too often; `retry_after_seconds` says when the next try is welcome."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("too many tries by this voter")
        self.retry_after_seconds = retry_after_seconds


class ChallengeRequired(VotingError):
    """This vote has its price: a proof of work that takes up to `tries` tries, or instead, where
    there is one, a `captcha` (its provider, our site key, and what binds it to the ballot). Both
    are filled in by whoever gives the answer: making a `challenge` takes a moment."""

    def __init__(self, tries: int) -> None:
        super().__init__("solve the challenge and send the vote again with it")
        self.tries = tries
        self.challenge: dict[str, Any] | None = None
        self.captcha: dict[str, str] | None = None


class Unavailable(VotingError):
    """The service cannot answer now and nothing was confirmed; trying again is safe."""

    def __init__(self, message: str, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StoreUnavailable(Unavailable):
    """Postgres or Valkey did not answer; whether a statement took effect is unknown."""


class NotDurable(StoreUnavailable):
    """Postgres answers, but is set to lose what it confirms; `settings` names what is off."""

    def __init__(self, settings: Sequence[str]) -> None:
        named = " and ".join(settings)
        super().__init__(
            f"the database server would lose confirmed votes in a crash: {named} is off. Set it "
            "to on in the server's configuration and reload it"
        )
        self.zh = (
            f"数据库服务器一旦崩溃将丢失已确认的选票：{'、'.join(settings)} 处于关闭状态。"
            "请在数据库配置中将其设为 on 并重新加载配置。"
        )
        self.settings = tuple(settings)


class Refused(VotingError):
    """A staff command that the rules do not allow now; the message says what to do."""


class TallyOfAnotherCluster(Refused):
    """The kept tally names transactions of another PostgreSQL cluster than this one: the database
    was restored from a dump. Nothing is counted by it until it was rebuilt."""


class WrongRole(Refused):
    """The account's role does not allow this, now or later."""


class IdentityNotConfirmed(VotingError):
    """The session is good, but this needs a fresh proof of who holds it."""


class SecondPersonRequired(Refused):
    """The same person may not propose and approve."""


class MissingGlyphs(Refused):
    """The fonts for printing have no glyph for these characters: nothing was printed."""

    def __init__(self, characters: tuple[str, ...]) -> None:
        named = ", ".join(
            f"{character} (U+{ord(character):04X})"
            if character.isprintable()
            else f"U+{ord(character):04X}"
            for character in characters
        )
        super().__init__(
            f"the fonts cannot print {named}: write it with other characters, or ask for a font "
            "that has them",
            zh=f"打印字体中没有这些字：{named}。请改用其他写法，或请管理员换用收有这些字的字体。",
        )
        self.characters = characters
