"""The newest state of every target, followed: an edit counts from the next attempt on.

All of it is in memory, as the log of targets has it. Whoever was deleted loses nothing silently:
its lane is woken, wherever it is, and what was pending ends. Called by a loop that hints wake.
"""

from collections.abc import Sequence
from datetime import timedelta

from trigger_contracts.targets.changes import TargetChanged, TargetStatus
from trigger_executor.ports.lanes import LaneIndex, TargetChanges

from .lanes_in_hand import HeldLane, LanesInHand
from .leasing import limits_of

LOOK_EVERY = timedelta(milliseconds=500)
"""For changes of which no hint came: an edit or a deletion takes effect within a second."""
FIRST_ROW = 1


class FollowedTargets:
    """What targets are now."""

    def __init__(self, hands: LanesInHand, changes: TargetChanges, index: LaneIndex) -> None:
        self._hands = hands
        self._changes = changes
        self._index = index
        self._seq = 0
        self._newest: dict[str, TargetChanged] = {}
        self._to_wake: dict[str, int] = {}
        self._is_complete = False

    async def one_pass(self) -> timedelta:
        """Read what is new."""
        began = self._hands.clock.monotonic()
        while True:
            seq, changes = await self._changes.after(self._seq)
            for change in changes:
                self._apply(change)
            if seq == self._seq:
                break
            self._seq = seq
        self._hands.targets_read(began)
        await self._wake()
        return LOOK_EVERY

    async def resolve(self, target_id: str) -> TargetChanged | None:
        """The newest state of a target, None where it was deleted."""
        found = self._newest.get(target_id) or await self._changes.last(target_id)
        if found is None:
            return await self._in_test(target_id)
        return None if found.status is TargetStatus.DELETED else found

    async def living(self, target_id: str) -> TargetChanged | None:
        """The newest state of a target that is in the log of targets; None of any other, and where
        it was deleted.
        """
        found = self._newest.get(target_id) or await self._changes.last(target_id)
        return None if found is None or found.status is TargetStatus.DELETED else found

    async def _in_test(self, target_id: str) -> TargetChanged | None:
        """Named by no change of its own, it is written out in a test's, or was erased."""
        _, rows = await self._index.pending(target_id, "", FIRST_ROW)
        for row in rows:
            if row.change_seq is not None:
                return await self._changes.in_test(row.trigger_id, row.change_seq)
        return None

    def _apply(self, change: TargetChanged) -> None:
        known = self._newest.get(change.target_id)
        if known is not None and known.version >= change.version:
            return
        self._newest[change.target_id] = change
        self._to_wake[change.target_id] = change.version
        held = self._hands.lanes.get(change.target_id)
        if held is not None:
            self._change(held, change)

    def _change(self, held: HeldLane, change: TargetChanged) -> None:
        """From the next attempt on; what is in flight goes on as it began."""
        if change.status is TargetStatus.DELETED:
            held.target = None
            held.ready.clear()
        else:
            held.target = change
            held.lane.edited(limits_of(change), self._hands.clock.now())
            held.has_more = True
            self._hands.store_soon()
        self._hands.ask(held.target_id)

    async def _wake(self) -> None:
        """Have their lanes looked at, where something of them waits and nobody has them."""
        if not self._to_wake:
            return
        changed: Sequence[tuple[str, int]] = list(self._to_wake.items())
        if self._is_complete:
            await self._index.wake([target_id for target_id, _ in changed])
        else:
            # Whatever happened while no replica was there.
            await self._index.wake_changed(changed)
            self._is_complete = True
        for target_id, version in changed:
            if self._to_wake.get(target_id) == version:
                del self._to_wake[target_id]
