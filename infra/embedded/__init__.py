"""The services and processes that `marque up` runs on one machine, without root or Docker.

PostgreSQL, Valkey and SeaweedFS come from wheels, the catchers of mail and SMS are ours; all of
them listen on 127.0.0.1 only.
"""
