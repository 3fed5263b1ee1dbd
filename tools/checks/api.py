"""Holds the list of calls in docs/api.md against docs/openapi.yaml: `python -m tools.checks.api`; --write renews it."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import yaml

DOCS = Path(__file__).parents[2] / "docs"
SPEC, PAGE = DOCS / "openapi.yaml", DOCS / "api.md"
BEGIN, END = "<!-- calls: python -m tools.checks.api --write -->", "<!-- /calls -->"
METHODS = ("get", "post", "put", "patch", "delete")
WIDTH = 120
# In every call that knows its driver: the page says them once.
OF_THE_CALLER = {"user", "X-User-Email"}


def calls(spec: Mapping[str, Any]) -> str:
    """The list of all calls of a description, as Markdown: by its tags, each call with what it takes and answers.

    Raises ValueError for a call that would not be in it.
    """
    parts, known = [], {tag["name"] for tag in spec["tags"]}
    for path, method, found in _operations(spec):
        if not known & {*found.get("tags", ())} or "summary" not in found:
            raise ValueError(f"{method.upper()} {path} needs a summary and one of the tags {', '.join(sorted(known))}")
    for tag in spec["tags"]:
        parts += [f"### {tag['name'].capitalize()}", _filled(tag["description"])]
        for path, method, found in _operations(spec):
            if tag["name"] in found["tags"]:
                parts += _call(spec, path, method, found)
    return "\n\n".join(parts)


def renewed(page: str, spec: Mapping[str, Any]) -> str:
    """The page with this list between its markers. Raises ValueError where it lacks them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lacks the markers {BEGIN} and {END}")
    return f"{before}{begin}\n\n{calls(spec)}\n\n{end}{after}"


def _operations(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                shared = item.get("parameters", [])
                yield path, method, {**item[method], "parameters": [*shared, *item[method].get("parameters", [])]}


def _call(spec: Mapping[str, Any], path: str, method: str, found: Mapping[str, Any]) -> Iterator[str]:
    yield f"#### `{method.upper()} {path}`"
    told = [found["summary"], found.get("description", "")]
    yield _filled(" ".join(f"{text.strip().rstrip('.')}." for text in told if text))
    facts = [*_parameters(spec, found), *_body(spec, found), _answers(found)]
    yield "\n".join(fill(f"- {fact}", WIDTH, subsequent_indent="  ", break_on_hyphens=False) for fact in facts)


def _parameters(spec: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    known = [_resolved(spec, parameter) for parameter in found["parameters"]]
    asked = [parameter for parameter in known if parameter["in"] == "query" and parameter["name"] not in OF_THE_CALLER]
    if asked:
        yield f"in the address: {_named([one['name'] for one in asked], ())}"


def _body(spec: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    content = found.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        schema = _resolved(spec, content["application/json"]["schema"])
        alternatives = [name for way in schema.get("anyOf", ()) for name in way.get("properties", ())]
        fields = dict.fromkeys([*schema.get("properties", ()), *alternatives])
        if fields:
            yield f"in the body: {_named(fields, schema.get('required', ()))}"
        if "description" in schema:
            yield schema["description"].strip().rstrip(".")


def _named(fields: Iterable[str], needed: Sequence[str]) -> str:
    must = ", ".join(f"`{name}`" for name in fields if name in needed)
    optional = ", ".join(f"`{name}`" for name in fields if name not in needed)
    return f"{must}; optional {optional}" if must and optional else must or optional


def _answers(found: Mapping[str, Any]) -> str:
    good = [f"{code} {text}" for code, one in found["responses"].items() if (text := _said(one))]
    refused = [code for code, one in found["responses"].items() if not _said(one)]
    return f"answers {'; '.join(good)}" + (f"; {', '.join(refused)}" if refused else "")


def _said(response: Mapping[str, Any]) -> str:
    return str(response.get("description", "")).strip().rstrip(".")


def _resolved(spec: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in part:
        return part
    found: Mapping[str, Any] = spec
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def _filled(text: str) -> str:
    return fill(" ".join(text.split()), WIDTH, break_on_hyphens=False)


def main() -> int:
    """Writes the list, or says whether it is that of the description: 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m tools.checks.api", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the list into docs/api.md")
    write, page = parser.parse_args().write, PAGE.read_text()
    try:
        wanted = renewed(page, yaml.safe_load(SPEC.read_text()))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if write:
        PAGE.write_text(wanted)
    elif page != wanted:
        print("docs/api.md is not what docs/openapi.yaml says: python -m tools.checks.api --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
