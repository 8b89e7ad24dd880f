"""Schedules side by side: the platform and its peers, the same workloads in one run."""
