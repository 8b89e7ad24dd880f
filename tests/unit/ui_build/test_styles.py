"""All stylesheets of the web UI share one page, whichever of them have been loaded by then."""

import re
from collections import defaultdict
from pathlib import Path

from ui_build.node import UI

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
SELECTORS = re.compile(r"([^{}]+)\{")
OWN_LOOK = re.compile(r"\.([\w-]+)(:\S+)?")
"""A class by itself: `.counter`, `.counter:hover`; not `.sheet > .histogram`."""


def classes_of(css: str) -> set[str]:
    found = set()
    for selectors in SELECTORS.findall(COMMENT.sub("", css)):
        for selector in selectors.split(","):
            if match := OWN_LOOK.fullmatch(selector.strip()):
                found.add(match[1])
    return found


def test_no_two_folders_style_one_class() -> None:
    folders = defaultdict(set)
    for sheet in (UI / "src").rglob("*.css"):
        for name in classes_of(sheet.read_text(encoding="utf-8")):
            folders[name].add(sheet.parent.name)
    assert len(folders) > 100, "the stylesheets were not found"
    assert {name: sorted(own) for name, own in folders.items() if len(own) > 1} == {}


IMPORTED = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'""")
LAZILY = re.compile(r"""\bimport\(\s*'(\.[^']+)'""")
USED = re.compile(r"""className=(?:"([^"]*)"|\{((?:[^{}]|\{[^{}]*\})*)\})""")
WORDS = re.compile(r"""'([^']*)'|"([^"]*)"|`([^`]*)`""")


class Module:
    """A source file: what it uses, and what is loaded together with it or only later."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        later = set(LAZILY.findall(text))
        named = set(IMPORTED.findall(text))
        self.sheets = {(path.parent / one).resolve() for one in named if one.endswith(".css")}
        self.now = {found(path, one) for one in named - later if not one.endswith((".css", ".svg"))}
        self.later = {found(path, one) for one in later}
        self.classes: set[str] = set()
        for plain, written in USED.findall(text):
            parts = [plain, *("".join(word) for word in WORDS.findall(written))]
            self.classes |= set(" ".join(re.sub(r"\$\{[^}]*\}", " ", one) for one in parts).split())


def found(importer: Path, name: str) -> Path:
    path = (importer.parent / name).resolve()
    if path.suffix == ".ts":
        return path
    return next(
        one for one in (path.with_name(path.name + end) for end in (".ts", ".tsx")) if one.exists()
    )


def test_a_class_is_loaded_wherever_it_is_used() -> None:
    """A part that is loaded later brings its look with it: whoever wears a class of that look and
    does not import the part is bare until somebody else has loaded it."""
    source = UI / "src"
    modules = {
        path.resolve(): Module(path)
        for path in source.rglob("*.ts*")
        if ".test." not in path.name and not path.name.endswith(".d.ts")
    }
    start = (source / "main.tsx").resolve()

    def together(path: Path, seen: set[Path]) -> set[Path]:
        if path not in seen:
            seen.add(path)
            for one in modules[path].now:
                together(one, seen)
        return seen

    own = {
        path: {sheet for one in together(path, set()) for sheet in modules[one].sheets}
        for path in modules
    }
    every = {sheet for sheets in own.values() for sheet in sheets}
    loaded = {path: own[path] if path == start else set(every) for path in modules}
    while True:
        changed = False
        for path in modules.keys() - {start}:
            importers = [p for p, m in modules.items() if path in m.now | m.later]
            known = set.intersection(*(loaded[one] for one in importers)) if importers else set()
            if (new := own[path] | known) != loaded[path]:
                loaded[path], changed = new, True
        if not changed:
            break

    looks = defaultdict(set)
    for sheet in source.rglob("*.css"):
        for name in re.findall(r"\.([a-z][\w-]*)", COMMENT.sub("", sheet.read_text("utf-8"))):
            looks[name].add(sheet.resolve())
    bare = {
        f"{path.relative_to(source)}: {name}"
        for path, module in modules.items()
        for name in module.classes & looks.keys()
        if not looks[name] & loaded[path]
    }
    assert sum(len(one.classes) for one in modules.values()) > 300, "the modules were not found"
    assert bare == set()
