"""The next occurrence of a cron schedule: the platform's engine and its peers, walking in turns."""
