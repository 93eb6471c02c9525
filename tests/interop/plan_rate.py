"""Plans over a thousand sessions through the official Python MCP client, at the default rates.

PROGRAM says what to start; each action runs on a sandbox of its own. Every session costs one write; before it
its events and its record are read, and after a delete it is looked for, so that deletes are bound by the limit
of reads. Prints the share of the binding limit that each plan reached and exits with 1 below 95 %, or if the
audit log alone does not tell which session was changed how.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time

from mcp import Client, StdioServerParameters

PROGRAM = os.environ["PROGRAM"]
WRITES, READS = 600, 1200
SESSIONS = os.environ.get("SESSIONS", "1000")
WIKI = {"type": "url", "name": "wiki", "url": "https://mcp.example.com/wiki"}
EVERY = ["idle", "running", "rescheduling", "terminated"]

# Action, further arguments, reads and writes a session, what the audit log says of one that is done.
PLANS = [
    ("archive", {}, 2, 1, "archived"),
    ("delete", {}, 3, 1, "deleted"),
    ("interrupt", {}, 2, 1, "interrupt_sent"),
    ("update_tools", {"mcp_servers": [WIKI]}, 2, 1, "updated"),
]
failed = 0


def check(what, holds):
    global failed
    failed += not holds
    print(("ok " if holds else "FAILED ") + what)


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments, read_timeout_seconds=60)
    if result.is_error:
        sys.exit(f"FAILED {tool}: {result.content[0].text}")
    return result.structured_content


async def rows(client, **arguments):
    found, page = [], None
    while True:
        answer = await call(client, "list_sessions", limit=100, page=page, **arguments)
        found += answer["sessions"]
        page = answer.get("next_page")
        if page is None:
            return {row["id"]: row for row in found}


async def all_of_plan(client, plan_id):
    found, page = [], None
    while True:
        answer = await call(client, "plan_changes", plan_id=plan_id, page=page)
        found += answer["sessions"]
        page = answer.get("next_page")
        if page is None:
            return found


def audited(path, plan_id, outcome):
    """The sessions of which the audit log says so."""
    with open(path, encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    of_plan = [entry for entry in entries if entry.get("plan_id") == plan_id]
    return [entry["session_id"] for entry in of_plan if entry.get("outcome") == outcome]


def sandbox():
    """A sandbox of its own: the embedded one keeps a copy of what is deleted, which takes more reads."""
    flags = ["sandbox", "--listen", "127.0.0.1:0", "--sandbox-sessions", SESSIONS]
    program = subprocess.Popen([PROGRAM, *flags], stderr=subprocess.PIPE, text=True)
    found = {}
    for line in program.stderr:
        for name in ("base URL", "API key"):
            if name in line:
                found[name] = line.split(name)[1].split()[0]
        if len(found) == 2:
            return program, found["base URL"], found["API key"]
    sys.exit("FAILED the sandbox did not start")


async def run(action, more, reads, writes, outcome):
    log = tempfile.NamedTemporaryFile(suffix=".jsonl")
    service, url, key = sandbox()
    try:
        await run_on(url, key, log, action, more, reads, writes, outcome)
    finally:
        service.kill()


async def run_on(url, key, log, action, more, reads, writes, outcome):
    flags = ["--base-url", url, "--audit-log", log.name]
    clean = {"HOME": "/nonexistent", "PATH": os.environ["PATH"], "ANTHROPIC_API_KEY": key}
    server = StdioServerParameters(command=PROGRAM, args=flags, env=clean)
    async with Client(server, mode="legacy") as client:
        before = await rows(client, include_archived=True)
        busy = {id for id, row in before.items() if row["status"] in ("running", "rescheduling")}
        plan = await call(
            client, "plan_changes", action=action, statuses=EVERY, max_sessions=1000, **more
        )
        print(f"\n{action}: {plan['matched']} sessions, estimated {plan['estimated_seconds']} s")
        # The scan that made the plan has used some of the allowance; begin with a full second.
        await asyncio.sleep(2)
        started = time.monotonic()
        calls, longest, changed = 0, 0.0, []
        while True:
            begun = time.monotonic()
            step = await call(client, "apply_changes", plan_id=plan["plan_id"])
            calls, longest = calls + 1, max(longest, time.monotonic() - begun)
            changed += step["changed"]
            skipped = sum(reason["count"] for reason in step["skipped"].values())
            sums = step["done"] + skipped + step["failed_count"] + step["remaining"]
            if sums != step["matched"]:
                check("the counts add up", False)
            if step["remaining"] == 0:
                break
        seconds = time.monotonic() - started
        shown = await all_of_plan(client, plan["plan_id"])
    limit = min(WRITES / writes, READS / reads)
    # The first second's worth goes at once.
    share = step["done"] / ((seconds + 1) * limit / 60)
    print(f"done {step['done']}, skipped {json.dumps(step['skipped'])}, failed {step['failed_count']}")
    rate = step["done"] / seconds * 60
    print(f"{seconds:.1f} s in {calls} calls, the longest {longest:.1f} s: {rate:.0f} a minute of {limit:.0f}")
    done = {row["id"] for row in shown if row["outcome"] == "done"}
    noted = audited(log.name, plan["plan_id"], outcome)
    check("at least 95 % of the limit that binds", share >= 0.95)
    check("no call took more than 40 s", longest <= 40)
    check("every session of the plan is shown with what became of it", len(shown) == plan["matched"])
    check("as many are done as the plan shows", len(done) == step["done"])
    check("the audit log names each of them once", sorted(noted) == sorted(done))
    if action == "interrupt":
        check("only busy sessions were stopped", done <= busy)
    else:
        check("no busy session was written", not done & busy)
    check("those that wait were left alone", not {"sesn_02", "sesn_03"} & done)


async def main():
    for plan in PLANS:
        await run(*plan)
    print(f"{failed} failed")
    sys.exit(1 if failed else 0)


asyncio.run(main())
