"""The vote inside a platform's own pages: a script, a frame, and a guide for its engineers.

Embeds show public data only. They cast no votes and use no cookies; their links open the voting
pages or the platform's own sign-in in the whole window.
"""
