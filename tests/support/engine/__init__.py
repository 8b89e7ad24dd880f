"""A container engine for the tests: the machine's, or one of our own where none answers.

Our own is dockerd from Debian's packages in a folder of its own, without any registry: its images
are made of packages, under the names of the official ones. In an engine that is the user's nothing
is ever named so, for it would shadow what the user means.

``python -m tests.support.engine`` starts one by hand (``--help``).
"""
