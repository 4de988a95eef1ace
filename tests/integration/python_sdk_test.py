"""The official OpenAI SDK for Python as a client: answers, streams, models, errors, aborts, retries, time-outs.

NEXUS_HUB is the hub's binary, NEXUS_BENCH the folder of mock_upstream: see tests/README.md.
"""

import asyncio
import http.server
import itertools
import json
import os
import re
import select
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import httpx2
import openai

ADMIN_TOKEN = "admin-token-of-the-tests"
UPSTREAM_KEY = "sk-upstream-secret-0001"
MESSAGES = [{"role": "user", "content": "Hello"}]
REPLY = "Grüße — 你好 🙂"
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
START_DEADLINE = 60  # sanitizers are slow
STOP_DEADLINE = 90

counter = itertools.count(1)


def fresh(what):
    return f"{what}-{next(counter)}"


def eventually(condition, what, deadline=15):
    """Waits until condition() is truthy and returns it."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"in vain: {what}")
        time.sleep(0.02)


def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


class Program:
    """A child process whose output goes to a file, so that it never blocks."""

    def __init__(self, arguments, folder, environment):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT
        )

    def output(self):
        return os.pread(self.log.fileno(), 1 << 20, 0).decode(errors="replace")

    def line(self, pattern):
        def find():
            found = re.search(pattern, self.output())
            if not found and self.process.poll() is not None:
                raise AssertionError(f"ended early:\n{self.output()}")
            return found

        return eventually(find, f"output {pattern}", START_DEADLINE)[1]

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(STOP_DEADLINE)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.close()


class Recorder(http.server.ThreadingHTTPServer):
    """An upstream that keeps the requests it got, and answers what `next` holds, else a completion or its stream."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), RecorderHandler)
        self.requests, self.next = [], []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class RecorderHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        request = json.loads(body)
        self.server.requests.append((body, dict(self.headers)))
        status, kind, headers, answer = self.server.next.pop(0) if self.server.next else plain_answer(request)
        payload = answer.encode()
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": len(payload), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(payload)


def plain_answer(request):
    head = {"id": "chatcmpl-1", "created": 1700000000, "model": "recorder"}
    if not request.get("stream"):
        choice = {"index": 0, "message": {"role": "assistant", "content": REPLY}, "finish_reason": "stop"}
        answer = {**head, "object": "chat.completion", "choices": [choice], "usage": USAGE, "x_unknown": [1, {}]}
        return 200, "application/json", {}, json.dumps(answer)
    deltas = [({"role": "assistant", "content": ""}, None), *(({"content": c}, None) for c in REPLY), ({}, "stop")]
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": why}]} for delta, why in deltas]
    if (request.get("stream_options") or {}).get("include_usage"):
        chunks.append({"choices": [], "usage": USAGE})
    events = [json.dumps({**head, "object": "chat.completion.chunk", **chunk}) for chunk in chunks]
    return 200, "text/event-stream", {}, "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"])


def failure(status, message=None, **headers):
    message = message or f"the upstream says {status}"
    error = {"message": message, "type": "upstream_type", "param": None, "code": "upstream_code"}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, "application/json", names, json.dumps({"error": error})


class Hub(Program):
    def __init__(self, folder):
        # The hub takes every NEXUS_ variable for a setting: those of the build are not for it.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NEXUS_")}
        environment |= {
            "NEXUS_ADMIN_TOKEN": ADMIN_TOKEN, "NEXUS_SERVER_LISTEN": "127.0.0.1:0", "NEXUS_SERVER_THREADS": "2",
            "NEXUS_UPSTREAM_FAILURES_BEFORE_OPEN": "1000000",
        }
        binary = os.path.abspath(os.environ["NEXUS_HUB"])
        super().__init__([binary, "serve", "--data-dir", os.path.join(folder, "data")], folder, environment)
        self.address = self.line(r"Address +(https?://\S+)")

    def admin(self, method, route, body=None):
        request = urllib.request.Request(
            self.address + route, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {ADMIN_TOKEN}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def model_at(self, server_url, model=None, key="pk-team"):
        """Makes a provider of its own with one model and returns the model's name."""
        model = model or fresh("model")
        made = self.admin("POST", "/providers", {
            "name": fresh("provider"), "server_url": server_url, "server_key": UPSTREAM_KEY, "personalized_key": key,
        })
        self.admin("POST", "/provider_models", {"provider_id": made["id"], "model_name": model, "description": ""})
        return model


class SdkTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="nexus-test-")
        cls.addClassCleanup(folder.cleanup)
        mock = [os.path.join(os.path.abspath(os.environ["NEXUS_BENCH"]), "mock_upstream"), "--listen", "127.0.0.1:0"]
        cls.mock = Program(mock, folder.name, None)
        cls.addClassCleanup(cls.mock.stop)
        cls.mock_address = "http://" + cls.mock.line(r"listening on (\S+)")
        cls.recorder = Recorder()
        cls.addClassCleanup(cls.recorder.stop)
        cls.hub = Hub(folder.name)
        cls.addClassCleanup(cls.stop_hub)
        cls.model = cls.hub.model_at(cls.recorder.address)
        cls.client = cls.make_client()
        cls.addClassCleanup(cls.client.close)

    @classmethod
    def stop_hub(cls):
        status = cls.hub.stop()
        if status != 0:
            raise AssertionError(f"the hub ended with {status}")

    @classmethod
    def make_client(cls, kind=openai.OpenAI, **options):
        return kind(**{"base_url": cls.hub.address + "/v1", "api_key": "pk-team", "max_retries": 0, **options})

    @classmethod
    def mocked(cls, directives):
        return cls.hub.model_at(f"{cls.mock_address}/m/{directives}")

    @classmethod
    def mock_stats(cls):
        with urllib.request.urlopen(cls.mock_address + "/mock/stats") as answer:
            return json.load(answer)

    def chat(self, client=None, **body):
        return (client or self.client).chat.completions.create(**{"model": self.model, "messages": MESSAGES, **body})

    def await_aborted(self, count):
        eventually(lambda: self.mock_stats()["aborted"] == count, f"{count} calls of the upstream cancelled")

    def assert_serves(self):
        self.assertEqual(self.chat().choices[0].message.content, REPLY)


class Answers(SdkTest):
    def test_a_chat_is_answered_as_the_upstream_said(self):
        answer = self.chat()
        self.assertEqual(answer.choices[0].message.content, REPLY)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual(answer.usage.model_dump(exclude_none=True), USAGE)
        self.assertEqual(answer.x_unknown, [1, {}])
        self.assertTrue(answer._request_id)

    def test_the_body_arrives_byte_for_byte(self):
        schema = {"type": "object", "properties": {"city": {"type": "string", "description": "Straße"}}}
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": [
                {"type": "text", "text": "What? 🙂"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
            ]}],
            "tools": [{"type": "function", "function": {"name": "weather", "strict": True, "parameters": schema}}],
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
            "response_format": {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema}},
            "temperature": 0.1, "seed": 7, "parallel_tool_calls": False,
        }
        sent = []
        http_client = openai.DefaultHttpxClient(event_hooks={"request": [lambda request: sent.append(request.content)]})
        with self.make_client(http_client=http_client) as client:
            client.chat.completions.create(**body)
        received, headers = self.recorder.requests[-1]
        self.assertEqual(received.encode(), sent[0])
        self.assertEqual(json.loads(received), body)
        names = {name.lower(): value for name, value in headers.items()}
        self.assertEqual(names["authorization"], f"Bearer {UPSTREAM_KEY}")
        self.assertFalse([name for name in names if name.startswith("x-stainless") or name == "cookie"])

    def test_a_stream_has_no_usage_unless_asked(self):
        for options in ({}, {"stream_options": {"include_usage": False}}):
            chunks = list(self.chat(stream=True, **options))
            self.assertTrue(all(len(chunk.choices) == 1 and chunk.usage is None for chunk in chunks))
            self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in chunks), REPLY)
            self.assertEqual(chunks[-1].choices[0].finish_reason, "stop")
            self.assertTrue(json.loads(self.recorder.requests[-1][0])["stream_options"]["include_usage"])

    def test_a_stream_with_include_usage_ends_with_it(self):
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.model_dump(exclude_none=True), USAGE)
        self.assertTrue(all(len(chunk.choices) == 1 and chunk.usage is None for chunk in chunks[:-1]))

    def test_a_long_stream_is_whole(self):
        chunks = list(self.chat(model=self.mocked("chunks=2000,chunk_bytes=1000"), stream=True))
        self.assertEqual(len(chunks), 2002)

    def test_the_streaming_helper_puts_the_answer_together(self):
        with self.client.chat.completions.stream(model=self.model, messages=MESSAGES) as stream:
            stream.until_done()
            self.assertEqual(stream.get_final_completion().choices[0].message.content, REPLY)

    def test_the_asynchronous_client_streams_many_at_once(self):
        async def talk(client):
            stream = await client.chat.completions.create(model=self.model, messages=MESSAGES, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        async def talk_all():
            async with self.make_client(openai.AsyncOpenAI) as client:
                return await asyncio.gather(*(talk(client) for _ in range(20)))

        self.assertEqual(asyncio.run(talk_all()), [REPLY] * 20)

    def test_answers_carry_ids_and_a_resent_history_its_conversation(self):
        raw = self.client.chat.completions.with_raw_response
        first = raw.create(model=self.model, messages=MESSAGES, extra_headers={"x-request-id": "my-own"})
        self.assertEqual(first.headers["x-request-id"], "my-own")
        self.assertTrue(first.headers["x-nexus-provider"])
        conversation = first.headers["x-conversation-id"]
        history = [*MESSAGES, {"role": "assistant", "content": REPLY}, {"role": "user", "content": "and?"}]
        self.assertEqual(raw.create(model=self.model, messages=history).headers["x-conversation-id"], conversation)
        self.assertNotEqual(raw.create(model=self.model, messages=MESSAGES).headers["x-conversation-id"], conversation)
        stats = self.hub.admin("GET", f"/stats/conversation/{conversation}")
        self.assertEqual((stats["rounds"], stats["total_tokens"]), (2, 2 * USAGE["total_tokens"]))


class Models(SdkTest):
    def test_the_list_names_what_the_key_may_use(self):
        name = self.hub.model_at(self.recorder.address, "org/team/model:free", key="pk-models")
        with self.make_client(api_key="pk-models") as client:
            self.assertEqual([model.id for model in client.models.list()], [name])

    def test_ids_with_slashes_and_other_signs_are_found(self):
        for name in ("plain-model", "org/team/model-7b", "größe/7b", "100%/a b+c?d#e"):
            self.hub.model_at(self.recorder.address, name)
            self.assertEqual(self.client.models.retrieve(name).id, name)
            self.assertEqual(self.chat(model=name).choices[0].message.content, REPLY)

    def test_an_unknown_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.models.retrieve("no/such")
        self.assertEqual(caught.exception.code, "model_not_found")


class Errors(SdkTest):
    def assert_raises(self, kind, status, code, make, *arguments, **options):
        with self.assertRaises(kind) as caught:
            make(*arguments, **options)
        error = caught.exception
        self.assertIs(type(error), kind)
        self.assertEqual((error.status_code, error.code), (status, code))
        self.assertTrue(error.request_id)
        self.assertNotIn(UPSTREAM_KEY, error.response.text + str(error.response.headers))
        return error

    def test_bad_requests_name_the_member(self):
        wrong = ({"messages": []}, "messages"), ({"temperature": 3}, "temperature"), ({"n": 0}, "n")
        for body, param in wrong:
            error = self.assert_raises(openai.BadRequestError, 400, "invalid_request", self.chat, **body)
            self.assertEqual((error.param, error.type), (param, "invalid_request_error"))

    def test_a_wrong_key_and_none_are_authentication_errors(self):
        with self.make_client(api_key="pk-wrong") as client:
            self.assert_raises(openai.AuthenticationError, 401, "invalid_api_key", self.chat, client)
            self.assert_raises(openai.AuthenticationError, 401, "invalid_api_key", client.models.list)
        bare = {"Authorization": openai.omit}
        self.assert_raises(openai.AuthenticationError, 401, "invalid_api_key", self.chat, extra_headers=bare)

    def test_an_unknown_model_is_a_not_found_error(self):
        error = self.assert_raises(openai.NotFoundError, 404, "model_not_found", self.chat, model="no/such")
        self.assertEqual((error.param, error.type), ("model", "invalid_request_error"))

    def test_a_conflict_of_the_control_plane_is_asked_once(self):
        name = fresh("twice")
        body = {"name": name, "server_url": self.recorder.address, "server_key": UPSTREAM_KEY, "personalized_key": "k"}
        self.hub.admin("POST", "/providers", body)
        sent = []
        http_client = openai.DefaultHttpxClient(event_hooks={"request": [sent.append]})
        options = {"api_key": ADMIN_TOKEN, "max_retries": 2, "http_client": http_client}
        with self.make_client(base_url=self.hub.address, **options) as admin:
            request = {"body": body, "cast_to": object}
            self.assert_raises(openai.ConflictError, 409, "conflict", admin.post, "/providers", **request)
        self.assertEqual(len(sent), 1)

    def test_errors_of_the_upstream_pass_with_their_words(self):
        kinds = {
            400: openai.BadRequestError, 404: openai.NotFoundError, 409: openai.ConflictError,
            422: openai.UnprocessableEntityError, 429: openai.RateLimitError, 500: openai.InternalServerError,
            503: openai.InternalServerError, 529: openai.InternalServerError,
        }
        for (status, kind), stream in itertools.product(kinds.items(), (False, True)):
            with self.subTest(status=status, stream=stream):
                self.recorder.next.append(failure(status, retry_after="17"))
                error = self.assert_raises(kind, status, "upstream_code", self.chat, stream=stream)
                self.assertIn(f"the upstream says {status}", error.message)
                self.assertEqual(error.response.headers["retry-after"], "17")

    def test_the_upstreams_refusal_of_our_key_is_a_502_without_the_key(self):
        for status in (401, 403):
            self.recorder.next.append(failure(status, f"Incorrect API key: {UPSTREAM_KEY}"))
            code = "upstream_credentials_rejected"
            error = self.assert_raises(openai.InternalServerError, 502, code, self.chat)
            self.assertNotIn("sk-", error.message)
        self.assertNotIn(UPSTREAM_KEY, self.hub.output())

    def test_a_broken_stream_raises_after_what_had_arrived(self):
        for fault in ("error_event", "cut", "reset_mid", "garbage"):
            with self.subTest(fault=fault):
                stream = self.chat(model=self.mocked(f"chunks=30,fault={fault},at=10"), stream=True)
                seen = []
                with self.assertRaises(openai.APIError) as caught:
                    for chunk in stream:
                        seen.append(chunk.choices[0].finish_reason)
                self.assertTrue(seen and not any(seen))
                self.assertTrue(caught.exception.code)

    def test_a_hub_that_is_not_there_is_a_connection_error(self):
        with self.make_client(base_url=f"http://127.0.0.1:{closed_port()}/v1") as client:
            with self.assertRaises(openai.APIConnectionError):
                client.models.list()


class Aborts(SdkTest):
    def test_a_stream_that_is_closed_ends_at_the_upstream(self):
        endless = self.mocked("chunks=100000000,chunk_delay_ms=2")
        before = self.mock_stats()["aborted"]
        stream = self.chat(model=endless, stream=True)
        for _ in itertools.islice(stream, 5):
            pass
        stream.close()
        self.await_aborted(before + 1)
        with self.chat(model=endless, stream=True) as stream:
            next(iter(stream))
        self.await_aborted(before + 2)
        self.assert_serves()

    def test_cancelled_tasks_end_at_the_upstream(self):
        endless = self.mocked("chunks=100000000,chunk_delay_ms=2")
        before = self.mock_stats()["aborted"]

        async def leave(client):
            began = asyncio.Event()

            async def read():
                async for _ in await client.chat.completions.create(model=endless, messages=MESSAGES, stream=True):
                    began.set()

            task = asyncio.create_task(read())
            await began.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        async def leave_all():
            async with self.make_client(openai.AsyncOpenAI) as client:
                await asyncio.gather(*(leave(client) for _ in range(10)))

        asyncio.run(leave_all())
        self.await_aborted(before + 10)
        self.assert_serves()

    def test_too_long_a_wait_for_the_answer_is_a_timeout_error(self):
        before = self.mock_stats()["aborted"]
        with self.assertRaises(openai.APITimeoutError):
            self.chat(model=self.mocked("head_delay_ms=600000"), timeout=1.5)
        self.await_aborted(before + 1)
        self.assert_serves()

    def test_silence_in_mid_stream_is_a_timeout_error(self):
        before = self.mock_stats()["aborted"]
        silent = self.mocked("chunks=30,fault=stall,at=10")
        stream = self.chat(model=silent, stream=True, timeout=httpx2.Timeout(60, read=1.5))
        seen = []
        with self.assertRaises(openai.APITimeoutError):
            for chunk in stream:
                seen.append(chunk)
        self.assertEqual(len(seen), 11)  # the role and ten pieces
        self.await_aborted(before + 1)
        self.assert_serves()


class Retries(SdkTest):
    def asked(self, answers, max_retries=2, **body):
        """Scripts the recorder; returns the number of requests that reached it, and the answer or the error."""
        before = len(self.recorder.requests)
        self.recorder.next.extend(answers)
        with self.make_client(max_retries=max_retries) as client:
            try:
                answer = self.chat(client, **body)
                if body.get("stream"):
                    answer = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
            except openai.APIError as error:
                answer = error
        self.assertEqual(self.recorder.next, [])
        return len(self.recorder.requests) - before, answer

    def test_the_answer_arrives_after_429_and_503(self):
        soon = [failure(429, retry_after="1"), failure(503, retry_after="1")]
        count, answer = self.asked(soon)
        self.assertEqual((count, answer.choices[0].message.content), (3, REPLY))
        self.assertEqual(self.asked(soon, stream=True), (3, REPLY))

    def test_retries_end_with_max_retries(self):
        for status, kind in ((429, openai.RateLimitError), (503, openai.InternalServerError)):
            count, error = self.asked([failure(status, retry_after="1")] * 2, max_retries=1)
            self.assertEqual((count, type(error)), (2, kind))

    def test_nothing_is_repeated_unasked(self):
        for status in (429, 500, 503):
            self.assertEqual(self.asked([failure(status)], max_retries=0)[0], 1)
        for status in (400, 404, 422):
            self.assertEqual(self.asked([failure(status)])[0], 1)

    def test_a_wait_of_an_hour_is_not_waited_for(self):
        count, error = self.asked([failure(429, retry_after="3600")])
        self.assertEqual((count, type(error)), (1, openai.RateLimitError))

    def test_every_second_request_refused_is_no_obstacle(self):
        shaky = self.mocked("status=503,retry_after=1,every=2")
        before = self.mock_stats()
        with self.make_client(max_retries=1) as client:
            for _ in range(2):
                self.chat(client, model=shaky)
        after = self.mock_stats()
        injected = after["injected"] - before["injected"]
        self.assertIn(injected, (1, 2))
        self.assertEqual(after["requests"] - before["requests"], 2 + injected)


if __name__ == "__main__":
    unittest.main()
