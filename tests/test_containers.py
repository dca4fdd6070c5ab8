"""The container files name what exists: files, extras, commands and options."""

import re
import shlex
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from savee_mm.cli import main

DOCKERFILES = ["Dockerfile", "Dockerfile.train"]


@pytest.fixture(scope="module")
def folder(pytestconfig):
    return pytestconfig.rootpath / "containers"


def instructions(path):
    """Return the instructions of a Dockerfile as lists of words."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return [shlex.split(line) for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines() if line.strip()]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_copied_files_exist_and_are_part_of_the_context(folder, name):
    root = folder.parent
    context = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = {source for word, *paths in instructions(folder / name) if word == "COPY" for source in paths[:-1]}
    assert {"pyproject.toml", "savee_mm"} <= sources <= context
    assert all((root / source).exists() for source in sources)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_base_has_a_version_and_the_user_is_not_root(folder, name):
    found = instructions(folder / name)
    assert [words[1] for words in found if words[0] == "FROM"] == ["python:3.12-slim-bookworm"]
    assert next(words[1] for words in found[::-1] if words[0] == "USER") == "1000"
    assert ["ENTRYPOINT", "[savee-mm]"] in found


@pytest.mark.parametrize("name", DOCKERFILES)
def test_installed_packages_are_requirements_of_the_project(folder, name):
    table = tomllib.loads((folder.parent / "pyproject.toml").read_text())["project"]
    known = [*table["dependencies"], *(text for extra in table["optional-dependencies"].values() for text in extra)]
    known = {(Requirement(text).name, str(Requirement(text).specifier)) for text in known}
    text = (folder / name).read_text()
    installed = {Requirement(found) for found in re.findall(r"'([a-z]+>=[\d.]+)'", text)}
    assert installed
    assert {(requirement.name, str(requirement.specifier)) for requirement in installed} <= known


def test_compose_file_uses_options_that_exist(folder):
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    assert set(services) == {"scheduler", "worker", "extract"}
    assert all((folder.parent / service["build"]["dockerfile"]).exists() for service in services.values())
    command, _, *options = services["extract"]["command"]
    assert command in main.commands
    known = {option for parameter in main.commands[command].params for option in parameter.opts}
    assert {option.partition("=")[0] for option in options} <= known
    assert services["worker"]["entrypoint"][-1] in options[1]
