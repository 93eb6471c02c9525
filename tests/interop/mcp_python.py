"""The official Python MCP client, in both protocol eras, against the program over stdio.

PROGRAM says what to start, SANDBOX_URL and SANDBOX_KEY where a sandbox listens whose answers can
be made to fail. Prints one line for each check, "ok …" or "FAILED …", and exits with 1 if a check
failed.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from pathlib import Path

import anyio
import jsonschema
from mcp import Client, StdioServerParameters, types

PROGRAM = os.environ["PROGRAM"]
SANDBOX_URL = os.environ["SANDBOX_URL"]
SAMPLES = json.loads((Path(__file__).parent / "../it/samples.json").read_text())
ERROR = "managed-sessions-mcp/error"
MODES = ["legacy", "auto", "2026-07-28"]
checks = []


def check(function):
    checks.append(function)
    return function


def started(*flags, **environment):
    """The program, with nothing of this machine's settings."""
    clean = {"HOME": "/nonexistent", "PATH": os.environ["PATH"], **environment}
    return StdioServerParameters(command=PROGRAM, args=list(flags), env=clean)


def on_sandbox(mode, *flags, **options):
    return Client(started("--sandbox", *flags), mode=mode, **options)


def on_shared(mode, *flags, **options):
    """Against the sandbox that can be told to fail."""
    key = os.environ["SANDBOX_KEY"]
    server = started(*flags, ANTHROPIC_BASE_URL=SANDBOX_URL, ANTHROPIC_API_KEY=key)
    return Client(server, mode=mode, **options)


def fail_next(*faults):
    body = json.dumps({"faults": list(faults)}).encode()
    urllib.request.urlopen(f"{SANDBOX_URL}/_sandbox/faults", body, timeout=5).read()


def forget_faults():
    request = urllib.request.Request(f"{SANDBOX_URL}/_sandbox/faults", method="DELETE")
    urllib.request.urlopen(request, timeout=5).read()


def new_session():
    """A session that no other check uses."""
    body = json.dumps({"agent": "agent_01", "environment_id": "env_01"}).encode()
    headers = {
        "x-api-key": os.environ["SANDBOX_KEY"],
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "managed-agents-2026-04-01",
        "content-type": "application/json",
    }
    request = urllib.request.Request(f"{SANDBOX_URL}/v1/sessions", body, headers)
    return json.load(urllib.request.urlopen(request, timeout=5))["id"]


def answer(result, tool=None):
    """The structure of an answer, which is also its text."""
    assert not result.is_error, result.content
    [block] = result.content
    structure = result.structured_content
    assert isinstance(structure, dict), structure
    assert json.loads(block.text) == structure, "text and structure differ"
    if tool is not None:
        jsonschema.Draft202012Validator(tool.output_schema).validate(structure)
    return structure


def failure(result, code):
    """The parts of a failure with this code."""
    assert result.is_error, f"no failure: {result.structured_content}"
    assert result.structured_content is None, "a failure with structuredContent"
    [block] = result.content
    parts = result.meta[ERROR]
    assert parts["code"] == code, (code, block.text)
    assert block.text.startswith(f"{code}: "), block.text
    assert parts["message"] in block.text and " Next: " in block.text, block.text
    assert parts["next"] in block.text, block.text
    return parts


@check
async def introduces_itself(mode):
    async with on_sandbox(mode) as client:
        modern = client.protocol_version == "2026-07-28"
        assert modern == (mode != "legacy"), client.protocol_version
        if mode != "2026-07-28":  # this one takes the version without asking
            assert client.server_info.name == "managed-sessions-mcp", client.server_info
            assert 200 < len(client.instructions) <= 2048, client.instructions
            assert client.server_capabilities.tools is not None


@check
async def lists_tools_with_all_that_hosts_look_at(mode):
    async with on_sandbox(mode) as client:
        tools = (await client.list_tools()).tools
        assert len(tools) >= 5 and len({tool.name for tool in tools}) == len(tools)
        for tool in tools:
            assert tool.title and tool.description, tool.name
            hints = tool.annotations
            assert hints.title and hints.open_world_hint is True, tool.name
            assert None not in (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint)
            for schema in (tool.input_schema, tool.output_schema):
                jsonschema.Draft202012Validator.check_schema(schema)
                assert schema["type"] == "object", tool.name
            assert tool.input_schema["additionalProperties"] is False, tool.name
        if mode == "legacy":
            assert (await client.list_tools()).tools == tools


@check
async def calls_every_tool(mode):
    with tempfile.TemporaryDirectory() as folder:
        async with on_sandbox(mode, "--export-dir", folder) as client:
            await call_samples(client)


async def call_samples(client):
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == set(SAMPLES), set(tools) ^ set(SAMPLES)
    plan = None
    for name, samples in SAMPLES.items():
        answered = failed = 0
        for sample in samples:
            given = with_plan(sample, plan)
            result = await client.call_tool(name, given)
            try:
                if "code" in sample:
                    failure(result, sample["code"])
                    failed += 1
                    continue
                structure = answer(result, tools[name])
                if "outcome" in sample:
                    assert structure["outcome"] == sample["outcome"], structure
            except BaseException as error:
                raise AssertionError(f"{name} {json.dumps(given)}: {error}") from error
            plan = structure.get("plan_id", plan)
            answered += 1
        assert answered and failed, f"{name}: {answered} answered, {failed} failed"


def with_plan(sample, plan):
    arguments = sample["arguments"].items()
    return {key: plan if value == "$plan_id" else value for key, value in arguments}


@check
async def names_an_unknown_tool_and_the_closest(mode):
    async with on_sandbox(mode) as client:
        parts = failure(await client.call_tool("get_sesion", {}), "invalid_arguments")
        assert '"get_sesion"' in parts["message"], parts
        assert "call one of get_session," in parts["next"], parts
        answer(await client.call_tool("get_session", {"session_id": "sesn_01"}))


@check
async def names_every_mistaken_argument(mode):
    async with on_sandbox(mode) as client:
        given = {"limit": "many", "statuses": ["asleep"], "colour": 1}
        message = failure(
            await client.call_tool("list_sessions", given), "invalid_arguments"
        )["message"]
        for name in ("limit", "statuses[0]", '"colour"'):
            assert name in message, message
        parts = failure(await client.call_tool("get_session", {}), "invalid_arguments")
        assert "session_id is missing" in parts["message"], parts


@check
async def takes_arguments_as_models_write_them(mode):
    async with on_sandbox(mode) as client:
        given = {"limit": "2", "include_archived": "true", "statuses": '["idle"]'}
        rows = answer(await client.call_tool("list_sessions", given))["sessions"]
        assert len(rows) == 2 and {row["status"] for row in rows} == {"idle"}, rows


WAITING = {"session_id": "sesn_04", "if_busy": "wait", "wait_seconds": 2}


@check
async def tells_its_progress_while_it_waits(mode):
    seen = []

    async def progressed(progress, total, message):
        seen.append((progress, message))

    async with on_sandbox(mode) as client:
        result = await client.call_tool("archive_session", WAITING, progress_callback=progressed)
        failure(result, "busy_timeout")
    numbers = [progress for progress, _ in seen]
    assert len(seen) >= 2 and numbers == sorted(set(numbers)), seen
    assert all(message for _, message in seen), seen


@check
async def tells_the_progress_of_every_tool_that_waits(mode):
    async with on_sandbox(mode) as client:
        ids = {"action": "archive", "session_ids": ["sesn_01", "sesn_02"]}
        plan = answer(await client.call_tool("plan_changes", ids))["plan_id"]
        busy = {"session_id": "sesn_04", "if_busy": "wait", "wait_seconds": 1}
        for name, given in [
            ("delete_session", busy),
            ("update_session_tools", busy | {"mode": "replace", "tools": []}),
            ("wait_for_session", {"session_id": "sesn_04", "wait_seconds": 1}),
            ("apply_changes", {"plan_id": plan}),
        ]:
            seen = []

            async def progressed(progress, total, message):
                seen.append(progress)

            await client.call_tool(name, given, progress_callback=progressed)
            assert seen and seen == sorted(set(seen)), (name, seen)


@check
async def leaves_nothing_of_a_cancelled_call(mode):
    async with on_shared(mode) as client:
        answer(await client.call_tool("get_session", {"session_id": "sesn_01"}))
        slow = {"kind": "slow", "milliseconds": 20_000}
        fail_next({"effect": slow, "method": "GET", "path": "/sesn_01"})
        began = time.monotonic()
        with anyio.move_on_after(0.7) as scope:
            await client.call_tool("archive_session", {"session_id": "sesn_01"})
        assert scope.cancelled_caught, "the call was not slow"
        session = answer(await client.call_tool("get_session", {"session_id": "sesn_01"}))
        assert time.monotonic() - began < 8, "the next call had to wait"
        assert not session["archived"], "a cancelled call went on"


@check
async def goes_on_after_a_cancelled_call_of_every_tool(mode):
    with tempfile.TemporaryDirectory() as folder:
        async with on_shared(mode, "--export-dir", folder) as client:
            one = {"action": "archive", "session_ids": [new_session()]}
            plan = answer(await client.call_tool("plan_changes", one))["plan_id"]
            slow = {"kind": "slow", "milliseconds": 1_500}
            fail_next({"effect": slow, "times": 1_000})
            for name, samples in SAMPLES.items():
                with anyio.move_on_after(0.3) as scope:
                    await client.call_tool(name, with_plan(samples[0], plan))
                assert scope.cancelled_caught, f"{name} was not slow"
            forget_faults()
            answer(await client.call_tool("get_session", {"session_id": "sesn_01"}))
            done = answer(await client.call_tool("apply_changes", {"plan_id": plan}))
            skipped = sum(each["count"] for each in done["skipped"].values())
            parts = done["done"] + skipped + done["failed_count"] + done["remaining"]
            assert parts == done["matched"], done


@check
async def stays_usable_after_a_client_gave_up_waiting(mode):
    async with on_shared(mode) as client:
        slow = {"kind": "slow", "milliseconds": 3_000}
        fail_next({"effect": slow, "method": "GET", "path": "/sesn_02"})
        try:
            await client.call_tool(
                "get_session", {"session_id": "sesn_02"}, read_timeout_seconds=0.5
            )
            raise AssertionError("the call was not slow")
        except Exception as error:
            assert "imed out" in str(error), error
        answer(await client.call_tool("get_session", {"session_id": "sesn_02"}))


@check
async def answers_many_calls_at_once(mode):
    async with on_sandbox(mode) as client:
        ids = [f"sesn_{number:02}" for number in range(1, 15)] * 8
        calls = [client.call_tool("get_session", {"session_id": each}) for each in ids]
        for each, result in zip(ids, await asyncio.gather(*calls), strict=True):
            assert answer(result)["id"] == each


@check
async def read_only_offers_and_does_nothing_that_writes(mode):
    async with on_sandbox(mode, "--read-only") as client:
        tools = (await client.list_tools()).tools
        assert tools and all(tool.annotations.read_only_hint for tool in tools)
        failure(await client.call_tool("delete_session", {"session_id": "sesn_01"}), "invalid_arguments")


@check
async def serves_prompts_that_can_be_filled_in(mode):
    async with on_sandbox(mode) as client:
        prompts = (await client.list_prompts()).prompts
        assert prompts
        for prompt in prompts:
            needed = {each.name: "sesn_01" for each in prompt.arguments or [] if each.required}
            assert (await client.get_prompt(prompt.name, needed)).messages, prompt.name


def asking(action, asked, confirm=True):
    async def person(context, params):
        asked.append(params)
        content = {"confirm": confirm} if action == "accept" else None
        return types.ElicitResult(action=action, content=content)

    return person


@check
async def asks_the_person_before_a_delete(mode):
    flags = ["--confirm-deletes", "elicit"]
    delete = ("delete_session", {"session_id": "sesn_01"})
    for action, confirm, code in [
        ("decline", True, "confirmation_declined"),
        ("cancel", True, "confirmation_declined"),
        ("accept", False, "confirmation_declined"),
        ("accept", True, None),
    ]:
        asked = []
        person = asking(action, asked, confirm)
        async with on_sandbox(mode, *flags, elicitation_callback=person) as client:
            result = await client.call_tool(*delete)
            assert len(asked) == 1 and asked[0].message, asked
            schema = asked[0].requested_schema
            assert list(schema["properties"]) == ["confirm"], schema
            if code is not None:
                failure(result, code)
                answer(await client.call_tool("get_session", delete[1]))
            else:
                assert answer(result)["outcome"] == "deleted"
                failure(await client.call_tool("get_session", delete[1]), "not_found")


@check
async def asks_the_person_once_before_a_plan_of_deletes(mode):
    ids = {"action": "delete", "session_ids": ["sesn_01", "sesn_10"]}
    for action, code in [("decline", "confirmation_declined"), ("accept", None)]:
        asked = []
        person = asking(action, asked)
        flags = ["--confirm-deletes", "elicit"]
        async with on_sandbox(mode, *flags, elicitation_callback=person) as client:
            plan = {"plan_id": answer(await client.call_tool("plan_changes", ids))["plan_id"]}
            result = await client.call_tool("apply_changes", plan)
            assert len(asked) == 1 and "2" in asked[0].message, asked
            if code is not None:
                failure(result, code)
            else:
                assert answer(result)["done"] == 2
            for session in ids["session_ids"]:
                left = await client.call_tool("get_session", {"session_id": session})
                answer(left) if code else failure(left, "not_found")


@check
async def gives_a_token_to_a_host_that_cannot_ask(mode):
    for flag in ("elicit", "token"):
        async with on_sandbox(mode, "--confirm-deletes", flag) as client:
            given = {"session_id": "sesn_01"}
            asked = answer(await client.call_tool("delete_session", given))
            assert asked["outcome"] == "confirmation_required", asked
            forged = given | {"confirmation_token": "forged"}
            failure(await client.call_tool("delete_session", forged), "confirmation_invalid")
            given["confirmation_token"] = asked["confirmation_token"]
            assert answer(await client.call_tool("delete_session", given))["outcome"] == "deleted"


@check
async def takes_progress_tokens_of_either_kind(mode):
    """Raw: no official client sends anything but numbers."""
    version = "2026-07-28" if mode != "legacy" else "2025-11-25"
    about = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    server = await asyncio.create_subprocess_exec(
        PROGRAM, "--sandbox", stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 20
    )

    async def send(message):
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        await server.stdin.drain()

    async def receive():
        return json.loads(await asyncio.wait_for(server.stdout.readline(), 10))

    if mode == "legacy":
        hello = {
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": {"name": "raw", "version": "1"},
        }
        await send({"id": 0, "method": "initialize", "params": hello})
        assert (await receive())["result"]["protocolVersion"] == version
        await send({"method": "notifications/initialized"})
    for token in (7, "seven"):
        meta = {"progressToken": token} | ({} if mode == "legacy" else about)
        params = {"name": "archive_session", "arguments": WAITING, "_meta": meta}
        await send({"id": f"call {token}", "method": "tools/call", "params": params})
        told = 0
        while "id" not in (message := await receive()):
            assert message["method"] == "notifications/progress", message
            assert message["params"]["progressToken"] == token, message
            told += 1
        assert told >= 2 and message["id"] == f"call {token}", message
        assert message["result"]["isError"] is True, message
    server.stdin.close()
    assert await asyncio.wait_for(server.wait(), 10) == 0


async def main():
    failed = 0
    for function in checks:
        # The last is raw, and has but two eras to try.
        modes = ["legacy", "auto"] if function is takes_progress_tokens_of_either_kind else MODES
        for mode in modes:
            name = f"python {mode}: {function.__name__.replace('_', ' ')}"
            try:
                await asyncio.wait_for(function(mode), 60)
            except Exception as error:
                failed += 1
                print(f"FAILED {name}")
                # Clients wrap what went wrong in groups of one.
                while isinstance(error, BaseExceptionGroup):
                    error = error.exceptions[0]
                traceback.print_exception(error, file=sys.stdout)
            else:
                print(f"ok {name}")
            forget_faults()
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
