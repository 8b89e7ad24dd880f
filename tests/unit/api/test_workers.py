"""Which workers live, as their heartbeats tell."""

from trigger_api.domain.workers import MOST_REPLICAS, Workers, is_degraded
from trigger_contracts.heartbeats import ALIVE_FOR, Heartbeat, workers_of

LONG = ALIVE_FOR.total_seconds()


def beat(instance: str = "a", status: str = "ready") -> Heartbeat:
    return Heartbeat.model_validate({"instance": instance, "status": status})


def test_nothing_is_said_of_a_worker_before_it_could_be_heard() -> None:
    workers = Workers(["executor"])
    assert workers.shown(1000)["executor"]["status"] == "unknown"
    workers.listen(1000)
    assert workers.shown(1000 + LONG / 2)["executor"]["status"] == "unknown"
    assert not is_degraded(workers.shown(1000 + LONG / 2))
    assert workers.shown(1000 + LONG)["executor"] == {"status": "away", "replicas": 0, "ready": 0}
    workers.deaf()
    assert workers.shown(1000 + LONG)["executor"]["status"] == "unknown"


def test_a_worker_lives_while_one_replica_is_heard() -> None:
    workers = Workers(["executor", "retention"])
    workers.listen(0)
    for at in range(20):
        workers.hear("executor", beat("a"), at)
        if at < 10:
            workers.hear("executor", beat("b"), at)
    assert workers.shown(10)["executor"] == {"status": "ready", "replicas": 2, "ready": 2}
    shown = workers.shown(19)
    assert shown["executor"] == {"status": "ready", "replicas": 1, "ready": 1}
    assert shown["retention"]["status"] == "away"
    assert is_degraded(shown)
    assert workers.shown(19.1 + LONG)["executor"]["status"] == "away"


def test_a_replica_says_by_itself_that_it_cannot_work_or_stops() -> None:
    workers = Workers(["executor"])
    workers.listen(0)
    workers.hear("executor", beat("a", "unavailable"), 1)
    assert workers.shown(1)["executor"] == {"status": "unavailable", "replicas": 1, "ready": 0}
    assert is_degraded(workers.shown(1))
    workers.hear("executor", beat("b"), 1)
    assert workers.shown(1)["executor"] == {"status": "ready", "replicas": 2, "ready": 1}
    workers.hear("executor", beat("b", "stopping"), 2)
    assert workers.shown(2)["executor"]["replicas"] == 1


def test_the_oldest_command_is_as_old_as_the_replicas_that_live_say() -> None:
    workers = Workers(["scheduler", "executor"])
    workers.listen(0)
    workers.hear("executor", beat("x"), 1)
    workers.hear("scheduler", beat("a"), 1)  # of a version that does not say
    assert workers.oldest_command_age_s("scheduler", 1) is None
    assert "oldest_command_age_s" not in workers.shown(1)["scheduler"]
    for instance, age in (("b", 3.5), ("c", 4.5)):
        told = beat(instance).model_copy(update={"oldest_command_age_s": age})
        workers.hear("scheduler", told, 1)
    shown = workers.shown(1)
    assert shown["scheduler"]["oldest_command_age_s"] == 4.5
    assert shown["scheduler"]["status"] == "ready"
    assert "oldest_command_age_s" not in shown["executor"]
    workers.hear("scheduler", beat("c", "stopping"), 2)
    assert workers.oldest_command_age_s("scheduler", 2) == 3.5
    assert workers.oldest_command_age_s("scheduler", 2 + LONG) is None


def test_what_is_remembered_is_bounded() -> None:
    workers = Workers(["executor"])
    workers.listen(0)
    for number in range(2 * MOST_REPLICAS):
        workers.hear("executor", beat(f"r{number}"), 1)
        workers.hear("somebody", beat(), 1)
    assert workers.alive("executor", 1) == MOST_REPLICAS
    workers.hear("executor", beat("late"), 2 + LONG)
    assert workers.shown(2 + LONG)["executor"] == {"status": "ready", "replicas": 1, "ready": 1}
    assert set(workers.shown(1)) == {"executor"}


def test_who_delivers_is_told_of_where_that_is_done_apart() -> None:
    workers = Workers(["executor", "deliver"])
    workers.listen(0)
    whole = beat("a")
    for name in workers_of("executor", whole):
        workers.hear(name, whole, LONG)
    assert workers.shown(LONG).keys() == workers.beats(LONG).keys() == {"executor"}
    assert workers.alive("deliver", LONG) is None

    record = beat("b").model_copy(update={"roles": ("record",)})
    for name in workers_of("executor", record):
        workers.hear(name, record, LONG)
    shown = workers.shown(LONG)
    assert (shown["executor"]["status"], shown["executor"]["replicas"]) == ("ready", 2)
    assert shown["executor"]["deliver"] == {"status": "away", "replicas": 0, "ready": 0}
    assert shown.keys() == {"executor"}
    assert is_degraded(shown)
    assert workers.alive("deliver", LONG) == 0

    deliver = beat("c").model_copy(update={"roles": ("deliver",)})
    for name in workers_of("executor", deliver):
        workers.hear(name, deliver, LONG)
    shown = workers.shown(LONG)
    assert shown["executor"]["replicas"] == 2
    assert shown["executor"]["deliver"] == {"status": "ready", "replicas": 1, "ready": 1}
    assert not is_degraded(shown)
    assert [one.instance for one in workers.beats(LONG)["deliver"]] == ["c"]


def test_a_replica_of_another_service_is_that_service_whatever_roles_it_names() -> None:
    strange = beat().model_copy(update={"roles": ("deliver", "unheard of")})
    assert workers_of("retention", strange) == ("retention",)
    assert workers_of("executor", strange) == ("deliver",)
