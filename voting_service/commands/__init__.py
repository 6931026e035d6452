"""The commands, a file each; `cli.py` lists them."""
