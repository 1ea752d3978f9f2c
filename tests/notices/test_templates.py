"""What an operator may change, and how a mistake is told: when the texts are loaded, with the file and the line."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from arrears import wiring
from arrears.core.errors import Refused
from arrears.core.messages.kinds import MessageKind
from arrears.notices.render import load_texts
from arrears.notices.samples import sample

BUILT_IN = resources.files("arrears.notices")
DUTCH = (BUILT_IN / "texts" / "nl.toml").read_text("utf-8")
LAYOUT = (BUILT_IN / "layout.mjml").read_text("utf-8")


def refusal(folder: Path) -> str:
    with pytest.raises(Refused) as caught:
        load_texts(folder)
    assert caught.value.code == "bad_template"
    assert caught.value.exit_code == 2
    assert len(caught.value.message.splitlines()) == 1
    return caught.value.message


def test_a_file_holds_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "nl.toml").write_text('[reminder]\nsubject = "Graag nog {{ sums }} betalen"\n')
    ours, theirs = wiring.texts(), load_texts(tmp_path)
    content = sample(MessageKind.REMINDER, "nl-NL")
    assert theirs.render(content).subject == "Graag nog € 120,00 en US$ 1.234,50 betalen"
    assert theirs.render(content).text == ours.render(content).text
    for other in (sample(MessageKind.STOP_WARNING, "nl-NL"), sample(MessageKind.REMINDER, "en-GB")):
        assert theirs.render(other) == ours.render(other)


def test_an_empty_file_and_an_empty_folder_change_nothing(tmp_path: Path) -> None:
    content = sample(MessageKind.REMINDER, "en-GB")
    ours = wiring.texts().render(content)
    assert load_texts(tmp_path).render(content) == ours
    (tmp_path / "en.toml").write_text("")
    (tmp_path / "notes.txt").write_text("mine")
    assert load_texts(tmp_path).render(content) == ours


def test_shared_pieces_lists_and_sentences_about_declines_can_change(tmp_path: Path) -> None:
    sentence = "This card cannot pay in this currency; please use another card."
    (tmp_path / "en.toml").write_text(
        '[shared]\ngreeting = "Hi {{ reader }}"\n[declined]\nparagraphs = ["{{ guidance }}"]\nreason = "Because."\n'
        f'[guidance]\n"{sentence}" = "Please use a card in another currency."\n'
    )
    content = sample(MessageKind.DECLINED, "en-GB")
    text = load_texts(tmp_path).render(_declined(content, "currency_unsupported")).text
    assert "Hi Anna de Vries" in text
    assert "Please use a card in another currency." in text
    assert "We tried to collect" not in text
    assert text.endswith("Because.\n")


def _declined(content, decline):  # type: ignore[no-untyped-def]
    from msgspec.structs import replace

    return replace(content, decline=decline)


def test_a_new_language_is_one_file_and_must_be_complete(tmp_path: Path) -> None:
    (tmp_path / "fy.toml").write_text(DUTCH.replace('language = "Nederlands"', 'language = "Frysk"'), "utf-8")
    texts = load_texts(tmp_path)
    assert sorted(texts.languages) == ["en", "fy", "nl"]
    assert texts.languages["fy"].name == "Frysk"
    assert texts.render(sample(MessageKind.REMINDER, "fy-NL")).language == "fy"
    for line in ('table_caption = "Dit staat nog open"\n', 'language = "Nederlands"\n'):
        (tmp_path / "fy.toml").write_text(DUTCH.replace(line, ""), "utf-8")
        message = refusal(tmp_path)
        assert message.startswith("fy.toml: ")
        assert message.endswith(f"{line.split(' ')[0]} is missing; a language must be complete")
    (tmp_path / "fy.toml").write_text(DUTCH[: DUTCH.index("[guidance]")], "utf-8")
    assert refusal(tmp_path).startswith("fy.toml: [guidance] Your bank declined")


def test_a_language_that_is_only_begun_can_be_looked_at_and_says_in_english_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "fy.toml").write_text('language = "Frysk"\n[reminder]\nsubject = "Noch {{ sums }}"\n', "utf-8")
    content = sample(MessageKind.REMINDER, "fy-NL")
    begun = load_texts(tmp_path, ["fy"]).render(content)
    assert begun.language == "fy"
    assert begun.subject.startswith("Noch ")
    assert "What is open" in begun.text
    assert refusal(tmp_path).endswith("is missing; a language must be complete")


def test_the_layout_can_be_the_operators_own(tmp_path: Path) -> None:
    (tmp_path / "layout.mjml").write_text(LAYOUT.replace("#1d4ed8", "#0b6b3a"), "utf-8")
    html = load_texts(tmp_path).render(sample(MessageKind.REMINDER, "en-GB")).html
    assert "#0b6b3a" in html
    assert "#1d4ed8" not in html


# name -> (the text of [reminder] heading, what the refusal says)
BAD_TEXTS = {
    "unknown variable": ("{{ nmae }}", "uses {{ nmae }}, which it does not have; it may use account, "),
    "variable of another kind": ("{{ expires_on }}", "uses {{ expires_on }}, which it does not have"),
    "unknown variable in a condition": ("{% if nmae %}x{% endif %}", "uses {{ nmae }}, which"),
    "attribute": ("{{ account.name }}", "uses a part of a variable (a dot)"),
    "private attribute": ("{{ account.__class__ }}", "uses a part of a variable (a dot)"),
    "item": ("{{ account['x'] }}", "uses a part of a variable (brackets)"),
    "call": ("{{ account() }}", "uses a call (parentheses)"),
    "method": ("{{ account.upper() }}", "uses a "),
    "global function": ("{{ range(9) }}", "uses {{ range }}, which"),
    "loop": ("{% for one in account %}{{ one }}{% endfor %}", "uses a loop"),
    "other file": ("{% include 'secrets' %}", "uses what no text needs"),
    "import": ("{% import 'os' as os %}", "uses what no text needs"),
    "parent": ("{% extends 'x' %}", "uses what no text needs"),
    "unknown filter": ("{{ account|shout }}", "is not a template: No filter named 'shout'"),
    "unknown test": ("{% if account is nice %}{% endif %}", "is not a template: No test named 'nice'"),
    "safe": ("{{ account|safe }}", "is not a template: No filter named 'safe'"),
    "as JSON": ("{{ account|tojson }}", "is not a template: No filter named 'tojson'"),
    "escaping off": ("{% autoescape false %}{{ account }}{% endautoescape %}", "uses a switch for escaping"),
    "not closed": ("{{ account", "is not a template: "),
    "not ended": ("{% if can_pay %}yes", "is not a template: "),
    "unknown tag": ("{% frobnicate %}", "is not a template: "),
    "empty": (" ", "is empty; every message needs one"),
    "does not add up": ("{{ sums_count / 0 }}", "cannot be filled: division by zero"),
    "text plus number": ("{{ account + sums_count }}", "cannot be filled: "),
}


@pytest.mark.sample(8)
@pytest.mark.parametrize("case", BAD_TEXTS)
def test_a_bad_text_is_refused_with_its_file_line_and_name(tmp_path: Path, case: str) -> None:
    text, why = BAD_TEXTS[case]
    (tmp_path / "nl.toml").write_text(f'# ours\n[settled]\n\n[reminder]\nbutton = "Ga"\nheading = "{text}"\n')
    assert refusal(tmp_path).startswith(f"nl.toml:6: [reminder] heading {why}")


def test_a_bad_text_in_a_list_is_named_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[settled]\nparagraphs = [\n  "Fine.",\n  "{{ nmae }}",\n]\n')
    assert refusal(tmp_path).startswith("en.toml:2: [settled] paragraphs, text 2 uses {{ nmae }}")


def test_a_shared_piece_has_only_its_own_variables(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('[shared]\ngreeting = "Dear {{ account }}"\n')
    assert refusal(tmp_path) == (
        "en.toml:2: [shared] greeting uses {{ account }}, which it does not have; it may use reader"
    )


# name of the file, its bytes, what the refusal starts with
BAD_FILES = {
    "not TOML": ("en.toml", b"[reminder\n", "en.toml is not TOML: "),
    "not UTF-8": ("en.toml", b'language = "\xff"', "en.toml is not UTF-8 text (byte 12)"),
    "not a language": ("nl_NL.toml", b"", "nl_NL.toml is not named like a language"),
    "no such language": ("qq.toml", b"", "qq.toml is not named like a language"),
    "unknown table": ("en.toml", b'\n[remainder]\nsubject = "x"', "en.toml:2: remainder is unknown; the tables are "),
    "unknown key": ("en.toml", b'[reminder]\n\nsubjekt = "x"', "en.toml:3: [reminder] subjekt is unknown; it may be "),
    "unknown sentence": ("nl.toml", b'[guidance]\n"No." = "Nee."', "nl.toml:2: [guidance] No. is unknown"),
    "number": ("en.toml", b"[reminder]\nsubject = 5", "en.toml:2: [reminder] subject must be a text in quotes"),
    "not a list": ("en.toml", b'[test]\nnext = "x"', "en.toml:2: [test] next must be a list of texts"),
    "list of numbers": ("en.toml", b"[test]\nnext = [1]", "en.toml:2: [test] next must be a list of texts"),
    "table as text": ("en.toml", b'reminder = "x"', "en.toml:1: reminder "),
    "language as table": ("en.toml", b"[language]\na = 1", "en.toml"),
    "layout, no MJML": ("layout.mjml", b"hello", "layout.mjml is not MJML: "),
    "layout, unknown part": ("layout.mjml", b"<mjml><mj-nothing></mjml>", "layout.mjml is not MJML: "),
    "layout, unknown variable": ("layout.mjml", b"<mjml>\n{{ nmae }}</mjml>", "layout.mjml:2: uses {{ nmae }}, which"),
    "layout, not ended": ("layout.mjml", b"<mjml>\n\n{% if actions %}</mjml>", "layout.mjml:3: is not a template: "),
    "layout, call": ("layout.mjml", b"<mjml>\n{{ actions.pop() }}</mjml>", "layout.mjml:2: uses a call"),
    "layout, safe": ("layout.mjml", b"<mjml>{{ heading|safe }}</mjml>", "layout.mjml:1: is not a template: No filter"),
    "layout, unknown attribute": (
        "layout.mjml",
        b"<mjml><mj-body><mj-raw>{{ table.nmae }}</mj-raw></mj-body></mjml>",
        "layout.mjml cannot be filled: ",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_with_its_name_and_line(tmp_path: Path, case: str) -> None:
    name, content, message = BAD_FILES[case]
    (tmp_path / name).write_bytes(content)
    assert refusal(tmp_path).startswith(message)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "is not a folder" in refusal(tmp_path / "nowhere")
