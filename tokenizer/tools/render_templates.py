"""Renders tests/tokenizer/data/chat_requests.json with the models' own Jinja templates: what our templates must equal.

Usage: render_templates.py REQUESTS TABLE > chat_texts.jsonl, with TABLE a JSON object of
{"our name": {"file": "path.jinja", "bos": "<s>", "eos": "</s>", "arguments": "object" or "string", "date": what
strftime_now answers, "reasoning": the member it is called, "only" or "skip": [ids of requests]}}.
The environment is that of transformers' apply_chat_template, but lists may grow. Needs jinja2.
"""

import copy
import json
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import SandboxedEnvironment


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment(today):
    made = SandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    made.filters["tojson"] = tojson
    made.filters["from_json"] = json.loads
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda form: today
    return made


def prepared(message, as_object, reasoning):
    """Servers hand templates the arguments as objects, except where the template takes text."""
    message = copy.deepcopy(message)
    if "reasoning_content" in message:
        message[reasoning] = message.pop("reasoning_content")
    for call in message.get("tool_calls", []):
        if as_object:
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    if message["content"] is None and as_object:
        message["content"] = ""
    return message


def main():
    with open(sys.argv[1], encoding="utf8") as file:
        requests = json.load(file)
    with open(sys.argv[2], encoding="utf8") as file:
        table = json.load(file)
    for name, row in table.items():
        with open(row["file"], encoding="utf8") as file:
            template = environment(row.get("date", "")).from_string(file.read())
        for request_id, request in requests.items():
            if request_id in row.get("skip", []) or request_id not in row.get("only", requests):
                continue
            as_object = row.get("arguments") != "string"
            reasoning = row.get("reasoning", "reasoning_content")
            context = {
                "messages": [prepared(m, as_object, reasoning) for m in request["messages"]],
                "bos_token": row.get("bos", ""),
                "eos_token": row.get("eos", ""),
                "add_generation_prompt": True,
            }
            if "tools" in request:
                context["tools"] = request["tools"]
            try:
                text = template.render(**context)
            except Exception as error:  # a template refuses what its model was not trained for
                print(f"{name} refuses {request_id}: {error}", file=sys.stderr)
                continue
            print(json.dumps({"template": name, "request": request_id, "text": text}, ensure_ascii=False))


main()
