"""Hosted captchas: one file a provider behind the interface of captcha.py, asked through gate.py.

A contest's `[screening] captcha` names one. A suspicious vote then meets its widget; a proof of
work stays the other way, at its highest price: whoever cannot load the provider's script, cannot
see its pictures or has scripts of others blocked still votes. A captcha proves no person either,
so like a solved challenge it never takes a hold away.

| what happens                                 | what the voter meets           | counted  |
|----------------------------------------------|--------------------------------|----------|
| the provider says yes                        | the vote is paid for           | verified |
| it says no: forged, expired, of another site | 428, both ways again           | failed   |
| a good token comes for a second ballot       | 428, both ways again           | replayed |
| it is slow (DEADLINE_SECONDS), away, answers | 428, usual proof of work only  | away     |
| an error or nonsense, refuses our keys       |                                |          |
| that happened TRIPS_AFTER times in a row     | usual proof of work only; not  | spared   |
|                                              | asked for SPARED_SECONDS       |          |
| MAX_AT_ONCE questions are under way          | 428, usual proof of work only  | crowded  |
| its secrets are not in the file              | usual proof of work only; an   | (logged) |
|                                              | error in the log               |          |
| the browser cannot load or show the widget   | the page does the dear proof   | -        |
|                                              | of work by itself              |          |
| the voter cannot or will not do it           | a button: the dear proof       | -        |
| Valkey is away: tokens are remembered by     | nothing of it                  | as in    |
| each worker alone                            |                                | voters/  |

In no row a vote passes unpaid, and in none a voter has no way left. The counter is
`voting_captchas_total`. What is told to whom: a provider learns the token and, where its protocol
has a field for it, the voter's address, which the widget in the voter's browser has shown it
already; never the voter's pseudonym, the platform or the choices. Nothing of a question or an
answer is logged but the provider's name and its error code.
"""
