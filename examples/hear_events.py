"""Create an api trigger over NATS, fire it, and hear its event.

Wants ETP_NATS_URL, and nats-py (``pip install nats-py``).
"""

import asyncio
import json
import os
from typing import Any

import nats


async def main() -> None:
    # Results and acknowledgements come under this prefix, and nowhere else.
    client = await nats.connect(os.environ["ETP_NATS_URL"], inbox_prefix="_INBOX_client")
    stream = client.jetstream()

    async def ask(verb: str, command: dict[str, Any]) -> Any:
        """Publish a command durably, then wait for its result."""
        inbox = client.new_inbox()
        results = await client.subscribe(inbox, max_msgs=1)
        body = json.dumps(command).encode()
        await stream.publish(f"trigger.command.{verb}", body, headers={"reply_to": inbox})
        result = json.loads((await results.next_msg(timeout=10)).data)
        if "code" in result:  # a refusal: the same problem as by REST
            raise RuntimeError(f"{result['detail']} {result.get('errors', '')}")
        return result

    fired = await client.subscribe("trigger.fired.*")
    created = await ask("create", {"name": "order placed", "type": "api"})
    fire = {"trigger_id": created["trigger_id"], "payload": {"amount": 12.5}, "key": "order-1"}
    await ask("fire", fire)

    # Everybody's events come here, and one may come twice: its id stays the same.
    async for message in fired.messages:
        event = json.loads(message.data)
        if event["data"]["trigger_id"] == created["trigger_id"]:
            print(event["type"], event["id"], event["data"]["payload"])
            break
    await client.close()


asyncio.run(main())
