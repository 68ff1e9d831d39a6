"""One person is one person however the name is written, two are two, and what names nobody is told."""

from __future__ import annotations

import random
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.config.persons import could_be_one_person, is_same_person, what_is_wrong_with
from readiness.runbook.approvers import Approvers

NO_ONE_PERSON = [
    *(
        "me",
        "myself",
        "I",
        "the team",
        "our team",
        "Team Payments",
        "ops",
        "SRE on-call",
        "the on-call engineer",
        "admin",
    ),
    *(
        "Engineering Lead",
        "the board",
        "everyone",
        "all of us",
        "my manager",
        "root",
        "ci bot",
        "users",
        "various people",
    ),
    *(
        "on behalf of Ada",
        "for Ada Example",
        "pp Ada",
        "p.p. Ada",
        "i.A. Ada Example",
        "im Auftrag von Ada",
        "Ada's manager",
    ),
    *("au nom d'Ada", "en nombre de Ada", "per conto di Ada", "namens Ada", "acting for Ada", "deputy of Ada"),
    *("Ada and Bo", "Ada & Bo", "Ada / Bo", "Ada + Bo", "Ada und Bo", "Ada et Bo", "Ada; Bo"),
    *(
        "ich",
        "ich selbst",
        "das Team",
        "wir alle",
        "moi-m\u00eame",
        "l'\u00e9quipe",
        "yo mismo",
        "el equipo",
        "la squadra",
    ),
    *(
        "\u6211",
        "\u6211\u4eec",
        "\u672c\u4eba",
        "\u56e2\u961f",
        "\u79c1",
        "\u958b\u767a\u30c1\u30fc\u30e0",
        "\u7531\u4ed6\u4eba\u4ee3\u8868",
    ),
    *("\u044f", "\u043a\u043e\u043c\u0430\u043d\u0434\u0430", "\ub098", "\uc6b0\ub9ac \ud300", "het team", "a equipe"),
]
WORDS = st.lists(st.text(ascii_lowercase, min_size=2, max_size=9).map(str.capitalize), min_size=1, max_size=4)
BETWEEN = st.sampled_from([" ", "  ", ", ", ". ", "-", "\u00a0", "_"])


@given(WORDS, BETWEEN, st.booleans(), st.randoms(use_true_random=False))
def test_another_order_case_or_punctuation_is_the_same_person(
    words: list[str], between: str, upper: bool, shuffling: random.Random
) -> None:
    mixed = list(words)
    shuffling.shuffle(mixed)
    other = between.join(mixed)
    assert is_same_person(" ".join(words), other.upper() if upper else other)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_can_be_compared_in_either_order(name: str, other: str) -> None:
    assert is_same_person(name, name)
    assert is_same_person(name, other) is is_same_person(other, name)
    assert isinstance(what_is_wrong_with(name), str)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ada Example", "\u0410\u0434\u0430 \u0415\u0445\u0430\u043c\u0440l\u0435"),
        ("Caco Pope", "\u0421\u0430\u0441\u043e \u0420\u043e\u0440\u0435"),
        ("Bill", "Bi11"),
        ("Bill", "BiII"),
        ("Arne Corn", "Ame Com"),
        ("Ada", "\U0001d400\U0001d41d\U0001d41a"),
        ("Jos\u00e9 D\u00edaz", "Diaz, Jose"),
        ("O'Brien", "O\u2019Brien"),
        ("Ada\u3164Example", "Ada Example"),
    ],
)
def test_what_looks_alike_is_the_same_person(name: str, other: str) -> None:
    assert is_same_person(name, other) or what_is_wrong_with(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ada Byron", "Bo Chen"),
        ("Ada", "Ida"),
        ("M\u00fcller", "Miller"),
        ("\u674e\u660e", "\u674e\u534e"),
        ("Jo", "Joe"),
    ],
)
def test_two_people_are_two(name: str, other: str) -> None:
    assert not is_same_person(name, other)


@pytest.mark.parametrize(
    "other",
    [
        *(
            "Dr. Ada Example",
            "A. Example",
            "Ada E.",
            "E., Ada",
            "Prof. Dr. A. Example",
            "Mrs Example",
            "Ada",
            "Example",
        ),
        *(
            "Ada B. Example",
            "Ada Byron Example",
            "Ada Example (SRE Lead)",
            "Ada Example, SRE",
            "ada.example@shop.internal",
        ),
        *(
            "ada@shop.internal",
            "Ada Example <ada@shop.internal>",
            "a-example",
            "Ing. Ada Ex\u00e1mple",
            "Frau A. Example",
        ),
    ],
)
def test_a_shorter_or_longer_form_of_a_name_may_be_the_same_person(other: str) -> None:
    assert could_be_one_person("Ada Example", other)
    assert could_be_one_person(other, "Ada Example")


@pytest.mark.parametrize(
    ("name", "other"),
    [
        *(
            ("Ada Example", other)
            for other in ("Adam Example", "Adah Example", "Bo Example", "Ada Exampler", "B. Example")
        ),
        *(("Ada Example", other) for other in ("Ada F.", "Dr. Bo Chen", "adam@shop.internal", "Eva Ada", "Ada Byron")),
        *(("John Smith", other) for other in ("Jane Smith", "Joan Smith", "John Smythe", "A. Smith", "John Brown")),
        ("\u674e\u660e", "\u674e\u534e"),
        ("\u674e \u660e", "\u674e \u534e"),
        ("\uae40\ucca0\uc218", "\uae40\uc601\ud76c"),
        ("\u0410\u043d\u043d\u0430 \u041a\u0438\u043c", "\u0418\u043d\u043d\u0430 \u041a\u0438\u043c"),
        ("Dr. Ada Example", "Dr. Bo Chen"),
        ("Li Ming", "Li Hua"),
        ("M\u00fcller, J\u00f6rg", "Mueller, Uta"),
    ],
)
def test_two_people_who_share_a_name_stay_two(name: str, other: str) -> None:
    assert not could_be_one_person(name, other)
    assert not could_be_one_person(other, name)


@pytest.mark.parametrize("form", ["{} Example", "Dr. {} Example", "Example, {}", "{} Example-Byron"])
def test_ada_and_adam_are_two_in_each_form(form: str) -> None:
    assert not could_be_one_person(form.format("Ada"), form.format("Adam"))


@pytest.mark.parametrize(
    "name",
    [
        *("Ada Byron", "Jos\u00e9 D\u00edaz", "O'Brien-Smith", "\u0410\u043d\u043d\u0430 \u041a\u0438\u043c"),
        *(
            "\u674e\u660e",
            "\u5c71\u7530 \u306f\u306a\u5b50",
            "Li \u674e\u660e",
            "\uae40\ucca0\uc218",
            "\u0641\u0627\u0637\u0645\u0629",
            "R2 Byron",
            *("Yo-Yo Ma", "Yo Yo Ma", "Ada Example (she/her)", "Bo Chen (they/them)", "Von und zu Liechtenstein"),
            *("Sam", "Dev Das", "Le Du", "Ma On", "May Li", "My Nguyen", "Per Hansen", "Via Ek", "Alla Kim", "He Ma"),
            *("Jos\u00e9 Ortega y Gasset", "Ana Costa e Silva", "Karl von und zu Berg", "I. V. Ivanov", "Bo Head"),
            *(
                "\u0420\u043e\u0437\u0430 \u0418\u0432\u0430\u043d\u043e\u0432\u0430",
                "Meg Chief",
                "Terry Crews",
                "Ali Boss-Kaya",
            ),
        ),
    ],
)
def test_names_of_people_everywhere_are_names(name: str) -> None:
    assert what_is_wrong_with(name) == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *((name, "is no name") for name in ("", "...", "TBD", "n/a", "<name>", "12345", "\u3164", "someone")),
        *((name, "no one person") for name in NO_ONE_PERSON),
        *((name, "initials alone") for name in ("A.", "A. E.", "a. b. c.")),
        *((name, "in one script") for name in ("\u0410da", "Ad\u0430", "\u0391da", "Ada \u0411")),
        *((name, "cannot be seen") for name in ("Ada\u200b", "Ada\u202e", "Ada\u3164Byron")),
    ],
)
def test_what_is_no_name_is_told(name: str, says: str) -> None:
    assert says in what_is_wrong_with(name)


def test_an_approver_is_known_by_the_address() -> None:
    approvers = Approvers({"Ada Byron": "ADA@shop.internal", "A. Byron": "ada@shop.internal", "Bo Chen": "bo"})
    assert approvers.same("Ada Byron", "A. Byron")
    assert approvers.same("ada@shop.internal", "Byron, Ada")
    assert not approvers.same("Ada Byron", "Bo Chen")
    assert approvers.same("Byron", "A. Byron")
    assert approvers.what_is_wrong_with("Bo Chen") == ""
    assert "write 'Bo Chen'" in approvers.what_is_wrong_with("chen bo")
    assert "is not known" in approvers.what_is_wrong_with("Dee Fox")
    assert not list(approvers.faults())


def test_who_is_known_by_an_id_is_who_it_says_however_alike_the_names() -> None:
    approvers = Approvers({"Ada Byron": "ada@shop.internal", "Ada B. Byron": "adab@shop.internal"})
    assert not list(approvers.faults())
    assert not approvers.same("Ada Byron", "Ada B. Byron")
    assert approvers.same("Ada Byron", "A. Byron")
    assert "may be one person" in approvers.one_person("Ada Byron", "A. Byron", "write one")
