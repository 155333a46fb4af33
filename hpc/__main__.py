"""`python -m hpc`: the command line, where the script `hpc` is not on the path."""

from hpc.cli import main

main(prog_name="hpc")
