"""What the pages name exists: files, tests, commands, settings, error codes, other pages.

And nothing in the repository names the machine it was written on or where packages come from.
"""

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from docs import make_settings
from trigger_contracts.errors import Code
from trigger_contracts.topology import BUCKETS, STREAMS
from trigger_local.cli import app

ROOT = Path(__file__).parents[3]


@functools.cache
def files() -> list[Path]:
    """Every file that is or could be committed; what git does not know where git is absent."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


PAGES = [path for path in files() if path.suffix == ".md"]
page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_BLOCK = re.compile(r"```.*?```", re.DOTALL)
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?|[\w-]+\.(?:md|toml|sql|py)")
_TEST = re.compile(r"(tests/[\w./-]+\.py)::(\w+)")
_COMMAND = re.compile(r"\b(make|etp) ([a-z]+(?:-[a-z]+)*)\b((?: --[a-z-]+)*)")
_SETTING = re.compile(r"\bETP_[A-Z_]+\b")
OF_TESTS = {"ETP_CHROMIUM"}
"""What no program of the platform reads."""


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def slugs(path: Path) -> set[str]:
    """The anchors of a page's headings, as they are made from them."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).strip().replace(" ", "-") for one in headings}


def said_as_code(path: Path) -> Iterator[str]:
    """What stands between backquotes in running text, and each line of a block."""
    text = text_of(path)
    yield from _CODE.findall(_BLOCK.sub("", text))
    for block in _BLOCK.findall(text):
        yield from block.splitlines()


@page
def test_relative_links_lead_somewhere(page: Path):
    for target in _LINK.findall(text_of(page)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), f"{target} is not there"
        if anchor:
            assert anchor in slugs(path), f"{target} has no such heading"


@page
def test_named_files_exist(page: Path):
    """A path counts as one of ours when its first part is a folder of the repository."""
    folders = {path.relative_to(ROOT).parts[0] for path in files()}
    for said in _CODE.findall(_BLOCK.sub("", text_of(page))):
        if _PATH.fullmatch(said) and "/" in said and said.split("/")[0] in folders:
            assert (ROOT / said).exists(), f"{said} is not there"


@page
def test_named_tests_exist(page: Path):
    for name, test in _TEST.findall(text_of(page)):
        assert f"def {test}(" in text_of(ROOT / name), f"{name}::{test} is not there"


@page
def test_named_commands_exist(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    commands = typer.main.get_group(app).commands
    for said in said_as_code(page):
        for program, command, flags in _COMMAND.findall(said):
            if program == "make":
                assert command in targets, f"there is no make {command}"
                continue
            assert command in commands, f"there is no etp {command}"
            known = {flag for one in commands[command].params for flag in one.opts}
            assert set(flags.split()) <= known, f"etp {command} does not know all of{flags}"


@page
def test_named_settings_exist(page: Path):
    known = {*_SETTING.findall(make_settings.page()), *OF_TESTS}
    assert set(_SETTING.findall(text_of(page))) <= known


@page
def test_python_examples_can_be_read(page: Path):
    for block in _BLOCK.findall(text_of(page)):
        if block.startswith("```python\n"):
            assert ast.parse(block.removeprefix("```python\n").removesuffix("```")).body


def test_the_reference_names_every_error_code():
    reference = text_of(ROOT / "docs/api.md")
    assert [code for code in Code if f"`{code}`" not in reference] == []


def test_the_readme_is_a_front_door():
    # It leads to the first fire and to the first delivery, with a whole receiver.
    assert len(text_of(ROOT / "README.md").splitlines()) <= 155


def test_the_index_leads_to_every_page():
    index = set(_LINK.findall(text_of(ROOT / "docs/README.md")))
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages - index == set()


def test_the_architecture_names_every_stream():
    architecture = text_of(ROOT / "ARCHITECTURE.md")
    streams = [stream.name for stream in STREAMS] + [bucket.stream for bucket in BUCKETS]
    assert [name for name in streams if f"| {name} |" not in architecture] == []


DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
_STATUS = re.compile(
    r"(accepted, \d{4}-\d\d(; replace(s|d in part by) \[\d+\].*)?|replaced by \[\d+\].*)"
)


def test_decisions_are_numbered_without_gaps():
    names = [path.name for path in DECISIONS]
    assert [name[:5] for name in names] == [f"{n:04}-" for n in range(1, len(names) + 1)]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.name)
def test_decisions_have_one_form(decision: Path):
    title, blank, status, *_ = text_of(decision).splitlines()
    assert title.startswith(f"# {int(decision.name[:4])}. ")
    assert blank == ""
    assert _STATUS.fullmatch(status.removeprefix("Status: ")), status
    headings = re.findall(r"^## (.+)$", text_of(decision), re.MULTILINE)
    assert headings[:3] == ["Context", "Decision", "Consequences"]


def test_the_index_of_decisions_has_each_with_its_title():
    titles = [text_of(path).splitlines()[0].split(". ", 1)[1] for path in DECISIONS]
    listed = re.findall(
        r"^(\d+)\. \[(.+)\]\((\S+)\)", text_of(ROOT / "docs/decisions/README.md"), re.MULTILINE
    )
    assert listed == [
        (str(n), title, path.name)
        for n, (title, path) in enumerate(zip(titles, DECISIONS, strict=True), 1)
    ]


def test_a_decision_that_was_replaced_says_so_and_so_does_the_index() -> None:
    statuses = {int(path.name[:4]): text_of(path).splitlines()[2] for path in DECISIONS}
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8").splitlines()
    replaced = {
        (int(match[1]), newer, bool(match[2]))
        for newer, status in statuses.items()
        if (match := re.search(r"replaces \[(\d+)\]\([^)]*\)( in part)?", status))
    }
    assert {(older, newer) for older, newer, _ in replaced} >= {(12, 14), (38, 43)}
    for older, newer, in_part in replaced:
        by = f"replaced{' in part' * in_part} by "
        assert f"{by}[{newer}]" in statuses[older]
        [line] = [line for line in index if line.startswith(f"{older}. ")]
        assert line.endswith(f" ({by}{newer})")
    said = {older for older, status in statuses.items() if "replaced" in status}
    assert said == {older for older, _, _ in replaced}


# Put together, so that this file does not hold what it forbids.
_FORBIDDEN = re.compile(
    "|".join(
        (
            *("/" + folder + "/" for folder in ("work", "farm", "root")),
            re.escape("../" + "shared"),
            *(
                re.escape(name + "." + domain)
                for name, domain in (
                    ("pypi", "org"),
                    ("python" + "hosted", "org"),
                    ("npm" + "js", "org"),
                    ("npm" + "js", "com"),
                    ("deb.de" + "bian", "org"),
                    ("security.de" + "bian", "org"),
                )
            ),
        )
    )
)


def test_nothing_names_this_machine_or_a_registry():
    found = []
    for path in files():
        try:
            lines = text_of(path).splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}"
            for number, line in enumerate(lines, 1)
            if _FORBIDDEN.search(line)
        ]
    assert found == []
