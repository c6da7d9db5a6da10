"""How mails leave and what comes back: servers, return paths, bounces, suppression, consent."""
