"""The gateway's use cases: requests become commands, refusals come at once where they can.

Everything checked here is checked again by the service that decides; a check is left out
where only that service can know. Ports in, outcomes out; a refusal is raised as ``Refused``,
a server that is away as the runtime's ``DependencyUnavailable``. Called by ``entrypoints``.
"""
