"""The oracle for command lines: it knows what the product has, and what it has not."""

import pytest

from tests.operations.commands import Unknown, check, of_the_mall, words_of


@pytest.mark.parametrize("line", ["doctor --json", "init --login root", "demo --scale city --seed 7", "demo advance 5wd", "demo traffic off", "import people --help"])
def test_what_the_product_has_is_accepted(line):
    assert check(words_of(line)).name in words_of(line)


@pytest.mark.parametrize("line", ["docter", "doctor --yaml", "demo --scale galaxy", "demo advance", "demo traffic sideways", "worker now"])
def test_what_the_product_has_not_is_found(line):
    with pytest.raises(Unknown):
        check(words_of(line))


def test_a_command_is_recognised_wherever_its_program_lies():
    assert of_the_mall(words_of("/opt/mall/.venv/bin/flask --app wsgi mall doctor  # what is wrong")) == ["doctor"]
    assert of_the_mall(["mall", "init"]) == ["init"] and of_the_mall(["flask", "run"]) is None
