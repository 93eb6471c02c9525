// The official TypeScript MCP clients against the program over stdio, in brief: the Python one
// checks the shapes. Both hold structuredContent to the outputSchema of the listed tool.
//
//   node mcp_typescript.mjs legacy    @modelcontextprotocol/sdk, initialize
//   node mcp_typescript.mjs modern    @modelcontextprotocol/client, server/discover
//
// PROGRAM says what to start, SANDBOX_URL and SANDBOX_KEY where a sandbox listens whose answers
// can be made to fail.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";

const era = process.argv[2];
const clients = new URL(`./.clients/mcp-${era}/package.json`, import.meta.url);
const need = createRequire(clients);
const legacy = era === "legacy";
const { Client } = need(legacy ? "@modelcontextprotocol/sdk/client/index.js" : "@modelcontextprotocol/client");
const { StdioClientTransport } = need(
  legacy ? "@modelcontextprotocol/sdk/client/stdio.js" : "@modelcontextprotocol/client/stdio",
);
const elicitation = legacy
  ? need("@modelcontextprotocol/sdk/types.js").ElicitRequestSchema
  : "elicitation/create";

const { PROGRAM, SANDBOX_URL, SANDBOX_KEY } = process.env;
const samples = JSON.parse(readFileSync(new URL("../it/samples.json", import.meta.url)));
const modes = legacy ? ["initialize"] : ["auto", { pin: "2026-07-28" }, "legacy"];
const ERROR = "managed-sessions-mcp/error";

let mode;

const session = async (use, { flags = ["--sandbox"], env = {}, capabilities = {}, prepare } = {}) => {
  const client = new Client(
    { name: "check", version: "1" },
    legacy ? { capabilities } : { capabilities, versionNegotiation: { mode } },
  );
  prepare?.(client);
  const transport = new StdioClientTransport({
    command: PROGRAM,
    args: flags,
    env: { HOME: "/nonexistent", ...env },
  });
  try {
    await client.connect(transport);
    return await use(client);
  } finally {
    await client.close();
  }
};
const call = (client, name, given, options) => {
  const params = { name, arguments: given };
  return legacy ? client.callTool(params, undefined, options) : client.callTool(params, options);
};
const answered = (result) => {
  assert.ok(!result.isError, JSON.stringify(result));
  assert.equal(result.content.length, 1);
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  return result.structuredContent;
};
const failed = (result, code) => {
  assert.equal(result.isError, true, JSON.stringify(result));
  assert.equal(result.structuredContent, undefined);
  assert.equal(result._meta[ERROR].code, code, result.content[0].text);
  assert.ok(result.content[0].text.startsWith(`${code}: `));
  return result._meta[ERROR];
};

const withPlan = ({ arguments: given }, plan) =>
  given.plan_id === "$plan_id" ? { ...given, plan_id: plan } : given;
const shared = { ANTHROPIC_BASE_URL: SANDBOX_URL, ANTHROPIC_API_KEY: SANDBOX_KEY };
const newSession = async () => {
  const headers = {
    "x-api-key": SANDBOX_KEY,
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "managed-agents-2026-04-01",
    "content-type": "application/json",
  };
  const body = JSON.stringify({ agent: "agent_01", environment_id: "env_01" });
  const answer = await fetch(`${SANDBOX_URL}/v1/sessions`, { method: "POST", headers, body });
  return (await answer.json()).id;
};
const failNext = (fault) =>
  fetch(`${SANDBOX_URL}/_sandbox/faults`, { method: "POST", body: JSON.stringify({ faults: [fault] }) });
const forgetFaults = () => fetch(`${SANDBOX_URL}/_sandbox/faults`, { method: "DELETE" });
const exporting = async (flags, env, use) => {
  const folder = mkdtempSync(join(tmpdir(), "exports-"));
  try {
    await session(use, { flags: [...flags, "--export-dir", folder], env });
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const checks = {
  "connects and lists": () =>
    session(async (client) => {
      assert.equal(client.getServerVersion().name, "managed-sessions-mcp");
      assert.ok(client.getInstructions().length > 200);
      if (!legacy) {
        assert.equal(client.getProtocolEra(), mode === "legacy" ? "legacy" : "modern");
      }
      const { tools } = await client.listTools();
      assert.ok(tools.length >= 5);
      assert.ok(tools.every((tool) => tool.title && tool.outputSchema.type === "object"));
    }),

  "calls every tool, and holds the answers to their schemas": () =>
    exporting(["--sandbox"], {}, async (client) => {
      const listed = (await client.listTools()).tools.map((tool) => tool.name);
      assert.deepEqual(listed.sort(), Object.keys(samples).sort());
      let plan;
      for (const [name, cases] of Object.entries(samples)) {
        let [answers, failures] = [0, 0];
        for (const sample of cases) {
          const result = await call(client, name, withPlan(sample, plan));
          if (sample.code) {
            failed(result, sample.code);
            failures += 1;
            continue;
          }
          const structure = answered(result);
          if (sample.outcome) assert.equal(structure.outcome, sample.outcome, name);
          plan = structure.plan_id ?? plan;
          answers += 1;
        }
        assert.ok(answers && failures, `${name}: ${answers} answered, ${failures} failed`);
      }
    }),

  "names an unknown tool": () =>
    session(async (client) => {
      const parts = failed(await call(client, "delete_sesion", {}), "invalid_arguments");
      assert.match(parts.next, /call one of delete_session,/);
    }),

  "tells its progress": () =>
    session(async (client) => {
      const seen = [];
      const given = { session_id: "sesn_04", if_busy: "wait", wait_seconds: 2 };
      const onprogress = (progress) => seen.push(progress);
      failed(await call(client, "archive_session", given, { onprogress }), "busy_timeout");
      assert.ok(seen.length >= 2 && seen.every((each) => each.message), JSON.stringify(seen));
    }),

  "cancels a slow call and goes on": () =>
    session(
      async (client) => {
        answered(await call(client, "get_session", { session_id: "sesn_01" }));
        await failNext({ effect: { kind: "slow", milliseconds: 20_000 }, method: "GET", path: "/sesn_01" });
        const began = Date.now();
        const signal = AbortSignal.timeout(700);
        await assert.rejects(call(client, "archive_session", { session_id: "sesn_01" }, { signal }));
        const { archived } = answered(await call(client, "get_session", { session_id: "sesn_01" }));
        assert.ok(Date.now() - began < 8_000 && !archived);
      },
      { flags: [], env: shared },
    ),

  "goes on after a cancelled call of every tool": () =>
    exporting([], shared, async (client) => {
      const one = { action: "archive", session_ids: [await newSession()] };
      const plan = answered(await call(client, "plan_changes", one)).plan_id;
      await failNext({ effect: { kind: "slow", milliseconds: 1_500 }, times: 1_000 });
      for (const [name, [sample]] of Object.entries(samples)) {
        const signal = AbortSignal.timeout(300);
        await assert.rejects(call(client, name, withPlan(sample, plan), { signal }), name);
      }
      await forgetFaults();
      answered(await call(client, "get_session", { session_id: "sesn_01" }));
    }),

  "asks the person before a delete": async () => {
    const flags = ["--sandbox", "--confirm-deletes", "elicit"];
    for (const [action, code] of [["decline", "confirmation_declined"], ["accept", undefined]]) {
      let asked = 0;
      const prepare = (client) =>
        client.setRequestHandler(elicitation, () => {
          asked += 1;
          return action === "accept" ? { action, content: { confirm: true } } : { action };
        });
      const use = async (client) => {
        const result = await call(client, "delete_session", { session_id: "sesn_01" });
        assert.equal(asked, 1);
        if (code) failed(result, code);
        else assert.equal(answered(result).outcome, "deleted");
        const two = { action: "delete", session_ids: ["sesn_10", "sesn_11"] };
        const { plan_id } = answered(await call(client, "plan_changes", two));
        const applied = await call(client, "apply_changes", { plan_id });
        assert.equal(asked, 2);
        if (code) failed(applied, code);
        else assert.equal(answered(applied).done, 2);
      };
      await session(use, { flags, capabilities: { elicitation: { form: {} } }, prepare });
    }
  },
};

for (mode of modes) {
  for (const [name, check] of Object.entries(checks)) {
    const title = `typescript ${era} ${mode.pin ?? mode}: ${name}`;
    try {
      await check();
      console.log(`ok ${title}`);
    } catch (error) {
      process.exitCode = 1;
      console.log(`FAILED ${title}\n${error.stack}`);
    }
    await forgetFaults();
  }
}
