"""Where a stream or a consumer, as the broker has it, would not do what it is declared for.

Only what matters: what would lose, refuse or withhold messages. More than is declared (a longer
age, another subject) does no harm, and is what the next version's admin step may have made. Pure;
configurations are as the broker's API has them.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from trigger_contracts import topology
from trigger_contracts.subjects import matches

_DECLARED: Mapping[str, topology.Stream | topology.Bucket] = {
    **{stream.name: stream for stream in topology.STREAMS},
    **{bucket.stream: bucket for bucket in topology.BUCKETS},
}
_LIMITS = {
    "max_msgs": "messages",
    "max_bytes": "bytes",
    "max_msgs_per_subject": "messages of a subject",
}
_NEVER = {"no_ack": "it does not acknowledge what it stores", "sealed": "it is sealed"}
_FOREVER = -1


def stream_faults(name: str, found: Mapping[str, Any]) -> list[str]:
    """What is wrong with a declared stream, or with the one behind a declared bucket."""
    declared = _DECLARED[name]
    told = [
        *_must_be("storage", "file", found),
        *_must_be("retention", "limits", found),
        *(why for flag, why in _NEVER.items() if found.get(flag)),
        *(
            f"it does not allow {flag.removeprefix('allow_')}"
            for flag in _flags(declared)
            if not found.get(flag)
        ),
    ]
    stored = tuple(found.get("subjects") or ())
    lacking = [one for one in _subjects(declared) if not (stored and matches(one, stored))]
    if lacking:
        told.append(f"it does not store {', '.join(lacking)}")
    for limit, of in _LIMITS.items():
        is_kept = limit == "max_msgs_per_subject" and isinstance(declared, topology.Bucket)
        if found.get(limit, _FOREVER) > 0 and not is_kept:
            told.append(f"it keeps {found[limit]} {of} at most")
    told += _age(_max_age(declared), timedelta(microseconds=found.get("max_age", 0) // 1000))
    return told


def consumer_faults(consumer: topology.Consumer, found: Mapping[str, Any]) -> list[str]:
    """What is wrong with a declared consumer."""
    told = [*_must_be("ack_policy", "explicit", found), *_must_be("deliver_policy", "all", found)]
    one = found.get("filter_subject")
    filters = tuple(found.get("filter_subjects") or ((one,) if one else ()))
    # The broker names no filter where it hands over the whole stream.
    withheld = [each for each in consumer.filters if filters and not matches(each, filters)]
    if withheld:
        told.append(f"it does not deliver {', '.join(withheld)}")
    if found.get("max_deliver", _FOREVER) > 0:
        told.append(f"it gives a message up after {found['max_deliver']} deliveries")
    if consumer.exclusive:
        told += _must_be("priority_policy", "pinned_client", found)
    return told


def _must_be(name: str, wanted: str, found: Mapping[str, Any]) -> list[str]:
    is_so = found.get(name) == wanted
    return [] if is_so else [f"its {name} is {found.get(name)}, not {wanted}"]


def _age(wanted: timedelta | None, found: timedelta) -> list[str]:
    if not found or (wanted is not None and found >= wanted):
        return []
    asked = "for ever" if wanted is None else f"for {wanted.total_seconds():g} s"
    return [f"it keeps messages for {found.total_seconds():g} s, not {asked}"]


def _subjects(declared: topology.Stream | topology.Bucket) -> tuple[str, ...]:
    if isinstance(declared, topology.Bucket):
        return (declared.subject(">"),)
    return declared.subjects


def _max_age(declared: topology.Stream | topology.Bucket) -> timedelta | None:
    return declared.ttl if isinstance(declared, topology.Bucket) else declared.max_age


def _flags(declared: topology.Stream | topology.Bucket) -> list[str]:
    if isinstance(declared, topology.Bucket):
        return ["allow_direct", "allow_atomic", "allow_rollup_hdrs"]
    wanted = {
        "allow_direct": True,
        "allow_atomic": declared.atomic_batches,
        "allow_msg_ttl": declared.message_ttl,
        "allow_rollup_hdrs": declared.rollups,
    }
    return [flag for flag, is_wanted in wanted.items() if is_wanted]
