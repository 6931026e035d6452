"""The errors that several packages raise or handle.

They know neither HTTP nor the command line: `sites/shared/problem_documents.py` renders them as
problem documents, `cli.py` as a line on stderr and an exit code. The sentence of an error is in the
catalogue of its package (such as `errors_voting`) under its code, with the error's parameters as
placeholders.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from voting_service.i18n.catalogues import find_text
from voting_service.i18n.text import Language

_VERBATIM = "errors.verbatim"


def error_domain(code: str) -> str:
    """Return the catalogue of a code, `errors_<top-level package>`."""
    room = code.partition(".")[0]
    return "errors" if room == "errors" else f"errors_{room}"


def _text(code: str, params: Mapping[str, Any], language: Language) -> str:
    """Return the sentence of a code; in English if the language lacks it, else the code itself."""
    if code == _VERBATIM:
        return str(params[language] or params["en"])
    text = find_text(error_domain(code), code, language) or find_text(
        error_domain(code), code, "en"
    )
    return code if text is None else text.format(**params)


class Fault:
    """A fault of an input: its field (`choices[2]`, `window.opens_at (line 12)`) and a code.

    The code names a sentence of the package's catalogue, `params` are its placeholders' values.
    """

    __slots__ = ("code", "field", "params")

    def __init__(self, field: str, code: str, /, **params: Any) -> None:
        self.field = field
        self.code = code
        self.params = params

    @classmethod
    def verbatim(cls, field: str, en: str, zh: str = "") -> Fault:
        """Return a fault with a given sentence, for example from a library."""
        return cls(field, _VERBATIM, en=en, zh=zh)

    def at(self, field: str) -> Fault:
        """Return the same fault at another field."""
        return type(self)(field, self.code, **self.params)

    def text(self, language: Language) -> str:
        """Return what is wrong, in a language."""
        return _text(self.code, self.params, language)

    @property
    def message(self) -> str:
        return self.text("en")

    @property
    def zh(self) -> str:
        return self.text("zh")

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message

    def __repr__(self) -> str:
        return f"Fault({self.field!r}, {self.code!r}, **{self.params!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fault) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class Note(Fault):
    """Something to look at in a field of an input, which prevents nothing."""


class VotingError(Exception):
    """Base of every error that may be shown to a user.

    `code` names a sentence of the package's catalogue, `params` are its placeholders' values.
    """

    def __init__(self, code: str = "", /, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    @classmethod
    def verbatim(cls, en: str, zh: str = "") -> VotingError:
        """Return an error with a given sentence."""
        return cls(_VERBATIM, en=en, zh=zh)

    def text(self, language: Language) -> str:
        """Return what happened and what to do, in a language."""
        return _text(self.code, self.params, language)

    @property
    def zh(self) -> str:
        return self.text("zh")

    def __str__(self) -> str:
        return self.text("en")

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the parameters when the error comes from another process."""
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[VotingError], args: tuple[Any, ...], state: dict[str, Any]) -> VotingError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class InvalidInput(VotingError):
    """The input is not valid; `faults` lists everything that is wrong with it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.faults = faults

    def text(self, language: Language) -> str:
        """Return all faults: in English with their fields, in Chinese as whole sentences."""
        if language == "zh":
            return "".join(fault.zh for fault in self.faults)
        return "; ".join(str(fault) for fault in self.faults)


class MalformedInput(InvalidInput):
    """The input cannot be read at all: it is not JSON or not UTF-8."""


class InputTooLarge(VotingError):
    """The body is larger than `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__("errors.body_too_large", limit_bytes=limit_bytes)
        self.limit_bytes = limit_bytes


class UnsupportedMedia(VotingError):
    """The body has another media type than expected."""


class NotSignedIn(VotingError):
    """There is no session, or it is forged, expired or for another contest."""


class SessionEnded(NotSignedIn):
    """The session was opened before the organisers ended those of its platform."""


class SentFromElsewhere(VotingError):
    """A form was sent from another site or without a valid CSRF token."""


class TokenRefused(VotingError):
    """A sign-in token is not valid; the sentence names the broken rule."""


class NotFound(VotingError):
    """There is nothing with that name."""


class NotYet(NotFound):
    """There will be something with that name; ask again after `retry_after_seconds`."""

    def __init__(self, code: str = "", /, *, retry_after_seconds: int, **params: Any) -> None:
        super().__init__(code, **params)
        self.retry_after_seconds = retry_after_seconds


class NotOpen(VotingError):
    """Voting has not opened yet or has closed."""

    def __init__(self, opens_at: datetime, closes_at: datetime, *, closed: bool) -> None:
        super().__init__("errors.voting_closed" if closed else "errors.voting_not_open")
        self.opens_at = opens_at
        self.closes_at = closes_at
        self.closed = closed


class NotPublished(VotingError):
    """The profiles are under embargo until `publish_at`."""

    def __init__(self, publish_at: datetime) -> None:
        super().__init__("errors.candidates_not_published")
        self.publish_at = publish_at


class AlreadyVoted(VotingError):
    """Another ballot of this voter is stored for the period; `receipt` is its receipt."""

    def __init__(self, receipt: bytes) -> None:
        super().__init__("errors.another_ballot_stored")
        self.receipt = receipt


class PeriodOver(VotingError):
    """The vote named a period that is over, and no ballot of its voter is stored for it."""

    def __init__(self, period: date) -> None:
        super().__init__("errors.period_over", period=period)
        self.period = period


class SlowDown(VotingError):
    """Too many tries by this voter; the next one is allowed after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("errors.too_many_tries_by_voter")
        self.retry_after_seconds = retry_after_seconds


class ChallengeRequired(VotingError):
    """This vote needs a proof of work of up to `tries` tries or, where one is set up, a captcha.

    The view fills in `challenge`, which takes a moment to make, and `captcha`: provider, site key
    and what binds the captcha to the ballot.
    """

    def __init__(self, tries: int) -> None:
        super().__init__("errors.solve_challenge")
        self.tries = tries
        self.challenge: dict[str, Any] | None = None
        self.captcha: dict[str, str] | None = None


class Unavailable(VotingError):
    """The service cannot answer now and has confirmed nothing; it is safe to try again."""

    def __init__(self, code: str = "", /, *, retry_after_seconds: int = 1, **params: Any) -> None:
        super().__init__(code, **params)
        self.retry_after_seconds = retry_after_seconds


def spread_retry_seconds() -> int:
    """Return a Retry-After that spreads the retries of many clients over four seconds."""
    return 1 + secrets.randbelow(4)


def busy() -> Unavailable:
    """Return the error for a busy service, with a spread Retry-After."""
    return Unavailable("errors.busy", retry_after_seconds=spread_retry_seconds())


class StoreUnavailable(Unavailable):
    """Postgres or Valkey did not answer. Whether a statement took effect is unknown."""

    @property
    def word(self) -> str:
        """The word that `readyz` shows for it, which docs/operators.md explains."""
        return "away"


class StoreFault(StoreUnavailable):
    """Postgres or Valkey answers, but cannot be used as it or its URL is set up."""

    @property
    def word(self) -> str:
        """The end of its code, in words."""
        return self.code.rpartition(".")[2].replace("_", " ")


class Refused(VotingError):
    """The rules do not allow this action now; the sentence tells what to do."""


class WrongRole(Refused):
    """The role of the account does not allow this."""


class IdentityNotConfirmed(VotingError):
    """The session is valid, but this action needs a recent confirmation of identity."""


class SecondPersonRequired(Refused):
    """The person who proposed this cannot approve it."""
