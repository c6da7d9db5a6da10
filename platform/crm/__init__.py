"""The CRM and the public site: leads come in, are routed, worked on and become clients.

Profiles, mail and money belong to the rooms below; this one holds leads and the rules that
give them to people, and the screens of sales.
"""
