"""The services and processes that `marque up` runs on one machine, without root or Docker.

PostgreSQL, Valkey, SeaweedFS and the mail catcher come from wheels and listen on 127.0.0.1 only.
"""
