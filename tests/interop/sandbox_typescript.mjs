// The official TypeScript SDK, unchanged, against a running sandbox: every route answered and
// refused. The Python one checks every shape strictly. SANDBOX_URL and SANDBOX_KEY say where it is.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const clients = new URL("./.clients/typescript/package.json", import.meta.url);
const { default: Anthropic, toFile } = createRequire(clients)("@anthropic-ai/sdk");

const client = new Anthropic({
  baseURL: process.env.SANDBOX_URL,
  apiKey: process.env.SANDBOX_KEY,
  maxRetries: 0,
});
const { sessions, agents, environments, files, deployments, vaults } = client.beta;
// Files of sessions need the beta of managed agents, which the SDK leaves out there.
const betas = ["managed-agents-2026-04-01"];
const CREW = "sesn_12";

const collect = async (page) => {
  const items = [];
  for await (const item of page) items.push(item);
  return items;
};
const ids = async (page) => (await collect(page)).map((item) => item.id);
const fresh = (more = {}) =>
  sessions.create({ agent: "agent_01", environment_id: "env_01", ...more });
const message = (text) => ({ type: "user.message", content: [{ type: "text", text }] });
const send = (id, ...events) => sessions.events.send(id, { events });

const eventually = async (wanted) => {
  for (let tries = 0; tries < 200; tries += 1) {
    const value = await wanted();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return assert.fail("not within 20 s");
};
const settled = (id) =>
  eventually(async () => !["running", "rescheduling"].includes((await sessions.retrieve(id)).status));

const refused = async (kind, type, call, code) => {
  const error = await (async () => call())().then(
    () => assert.fail(`not refused: ${call}`),
    (error) => error,
  );
  assert.ok(error instanceof kind, `${call}: ${error}`);
  assert.ok(error.requestID, "the refusal has no request id");
  assert.equal(error.error.type, "error");
  assert.equal(error.error.error.type, type);
  assert.equal(error.error.error.details?.error_code, code);
};
const invalid = (call, code) =>
  refused(Anthropic.BadRequestError, "invalid_request_error", call, code);
const missing = (call, code) => refused(Anthropic.NotFoundError, "not_found_error", call, code);
const conflict = (call) => refused(Anthropic.ConflictError, "conflict_error", call);

const routes = async () => {
  const answer = await client.get("/_sandbox/routes");
  return answer.routes.map(({ method, path, ...counts }) => [`${method} ${path}`, counts]);
};

const checks = {
  "lists every session through pages": async () => {
    const whole = await ids(sessions.list({ limit: 100, include_archived: true }));
    const paged = await ids(sessions.list({ limit: 3, include_archived: true }));
    assert.ok(whole.length >= 14);
    assert.deepEqual(paged, whole);
    const { next_page } = await sessions.list({ limit: 3, order: "asc" });
    await invalid(() => sessions.list({ order: "desc", page: next_page }));
    await invalid(() => sessions.list({ limit: 101 }));
  },
  "filters by status and creation": async () => {
    const found = await collect(sessions.list({ statuses: ["running", "rescheduling"], limit: 100 }));
    assert.ok(found.length > 1 && found.every((s) => ["running", "rescheduling"].includes(s.status)));
    const week = new Date(Date.now() - 7 * 24 * 3600 * 1000).toISOString();
    const old = await collect(sessions.list({ "created_at[lt]": week, limit: 100 }));
    assert.ok(old.length > 0 && old.every((s) => s.created_at < week));
  },
  "creates, retrieves, updates and clears": async () => {
    const session = await fresh({ title: "From TypeScript", metadata: { a: "1" } });
    const changed = await sessions.update(session.id, { title: null, metadata: { a: null, b: "2" } });
    assert.equal(changed.title, null);
    assert.deepEqual(changed.metadata, { b: "2" });
    const tools = (await sessions.retrieve(session.id)).agent.tools;
    assert.deepEqual((await sessions.update(session.id, { agent: { tools } })).agent.tools, tools);
    const older = await fresh({ agent: { type: "agent", id: "agent_01", version: 2 } });
    assert.equal(older.agent.version, 2);
    await invalid(() => fresh({ environment_id: "env_03" }), "environment_archived");
    await missing(() => fresh({ environment_id: "env_x" }), "environment_not_found");
    await missing(() => fresh({ agent: "agent_x" }));
    await missing(() => sessions.retrieve("sesn_x"));
    await invalid(() => sessions.update(session.id, { vault_ids: ["vlt_01"] }));
  },
  "runs a message and streams it": async () => {
    const session = await fresh();
    const stream = await sessions.events.stream(session.id);
    await send(session.id, message("Go."));
    const seen = [];
    for await (const event of stream) {
      seen.push(event.type);
      if (event.type === "session.status_idle") break;
    }
    assert.equal(seen[0], "user.message");
    assert.ok(seen.includes("agent.message"));
    const listed = await collect(sessions.events.list(session.id));
    assert.deepEqual(listed.map((e) => e.type).slice(0, seen.length), seen);
    const only = await collect(sessions.events.list(session.id, { types: ["agent.message"] }));
    assert.ok(only.every((event) => event.type === "agent.message"));
    await invalid(() => sessions.events.list(session.id, { limit: 1001 }));
    await invalid(() => send(session.id, { type: "user.message", content: [] }));
    await missing(() => sessions.events.stream("sesn_x"));
  },
  "refuses, interrupts, archives, deletes": async () => {
    const session = await fresh({ initial_events: [message("Take your time.")] });
    await conflict(() => sessions.archive(session.id));
    await conflict(() => sessions.delete(session.id));
    await send(session.id, { type: "user.interrupt" });
    await settled(session.id);
    assert.ok((await sessions.archive(session.id)).archived_at);
    await conflict(() => send(session.id, message("?")));
    assert.equal((await sessions.delete(session.id)).type, "session_deleted");
    await missing(() => sessions.retrieve(session.id));
  },
  "reads threads and their events": async () => {
    const threads = await collect(sessions.threads.list(CREW));
    const children = threads.filter((thread) => thread.parent_thread_id);
    assert.ok(children.length > 0 && threads.length === children.length + 1);
    const at = { session_id: CREW };
    for (const thread of children) {
      const same = await sessions.threads.retrieve(thread.id, at);
      assert.deepEqual([same.id, same.agent], [thread.id, thread.agent]);
      assert.ok((await ids(sessions.threads.events.list(thread.id, { ...at, limit: 2 }))).length);
    }
    await invalid(() => sessions.threads.list(CREW, { statuses: ["asleep"] }));
    await missing(() => sessions.threads.list("sesn_x"));
    await missing(() => sessions.threads.retrieve("sthr_x", at));
    await missing(() => sessions.threads.events.list("sthr_x", at));
    await missing(() => sessions.threads.events.stream("sthr_x", at));
    await missing(() => sessions.threads.archive("sthr_x", at));
  },
  "streams and archives a thread": async () => {
    const threads = await collect(sessions.threads.list(CREW));
    const child = threads.find((thread) => thread.parent_thread_id && !thread.archived_at);
    const at = { session_id: CREW };
    const stream = await sessions.threads.events.stream(child.id, at);
    stream.controller.abort();
    await send(CREW, { type: "user.interrupt", session_thread_id: child.id });
    assert.ok((await sessions.threads.archive(child.id, at)).archived_at);
  },
  "uploads, lists and deletes files": async () => {
    const upload = (name, more = {}) =>
      toFile(Buffer.from("a,b\n"), name, { type: "text/csv" }).then((file) =>
        files.upload({ file, ...more }),
      );
    const file = await upload("table.csv");
    assert.deepEqual(
      [file.filename, file.mime_type, file.size_bytes, file.downloadable],
      ["table.csv", "text/csv", 4, false],
    );
    assert.deepEqual(await files.retrieveMetadata(file.id), file);
    assert.deepEqual(await ids(files.list({ ids: [file.id, "file_x"] })), [file.id]);
    await invalid(() => files.list({ limit: 1001 }));
    await invalid(() => upload("table.csv", { expires_in_seconds: 1 }));
    await invalid(() => files.download(file.id), "file_not_downloadable");
    assert.equal((await files.delete(file.id)).type, "file_deleted");
    await missing(() => files.delete(file.id));
    await missing(() => files.retrieveMetadata(file.id));
  },
  "downloads what a turn made": async () => {
    const session = await fresh();
    await send(session.id, message("/write notes.txt Three lines."));
    await settled(session.id);
    const scoped = { scope_id: session.id, betas };
    const made = await eventually(async () => (await collect(files.list(scoped)))[0]);
    assert.equal(await (await files.download(made.id, { betas })).text(), "Three lines.");
    await invalid(() => files.list({ scope_id: session.id }));
    await sessions.delete(session.id);
    await missing(() => files.download(made.id, { betas }));
  },
  "changes the resources of a session": async () => {
    const url = "https://github.com/example/shop";
    const repository = { type: "github_repository", url, authorization_token: "ghp_secret" };
    const session = await fresh({ resources: [repository] });
    const at = { session_id: session.id };
    const added = await sessions.resources.add(session.id, { type: "file", file_id: "file_01" });
    const [shop] = await collect(sessions.resources.list(session.id));
    assert.deepEqual(await sessions.resources.retrieve(added.id, at), added);
    const rotated = await sessions.resources.update(shop.id, { ...at, authorization_token: "ghp_2" });
    assert.ok(!JSON.stringify([session, shop, rotated]).includes("ghp_"));
    const gone = await sessions.resources.delete(added.id, at);
    assert.equal(gone.type, "session_resource_deleted");
    await missing(() => sessions.resources.delete(added.id, at));
    await missing(() => sessions.resources.retrieve(shop.id, { session_id: "sesn_01" }));
    await missing(() => sessions.resources.list("sesn_x"));
    await missing(() => sessions.resources.add(session.id, { type: "file", file_id: "file_x" }));
    await invalid(() => sessions.resources.update(shop.id, { ...at, authorization_token: "" }));
  },
  "makes versions of an agent": async () => {
    const agent = await agents.create({ name: "Scribe", model: "claude-haiku-5-5" });
    const second = await agents.update(agent.id, { version: 1, system: "Write." });
    const versions = await collect(agents.versions.list(agent.id));
    assert.deepEqual(versions, [second, agent]);
    assert.deepEqual(await agents.retrieve(agent.id, { version: 1 }), agent);
    await conflict(() => agents.update(agent.id, { version: 1, system: "Late." }));
    assert.ok((await agents.archive(agent.id)).archived_at);
    assert.ok(!(await ids(agents.list({ limit: 100 }))).includes(agent.id));
    await invalid(() => agents.create({ name: "", model: "claude-haiku-5-5" }));
    await invalid(() => agents.list({ limit: 101 }));
    await missing(() => agents.retrieve("agent_x"));
    await missing(() => agents.archive("agent_x"));
    await missing(() => agents.versions.list("agent_x"));
  },
  "makes and changes environments": async () => {
    const place = await environments.create({ name: "lab", config: { type: "cloud" } });
    assert.deepEqual(await environments.retrieve(place.id), place);
    assert.equal((await environments.update(place.id, { name: "Lab" })).name, "Lab");
    assert.ok((await environments.archive(place.id)).archived_at);
    await invalid(() => environments.update(place.id, { name: "?" }), "environment_archived");
    assert.ok((await ids(environments.list({ include_archived: true, limit: 100 }))).includes(place.id));
    assert.equal((await environments.delete(place.id)).type, "environment_deleted");
    await missing(() => environments.retrieve(place.id));
    await missing(() => environments.archive(place.id));
    await conflict(() => environments.delete("env_01"));
    await invalid(() => environments.create({ name: "" }));
    await invalid(() => environments.list({ limit: 101 }));
  },
  "reads deployments and vaults": async () => {
    assert.deepEqual(await ids(deployments.list({ status: "paused" })), ["depl_03"]);
    assert.equal((await deployments.retrieve("depl_01")).agent.id, "agent_01");
    assert.deepEqual(await ids(vaults.list({ limit: 1 })), ["vlt_01", "vlt_02"]);
    assert.equal((await vaults.retrieve("vlt_01")).display_name, "Team credentials");
    await invalid(() => deployments.list({ status: "busy" }));
    await invalid(() => vaults.list({ limit: 101 }));
    await missing(() => deployments.retrieve("depl_x"));
    await missing(() => vaults.retrieve("vlt_x"));
    const create = () => vaults.create({ display_name: "x" });
    await refused(Anthropic.APIError, "invalid_request_error", create);
  },
  "refuses a wrong key": async () => {
    const wrong = new Anthropic({ baseURL: process.env.SANDBOX_URL, apiKey: "sk-invalid", maxRetries: 0 });
    const call = () => wrong.beta.sessions.list();
    await refused(Anthropic.AuthenticationError, "authentication_error", call);
  },
  "requested every route, and was refused by each": async () => {
    for (const [route, { requests, refusals }] of await routes()) {
      const answered = requests - refusals - before[route].requests + before[route].refusals;
      assert.ok(answered > 0, `no request of ${route} was answered`);
      assert.ok(refusals > before[route].refusals, `no request of ${route} was refused`);
    }
  },
};

const before = Object.fromEntries(await routes());
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
