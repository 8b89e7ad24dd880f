"""What calls the use cases: the subscribers, and the subjects that AsyncAPI documents."""
