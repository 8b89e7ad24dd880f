"""Taking messages from a durable consumer: the life of one, from the broker to its end.

1. ``pull`` keeps one request for messages open, so that whatever is stored arrives at once, and
   takes what has arrived as a batch. Of an exclusive consumer one replica alone is given any
   (``pin``).
2. ``delivery`` is one message as the broker handed it over. It comes again after the ack wait,
   unless ``ack_extender`` asks for more time: that it does for whatever a living process holds,
   so that what a dead one held goes to another within a second.
3. ``consumer`` hands the batch to its handler. It is a FastStream subscriber, for AsyncAPI to know
   it; which of FastStream's insides that takes, ``faststream_internals`` says.
4. ``ack_policy`` wraps the handler. What was handled is acknowledged. While a server is away
   nothing is given up: it is tried again, in order where order counts. What fails by itself is
   found in its batch by halving it, is tried as often as its consumer says, and then is a dead
   letter (``trigger_runtime.dead_letters``).
"""
