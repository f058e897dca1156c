"""`python -m actorsched` is the command `actorsched`."""

from actorsched.cli.main import main

main()
