"""What calls the use cases: HTTP routes, and the subjects that AsyncAPI documents."""
