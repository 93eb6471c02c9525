"""A thousand sessions cleaned up through the official Python MCP client, at the default rate.

PROGRAM says what to start; it runs on its own sandbox. Every session costs one write, so the counts of
the plan tell how many writes were made; two reads each fit into the limit of those.
Prints the share of the allowed rate that was reached and exits with 1 below 95 %.
"""

import asyncio
import json
import os
import sys
import time

from mcp import Client, StdioServerParameters

PROGRAM = os.environ["PROGRAM"]
RPM = 600


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments, read_timeout_seconds=60)
    if result.is_error:
        sys.exit(f"FAILED {tool}: {result.content[0].text}")
    return result.structured_content


async def main():
    flags = ["--sandbox", "--sandbox-sessions", "1000", "--max-rpm", str(RPM)]
    clean = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    server = StdioServerParameters(command=PROGRAM, args=flags, env=clean)
    async with Client(server, mode="legacy") as client:
        busy = await call(client, "list_sessions", statuses=["running", "rescheduling"], limit=100)
        every = ["idle", "running", "rescheduling", "terminated"]
        plan = await call(
            client, "plan_cleanup", action="archive", statuses=every, max_sessions=1000
        )
        print(f"plan: {plan['matched']} sessions, estimated {plan['estimated_seconds']} s")
        # The scan that made the plan has used some of the allowance; begin with a full second.
        await asyncio.sleep(2)
        started = time.monotonic()
        calls, longest = 0, 0.0
        while True:
            begun = time.monotonic()
            step = await call(client, "apply_cleanup", plan_id=plan["plan_id"])
            calls, longest = calls + 1, max(longest, time.monotonic() - begun)
            if step["remaining"] == 0:
                break
        seconds = time.monotonic() - started
        still = await call(client, "list_sessions", statuses=["running", "rescheduling"], limit=100)
    rate = step["done"] / seconds * 60
    share = rate / RPM
    print(f"done {step['done']}, skipped {json.dumps(step['skipped'])}, failed {step['failed_count']}")
    print(f"{seconds:.1f} s in {calls} calls, the longest {longest:.1f} s")
    print(f"{rate:.0f} writes a minute: {share:.1%} of the {RPM} allowed")
    good = {
        "every planned session was archived": step["done"] == plan["matched"],
        "busy sessions were left alone": {r["id"] for r in busy["sessions"]}
        == {r["id"] for r in still["sessions"]},
        "no call took more than 40 s": longest <= 40,
        "at least 95 % of the rate": share >= 0.95,
        "the estimate was right within a tenth": abs(seconds - plan["estimated_seconds"])
        <= plan["estimated_seconds"] / 10,
    }
    for what, holds in good.items():
        print(("ok " if holds else "FAILED ") + what)
    failed = sum(not holds for holds in good.values())
    print(f"{len(good) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


asyncio.run(main())
