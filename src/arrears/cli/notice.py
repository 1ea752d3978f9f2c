"""`arrears notice`: see what every message will say before anybody gets one, and add a language.

`preview` and `check` only read texts, and with `--account` that account; nothing is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click
from msgspec.structs import replace

from arrears.cli.common import AS_JSON, print_json
from arrears.core.account import Mode
from arrears.core.errors import Refused
from arrears.core.messages.content import Content, Role
from arrears.core.messages.kinds import KINDS, Dated, MessageKind
from arrears.engine.messages.addressing import sums_of

if TYPE_CHECKING:
    # MJML and Jinja take longer to load than `--help` may.
    from arrears.notices.render import Texts

_TEXTS: Final = click.option(
    "--texts",
    "texts_folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Your own texts [default: ARREARS_TEXTS, if set].",
)


class Preview(NamedTuple):
    """One message as two files, without their endings: `<language>/<kind>` or `<language>/<kind>-reader`."""

    name: str
    language: str
    kind: MessageKind
    role: Role
    subject: str


@click.group()
def command() -> None:
    """See and check the texts of the messages that customers get."""


@command.command()
@_TEXTS
@AS_JSON
def check(texts_folder: Path | None, as_json: bool) -> None:
    """Load every text and fill it with examples; say what is wrong with the first that is not right. A language that
    is only begun may lack texts, and those it has are looked at too."""
    from arrears.cli.translations import check_begun, check_catalogues

    texts = _loaded(texts_folder)
    check_begun()
    check_catalogues()
    many, count = len(texts.languages), sum(language.count for language in texts.languages.values())
    if as_json:
        print_json({"ok": True, "languages": sorted(texts.languages), "texts": count})
        return
    click.echo(f"{_counted(many, 'language')}, {_counted(count, 'text')}, nothing wrong")


@command.command()
@click.option(
    "--folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("notice-preview"),
    show_default=True,
    help="Where to write; files of an earlier preview are replaced.",
)
@_TEXTS
@click.option(
    "--language",
    "wanted",
    metavar="CODE",
    multiple=True,
    help="Only this one, also if it is only begun; may be repeated.",
)
@click.option("--account", help="With the names, debts and dates of this account (acc_12, or your own reference).")
@AS_JSON
def preview(
    folder: Path, texts_folder: Path | None, wanted: tuple[str, ...], account: str | None, as_json: bool
) -> None:
    """Write every message in every language, for the administrator and for a reader who cannot pay: with examples, or
    as an account would get them now."""
    texts = _loaded(texts_folder, wanted)
    unknown = [code for code in wanted if code not in texts.languages]
    if unknown:
        known = ", ".join(sorted(texts.languages))
        raise Refused("unknown_language", f"there are no texts in {unknown[0][:20]!r}; there are {known}")
    codes = sorted(set(wanted) or texts.languages)
    examples = _examples(codes)
    if account is not None:
        examples = map(_written_to(account), examples)
    found = written(texts, examples, folder)
    index = folder / "index.html"
    if as_json:
        print_json({"index": index, "messages": [one._asdict() for one in found]})
        return
    where = f"{_counted(len(found), 'message')} in {_counted(len(codes), 'language')}"
    click.echo(f"{where} written; open {index}")


@command.command("new-language")
@click.argument("code")
def new_language(code: str) -> None:
    """Write the files of language CODE (de, fr, ...) without words: its texts and the catalogue of the pages."""
    from arrears.cli.translations import begin

    for path in begin(code):
        click.echo(f"{path} written")
    click.echo(f"translate both, see what is left with `make translations`, then name {code} in notices/languages.py")


@command.command()
@AS_JSON
def translations(as_json: bool) -> None:
    """Say everything that a language still lacks, and what is wrong with the texts it has; compile the catalogues of
    the pages."""
    from arrears.cli.translations import begun, check_begun, compile_catalogues, misnamed, missing
    from arrears.notices.languages import LANGUAGES

    found = {code: missing(code) for code in begun()}
    compile_catalogues(found)
    lacking = any(found[code] for code in LANGUAGES)
    wrong = [line for code in found for line in misnamed(code)]
    try:
        check_begun()
    except Refused as refused:
        wrong.append(refused.message)
    if as_json:
        print_json({"ok": not (lacking or wrong), "missing": found, "wrong": wrong})
    else:
        for code, lines in found.items():
            off = "" if code in LANGUAGES else " (not in notices/languages.py)"
            click.echo("\n  ".join([f"{code}{off}: {len(lines) or 'nothing'} missing", *lines]))
        for line in wrong:
            click.echo(f"wrong: {line}")
        click.echo(_next_step(found, bool(wrong)))
    if lacking or wrong:
        raise SystemExit(1)


def _next_step(missing: Mapping[str, Sequence[str]], is_wrong: bool) -> str:
    """What to do now, in one line."""
    from arrears.notices.languages import LANGUAGES

    if is_wrong:
        return "next: mend what is wrong, and run this again"
    if lacking := [code for code in missing if missing[code]]:
        return f"next: write what {lacking[0]} lacks, and see it with `arrears notice preview --language {lacking[0]}`"
    if ready := [code for code in missing if code not in LANGUAGES]:
        return f"next: name {ready[0]} in notices/languages.py, and run `arrears notice check`"
    return "next: nothing is left to translate; `arrears notice check` fills every text"


def written(texts: Texts, contents: Iterable[Content], folder: Path) -> list[Preview]:
    """Write each message as HTML and as plain text, and an index.html that links them all.

    A later message of the same language, kind and sort of reader replaces an earlier one. Refuses
    `unwritable_folder`.
    """
    found: dict[str, Preview] = {}
    try:
        for content in contents:
            done = texts.render(content)
            role = Role.ADMINISTRATOR if content.can_pay else Role.READER
            name = f"{done.language}/{content.kind}{'' if content.can_pay else '-reader'}"
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.with_name(place.name + ".html").write_text(done.html, encoding="utf-8")
            place.with_name(place.name + ".txt").write_text(f"Subject: {done.subject}\n\n{done.text}", encoding="utf-8")
            found[name] = Preview(name, done.language, content.kind, role, done.subject)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(_index(texts, list(found.values())), encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise Refused("unwritable_folder", f"{error.filename or folder}: cannot be written ({reason})") from None
    return list(found.values())


def _loaded(folder: Path | None, begun: Collection[str] = ()) -> Texts:
    from arrears.notices.render import load_texts
    from arrears.wiring import settings

    return load_texts(folder or settings().texts, begun)


def _examples(codes: Iterable[str]) -> Iterator[Content]:
    from arrears.notices.samples import for_reader, sample

    for code in codes:
        for kind in MessageKind:
            yield sample(kind, code)
            yield for_reader(sample(kind, code))


def _written_to(named: str) -> Callable[[Content], Content]:
    """Puts an account's own names, zone, debts and dates into an example. What the account does not have at the
    moment, such as a payment that has just arrived, stays the example's."""
    from arrears.engine.finding import find_account
    from arrears.engine.messages.drafting import open_now
    from arrears.wiring import open_installation

    with open_installation() as live:
        number = find_account(live.store, named)
        account, contacts = live.store.snapshots([number])[number], live.store.contacts([number])[number]
    lines, actions = open_now(account)
    who = contacts.administrator
    own = {
        "account_name": contacts.name or contacts.ref,
        "zone": contacts.zone,
        "administrator": who.name if who else "",
    }

    def addressed(example: Content) -> Content:
        reader = example.reader
        if who is not None and reader.role is Role.ADMINISTRATOR:
            reader = replace(reader, name=who.name, zone=who.zone or contacts.zone)
        by_transfer = account.mode is Mode.INVOICE or not KINDS[example.kind].by_card
        found = replace(example, **own, reader=reader, by_transfer=by_transfer)
        if lines and example.debts:
            found = replace(found, debts=lines, sums=sums_of(lines))
        if actions and example.actions and KINDS[example.kind].dated is Dated.PLANNED:
            found = replace(found, actions=actions)
        return found

    return addressed


def _index(texts: Texts, found: list[Preview]) -> str:
    """One table per language: a row for each kind, a column for each sort of reader."""
    parts = []
    for code in dict.fromkeys(one.language for one in found):
        heads = "<tr><th scope='col'>message</th><th scope='col'>administrator</th><th scope='col'>reader</th></tr>"
        parts.append(f"<h2>{escape(texts.languages[code].name)}</h2>\n<table lang='{escape(code)}'>\n{heads}")
        for kind in dict.fromkeys(one.kind for one in found if one.language == code):
            cells = {one.role: _cell(one) for one in found if (one.language, one.kind) == (code, kind)}
            columns = "".join(f"<td>{cells.get(role, '')}</td>" for role in (Role.ADMINISTRATOR, Role.READER))
            parts.append(f"<tr><th scope='row'>{kind.replace('_', ' ')}</th>{columns}</tr>")
        parts.append("</table>")
    return _INDEX.format(body="\n".join(parts))


def _cell(one: Preview) -> str:
    return f'<a href="{one.name}.html">{escape(one.subject)}</a> <a href="{one.name}.txt">text</a>'


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_INDEX: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Messages</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: start; vertical-align: top; padding: .4rem 1rem .4rem 0; border-bottom: 1px solid #8888; }}
th {{ font-weight: 600; white-space: nowrap; }}
</style>
</head>
<body>
<h1>Messages</h1>
{body}
</body>
</html>
"""
