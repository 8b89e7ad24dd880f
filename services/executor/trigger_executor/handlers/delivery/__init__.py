"""The deliver role's use cases: it takes lanes, serves them, and gives them back.

``leasing`` says which lanes are ours, ``serving`` what of them starts, ``attempting`` makes one
attempt and records it, ``ending`` ends what is tried no more, ``targets`` follows the targets,
``ordering`` how far events are planned, ``projecting`` makes the index that they read of what is
recorded.
``lanes_in_hand`` is what they have in common.
"""
