"""Hosted captchas: one adapter for each provider (adapter.py), called through verifier.py.

A contest's `[screening] captcha` names one. A suspicious vote then gets its widget; a proof of
work at its highest difficulty stays available, so that a voter who cannot load the provider's
script or cannot see its pictures can still vote. A captcha does not prove that the voter is a
person either, so like a solved challenge it never releases a held ballot.

| event                                        | what the voter gets            | counted as   |
|----------------------------------------------|--------------------------------|--------------|
| the provider accepts the token               | the vote goes on               | verified     |
| it rejects it: forged, expired, another site | 428, both ways again           | failed       |
| a good token comes for a second ballot       | 428, both ways again           | replayed     |
| it is slow (infrastructure/timeouts.py),     | 428, usual proof of work only  | unavailable  |
| unreachable, replies with an error or        |                                |              |
| nonsense, or rejects our keys                |                                |              |
| that happened FAILURE_THRESHOLD times in a   | usual proof of work only; not  | circuit_open |
| row                                          | asked for OPEN_CIRCUIT_SECONDS |              |
| MAX_AT_ONCE checks are under way             | 428, usual proof of work only  | too_many     |
| its secrets are not in the file              | usual proof of work only; an   | (logged)     |
|                                              | error in the log               |              |
| the browser cannot load or show the widget   | the page solves the harder     | -            |
|                                              | proof of work by itself        |              |
| the voter cannot or will not solve it        | a button for the harder proof  | -            |
|                                              | of work                        |              |
| Valkey is unavailable: each worker remembers | no difference                  | as in        |
| used tokens by itself                        |                                | voters/      |

In no row a vote passes without a challenge, and in none a voter has no way left. The counter is
`voting_captchas_total`. A provider receives the token and, where its protocol has a field for it,
the voter's address, which the widget has shown it already; never the voter's pseudonym, the
platform or the choices. Only the provider's name and its error code are logged.
"""
