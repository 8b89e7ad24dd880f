"""Measures the platform, each figure beside the bare minimum of the same work in the same run."""
