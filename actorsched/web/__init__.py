"""A scheduler over HTTP: a page for people, numbers for monitoring, and the way in for Luigi's own workers.

    doorkeeper.py   who may come in, and from which page
    calls.py        one call of the scheduler in one request, as a luigid takes it
    runs.py         the runs that have ended
    metrics.py      what Prometheus reads
    static/         the page; it knows nothing but these calls
    app.py          all of them together
    connection.py   one connection
    serving.py      the app on an address, until it is stopped

It is a client of the scheduler like any other, as a rule in a process of its own (`actorsched web`): what
people look at takes nothing from those who work, but the calls themselves.
"""
