"""The comparison as Markdown: one table, who is ahead of us in what, and everybody's settings."""

from collections.abc import Mapping, Sequence
from typing import Any

Found = Mapping[str, Any]

MEASURED = (
    (
        "Lateness is actual minus nominal, of the first fire of each occurrence. A peer's fire is "
        "noted first thing in its handler; **ours at the broker's ack of the due event**, when it "
        "is stored and synced, which is later than its start."
    ),
    (
        "CPU is that of all the candidate's processes, its stores included. Ours includes writing "
        "every event to the log, in PostgreSQL; a peer's includes a handler that notes the fire in "
        "a file (about 3 µs) and nothing else. Our one-time windows end with the last row of the "
        "log, a peer's with the last noted fire; recurring ones with the last nominal instant."
    ),
    (
        "Created with the worker running, 64 at a time by a client of its own (ours by "
        "`POST /triggers/`); in bulk by the candidate's call for many at once, where it has one. "
        "APScheduler's worker creates its own, for nobody else may."
    ),
    (
        "Survives: 100 triggers wait while everything, stores too, gets SIGKILL and is started "
        "again; so many fired within 15 s of their instant. A killed process is no lost power: "
        "PostgreSQL and our broker sync before they answer; Valkey may lose its last second, but "
        "where it syncs always (otherwise it has `appendfsync everysec`)."
    ),
    (
        "Each occurrence must fire exactly once, whatever the peer promises; where it did not, the "
        "table says so. *Falls behind*: not all had fired 60 s after the last one-time instant, or "
        "5 s after the recurring window; its lateness is then that of the fires that were done."
    ),
)


def section(name: str, one: Found) -> str:
    """``one`` is a comparison as kept in the results."""
    candidates, workloads = one["candidates"], one["workloads"]
    about = one["machine"]
    versions = {**about["packages"], **one["versions"]}
    return "\n".join(
        [
            f"### {name}: {one['title']}",
            "",
            one["did"],
            "",
            f"![Lateness and CPU of all candidates](results/{name}.svg)",
            "",
            *_table(candidates, workloads),
            "",
            *_ahead(candidates, workloads),
            "",
            *[f"- {line}" for line in MEASURED],
            *[f"- {line}" for line in _failures(candidates)],
            *[f"- Left out: **{peer}** ({why})." for peer, why in one["left_out"].items()],
            "",
            "| candidate | its store | settings | recurs by |",
            "|---|---|---|---|",
            *[
                f"| {c['name']} | {c['store']} | {c['settings']} | {c['recurs']} |"
                for c in candidates
            ],
            "",
            (
                f"<sub>{one['at']}, `{one['command']}`, {about['cores']} cores, "
                f"{about['memory_gib']} GiB, {about['system']}, fsync {about['fsync_ms']} ms, "
                f"load before {about['load_before']}, Python {about['python']}, "
                f"{', '.join(f'{package} {version}' for package, version in versions.items())}"
                "</sub>"
            ),
        ]
    )


def _table(candidates: Sequence[Found], workloads: Mapping[str, str]) -> list[str]:
    count = candidates[0]["create"]["count"]
    late = [f"{did}: late p50 / p99 / max, ms" for did in workloads.values()]
    heads = [
        "candidate",
        *late,
        f"CPU s per 1,000 fires ({' / '.join(workloads)})",
        f"create {count:,}, s",
        "survives SIGKILL",
    ]
    return [
        f"| {' | '.join(heads)} |",
        f"|---|{'---:|' * (len(heads) - 1)}",
        *[
            "| "
            + " | ".join(
                [
                    f"**{c['name']}**" if c["ours"] else c["name"],
                    *[_late(c["workloads"][load]) for load in workloads],
                    " / ".join(_cpu(c["workloads"][load]) for load in workloads),
                    _created(c["create"]),
                    _survived(c["survived"]),
                ]
            )
            + " |"
            for c in candidates
        ],
    ]


def behind(load: Found) -> bool:
    return "failed" not in load and load["done"] < load["expected"]


def durable(candidate: Found) -> bool:
    """It kept everything through the SIGKILL of everything."""
    survived = candidate["survived"]
    return bool(survived and "failed" not in survived and survived["fired"] == survived["of"])


def _late(load: Found) -> str:
    if "failed" in load:
        return "failed"
    said = [" / ".join(number(load[key]) for key in ("p50", "p99", "max"))]
    if behind(load):
        said.insert(0, f"*falls behind*: {load['done']:,} of {load['expected']:,}")
    flaws = [one for one in ("twice", "early", "strange") if load[one]]
    return "; ".join([*said, *(f"**{load[flaw]:,} {flaw}**" for flaw in flaws)])


def _cpu(load: Found) -> str:
    return number(load.get("cpu_s_per_1000"))


def _created(create: Found) -> str:
    if "failed" in create:
        return "failed"
    said = number(create["singly"])
    return f"{said}, bulk {number(create['bulk'])}" if "bulk" in create else said


def _survived(survived: Found | None) -> str:
    if survived is None:
        return "no: memory"
    if "failed" in survived:
        return "failed"
    twice = f", {survived['twice']} twice" if survived["twice"] else ""
    kept = "yes" if survived["fired"] == survived["of"] else "no"
    return f"{kept}: {survived['fired']} of {survived['of']}{twice}"


def _ahead(candidates: Sequence[Found], workloads: Mapping[str, str]) -> list[str]:
    """Every durable peer that keeps up and beats us in a column, by name."""
    ours = next(c for c in candidates if c["ours"])["workloads"]
    columns = {"p50": "p50, ms", "p99": "p99, ms", "cpu_s_per_1000": "CPU s per 1,000"}

    def cell(load: str, key: str) -> str:
        if "failed" in ours[load]:
            return "not measured"
        peers = [
            f"{peer['name']} ({number(its)} < {number(ours[load][key])})"
            for peer in candidates
            if not peer["ours"]
            and durable(peer)
            and not behind(peer["workloads"][load])
            and (its := peer["workloads"][load].get(key)) is not None
            and its < ours[load][key]
        ]
        return ", ".join(peers) or "nobody"

    return [
        f"| ahead of us, of the durable that keep up | {' | '.join(columns.values())} |",
        f"|---|{'---|' * len(columns)}",
        *[
            f"| {did} | {' | '.join(cell(load, key) for key in columns)} |"
            for load, did in workloads.items()
        ],
    ]


def _failures(candidates: Sequence[Found]) -> list[str]:
    parts = [
        (c["name"], what, part)
        for c in candidates
        for what, part in {
            "create": c["create"],
            **c["workloads"],
            "survival": c["survived"] or {},
        }.items()
    ]
    return [
        f"Failed: **{name}** at {what}: {part['failed'].splitlines()[-1]}"
        for name, what, part in parts
        if "failed" in part
    ]


def number(value: float | None) -> str:
    """Three figures that mean something, at most."""
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
