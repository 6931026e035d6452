"""The whole of a contest in one file, and counting it again with nothing but that file."""
