"""The package list in pyproject.toml is explicit; the folders are the truth."""

import tomllib
from importlib import resources
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("router", "guards", "memory", "evals")


def _folders() -> set[str]:
    found = {
        ".".join(p.parent.relative_to(ROOT).parts)
        for p in (ROOT / "stepwell").glob("**/__init__.py")
        if not any(part in ROOMS for part in p.relative_to(ROOT / "stepwell").parts)
    }
    for room in ROOMS:
        found |= {
            ".".join(("stepwell", *p.parent.relative_to(ROOT).parts))
            for p in (ROOT / room).glob("**/__init__.py")
        }
    return found


def test_every_package_is_listed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert set(listed) == _folders()


def test_every_data_file_is_shipped() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    for package in _folders():
        for item in resources.files(package).iterdir():
            if item.is_file() and not item.name.endswith((".py", ".pyc")):
                patterns = data.get(package, [])
                assert any(Path(item.name).match(p) for p in patterns), f"{package}: {item.name}"


def test_rooms_are_linked_for_type_checkers() -> None:
    for room in ROOMS:
        assert (ROOT / "stepwell" / room).resolve() == ROOT / room
