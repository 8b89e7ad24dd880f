"""The pictures are what the engine says."""

import re
from xml.etree import ElementTree as ET

import pytest

from docs import make_pictures

PICTURES = make_pictures.pictures()


def test_the_files_are_those_that_are_drawn():
    assert {path.name for path in make_pictures.FOLDER.glob("*.svg")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_up_to_date(name: str):
    written = (make_pictures.FOLDER / name).read_text(encoding="utf-8")
    assert written == PICTURES[name], "run: .venv/bin/python -m docs.make_pictures"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_can_be_read_and_loads_nothing(name: str):
    assert ET.fromstring(PICTURES[name]).tag == "{http://www.w3.org/2000/svg}svg"
    assert re.findall(r"href|@import|font-face|<script", PICTURES[name]) == []
