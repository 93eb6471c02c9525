// The official TypeScript SDK, unchanged, against a running sandbox: in brief, because the
// Python one checks every shape strictly. SANDBOX_URL and SANDBOX_KEY say where it is.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const clients = new URL("./.clients/typescript/package.json", import.meta.url);
const { default: Anthropic } = createRequire(clients)("@anthropic-ai/sdk");

const client = new Anthropic({
  baseURL: process.env.SANDBOX_URL,
  apiKey: process.env.SANDBOX_KEY,
  maxRetries: 0,
});
const sessions = client.beta.sessions;

const collect = async (page) => {
  const items = [];
  for await (const item of page) items.push(item);
  return items;
};
const fresh = (more = {}) =>
  sessions.create({ agent: "agent_01", environment_id: "env_01", ...more });
const message = (text) => ({ type: "user.message", content: [{ type: "text", text }] });

const refused = async (kind, call) => {
  const error = await call().then(
    () => assert.fail("not refused"),
    (error) => error,
  );
  assert.ok(error instanceof kind, `${error}`);
  assert.ok(error.requestID, "the refusal has no request id");
  assert.equal(error.error.type, "error");
};

const checks = {
  "lists every session through pages": async () => {
    const whole = await collect(sessions.list({ limit: 100, include_archived: true }));
    const paged = await collect(sessions.list({ limit: 3, include_archived: true }));
    assert.ok(whole.length >= 14);
    assert.deepEqual(paged.map((s) => s.id), whole.map((s) => s.id));
  },
  "filters by status and creation": async () => {
    const found = await collect(sessions.list({ statuses: ["running", "rescheduling"], limit: 100 }));
    assert.ok(found.length > 1 && found.every((s) => ["running", "rescheduling"].includes(s.status)));
    const week = new Date(Date.now() - 7 * 24 * 3600 * 1000).toISOString();
    const old = await collect(sessions.list({ "created_at[lt]": week, limit: 100 }));
    assert.ok(old.length > 0 && old.every((s) => s.created_at < week));
  },
  "retrieves, updates and clears": async () => {
    const session = await fresh({ title: "From TypeScript", metadata: { a: "1" } });
    const changed = await sessions.update(session.id, { title: null, metadata: { a: null, b: "2" } });
    assert.equal(changed.title, null);
    assert.deepEqual(changed.metadata, { b: "2" });
    const tools = (await sessions.retrieve(session.id)).agent.tools;
    assert.deepEqual((await sessions.update(session.id, { agent: { tools } })).agent.tools, tools);
  },
  "runs a message and streams it": async () => {
    const session = await fresh();
    const stream = await sessions.events.stream(session.id);
    await sessions.events.send(session.id, { events: [message("Go.")] });
    const seen = [];
    for await (const event of stream) {
      seen.push(event.type);
      if (event.type === "session.status_idle") break;
    }
    assert.equal(seen[0], "user.message");
    assert.ok(seen.includes("agent.message"));
    const listed = await collect(sessions.events.list(session.id));
    assert.deepEqual(listed.map((e) => e.type), seen);
  },
  "refuses, interrupts, archives, deletes": async () => {
    const session = await fresh({ initial_events: [message("Take your time.")] });
    await refused(Anthropic.ConflictError, () => sessions.archive(session.id));
    await refused(Anthropic.ConflictError, () => sessions.delete(session.id));
    await sessions.events.send(session.id, { events: [{ type: "user.interrupt" }] });
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.ok((await sessions.archive(session.id)).archived_at);
    assert.equal((await sessions.delete(session.id)).type, "session_deleted");
    await refused(Anthropic.NotFoundError, () => sessions.retrieve(session.id));
  },
  "lists threads": async () => {
    const threads = await collect(sessions.threads.list("sesn_12"));
    assert.equal(threads.length, 3);
  },
  "refuses a wrong key": async () => {
    const wrong = new Anthropic({ baseURL: process.env.SANDBOX_URL, apiKey: "sk-invalid", maxRetries: 0 });
    await refused(Anthropic.AuthenticationError, async () => wrong.beta.sessions.list());
  },
};

let failed = 0;
for (const [name, run] of Object.entries(checks)) {
  try {
    await run();
    console.log(`ok typescript: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED typescript: ${name}: ${error}`);
    console.log(error.stack);
  }
}
process.exit(failed ? 1 : 0);
