"""docs/deploy.md and the example of deploy.env say what is so."""

import re
from pathlib import Path
from typing import get_args

import pytest

from shared.settings import DEFAULTS_S, NUMBERS, TEXTS
from tools.deploy.functions import FUNCTIONS, Role
from tools.deploy.gcloud import Failed
from tools.deploy.options import options
from tools.deploy.steps import all_steps
from tools.deploy.target import PLACES, settings_of, target

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
EXAMPLE = ROOT / "docs" / "deploy.env.example"


@pytest.mark.parametrize("step", [step.name for step in all_steps(1)])
def test_the_page_has_a_line_for_each_step(step: str) -> None:
    assert f"\n| {step} | " in PAGE


def test_the_page_names_every_option() -> None:
    known = {option for action in options()._actions for option in action.option_strings if option.startswith("--")}
    assert [option for option in sorted(known - {"--help"}) if f"`{option}" not in PAGE] == []


@pytest.mark.parametrize("setting", PLACES)
def test_page_and_example_name_every_setting_of_place(setting: str) -> None:
    assert f"`{setting}`" in PAGE
    assert f"{setting}=" in EXAMPLE.read_text()


def test_the_page_names_every_account_in_the_table_of_who_may_do_what() -> None:
    plumbing = set(target({}, dry_run=True).accounts()) - {function.account for function in FUNCTIONS}
    table = PAGE.split("## Who may do what")[1].split("## ")[0]
    assert set(re.findall(r"`(mileage-[a-z-]+)`", table)) == plumbing
    assert "`mileage-NAME`" in table
    assert [role for role in get_args(Role) if f"`{role}`" not in table] == []


def test_the_example_can_be_used_as_it_is_and_with_all_its_lines(tmp_path: Path) -> None:
    assert settings_of(EXAMPLE)["PROJECT"] == "your-project"
    file = tmp_path / "deploy.env"
    file.write_text(re.sub(r"^#(?=[A-Z_]+=)", "", EXAMPLE.read_text(), flags=re.MULTILINE))
    found = settings_of(file)
    assert set(PLACES) < set(found)
    assert set(found) <= {*PLACES, *DEFAULTS_S, *NUMBERS, *TEXTS}
    assert {name: target(found, dry_run=True).settings[name] for name in TEXTS} == {
        "GEOCODERS": "pdok nominatim",
        "GEOCODER_CONTACT": "you@example.com",
        "TSA_URL": "https://example.com/tsa",
        "SMTP_HOST": "smtp.example.com",
        "SMTP_SECURITY": "starttls",
        "SMTP_USER": "log@example.com",
        "SMTP_FROM": "log@example.com",
    }


@pytest.mark.parametrize("text", ["pdok;ls", "a=b", "`x`", "two\nlines", "pdock"])
def test_a_setting_of_words_that_would_mean_more_to_gcloud_is_refused(text: str) -> None:
    with pytest.raises(Failed, match=r"GEOCODERS|pdock"):
        target({"GEOCODERS": text}, dry_run=True)
