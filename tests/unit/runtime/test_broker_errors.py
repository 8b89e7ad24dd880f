"""What the log says of the broker's errors, and of what hearing a message raised: no message."""

from structlog.testing import capture_logs

from trigger_runtime.jetstream.connection import Connection
from trigger_runtime.process.errors import PublishRefused
from trigger_runtime.process.settings import NatsSettings


async def test_what_a_message_holds_is_not_logged_where_hearing_it_fails() -> None:
    connection = Connection(NatsSettings(nats_url="nats://127.0.0.1:1"), "api")
    with capture_logs() as logged:
        for error in (
            ValueError("hunter2"),
            ConnectionRefusedError(111, "Connection refused"),
            PublishRefused("too large", code=10054),
        ):
            await connection._report(error)
            await connection._report(error)
    assert [(one["event"], one["error"]) for one in logged] == [
        ("broker error", "ValueError"),
        ("broker error", "ConnectionRefusedError: [Errno 111] Connection refused"),
        ("broker error", "PublishRefused: too large (10054)"),
    ]
