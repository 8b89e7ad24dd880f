"""What the administrator of any deployment does: streams, accounts, roles and schemas made as
declared, tables made anew from the streams, records looked at.

Needs a broker and a database that run somewhere, and nothing of how they were started.
"""
