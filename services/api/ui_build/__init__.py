"""How the web UI (services/api/ui) is built and checked, with Node from PyPI: no Node is needed on
the machine, and none that is there is used. Of a checkout alone; a wheel holds what was built.
"""
