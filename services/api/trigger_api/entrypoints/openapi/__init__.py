"""The OpenAPI document: what FastAPI knows of the routes, completed so that clients are made of it.

``document`` puts it together; what routes say of themselves is made of ``answers``.
"""
