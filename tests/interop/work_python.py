"""What the tools say of their work is what the official Python SDK sees on the same sandbox.

PROGRAM is the server, SANDBOX_URL and SANDBOX_KEY the sandbox that both use.
"""

import json
import os
import subprocess
import sys

import anthropic

WIKI = {"type": "url", "name": "wiki", "url": "https://mcp.example.com/wiki"}
failed = 0


def check(what, holds):
    global failed
    failed += not holds
    print(("ok " if holds else "FAILED ") + what)


class Server:
    """The program as a host starts it."""

    def __init__(self):
        flags = ["--base-url", os.environ["SANDBOX_URL"]]
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        environment["ANTHROPIC_API_KEY"] = os.environ["SANDBOX_KEY"]
        pipe = subprocess.PIPE
        self.program = subprocess.Popen(
            [os.environ["PROGRAM"], *flags], env=environment, stdin=pipe, stdout=pipe, text=True
        )
        self.count = 0
        client = {"name": "work", "version": "1"}
        self.request(
            "initialize",
            {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client},
        )
        self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def write(self, message):
        self.program.stdin.write(json.dumps(message) + "\n")
        self.program.stdin.flush()

    def request(self, method, params):
        self.count += 1
        self.write({"jsonrpc": "2.0", "id": self.count, "method": method, "params": params})
        while True:
            message = json.loads(self.program.stdout.readline())
            if message.get("id") == self.count:
                return message["result"]

    def call(self, tool, **arguments):
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            sys.exit(f"FAILED {tool}: {result['content'][0]['text']}")
        return result["structuredContent"]


def main():
    server = Server()
    sdk = anthropic.Anthropic(base_url=os.environ["SANDBOX_URL"], api_key=os.environ["SANDBOX_KEY"])
    sessions = sdk.beta.sessions

    def events(id, kind):
        return list(sessions.events.list(id, types=[kind], order="desc"))

    agents = server.call("list_agents", limit=100)
    seen = {agent.id for agent in sdk.beta.agents.list()}
    check("the agents are those of the SDK", {agent["id"] for agent in agents["agents"]} == seen)

    started = server.call(
        "start_session",
        agent="Release engineer",
        environment="default",
        title="Tried with the SDK",
        message="/use bash",
        budget="5.00 USD",
        wait_seconds=30,
    )
    id = started["session"]["id"]
    session = sessions.retrieve(id)
    check("a started session is there", session.title == "Tried with the SDK")
    check("in the state that was waited for", session.status == started["status"] == "idle")
    check("with its budget", session.budget.max_list_cost.amount == "500")
    asked = events(id, "session.status_idle")[0].stop_reason.event_ids
    check("it waits for what was said", [call["event_id"] for call in started["waiting"]] == asked)

    triage = server.call("triage_sessions")
    row = [row for row in triage["attention"] if row["id"] == id]
    check("triage names the same call", [row["event_id"] for row in row] == asked)

    reason = "Do it on staging first."
    answer = server.call("answer_session", session_id=id, decision="deny", reason=reason)
    sent = events(id, "user.tool_confirmation")[0]
    check("the answer is in the history", (sent.result, sent.deny_message) == ("deny", reason))
    check("for that call", sent.tool_use_id == answer["answered"]["event_id"] == asked[0])
    server.call("wait_for_session", session_id=id)

    reply = server.call("send_message", session_id=id, text="And now?", wait_seconds=30)
    said = events(id, "user.message")[0]
    check("the message is in the history", (said.id, said.content[0].text) == (reply["event_id"], "And now?"))
    newest = events(id, "agent.message")[0].content[0].text
    check("the reply is the newest message", reply["reply"] == newest)

    other = server.call("start_session", like_session=id, mcp_servers=[WIKI])["session"]["id"]
    check("a session like it has the server too", "wiki" in str(sessions.retrieve(other).agent.mcp_servers))

    plan = server.call(
        "plan_changes", action="update_tools", session_ids=[id, other], mcp_servers=[WIKI]
    )
    check("what is already so is left out", plan["matched"] == 1)
    server.call("apply_changes", plan_id=plan["plan_id"])
    check("a plan changes its tools", "wiki" in str(sessions.retrieve(id).agent.mcp_servers))
    undo = server.call("plan_changes", plan_id=plan["plan_id"], undo=True)
    server.call("apply_changes", plan_id=undo["plan_id"])
    check("and takes it back", "wiki" not in str(sessions.retrieve(id).agent.mcp_servers))
    server.program.stdin.close()
    check("the program ends by itself", server.program.wait(10) == 0)


main()
sys.exit(1 if failed else 0)
