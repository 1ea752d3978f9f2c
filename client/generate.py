"""Write the client's typed calls (`operations.py`) and dictionaries (`models.py`) from the API's own document.

Run by `make client`. A test generates them anew and compares: what the API can do, the client can ask.
"""

from __future__ import annotations

import json
import keyword
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

PLACE: Final = Path(__file__).parent / "src" / "arrears_client"
BY_HEADER: Final = {"If-Match": "if_match", "If-None-Match": "if_none_match"}
KEY: Final = "Idempotency-Key"
OCTETS: Final = "application/octet-stream"
NDJSON: Final = "application/x-ndjson"
CHOICES_MAX: Final = 12
"""A longer list of words (every currency) is text."""
PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

Document = Mapping[str, Any]


def typed(schema: Document) -> str:
    """The type of a value with this schema."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(typed(one) for one in schema["anyOf"]))
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if choices and len(choices) <= CHOICES_MAX:
        return f"Literal[{', '.join(json.dumps(one) for one in choices)}]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{typed(schema.get('items', {}))}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {typed(values) if isinstance(values, Mapping) else 'Any'}]"
    return PLAIN.get(kind, "Any") if isinstance(kind, str) else "Any"


def documented(text: str, indent: str, *more: str) -> list[str]:
    """A docstring of these words, and of more lines below them."""
    words = " ".join(text.split())
    lines = textwrap.wrap(words, 113 - len(indent), break_long_words=False, break_on_hyphens=False)
    lines += ["", *more] if more else []
    if not lines:
        return []
    quoted = [f'{indent}"""{lines[0]}', *(f"{indent}{line}".rstrip() for line in lines[1:])]
    return [*quoted, f'{indent}"""'] if more else [*quoted[:-1], f'{quoted[-1]}"""']


def named_in(schema: object) -> Iterator[str]:
    """The names of the schemas that one refers to."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for one in schema.values():
            yield from named_in(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from named_in(one)


def answer_of(operation: Document) -> Document | None:
    """The schema of what an operation answers where it is done."""
    for status, answer in sorted(operation["responses"].items()):
        if status.startswith("2"):
            schema: Document = answer["content"]["application/json"]["schema"]
            return schema
    return None


def body_of(operation: Document) -> Document | None:
    """The schema of the JSON that an operation is sent."""
    found = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if found is None else found["schema"]


def operations_of(document: Document) -> list[tuple[str, str, Document]]:
    """Path, method and description of each operation, by name."""
    found = [
        (path, method.upper(), operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    return sorted(found, key=lambda one: str(one[2]["operationId"]))


def wanted_models(document: Document) -> list[str]:
    """The schemas of what is sent and answered, with all that they refer to."""
    schemas = document["components"]["schemas"]
    waiting = [
        name
        for _, _, operation in operations_of(document)
        for schema in (answer_of(operation), body_of(operation), operation.get("parameters"))
        for name in named_in(schema)
    ]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += named_in(schemas[name])
    return sorted(found)


def models(document: Document) -> str:
    """The module of the dictionaries."""
    lines = ['"""What is sent to the API and what it answers. Generated: see generate.py."""', ""]
    lines += ["from __future__ import annotations", "", "from typing import Any, Literal, NotRequired, TypedDict", ""]
    plain, dictionaries = [], []
    for name in wanted_models(document):
        schema = document["components"]["schemas"][name]
        if "properties" not in schema:
            plain += [f"{name} = {typed(schema)}", *documented(schema.get("description", ""), ""), ""]
            continue
        dictionaries += [
            "",
            "",
            f"class {name}(TypedDict):",
            *documented(schema.get("description") or name, "    "),
            "",
        ]
        for field, said in schema["properties"].items():
            kind = typed(said)
            dictionaries.append(
                f"    {field}: {kind}" if field in schema.get("required", ()) else f"    {field}: NotRequired[{kind}]"
            )
    return "\n".join([*lines, *plain, *dictionaries, ""])


def parameter(said: Document) -> tuple[str, str, str]:
    """A parameter's name in Python, its type, and its name on the wire."""
    wire = str(said["name"])
    name = BY_HEADER.get(wire, wire)
    return name + "_" * keyword.iskeyword(name), typed(said["schema"]).replace("list[", "Sequence["), wire


def call(path: str, method: str, operation: Document) -> list[str]:
    """The method of one operation."""
    by_place: dict[str, list[tuple[str, str, str]]] = {"path": [], "query": [], "header": []}
    needed = set()
    keyed = False
    for said in operation.get("parameters", ()):
        if said["name"] == KEY:
            keyed = True
            continue
        one = parameter(said)
        by_place[said["in"]].append(one)
        needed |= {one[0]} if said.get("required") else set()
    body, content = body_of(operation), operation.get("requestBody", {}).get("content", {})
    rows, file = NDJSON in content, OCTETS in content
    first = [f"{name}: {kind}" for name, kind, _ in by_place["path"]]
    first += [f"body: {typed(body)}"] if body is not None else []
    first += ["rows: Iterable[Mapping[str, Any]]"] if rows else []
    first += ["file: bytes"] if file else []
    named = [
        f"{name}: {kind}" if name in needed else f"{name}: {kind.removesuffix(' | None')} | None = None"
        for name, kind, _ in (*by_place["query"], *by_place["header"])
    ]
    named = [one for one in named if not one.endswith("= None")] + [one for one in named if one.endswith("= None")]
    named += ['idempotency_key: str = ""'] if keyed else []
    answer = answer_of(operation)
    given = "None" if answer is None else typed(answer)
    given += " | None" if "304" in operation["responses"] else ""
    name = operation["operationId"]
    head = ", ".join(["self", *first, *(["*", *named] if named else [])])
    place = repr(path)
    if by_place["path"]:
        place = f"path_of({place}, {', '.join(f'{wire}={name}' for name, _, wire in by_place['path'])})"
    sent = [repr(method), place]
    for name_of, kind in (("query", "query"), ("headers", "header")):
        pairs = ", ".join(f'"{wire}": {one}' for one, _, wire in by_place[kind])
        sent += [f"{name_of}={{{pairs}}}"] if pairs else []
    sent += ["body=body"] if body is not None else []
    sent += ["key=idempotency_key"] if keyed else []
    act = f"self._rows({place}, rows)" if rows else f"self._call({', '.join(sent)})"
    act = f"self._file({', '.join([place, 'file', *sent[2:]])})" if file else act
    words = operation.get("description") or operation["summary"]
    return [
        f"    def {name}({head}) -> {given}:",
        *documented(words, "        ", f"{method} {path}"),
        f"        return cast({json.dumps(given)}, {act})",
        "",
        *pages(document_of_answer(answer), operation, by_place["query"]),
    ]


def document_of_answer(answer: Document | None) -> str:
    """The name of the schema that is answered, empty where it has none."""
    return next(iter(named_in(answer)), "") if answer is not None else ""


_SCHEMAS: dict[str, Any] = {}


def pages(answer: str, operation: Document, query: list[tuple[str, str, str]]) -> list[str]:
    """An iterator over what a list has in pages; nothing for what is no list."""
    schema = _SCHEMAS.get(answer, {})
    if "next_after" not in schema.get("properties", {}):
        return []
    [(field, said)] = [(one, said) for one, said in schema["properties"].items() if one != "next_after"]
    name = str(operation["operationId"])
    first = [parameter(one) for one in operation.get("parameters", ()) if one["in"] == "path"]
    named = [(one, kind) for one, kind, _ in query if one != "after"]
    singular = {"policies": "policy"}.get(field, field.removesuffix("s"))
    called = f"each_{singular}" if not first else f"each_{singular}_of"
    head = [f"{one}: {kind}" for one, kind, _ in first]
    head += ["*", *(f"{one}: {kind.removesuffix(' | None')} | None = None" for one, kind in named)]
    passed = [*(one for one, _, _ in first), "after=after", *(f"{one}={one}" for one, _ in named)]
    after = next(kind for one, kind, _ in query if one == "after")
    return [
        f"    def {called}(self, {', '.join(head)}) -> Iterator[{typed(said['items'])}]:",
        *documented(f"Everything that `{name}` lists, page by page of `limit`.", "        "),
        f"        after: {after} | None = None",
        "        while True:",
        f"            page = self.{name}({', '.join(passed)})",
        f'            yield from page["{field}"]',
        '            after = page["next_after"]',
        "            if after is None:",
        "                return",
        "",
    ]


_HEAD: Final = '''"""A method for each operation of the API. Generated: see generate.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from arrears_client.models import IMPORTED
from arrears_client.transport import Headers, Query, path_of


class Operations:
    """Every operation, by the name that the API's document gives it."""

    def _call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        headers: Headers | None = None,
        body: Any = None,
        key: str | None = None,
    ) -> Any:
        raise NotImplementedError

    def _rows(self, path: str, rows: Iterable[Mapping[str, Any]]) -> Any:
        raise NotImplementedError

    def _file(self, path: str, file: bytes, query: Query | None = None) -> Any:
        raise NotImplementedError
'''


def operations(document: Document) -> str:
    """The module of the calls."""
    _SCHEMAS.clear()
    _SCHEMAS.update(document["components"]["schemas"])
    lines = [line for one in operations_of(document) for line in call(*one)]
    head = _HEAD.replace("IMPORTED", ", ".join(wanted_models(document)))
    return head + "\n" + "\n".join(lines)


def formatted(text: str) -> str:
    """As the project writes Python."""
    for words in (["check", "--select", "I,F401", "--fix-only", "--quiet"], ["format", "--quiet"]):
        command = [str(Path(sys.executable).with_name("ruff")), *words, "--stdin-filename", str(PLACE / "x.py"), "-"]
        text = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return text


def generated(document: Document) -> dict[str, str]:
    """Both modules, by the name of their file."""
    return {"models.py": formatted(models(document)), "operations.py": formatted(operations(document))}


def document_now() -> Document:
    """The API's document, asked of the pages in this process; it needs no database."""
    from arrears.wiring import set_up_django

    set_up_django("postgresql://nobody@127.0.0.1:1/none")
    from django.test import Client

    found: Document = json.loads(Client(HTTP_HOST="localhost").get("/v1/openapi.json").content)
    return found


if __name__ == "__main__":
    for name, text in generated(document_now()).items():
        (PLACE / name).write_text(text, encoding="utf-8")
