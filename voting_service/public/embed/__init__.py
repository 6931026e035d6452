"""The vote inside a platform's own pages: a script, a frame, and a page for its engineers.

Nothing here casts a vote or needs a cookie: what is embedded shows what is public and hands the
reader over, top-level, to the pages or to the platform's own sign-in.
"""
