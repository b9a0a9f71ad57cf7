import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, readSync, readdirSync } from "node:fs";
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { DatabaseError, Pool } from "pg";
import { once } from "node:events";
import { Client, Connection } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";
// src/core/ids.ts
const TASK_ID = /^[0-9a-hjkmnp-tv-z]{10}$/;
const workflowIds = {
	task: (id) => `task/${id}`,
	integration: (project, branch) => `integration/${project}/${branch}`,
	notice: (id, sequence) => `notice/${id}/${sequence}`,
	queueNotice: (project, branch, name) => `notice/${project}/${branch}/${name}`,
	gate: (project, key) => `gate/${project}/${key}`
};
function taskIdOfWorkflow(workflowId) {
	const id = workflowId.startsWith("task/") ? workflowId.slice(5) : "";
	return TASK_ID.test(id) ? id : null;
}
// src/core/labels.ts
function waitForLabels(requires, since) {
	return {
		kind: "host",
		text: `a free slot of a worker with ${requires.join(", ")}`,
		since,
		version: null,
		proposal: null,
		for: null,
		open: 0
	};
}
// src/workflows/messages.ts
function signalOf(name) {
	return {
		type: "signal",
		name
	};
}
const SEARCH_ATTRIBUTES = [
	"TaskState",
	"Project",
	"WaitingFor",
	"Agent",
	"Owner",
	"Requires"
];
// test/support/eventually.ts
async function eventually(what, probe, timeoutMs = 2e4) {
	const until = Date.now() + timeoutMs;
	let last = null;
	while (Date.now() < until) {
		try {
			const value = await probe();
			if (value !== null && value !== void 0 && value !== false) return value;
		} catch (error) {
			last = error;
		}
		await setTimeout(20);
	}
	throw new Error(`waited ${timeoutMs} ms for ${what}${last instanceof Error ? `: ${last.message}` : ""}`);
}
// test/faults/commands.ts
const run = promisify(execFile);
const MAX_BYTES = 67108864;
const COMMAND_LIMIT_MS = 12e4;
const PERSON = [
	"-c",
	"user.name=Ada Tester",
	"-c",
	"user.email=ada@example.test",
	"-c",
	"commit.gpgsign=false"
];
const FOREIGN = /^(TEMPORAL_|DATABASE_URL$|TASKS_|TRIBUTARY_|GIT_|PG[A-Z]+$|NODE_OPTIONS$|NODE_V8_COVERAGE$|JEST_)/;
const CLI = resolve("dist/bin/tasks.cjs");
const WORKER = resolve("dist/worker/main.js");
function cleanEnvironment(more) {
	const own = Object.entries(process.env).flatMap(([name, value]) => value === void 0 || FOREIGN.test(name) ? [] : [[name, value]]);
	return {
		...Object.fromEntries(own),
		...more
	};
}
async function git(folder, ...args) {
	const { stdout } = await run("git", [
		...PERSON,
		"-C",
		folder,
		...args
	], {
		maxBuffer: MAX_BYTES,
		env: cleanEnvironment({
			GIT_CONFIG_GLOBAL: "/dev/null",
			GIT_CONFIG_NOSYSTEM: "1"
		})
	});
	return stdout.trim();
}
async function tasks(place, args, timeoutMs = COMMAND_LIMIT_MS, input = "") {
	return program([
		process.execPath,
		CLI,
		...args
	], {
		...place,
		timeoutMs,
		input
	});
}
async function program([file, ...args], options) {
	const { cwd, env, timeoutMs = COMMAND_LIMIT_MS, input = "" } = options;
	return new Promise((resolveRun) => {
		execFile(file, args, {
			cwd,
			env,
			timeout: timeoutMs,
			killSignal: "SIGKILL",
			maxBuffer: MAX_BYTES
		}, (error, stdout, stderr) => {
			resolveRun({
				code: error === null ? 0 : typeof error.code === "number" ? error.code : 1,
				stdout,
				stderr: stderr === "" && error !== null ? error.message : stderr
			});
		}).stdin?.on("error", () => void 0).end(input);
	});
}
function jsonLines(text) {
	return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
// test/faults/project.ts
const AGENT = (told) => `#!/bin/sh
set -eu
say() { printf '%s' "$1" > "$TASKS_REPORT_FILE"; }
told='${told}'
has() { grep -q -- "$1" "$TASKS_PROMPT_FILE"; }
is() { head -n 1 "$TASKS_PROMPT_FILE" | grep -q -- "$1"; }
# Waits at a named place, once: the first that comes there.
at() { if mv "$told/stop-$1" "$told/at-$1" 2> /dev/null; then
  until [ -e "$told/go" ]; do sleep 0.05; done; echo "$1" >> "$told/went-on"; fi; }
case $TASKS_PHASE in
  understand) echo small > "$TASKS_TASK_DIR/understanding.md" ;;
  plan) echo 'one file' > "$TASKS_TASK_DIR/plan.md" ;;
  *)
    if is '(asks)' && ! has 'answered:'; then say '{"status":"question","question":"Sure?"}'; exit 0; fi
    at agent-runs
    mkdir -p work
    echo "$TASKS_TASK_ID" > "work/$TASKS_TASK_ID"
    if is '(commits)'; then
      git add work
      # An earlier attempt may have come as far.
      git diff --cached --quiet || git -c user.name=A -c user.email=a@example.test commit -q -m 'Half of it'
      at agent-committed
      echo more >> "work/$TASKS_TASK_ID"
    fi
    if is '(red)'; then
      if [ "$TASKS_PHASE" = revise ]; then rm -f broken-*; else echo x > "broken-$TASKS_TASK_ID"; fi
    fi
    ;;
esac
say '{"status":"done","summary":"as planned"}'
at agent-reported
`;
const GATE = (told) => `set -eu
if mv '${told}/stop-gate-runs' '${told}/at-gate-runs' 2> /dev/null; then
  until [ -e '${told}/go' ]; do sleep 0.05; done
  echo gate-runs >> '${told}/went-on'
fi
for one in broken-*; do [ -e "$one" ] && { echo "$one is there"; exit 1; }; done
cat work/* 2> /dev/null | sha1sum | cut -c 1-40 >> '${told}/green'
`;
const HOOK = (told, name) => `#!/bin/sh
told='${told}'
at() { mv "$told/stop-$1" "$told/at-$1" 2> /dev/null || return 0
  n=0; until [ -e "$told/go" ] || [ $n -gt 2400 ]; do sleep 0.05; n=$((n + 1)); done; echo "$1" >> "$told/went-on"; }
[ '${name}' = transaction ] && [ "$1" != prepared ] && exit 0
while read -r old new ref; do
  case "$ref $new" in
    "refs/heads/main "*) at ${name}-landing ;;
    refs/tasks/*" "0000000*) at ${name}-cleaning ;;
    refs/tasks/*/head" "*) at ${name}-store ;;
  esac
done
exit 0
`;
const HOOKS = [
	["pre-receive", "before"],
	["reference-transaction", "transaction"],
	["post-receive", "after"]
];
var FaultProject = class FaultProject {
	name;
	origin;
	clone;
	told;
	#blobs = new Map();
	constructor(name, folder) {
		this.name = name;
		this.origin = join(folder, "origin.git");
		this.clone = join(folder, "clone");
		this.told = join(folder, "told");
	}
	static async make(name, folder, { more = "", hooks = false, told = join(folder, "told") } = {}) {
		const project = new FaultProject(name, folder);
		await mkdir(project.clone, { recursive: true });
		await mkdir(project.told);
		await git(project.clone, "init", "--quiet", "--initial-branch=main");
		const yaml = [
			`project: ${name}`,
			"branch: main",
			"gate: sh gate.sh",
			"agent:",
			"  command: [sh, agent.sh]",
			more
		];
		await writeFile(join(project.clone, "tasks.yaml"), `${yaml.join("\n")}\n`);
		await writeFile(join(project.clone, "agent.sh"), AGENT(told));
		await writeFile(join(project.clone, "gate.sh"), GATE(told));
		await git(project.clone, "add", "-A");
		await git(project.clone, "commit", "--quiet", "-m", "Begin");
		await git(folder, "clone", "--quiet", "--bare", project.clone, project.origin);
		await git(project.clone, "remote", "add", "origin", project.origin);
		await git(project.clone, "fetch", "--quiet", "origin");
		if (hooks) for (const [file, at] of HOOKS) {
			const path = join(project.origin, "hooks", file);
			await writeFile(path, HOOK(told, at));
			await chmod(path, 493);
		}
		return project;
	}
	async stopAt(place) {
		await rm(join(this.told, `at-${place}`), { force: true });
		await writeFile(join(this.told, `stop-${place}`), "");
	}
	isAt(place) {
		return existsSync(join(this.told, `at-${place}`));
	}
	wentOn(place) {
		const file = join(this.told, "went-on");
		return existsSync(file) && readFileSync(file, "utf8").split("\n").includes(place);
	}
	async letGo() {
		await writeFile(join(this.told, "go.new"), "");
		await rename(join(this.told, "go.new"), join(this.told, "go"));
	}
	async reset() {
		for (const name of ["go", "went-on"]) await rm(join(this.told, name), { force: true });
	}
	async landings() {
		return (await git(this.origin, "log", "--first-parent", "--reverse", `--format=%H %(trailers:key=Task-Id,valueonly,separator=%x2C)`, "main")).split("\n").slice(1).map((line) => ({
			commit: line.slice(0, 40),
			task: line.slice(41).trim()
		}));
	}
	async untested() {
		const file = join(this.told, "green");
		const green = new Set(existsSync(file) ? readFileSync(file, "utf8").split("\n") : []);
		const wrong = [];
		for (const { commit } of await this.landings()) if (!green.has(await this.#digestOf(commit))) wrong.push(commit);
		return wrong;
	}
	async refs() {
		const text = await git(this.origin, "for-each-ref", "--format=%(refname) %(objectname)");
		return new Map(text.split("\n").map((line) => line.split(" ")));
	}
	async #digestOf(commit) {
		const files = (await git(this.origin, "ls-tree", commit, "work/")).split("\n").filter((one) => one !== "").map((line) => {
			const [facts = "", name = ""] = line.split("	");
			return {
				name,
				blob: facts.split(" ")[2] ?? ""
			};
		});
		const hash = createHash("sha1");
		for (const { blob } of files.toSorted((one, other) => one.name < other.name ? -1 : 1)) {
			const text = this.#blobs.get(blob) ?? `${await git(this.origin, "cat-file", "blob", blob)}\n`;
			this.#blobs.set(blob, text);
			hash.update(text);
		}
		return hash.digest("hex");
	}
	async untilAt(place, timeoutMs) {
		await eventually(`somebody to be at ${place}`, () => this.isAt(place), timeoutMs);
	}
};
function placeOf(project, env) {
	return {
		cwd: project.clone,
		env: cleanEnvironment({
			GIT_CONFIG_GLOBAL: "/dev/null",
			...env
		})
	};
}
// test/faults/random.ts
function randomOf(seed) {
	let state = seed;
	return () => {
		state = state + 1831565813 | 0;
		let mixed = Math.imul(state ^ state >>> 15, 1 | state);
		mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
		return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
	};
}
function pick(random, all) {
	const one = all[Math.floor(random() * all.length)];
	if (one === void 0) throw new Error("there is nothing to choose from");
	return one;
}
function between(random, least, most) {
	return least + (most - least) * random();
}
// test/faults/everywhere.ts
const AGENT_PLACES = [
	"agent-runs",
	"agent-committed",
	"agent-reported"
];
const QUEUE_PLACES = [
	"gate-runs",
	"before-landing",
	"transaction-landing",
	"after-landing"
];
const STORE_PLACES = [
	"before-store",
	"transaction-store",
	"after-store"
];
const EVERYWHERE = {
	slots: {
		agents: 10,
		gates: 2
	},
	project: {
		hooks: true,
		more: "attempts: 12"
	}
};
const REACHED_LIMIT_MS = 6e4;
const LOOK_EVERY_MS = 500;
const CALL_LIMIT_MS = 5e3;
async function beginEverywhere(scene) {
	const { project, random } = scene;
	const asking = await scene.submit("Waits for an answer (asks)");
	await untilAsked(scene, asking.id);
	const begun = [asking];
	for (const place of [
		...AGENT_PLACES,
		pick(random, QUEUE_PLACES),
		pick(random, STORE_PLACES)
	]) {
		await project.stopAt(place);
		begun.push(await scene.submit(`Stops at ${place} (commits)`));
		await project.untilAt(place, REACHED_LIMIT_MS);
	}
	begun.push(await scene.submit("Waits to be tried again", `[ -e '${project.told}/go' ] || exit 3; mkdir -p work; echo "\$TASKS_TASK_ID" > "work/\$TASKS_TASK_ID"`));
	return begun;
}
async function untilAsked({ stand }, id) {
	const isAsked = async () => (await stand.ledger.readTask(id))?.waitingFor?.kind === "question";
	await eventually(`task ${id} to ask`, isAsked, REACHED_LIMIT_MS);
}
async function untilLanded(scene, all) {
	const over = new AbortController();
	const person = attend(scene, all, over.signal);
	try {
		return (await Promise.all(all.map((task) => landed(scene, task)))).flat();
	} finally {
		over.abort();
		await person;
	}
}
async function landed(scene, { id, title }) {
	const where = async () => (await tasks(placeOf(scene.project, scene.env), ["show", id])).stdout;
	try {
		const wrong = await scene.landed({ id });
		return wrong.length === 0 ? [] : [`${title}: ${wrong.join("; ")}\n${await where()}`];
	} catch (error) {
		return [`${title}: ${String(error)}\n${await where()}`];
	}
}
async function attend(scene, all, over) {
	while (!over.aborted) {
		for (const { id } of all) await act(scene, id).catch(() => void 0);
		await setTimeout(LOOK_EVERY_MS, void 0, { signal: over }).catch(() => void 0);
	}
}
async function act({ client, stand, project, env }, id) {
	const waiting = (await stand.ledger.readTask(id))?.waitingFor ?? null;
	if (waiting?.kind === "question") {
		const answer = {
			messageId: `answer-${id}`,
			actor: "Ada",
			text: "yes"
		};
		const signaling = () => client.workflow.getHandle(workflowIds.task(id)).signal(signalOf("answer"), answer);
		await client.withDeadline(Date.now() + CALL_LIMIT_MS, signaling);
	}
	if (waiting?.kind === "attempts") await tasks(placeOf(project, env), ["retry", id], CALL_LIMIT_MS);
}
// src/ledger/types.ts
var LedgerUnavailable = class extends Error {
	name = "LedgerUnavailable";
};
// src/ledger/database.ts
const CONNECT_TIMEOUT_MS = 2e3;
const STATEMENT_TIMEOUT_MS = 1e4;
const ANSWER_TIMEOUT_MS = 12e3;
const IDLE_CONNECTION_MS = 6e4;
const DEADLOCK_TRIES = 3;
function openDatabase(options) {
	let pool = null;
	let closed = false;
	const connected = () => {
		if (closed) throw new LedgerUnavailable("the ledger was closed by this process");
		pool ??= makePool(options);
		return pool;
	};
	return {
		async query(statement, parse) {
			const config = {
				...statement.name === void 0 ? {} : { name: statement.name },
				text: statement.text,
				values: (statement.values ?? []).map(storable)
			};
			for (let tries = 1;; tries += 1) try {
				return (await connected().query(config)).rows.map(parse);
			} catch (error) {
				if (!isDeadlock(error) || tries >= DEADLOCK_TRIES) throw classified(error);
			}
		},
		async transaction(answerMs, work) {
			let client;
			try {
				client = await connected().connect();
			} catch (error) {
				throw classified(error);
			}
			const run = async (text, values = []) => {
				try {
					const config = {
						text,
						values: values.map(storable),
						query_timeout: answerMs
					};
					const { rows } = await client.query(config);
					return rows;
				} catch (error) {
					throw classified(error);
				}
			};
			try {
				await run("begin");
				const result = await work(run);
				await run("commit");
				client.release();
				return result;
			} catch (error) {
				client.release(true);
				throw error;
			}
		},
		async close() {
			closed = true;
			const closing = pool;
			pool = null;
			await closing?.end();
		}
	};
}
function makePool(options) {
	const pool = new Pool({
		connectionString: options.url,
		application_name: options.applicationName,
		max: options.maxConnections,
		connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
		statement_timeout: STATEMENT_TIMEOUT_MS,
		query_timeout: ANSWER_TIMEOUT_MS,
		idleTimeoutMillis: IDLE_CONNECTION_MS,
		keepAlive: true,
		allowExitOnIdle: true
	});
	pool.on("error", () => void 0);
	return pool;
}
const UNAVAILABLE_CLASSES = [
	"08",
	"53",
	"57",
	"58"
];
const UNAVAILABLE_STATES = {
	"28000": "it refused to let this user in; check the user in DATABASE_URL",
	"28P01": "it refused the password; check DATABASE_URL",
	"3D000": "it has no such database; check DATABASE_URL, or create it",
	"3F000": "it has no tables of Tributary yet; start a worker, which makes them",
	"42P01": "its tables are older than this program; start a worker of this version, which migrates them",
	"42703": "its tables are older than this program; start a worker of this version, which migrates them",
	"55000": "it lets nobody in at present",
	"25006": "it takes no writes at present (a standby)",
	"40001": "it is too busy: a statement lost to others three times",
	"40P01": "it is too busy: a statement lost to others three times",
	"55P03": "it is too busy: a lock was not to be had"
};
function isDeadlock(error) {
	return error instanceof DatabaseError && (error.code === "40P01" || error.code === "40001");
}
function classified(error) {
	if (error instanceof LedgerUnavailable) return error;
	if (error instanceof DatabaseError) {
		const state = error.code ?? "";
		const known = UNAVAILABLE_STATES[state];
		if (known !== void 0) return new LedgerUnavailable(`the ledger cannot be used: ${known}`, { cause: error });
		return UNAVAILABLE_CLASSES.includes(state.slice(0, 2)) ? new LedgerUnavailable(`the ledger cannot be reached: ${error.message}`, { cause: error }) : error;
	}
	const { name, message } = reasonOf(error);
	if (PROGRAM_MISTAKES.has(name)) return error;
	return new LedgerUnavailable(`the ledger cannot be reached: ${message}`, { cause: error });
}
const PROGRAM_MISTAKES = new Set([
	"TypeError",
	"RangeError",
	"ReferenceError",
	"SyntaxError"
]);
function reasonOf(error) {
	const { name, message, errors } = Object(error);
	if (Array.isArray(errors) && errors.length > 0) return reasonOf(errors[0]);
	const text = String(message ?? error);
	return {
		name: String(name),
		message: text === "" ? String(name) : text
	};
}
function storable(value) {
	if (typeof value === "string") return cleanText(value);
	if (typeof value === "object" && value !== null) return value.map((part) => typeof part === "string" ? cleanText(part) : part);
	return value;
}
function cleanText(text) {
	return text.replaceAll("\0", "").replace(/\p{Cs}/gu, "�");
}
function cleanJson(value) {
	return JSON.stringify(value, (_key, part) => typeof part === "string" ? cleanText(part) : part);
}
// test/faults/checks.ts
const END_LIMIT_MS = 18e4;
const RECORD_LIMIT_MS = 9e4;
const MAX_TOLD = 20;
const REBUILD_LIMIT_MS = 3e5;
const TABLES = {
	tasks: "id",
	events: "task_id, sequence",
	attempts: "task_id, attempt",
	asks: "task_id, version",
	landings: "task_id",
	projects: "name"
};
async function endOf(client, id, limitMs = END_LIMIT_MS) {
	const handle = client.workflow.getHandle(workflowIds.task(id));
	return eventually(`task ${id} to end`, async () => {
		const { status } = await handle.describe();
		if (status.name === "RUNNING" || status.name === "CONTINUED_AS_NEW") return null;
		if (status.name === "CANCELLED") return "canceled";
		if (status.name !== "COMPLETED") return "failed";
		const { state } = await handle.result();
		return state === "landed" || state === "unchanged" || state === "rejected" ? state : "failed";
	}, limitMs);
}
async function checkMain(project, landed) {
	const landings = await project.landings();
	const times = new Map();
	for (const { task } of landings) times.set(task, (times.get(task) ?? 0) + 1);
	const wrong = [];
	for (const id of landed) if (!times.has(id)) wrong.push(`${project.name}: task ${id} is not on main`);
	for (const [id, count] of times) {
		if (!landed.has(id)) wrong.push(`${project.name}: main has a commit of ${id || "nobody"}, which has not landed`);
		if (count > 1) wrong.push(`${project.name}: task ${id} landed ${count} times`);
	}
	for (const commit of await project.untested()) wrong.push(`${project.name}: no gate was green on ${commit}`);
	return wrong;
}
function locksIn(folders) {
	return folders.flatMap((folder) => filesBelow(folder).filter((path) => path.endsWith(".lock") && !path.endsWith("/up.lock")));
}
function repositoriesOf(home) {
	return [join(home, "mirrors"), join(home, "landing")];
}
function filesBelow(folder) {
	try {
		return readdirSync(folder, {
			recursive: true,
			withFileTypes: true
		}).map((entry) => join(entry.parentPath, entry.name));
	} catch {
		return [];
	}
}
async function checkLedgerAsItIs(ledger, project, env, excused = []) {
	let wrong = [];
	try {
		await eventually("the ledger to be as Temporal and git are", async () => {
			const { code, stdout, stderr } = await rebuild(project, env, "--dry-run", "--json");
			if (code === 0) return true;
			wrong = [stderr];
			wrong = await notExcused(ledger, jsonLines(stdout), new Set([...TIMES, ...excused]));
			return wrong.length === 0;
		}, RECORD_LIMIT_MS);
		return [];
	} catch {
		return wrong.map((text) => `the ledger differs from Temporal and git: ${text}`);
	}
}
async function notExcused(ledger, lines, times) {
	const wrong = [];
	for (const line of lines) {
		if (line.kind === "summary") continue;
		const has = (names) => line.kind === "different" && line.columns.every((name) => names.has(name));
		if (has(times) || has(new Set([...times, "view"])) && line.columns.length > 1) continue;
		if (has(new Set([...times, "event"])) && await hasTimesWithin(ledger, line)) continue;
		const failure = (line.table === "attempts" && has(BEGIN) && line.task !== null ? await ledger.readAttempts(line.task) : []).find(({ attempt }) => String(attempt) === line.key)?.failure;
		if (!(typeof failure === "object" && failure !== null && "kind" in failure && failure.kind === "worker-lost")) wrong.push(JSON.stringify(line));
	}
	return wrong;
}
async function hasTimesWithin(ledger, { task, key }) {
	const event = (task === null ? [] : await ledger.readEvents(task)).find(({ sequence }) => String(sequence) === key);
	return event !== void 0 && "ask" in event.happened;
}
const TIMES = new Set("at scheduled_at ended_at landed_at waiting_since asked_at answered_at replied_at expires_at".split(" "));
const BEGIN = new Set([
	"began_at",
	"began_on",
	"scheduled_at"
]);
async function checkLedger({ ledger, databaseUrl }, project, env) {
	const different = await checkLedgerAsItIs(ledger, project, env);
	if (different.length > 0) return different;
	await rebuild(project, env);
	const database = openDatabase({
		url: databaseUrl,
		applicationName: "faults",
		maxConnections: 1
	});
	try {
		const before = await rowsOf(database);
		await database.query({ text: "drop schema tributary cascade" }, () => null);
		const { code, stderr } = await rebuild(project, env);
		if (code !== 0) return [`tasks ledger rebuild of nothing ended with ${code}: ${stderr}`];
		const after = await rowsOf(database);
		return Object.keys(TABLES).flatMap((table) => differences(table, before[table] ?? [], after[table] ?? [])).slice(0, MAX_TOLD);
	} finally {
		await database.close();
	}
}
function rebuild(project, env, ...more) {
	return tasks(placeOf(project, env), [
		"ledger",
		"rebuild",
		...more
	], REBUILD_LIMIT_MS);
}
async function rowsOf(database) {
	const kept = [];
	for (const [table, order] of Object.entries(TABLES)) {
		const found = await database.query({ text: `select * from tributary.${table} order by ${order}` }, (row) => row);
		kept.push([table, found.map(({ began_at: _began, bound_at: _bound, ...row }) => JSON.stringify(row))]);
	}
	return Object.fromEntries(kept);
}
function differences(table, before, after) {
	const [was, is] = [new Set(before), new Set(after)];
	return [...before.filter((row) => !is.has(row)).map((row) => `${table}: not built anew: ${row.slice(0, 400)}`), ...after.filter((row) => !was.has(row)).map((row) => `${table}: built beside what was: ${row.slice(0, 400)}`)];
}
// src/core/thrown.ts
function codeOf(error) {
	return textAt(error, "code");
}
function textAt(value, name) {
	if (typeof value !== "object" || value === null || !(name in value)) return null;
	const found = value[name];
	return typeof found === "string" ? found : null;
}
// src/local/temporal-namespace.ts
const KINDS = [
	null,
	"Text",
	"Keyword",
	"Int",
	"Double",
	"Bool",
	"Datetime",
	"KeywordList"
];
async function registerSearchAttributes(connection, namespace, wanted) {
	const known = (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes ?? {};
	const missing = Object.entries(wanted).filter(([name]) => !(name in known));
	for (const [name, kind] of Object.entries(wanted)) {
		const type = known[name];
		if (type !== void 0 && KINDS[type] !== kind) throw new Error(`the search attribute ${name} of ${namespace} is not of type ${kind}`);
	}
	if (missing.length === 0) return;
	const searchAttributes = Object.fromEntries(missing.map(([name, kind]) => [name, KINDS.indexOf(kind)]));
	await connection.operatorService.addSearchAttributes({
		namespace,
		searchAttributes
	});
}
const UNPRINTABLE_IN_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const TERMINAL_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g;
const LINE_END = /\r\n?|[\u0085\u2028\u2029]/g;
function byteLength(text) {
	return new TextEncoder().encode(text).length;
}
function printable(text) {
	return text.replace(TERMINAL_SEQUENCE, "").replace(LINE_END, "\n").replace(UNPRINTABLE_IN_TEXT, "").replace(/\p{Cs}/gu, "�");
}
function oneLine(text, maxChars = 200) {
	const line = printable(text).split("\n").map((part) => part.trim()).find((part) => part !== "") ?? "";
	if (line.length <= maxChars) return line;
	return `${line.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
// src/local/home.ts
async function readIfThere(path) {
	try {
		return await readFile(path, "utf8");
	} catch (error) {
		if (codeOf(error) === "ENOENT") return null;
		throw error;
	}
}
// src/local/processes.ts
const ON_LINUX = process.platform === "linux";
async function identify(pid) {
	const startTime = ON_LINUX ? await startOnLinux(pid) : await startElsewhere(pid);
	return startTime === null ? null : {
		pid,
		startTime
	};
}
async function isAlive$1(identity) {
	return (await identify(identity.pid))?.startTime === identity.startTime;
}
async function startOnLinux(pid) {
	try {
		const stat = await readFile(`/proc/${pid}/stat`, "utf8");
		const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
		if (fields[0] === "Z" || fields[0] === "X" || fields[19] === void 0) return null;
		return `${(await readIfThere("/proc/sys/kernel/random/boot_id") ?? "").trim()}:${fields[19]}`;
	} catch {
		return null;
	}
}
async function startElsewhere(pid) {
	const { execa } = await import("execa");
	try {
		const { stdout } = await execa("ps", [
			"-o",
			"stat=,lstart=",
			"-p",
			String(pid)
		], {
			timeout: 5e3,
			extendEnv: false,
			env: {
				LC_ALL: "C",
				PATH: "/bin:/usr/bin"
			}
		});
		const [state, ...start] = stdout.trim().split(/\s+/);
		return state === void 0 || state === "" || state.startsWith("Z") ? null : start.join(" ");
	} catch {
		return null;
	}
}
// src/ledger/append-logs.ts
const APPEND_LOGS = `
with locked as materialized (
  select count(pg_advisory_xact_lock(hashtextextended(id, 7))) as tasks
  from (select distinct id from unnest($1::text[]) as t (id) order by id) as tasks
)
insert into tributary.logs (task_id, attempt, stream, run, position, at, content)
select task_id, attempt, stream, run, position, at, content
from unnest($1::text[], $2::integer[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[])
  with ordinality as c (task_id, attempt, stream, run, position, at, content, place)
where (select tasks from locked) > 0
order by place
on conflict do nothing`;
async function appendLogs(database, chunks) {
	if (chunks.length === 0) return;
	await database.query({
		name: "append-logs",
		text: APPEND_LOGS,
		values: [
			chunks.map(({ taskId }) => taskId),
			chunks.map(({ attempt }) => attempt),
			chunks.map(({ stream }) => stream),
			chunks.map(({ run }) => run ?? 0),
			chunks.map(({ offset }) => offset),
			chunks.map(({ at }) => at),
			chunks.map(({ text }) => text)
		]
	}, () => null);
}
// src/ledger/begin-attempt.ts
const BEGIN_ATTEMPT = `
insert into tributary.attempts as a (task_id, attempt, began_on, began_at)
values ($1, $2, $3, $4::timestamptz)
on conflict (task_id, attempt) do update set began_on = excluded.began_on, began_at = excluded.began_at
where a.began_at is null or excluded.began_at > a.began_at`;
async function beginAttempt(database, taskId, attempt, host, startedAt) {
	await database.query({
		name: "begin-attempt",
		text: BEGIN_ATTEMPT,
		values: [
			taskId,
			attempt,
			host,
			startedAt
		]
	}, () => null);
}
// src/ledger/end-from-outside.ts
const END_FROM_OUTSIDE = `
update tributary.tasks set
  state = 'failed', ended_at = $2::timestamptz, waiting_kind = null, waiting_since = null, waits_for_person = false,
  view = view || $3::jsonb
where id = $1 and ended_at is null`;
async function endFromOutside(database, taskId, endedAt) {
	const values = [
		taskId,
		endedAt,
		endedFromOutside(endedAt)
	];
	await database.query({
		name: "end-from-outside",
		text: END_FROM_OUTSIDE,
		values
	}, () => null);
}
function endedFromOutside(endedAt) {
	return JSON.stringify({
		state: "failed",
		waitingFor: null,
		endedAt,
		failure: {
			kind: "engine-error",
			message: "its workflow was ended from outside",
			next: "nothing of it lands; to begin it anew: tasks retry"
		}
	});
}
// src/ledger/read-origin.ts
const READ_ORIGIN = "select origin from tributary.projects where name = $1";
async function readOrigin(database, project) {
	const [origin] = await database.query({
		name: "read-origin",
		text: READ_ORIGIN,
		values: [project]
	}, (row) => String(row["origin"]));
	return origin ?? null;
}
// src/ledger/bind-project.ts
const BIND_PROJECT = `
insert into tributary.projects as p (name, origin) values ($1, $2)
on conflict (name) do update set origin = p.origin
returning origin`;
async function bindProject(database, project, origin) {
	const known = await readOrigin(database, project);
	if (known !== null) return known === origin;
	const [bound] = await database.query({
		name: "bind-project",
		text: BIND_PROJECT,
		values: [project, origin]
	}, (row) => row["origin"]);
	return bound === origin;
}
const MAX_EVIDENCE_CHARS = 8192;
const CUT_MARK = "[…]\n";
function tailOf(text, maxChars = MAX_EVIDENCE_CHARS) {
	if (text.length <= maxChars) return text;
	const kept = Math.max(0, maxChars - 4);
	const cut = text.slice(text.length - kept).replace(/^[\udc00-\udfff]/, "");
	const line = cut.indexOf("\n");
	return CUT_MARK.slice(0, maxChars) + (line >= 0 && line < 400 ? cut.slice(line + 1) : cut);
}
// src/ledger/flakes.ts
const MAX_CHARS = 500;
const SAVE_FLAKE = `
insert into tributary.flakes (project, test, tree, gate_hash, command, text, task_id, at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing`;
const LIST_FLAKES = `
select f.project, f.test, max(f.command) as command, count(*) as flakes, max(f.at) as last_at,
  greatest(count(*), (
    select count(*) from tributary.verdicts v where v.project = f.project and v.at >= min(f.at) - interval '1 hour'
  )) as runs
from tributary.flakes f
where $1::text is null or f.project = $1
group by f.project, f.test
order by flakes desc, last_at desc
limit $2`;
async function saveFlake(database, flake) {
	const { project, test, tree, gateHash, command, text, taskId, at } = flake;
	const values = [
		project,
		oneLine(test, MAX_CHARS),
		tree,
		gateHash,
		tailOf(command),
		tailOf(text),
		taskId,
		at
	];
	await database.query({
		name: "save-flake",
		text: SAVE_FLAKE,
		values
	}, () => null);
}
async function listFlakes(database, project, limit) {
	return database.query({
		text: LIST_FLAKES,
		values: [project, limit]
	}, (row) => {
		const flakes = Number(row["flakes"]);
		const runs = Number(row["runs"]);
		const lastAt = row["last_at"];
		return {
			project: String(row["project"]),
			test: String(row["test"]),
			command: String(row["command"]),
			flakes,
			runs,
			rate: flakes / runs,
			lastAt: lastAt instanceof Date ? lastAt.toISOString() : ""
		};
	});
}
// src/ledger/task-rows.ts
const SHOWN_STATE = `
case when t.state = 'running' and not exists (
  select from tributary.attempts a
  where a.task_id = t.id and (a.began_on is not null or a.ended_on is not null)
) then 'queued' else t.state end`;
const TASK_COLUMNS = `t.view, ${SHOWN_STATE} as shown, 
case when t.state = 'running' and t.view ? 'requires' then (
  select a.scheduled_at from tributary.attempts a
  where a.task_id = t.id and a.attempt = (t.view->>'attempt')::integer and a.began_on is null and a.ended_on is null
) end as not_begun`;
function parseTask(row) {
	const view = row["view"];
	const { requires = [] } = view;
	const notBegun = parseTime(row["not_begun"]);
	const waitingFor = notBegun === null ? view.waitingFor : waitForLabels(requires, notBegun);
	return {
		...SINCE_FIRST,
		...view,
		waitingFor: waitingFor === null ? null : {
			...NO_ASK,
			...waitingFor
		},
		state: row["shown"]
	};
}
const SINCE_FIRST = {
	type: "task",
	parent: null,
	conflict: null
};
const NO_ASK = {
	version: null,
	proposal: null,
	for: null,
	open: 0
};
function parseTime(value) {
	if (typeof value === "string") return new Date(value).toISOString();
	return value instanceof Date ? value.toISOString() : null;
}
// src/ledger/hosts.ts
const REPORT = `
with gone as (
  delete from tributary.workers
  where seen_at < now() - interval '30 days'
    or (host = $1 and worker <> $2 and seen_at < now() - interval '10 minutes')
),
seen as (
  insert into tributary.workers as w (host, worker, report, seen_at, stopped) values ($1, $2, $3, now(), $4)
  on conflict (host, worker) do update set report = excluded.report, seen_at = now(), stopped = excluded.stopped
)
select exists (select from tributary.drains where host = $1) as drained`;
const READ_WORKERS = `
select report, stopped, extract(epoch from now() - seen_at) * 1000 as ago
from tributary.workers order by host, seen_at desc limit $1`;
const READ_DRAINS = "select host, actor, at from tributary.drains order by host limit $1";
const MANY$1 = 1e3;
async function reportWorker(database, report, stopped) {
	const values = [
		report.host,
		report.worker,
		JSON.stringify(report),
		stopped
	];
	const [drained] = await database.query({
		name: "report-worker",
		text: REPORT,
		values
	}, (row) => row["drained"] === true);
	return drained ?? false;
}
function readWorkers(database) {
	return database.query({
		text: READ_WORKERS,
		values: [MANY$1]
	}, (row) => ({
		...row["report"],
		seenMsAgo: Math.max(0, Math.round(Number(row["ago"]))),
		stopped: row["stopped"] === true
	}));
}
function readDrains(database) {
	return database.query({
		text: READ_DRAINS,
		values: [MANY$1]
	}, (row) => ({
		host: String(row["host"]),
		by: String(row["actor"]),
		since: parseTime(row["at"]) ?? ""
	}));
}
// src/ledger/migrations/index.ts
const MIGRATIONS = [
	{
		number: 1,
		name: "tasks",
		sql: `
create table tributary.tasks (
  id text collate "C" primary key,
  project text not null,
  state text not null,
  agent text not null,
  owner text not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  waiting_kind text,
  waiting_since timestamptz,
  waits_for_person boolean not null,
  sequence bigint not null,
  -- The whole view, as it was recorded.
  view jsonb not null
);
create index tasks_by_creation on tributary.tasks (created_at desc, id);
create index tasks_by_project on tributary.tasks (project, created_at desc, id);
create index tasks_open on tributary.tasks (state, created_at desc) where ended_at is null;
create index tasks_inbox on tributary.tasks (waiting_since, id) where waits_for_person;

create table tributary.events (
  task_id text collate "C" not null,
  sequence bigint not null,
  at timestamptz not null,
  kind text not null,
  event jsonb not null,
  primary key (task_id, sequence)
);

-- No foreign keys from here on: an attempt may begin, and a log grow, before the task's record comes.
create table tributary.attempts (
  task_id text collate "C" not null,
  attempt integer not null,
  phase text,
  scheduled_at timestamptz,
  -- From the host that began it.
  began_at timestamptz,
  began_on text,
  -- From the record of its end.
  ended_at timestamptz,
  ended_on text,
  outcome text,
  summary text,
  failure jsonb,
  input_tokens bigint,
  output_tokens bigint,
  cost_usd double precision,
  primary key (task_id, attempt)
);

create table tributary.questions (
  task_id text collate "C" not null,
  version integer not null,
  kind text,
  question text,
  asked_at timestamptz,
  answer text,
  actor text,
  answered_at timestamptz,
  primary key (task_id, version)
);

-- A task lands at most once (N2).
create table tributary.landings (
  task_id text collate "C" primary key,
  attempt integer not null,
  commit text not null,
  tree text not null,
  main text not null,
  gate_hash text not null,
  landed_at timestamptz not null
);
create index landings_by_commit on tributary.landings (commit);
`
	},
	{
		number: 2,
		name: "logs-and-artifacts",
		sql: `
create table tributary.logs (
  task_id text collate "C" not null,
  attempt integer not null,
  stream text not null,
  run bigint not null,
  position bigint not null,
  cursor bigint not null generated always as identity,
  at timestamptz not null,
  content text not null,
  primary key (task_id, attempt, stream, run, position)
);
create index logs_by_cursor on tributary.logs (task_id, cursor);

create table tributary.artifacts (
  task_id text collate "C" not null,
  attempt integer not null,
  name text not null,
  bytes bigint not null,
  content text not null,
  primary key (task_id, attempt, name)
);
`
	},
	{
		number: 3,
		name: "projects-and-verdicts",
		sql: `
create table tributary.projects (
  name text collate "C" primary key,
  origin text not null,
  bound_at timestamptz not null default now()
);

-- A green verdict holds for the tree, whoever asked; a red one for its own task's queueing.
create table tributary.verdicts (
  tree text not null,
  gate_hash text not null,
  kind text not null check (kind in ('green', 'red')),
  task_id text collate "C" not null,
  project text not null,
  text text not null,
  duration_ms bigint not null,
  at timestamptz not null default now(),
  primary key (tree, gate_hash, kind, task_id)
);
`
	},
	{
		number: 4,
		name: "asks",
		sql: `
create table tributary.asks (
  task_id text collate "C" not null,
  version integer not null,
  -- From the record of its being asked.
  kind text,
  text text,
  body text,
  choices jsonb,
  default_answer text,
  items jsonb,
  asked_of text,
  asked_at timestamptz,
  expires_at timestamptz,
  -- While it waits.
  reminders integer not null default 0,
  escalated_to text,
  -- What became of it: answered, approved, edited, changes-requested, rejected, replaced or expired.
  how text,
  reply text,
  decided_items jsonb,
  actor text,
  replied_at timestamptz,
  primary key (task_id, version)
);

insert into tributary.asks (task_id, version, kind, text, asked_at, how, reply, actor, replied_at)
select task_id, version, kind, question, asked_at, case when answered_at is not null then 'answered' end, answer, actor,
  answered_at
from tributary.questions;

-- A worker that is older than this schema fails to record from now on, and what it could not record stays with the
-- workflows until a newer one does. With its own table still there, what it recorded would be missing here.
drop table tributary.questions;

alter table tributary.tasks
  add column type text not null generated always as (coalesce(view->>'type', 'task')) stored,
  add column parent text collate "C" generated always as (view->>'parent') stored;
create index tasks_by_parent on tributary.tasks (parent, created_at desc) where parent is not null;
`
	},
	{
		number: 5,
		name: "flakes",
		sql: `
create table tributary.flakes (
  project text collate "C" not null,
  test text not null,
  tree text not null,
  gate_hash text not null,
  command text not null,
  text text not null,
  task_id text collate "C" not null,
  at timestamptz not null,
  primary key (project, test, tree, gate_hash)
);
create index verdicts_by_project on tributary.verdicts (project, at);
`
	},
	{
		number: 6,
		name: "radar",
		sql: `
create table tributary.radar (
  project text collate "C" not null,
  branch text collate "C" not null,
  at timestamptz not null,
  report jsonb not null,
  primary key (project, branch)
);
`
	},
	{
		number: 7,
		name: "hosts",
		sql: `
create table tributary.workers (
  host text collate "C" not null,
  worker text collate "C" not null,
  report jsonb not null,
  seen_at timestamptz not null,
  stopped boolean not null,
  primary key (host, worker)
);
create table tributary.drains (
  host text collate "C" primary key,
  actor text not null,
  at timestamptz not null
);
`
	}
];
// src/ledger/migrate.ts
const LOCK = "8389772276738712";
const MIGRATION_TIMEOUT_MS = 6e5;
const SCHEMA = `
create schema if not exists tributary;
create table if not exists tributary.migrations (
  number integer primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now()
)`;
async function migrate(database, migrations = MIGRATIONS) {
	const applied = [];
	for (let steps = 0; steps <= migrations.length; steps += 1) {
		const step = await applyNext(database, migrations);
		if (step.kind === "refused") return step;
		if (step.kind === "done") return applied.length === 0 ? {
			kind: "current",
			version: step.version
		} : {
			kind: "migrated",
			version: step.version,
			applied
		};
		applied.push(fileName(step.migration));
	}
	return {
		kind: "migrated",
		version: newest(migrations),
		applied
	};
}
async function checkVersion(database, migrations = MIGRATIONS) {
	const [there] = await database.query({ text: `select to_regclass('tributary.migrations') is not null as there` }, (row) => row["there"] === true);
	const [found] = there === true ? await database.query({ text: "select coalesce(max(number), 0) as version from tributary.migrations" }, (row) => Number(row["version"])) : [];
	const version = found ?? 0;
	const known = newest(migrations);
	if (version === known) return {
		kind: "ok",
		version
	};
	return version > known ? {
		kind: "newer",
		version,
		message: newerMessage(version)
	} : {
		kind: "older",
		version,
		message: `the ledger's schema is ${version}, this worker's is ${known}: run the migration`
	};
}
function applyNext(database, migrations) {
	return database.transaction(MIGRATION_TIMEOUT_MS, async (run) => {
		await run(`set local statement_timeout = ${MIGRATION_TIMEOUT_MS}`);
		await run("select pg_advisory_xact_lock($1::bigint)", [LOCK]);
		await run(SCHEMA);
		const applied = (await run("select number, name, checksum from tributary.migrations order by number")).map(parseApplied);
		const version = applied.at(-1)?.number ?? 0;
		const refusal = refusalOf(applied, migrations);
		if (refusal !== null) return {
			kind: "refused",
			version,
			message: refusal
		};
		const next = migrations.find((migration) => migration.number > version);
		if (next === void 0) return {
			kind: "done",
			version
		};
		await run(next.sql);
		await run("insert into tributary.migrations (number, name, checksum) values ($1, $2, $3)", [
			next.number,
			next.name,
			checksumOf(next)
		]);
		return {
			kind: "applied",
			migration: next
		};
	});
}
function refusalOf(applied, migrations) {
	const version = applied.at(-1)?.number ?? 0;
	if (version > newest(migrations)) return newerMessage(version);
	for (const row of applied) {
		const migration = migrations.find(({ number }) => number === row.number);
		if (migration === void 0 || checksumOf(migration) !== row.checksum) return `the migration ${fileName(migration ?? row)} is not the one that the ledger was made with: restore the released file and put the change into a new migration`;
	}
	return null;
}
function newerMessage(version) {
	return `this worker is older than the ledger's schema ${version}; update it`;
}
function newest(migrations) {
	return migrations.at(-1)?.number ?? 0;
}
function fileName({ number, name }) {
	return `${String(number).padStart(4, "0")}-${name}`;
}
function checksumOf(migration) {
	return createHash("sha256").update(migration.sql).digest("hex");
}
function parseApplied(row) {
	return {
		number: Number(row["number"]),
		name: String(row["name"]),
		checksum: String(row["checksum"])
	};
}
// src/ledger/radar.ts
const LIST_WORKS = `
select ${TASK_COLUMNS}
from tributary.tasks t
where t.ended_at is null and t.project = $1 and t.view->>'branch' = $2
  and t.view->'checkpoint'->>'changed' = 'true'
order by t.state = 'landing', t.created_at, t.id
limit $3`;
const SAVE_RADAR = `
insert into tributary.radar as r (project, branch, at, report) values ($1, $2, $3, $4)
on conflict (project, branch) do update set at = excluded.at, report = excluded.report
where excluded.at > r.at`;
const READ_RADAR = `
select report from tributary.radar where $1::text is null or project = $1 order by project, branch`;
function listWorks(database, { project, branch }, limit) {
	return database.query({
		name: "list-works",
		text: LIST_WORKS,
		values: [
			project,
			branch,
			limit
		]
	}, parseTask);
}
async function saveRadar(database, report) {
	const { project, branch, at } = report;
	const values = [
		project,
		branch,
		at,
		JSON.stringify(report)
	];
	await database.query({
		name: "save-radar",
		text: SAVE_RADAR,
		values
	}, () => null);
}
function readRadar(database, project) {
	return database.query({
		text: READ_RADAR,
		values: [project]
	}, (row) => row["report"]);
}
// src/ledger/count-tasks.ts
const COUNT_BY_STATE = `
select ${SHOWN_STATE} as shown, count(*) as tasks
from tributary.tasks t
where $1::text is null or t.project = $1
group by 1`;
async function countByState(database, project) {
	const counts = await database.query({
		text: COUNT_BY_STATE,
		values: [project]
	}, (row) => [String(row["shown"]), Number(row["tasks"])]);
	return Object.fromEntries(counts);
}
// src/ledger/find-ids.ts
const FIND_IDS = `
select id from tributary.tasks where id >= $1 and id < $1 || '{' order by id limit 2`;
function findIds(database, prefix) {
	return database.query({
		text: FIND_IDS,
		values: [prefix]
	}, (row) => row["id"]);
}
// src/ledger/list-failed.ts
const LIST_FAILED = `
select ${TASK_COLUMNS}
from tributary.tasks t
where ($1::text is null or t.project = $1)
  and (t.state = 'failed' or (t.waits_for_person and t.waiting_kind in ('attempts', 'revisions')))
order by coalesce(t.ended_at, t.waiting_since) desc, t.id
limit $2`;
function listFailed(database, project, limit) {
	return database.query({
		text: LIST_FAILED,
		values: [project, limit]
	}, parseTask);
}
// src/ledger/list-required.ts
const MANY = 1e3;
const LIST_REQUIRED = `
select t.view->'requires' as requires, count(*)::integer as tasks
from tributary.tasks t
where t.ended_at is null and t.state = 'running' and t.view ? 'requires' and exists (
  select from tributary.attempts a
  where a.task_id = t.id and a.attempt = (t.view->>'attempt')::integer and a.began_on is null and a.ended_on is null
)
group by 1
order by 2 desc, 1
limit $1`;
function listRequired(database) {
	return database.query({
		text: LIST_REQUIRED,
		values: [MANY]
	}, (row) => ({
		requires: row["requires"],
		tasks: Number(row["tasks"])
	}));
}
// src/ledger/list-tasks.ts
const LIST_TASKS = `
select ${TASK_COLUMNS}
from tributary.tasks t
where ($1::text is null or t.project = $1)
  and (cardinality($2::text[]) = 0 or ${SHOWN_STATE} = any ($2))
  and (cardinality($4::text[]) = 0 or t.type = any ($4))
  and ($5::text is null or t.parent = $5)
order by t.created_at desc, t.id
limit $3`;
function listTasks(database, filter) {
	const { project, states, limit, types = [], parent = null } = filter;
	return database.query({
		text: LIST_TASKS,
		values: [
			project,
			states,
			limit,
			types,
			parent
		]
	}, parseTask);
}
// src/core/ask-types.ts
const DEADLINE = "the deadline";
// src/ledger/read-asks.ts
const READ_ASKS = `
select version, kind, text, body, choices, default_answer, items, coalesce(escalated_to, asked_of) as asked_of, asked_at,
  expires_at, reminders, how, reply, decided_items, actor, replied_at
from tributary.asks where task_id = $1 and asked_at is not null order by version`;
function readAsks(database, id) {
	return database.query({
		text: READ_ASKS,
		values: [id]
	}, (row) => ({
		...parseAsk(row),
		body: textOr$1(row["body"], ""),
		items: row["items"] ?? [],
		reminders: Number(row["reminders"]),
		reply: parseReply(row)
	}));
}
function parseAsk(row) {
	return {
		version: Number(row["version"]),
		kind: row["kind"],
		text: textOr$1(row["text"], ""),
		choices: row["choices"] ?? [],
		default: textOr$1(row["default_answer"], null),
		for: textOr$1(row["asked_of"], null),
		since: parseTime(row["asked_at"]) ?? "",
		expiresAt: parseTime(row["expires_at"])
	};
}
function parseReply(row) {
	if (row["how"] === null) return null;
	return {
		how: row["how"],
		text: textOr$1(row["reply"], null),
		items: row["decided_items"] ?? [],
		actor: textOr$1(row["actor"], DEADLINE),
		at: parseTime(row["replied_at"]) ?? ""
	};
}
function textOr$1(value, other) {
	return typeof value === "string" ? value : other;
}
// src/ledger/read-history.ts
const READ_EVENTS = `
select sequence, at, event from tributary.events where task_id = $1 order by sequence`;
const READ_ATTEMPTS = `
select attempt, phase, outcome, coalesce(ended_on, began_on) as host, began_at, ended_at, failure,
  input_tokens, output_tokens, cost_usd
from tributary.attempts where task_id = $1 order by attempt`;
const READ_ARTIFACTS = `
select task_id, attempt, name, bytes, content
from tributary.artifacts where task_id = $1 order by attempt, name`;
function readEvents(database, id) {
	return database.query({
		text: READ_EVENTS,
		values: [id]
	}, (row) => ({
		sequence: Number(row["sequence"]),
		at: parseTime(row["at"]) ?? "",
		happened: row["event"]
	}));
}
function readAttempts(database, id) {
	return database.query({
		text: READ_ATTEMPTS,
		values: [id]
	}, parseAttempt);
}
function readArtifacts(database, id) {
	return database.query({
		text: READ_ARTIFACTS,
		values: [id]
	}, (row) => ({
		taskId: row["task_id"],
		attempt: Number(row["attempt"]),
		name: String(row["name"]),
		bytes: Number(row["bytes"]),
		content: String(row["content"])
	}));
}
function parseAttempt(row) {
	return {
		attempt: Number(row["attempt"]),
		phase: textOr(row["phase"], ""),
		outcome: textOr(row["outcome"], null),
		host: textOr(row["host"], null),
		startedAt: parseTime(row["began_at"]),
		endedAt: parseTime(row["ended_at"]),
		usage: parseUsage(row),
		failure: row["failure"] ?? null
	};
}
function parseUsage(row) {
	if (row["input_tokens"] === null) return null;
	return {
		inputTokens: Number(row["input_tokens"]),
		outputTokens: Number(row["output_tokens"]),
		costUsd: Number(row["cost_usd"])
	};
}
function textOr(value, other) {
	return typeof value === "string" ? value : other;
}
// src/ledger/read-inbox.ts
const READ_INBOX = `
select ${TASK_COLUMNS}, asks.list as asks
from tributary.tasks t,
  lateral (
    select coalesce(jsonb_agg(jsonb_build_object('version', a.version, 'kind', a.kind,
      'text', left(a.text, 4000), 'choices', a.choices, 'default_answer', a.default_answer,
      'asked_of', coalesce(a.escalated_to, a.asked_of), 'asked_at', a.asked_at, 'expires_at', a.expires_at)
      order by a.version), '[]') as list
    from tributary.asks a
    where t.waiting_kind in ('question', 'proposal') and a.task_id = t.id and a.how is null and a.asked_at is not null
      and a.version >= coalesce((t.view->'waitingFor'->>'version')::integer, 0)
  ) as asks
where t.waits_for_person and ($1::text is null or t.project = $1)
order by t.waiting_since, t.id`;
function readInbox(database, project) {
	return database.query({
		text: READ_INBOX,
		values: [project]
	}, (row) => ({
		...parseTask(row),
		asks: row["asks"].map(parseAsk)
	}));
}
// src/ledger/read-logs.ts
const READ_LOGS = `
select task_id, attempt, stream, run, position, at, content, l.cursor::text as cursor
from tributary.logs l
where task_id = $1 and l.cursor > coalesce($2::bigint, 0)
order by l.cursor
limit $3`;
function readLogs(database, id, after, limit) {
	return database.query({
		text: READ_LOGS,
		values: [
			id,
			after,
			limit
		]
	}, (row) => ({
		taskId: row["task_id"],
		attempt: Number(row["attempt"]),
		stream: String(row["stream"]),
		run: Number(row["run"]),
		offset: Number(row["position"]),
		text: String(row["content"]),
		at: parseTime(row["at"]) ?? "",
		cursor: String(row["cursor"])
	}));
}
// src/ledger/read-task.ts
const READ_TASKS = `
select ${TASK_COLUMNS}
from unnest($1::text[]) with ordinality as wanted (id, place)
join tributary.tasks t on t.id = wanted.id
order by wanted.place`;
function readTasks(database, ids) {
	return ids.length === 0 ? Promise.resolve([]) : database.query({
		text: READ_TASKS,
		values: [ids]
	}, parseTask);
}
async function readTask(database, id) {
	const [task] = await readTasks(database, [id]);
	return task ?? null;
}
// src/ledger/reader.ts
function readerOf(database) {
	return {
		listTasks: (filter) => listTasks(database, filter),
		listFailed: (project, limit) => listFailed(database, project, limit),
		readTask: (id) => readTask(database, id),
		readTasks: (ids) => readTasks(database, ids),
		findIds: (prefix) => findIds(database, prefix),
		readInbox: (project) => readInbox(database, project),
		readAsks: (id) => readAsks(database, id),
		readEvents: (id) => readEvents(database, id),
		readAttempts: (id) => readAttempts(database, id),
		readLogs: (id, after, limit) => readLogs(database, id, after, limit),
		readArtifacts: (id) => readArtifacts(database, id),
		listFlakes: (project, limit) => listFlakes(database, project, limit),
		listWorks: (target, limit) => listWorks(database, target, limit),
		readRadar: (project) => readRadar(database, project),
		readWorkers: () => readWorkers(database),
		listRequired: () => listRequired(database),
		readDrains: () => readDrains(database),
		countByState: (project) => countByState(database, project),
		originOf: (project) => readOrigin(database, project)
	};
}
// src/core/waiting.ts
const WAITS_FOR_PERSON = {
	question: true,
	proposal: true,
	blocked: false,
	attempts: true,
	revisions: true,
	checkout: true,
	gate: true,
	origin: false,
	engine: false,
	host: false,
	retry: false,
	limit: false
};
function waitsForPerson(kind) {
	return WAITS_FOR_PERSON[kind];
}
// src/ledger/bounds.ts
const MAX_EVENT_BYTES = 163840;
const MAX_VIEW_BYTES = 131072;
const MAX_ARTIFACT_BYTES = 262144;
function boundedJson(value, maxBytes) {
	let json = cleanJson(value);
	for (let longest = maxBytes; byteLength(json) > maxBytes && longest > 1; longest = Math.floor(longest / 2)) json = cleanJson(cutStrings(value, longest));
	return json;
}
function cutStrings(value, maxChars) {
	if (typeof value === "string") return tailOf(value, maxChars);
	if (Array.isArray(value)) return value.map((part) => cutStrings(part, maxChars));
	if (typeof value !== "object" || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, cutStrings(part, maxChars)]));
}
function headOf(text, maxBytes) {
	const bytes = Buffer.from(text, "utf8");
	return bytes.length <= maxBytes ? text : bytes.toString("utf8", 0, wholeCharacters(bytes, 0, maxBytes));
}
function wholeCharacters(bytes, start, end) {
	for (let back = 1; back <= 4 && end - back >= start; back += 1) {
		const byte = bytes[end - back] ?? 0;
		if ((byte & 192) === 128) continue;
		return (byte >= 240 && byte < 248 ? 4 : byte >= 224 ? 3 : byte >= 192 ? 2 : 1) > back && byte < 248 ? end - back : end;
	}
	return end;
}
// src/ledger/record-task.ts
const RECORD_TASK = `
with given as (
  select $1::jsonb as view
),
task as (
  insert into tributary.tasks as t (id, project, state, agent, owner, created_at, ended_at,
    waiting_kind, waiting_since, waits_for_person, sequence, view)
  select view->>'id', view->>'project', view->>'state', view->>'agent', view->>'owner',
    (view->>'createdAt')::timestamptz, (view->>'endedAt')::timestamptz,
    view->'waitingFor'->>'kind', (view->'waitingFor'->>'since')::timestamptz, $2::boolean,
    (view->>'sequence')::bigint, view
  from given
  on conflict (id) do update set
    project = excluded.project, state = excluded.state, agent = excluded.agent, owner = excluded.owner,
    created_at = excluded.created_at, ended_at = excluded.ended_at, waiting_kind = excluded.waiting_kind,
    waiting_since = excluded.waiting_since, waits_for_person = excluded.waits_for_person,
    sequence = excluded.sequence, view = excluded.view
  where excluded.sequence > t.sequence
),
fresh as (
  insert into tributary.events (task_id, sequence, at, kind, event)
  select $3, sequence, at, event->>'kind', event
  from unnest($4::bigint[], $5::timestamptz[], $6::text[]) as e (sequence, at, data),
    lateral (select data::jsonb as event) as parsed
  order by sequence
  on conflict do nothing
  returning task_id, at, kind, event
),
attempts as (
  insert into tributary.attempts as a (task_id, attempt, phase, scheduled_at, ended_at, ended_on, outcome, summary,
    failure, input_tokens, output_tokens, cost_usd)
  select task_id, (event->>'attempt')::integer, min(event->>'phase'),
    min(at) filter (where kind = 'attempt-scheduled'),
    min(at) filter (where kind = 'attempt-ended'),
    min(event->>'host'), min(event->>'outcome'), min(event->>'summary'),
    min(nullif(event->'failure', 'null')::text)::jsonb,
    min((event->'usage'->>'inputTokens')::bigint), min((event->'usage'->>'outputTokens')::bigint),
    min((event->'usage'->>'costUsd')::double precision)
  from fresh
  where kind in ('attempt-scheduled', 'attempt-ended')
  group by task_id, (event->>'attempt')::integer
  on conflict (task_id, attempt) do update set
    phase = coalesce(a.phase, excluded.phase),
    scheduled_at = coalesce(a.scheduled_at, excluded.scheduled_at),
    ended_at = coalesce(a.ended_at, excluded.ended_at),
    ended_on = coalesce(a.ended_on, excluded.ended_on),
    outcome = coalesce(a.outcome, excluded.outcome),
    summary = coalesce(a.summary, excluded.summary),
    failure = coalesce(a.failure, excluded.failure),
    input_tokens = coalesce(a.input_tokens, excluded.input_tokens),
    output_tokens = coalesce(a.output_tokens, excluded.output_tokens),
    cost_usd = coalesce(a.cost_usd, excluded.cost_usd)
),
replies as (
  select task_id, version, at, kind, event, ask
  from fresh,
    -- Workers of the first version wrote what was asked into the event itself.
    lateral (select case when kind <> 'asked' then null
      when jsonb_typeof(event->'ask') = 'object' then event->'ask'
      else event || jsonb_build_object('kind', event->'ask') end as ask) as asked,
    lateral (select coalesce(ask->>'version', event->>'version', event->>'replaces')::integer as version) as named
  where kind in ('asked', 'answered', 'decided', 'edited', 'reminded', 'escalated', 'expired') and version is not null
),
asks as (
  insert into tributary.asks as a (task_id, version, kind, text, body, choices, default_answer, items, asked_of,
    asked_at, expires_at, reminders, escalated_to, how, reply, decided_items, actor, replied_at)
  select task_id, version, min(ask->>'kind'), min(ask->>'text'), min(ask->>'body'), min((ask->'choices')::text)::jsonb,
    min(ask->>'default'), min((ask->'items')::text)::jsonb, min(ask->>'for'), min(at) filter (where kind = 'asked'),
    min((ask->>'expiresAt')::timestamptz),
    coalesce(max((event->>'count')::integer) filter (where kind = 'reminded'), 0),
    min(event->>'to') filter (where kind = 'escalated'),
    -- A default answer is taken as any other, but nobody gave it.
    case when bool_or(kind = 'expired') then 'expired' else
      min(case kind when 'answered' then 'answered' when 'edited' then 'replaced' when 'decided' then event->>'decision'
        end) end,
    min(event->>'text') filter (where kind in ('answered', 'decided')),
    min((event->'items')::text) filter (where kind = 'decided')::jsonb,
    min(event->>'actor') filter (where kind in ('answered', 'decided', 'edited')),
    min(at) filter (where kind in ('answered', 'decided', 'edited', 'expired'))
  from replies
  group by task_id, version
  on conflict (task_id, version) do update set
    kind = coalesce(a.kind, excluded.kind),
    text = coalesce(a.text, excluded.text),
    body = coalesce(a.body, excluded.body),
    choices = coalesce(a.choices, excluded.choices),
    default_answer = coalesce(a.default_answer, excluded.default_answer),
    items = coalesce(a.items, excluded.items),
    asked_of = coalesce(a.asked_of, excluded.asked_of),
    asked_at = coalesce(a.asked_at, excluded.asked_at),
    expires_at = coalesce(a.expires_at, excluded.expires_at),
    reminders = greatest(a.reminders, excluded.reminders),
    escalated_to = coalesce(a.escalated_to, excluded.escalated_to),
    how = case when 'expired' in (a.how, excluded.how) then 'expired' else coalesce(a.how, excluded.how) end,
    reply = coalesce(a.reply, excluded.reply),
    decided_items = coalesce(a.decided_items, excluded.decided_items),
    actor = coalesce(a.actor, excluded.actor),
    replied_at = least(a.replied_at, excluded.replied_at)
)
insert into tributary.landings (task_id, attempt, commit, tree, main, gate_hash, landed_at)
select task_id, (event->'landing'->>'attempt')::integer, event->'landing'->>'commit', event->'landing'->>'tree',
  event->'landing'->>'main', event->'landing'->>'gateHash', at
from fresh
where kind = 'landed'
on conflict (task_id) do nothing`;
async function recordTask(database, view, events) {
	await database.query({
		name: "record-task",
		...recordStatement(view, events)
	}, () => null);
}
function recordStatement(view, events) {
	return {
		text: RECORD_TASK,
		values: [
			boundedJson(view, MAX_VIEW_BYTES),
			view.waitingFor !== null && waitsForPerson(view.waitingFor.kind),
			view.id,
			events.map(({ sequence }) => sequence),
			events.map(({ at }) => at),
			events.map(({ happened }) => boundedJson(happened, MAX_EVENT_BYTES))
		]
	};
}
// src/ledger/save-artifacts.ts
const SAVE_ARTIFACTS = `
insert into tributary.artifacts (task_id, attempt, name, bytes, content)
select task_id, attempt, name, bytes, content
from unnest($1::text[], $2::integer[], $3::text[], $4::bigint[], $5::text[])
  as a (task_id, attempt, name, bytes, content)
order by task_id, attempt, name
on conflict do nothing`;
async function saveArtifacts(database, artifacts) {
	if (artifacts.length === 0) return;
	await database.query({
		name: "save-artifacts",
		text: SAVE_ARTIFACTS,
		values: [
			artifacts.map(({ taskId }) => taskId),
			artifacts.map(({ attempt }) => attempt),
			artifacts.map(({ name }) => name),
			artifacts.map(({ bytes }) => bytes),
			artifacts.map(({ content }) => headOf(content, MAX_ARTIFACT_BYTES))
		]
	}, () => null);
}
// src/ledger/verdicts.ts
const SAVE_VERDICT = `
insert into tributary.verdicts (tree, gate_hash, kind, task_id, project, text, duration_ms)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing`;
const IS_GREEN = `
select exists (
  select from tributary.verdicts where tree = $1 and gate_hash = $2 and kind = 'green'
) as green`;
async function saveVerdict(database, verdict) {
	const { tree, gateHash, kind, taskId, project, text, durationMs } = verdict;
	await database.query({
		name: "save-verdict",
		text: SAVE_VERDICT,
		values: [
			tree,
			gateHash,
			kind,
			taskId,
			project,
			tailOf(text),
			Math.round(durationMs)
		]
	}, () => null);
}
async function isGreen(database, tree, gateHash) {
	const [green] = await database.query({
		name: "is-green",
		text: IS_GREEN,
		values: [tree, gateHash]
	}, (row) => row["green"] === true);
	return green === true;
}
// src/ledger/ledger.ts
function openLedger(options) {
	const database = openDatabase(options);
	return {
		...readerOf(database),
		record: (view, events) => recordTask(database, view, events),
		endFromOutside: (taskId, endedAt) => endFromOutside(database, taskId, endedAt),
		beginAttempt: (taskId, attempt, host, startedAt) => beginAttempt(database, taskId, attempt, host, startedAt),
		appendLogs: (chunks) => appendLogs(database, chunks),
		saveArtifacts: (artifacts) => saveArtifacts(database, artifacts),
		bindProject: (project, origin) => bindProject(database, project, origin),
		saveVerdict: (verdict) => saveVerdict(database, verdict),
		saveFlake: (flake) => saveFlake(database, flake),
		saveRadar: (report) => saveRadar(database, report),
		reportWorker: (report, stopped) => reportWorker(database, report, stopped),
		isGreen: (tree, gateHash) => isGreen(database, tree, gateHash),
		migrate: () => migrate(database),
		checkVersion: () => checkVersion(database),
		close: () => database.close()
	};
}
// src/process/proc.ts
function listPids() {
	try {
		return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
	} catch {
		return [];
	}
}
function readStat(pid) {
	const text = readProc(pid, "stat");
	if (text === null) return null;
	const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
	return {
		pid,
		state: fields[0] ?? "?",
		parent: Number(fields[1]),
		group: Number(fields[2]),
		session: Number(fields[3]),
		startTime: fields[19] ?? ""
	};
}
function readEnvironment(pid) {
	return readProc(pid, "environ");
}
function isAlive(stat) {
	return stat !== null && stat.state !== "Z" && stat.state !== "X";
}
function sendSignal(pid, signal) {
	try {
		process.kill(pid, signal);
	} catch (error) {
		if (!hasCode(error, "ESRCH") && !hasCode(error, "EPERM")) throw error;
	}
}
function hasCode(error, code) {
	return typeof error === "object" && error !== null && "code" in error && error.code === code;
}
const buffer = Buffer.allocUnsafe(262144);
function readProc(pid, name) {
	let descriptor = null;
	try {
		descriptor = openSync(`/proc/${pid}/${name}`, "r");
		let length = 0;
		for (let read = -1; read !== 0 && length < buffer.length; length += read) {
			read = readSync(descriptor, buffer, length, buffer.length - length, null);
			if (name === "stat") return buffer.toString("latin1", 0, read);
		}
		return buffer.toString("latin1", 0, length);
	} catch {
		return null;
	} finally {
		if (descriptor !== null) closeSync(descriptor);
	}
}
// test/faults/processes.ts
const GONE_WITHIN_MS = 5e3;
function treeOf(pid) {
	const all = listPids().flatMap((one) => readStat(one) ?? []);
	const own = all.find((stat) => stat.pid === pid);
	if (own === void 0) return [];
	const found = [own];
	for (const { pid: parent } of found) found.push(...all.filter((stat) => stat.parent === parent));
	return found;
}
function stillThere(processes) {
	return processes.filter(({ pid, startTime }) => {
		const now = readStat(pid);
		return isAlive(now) && now.startTime === startTime;
	});
}
function taggedBy(worker) {
	const tag = new RegExp(`(?:^|\\0)TASKS_TAG=[0-9a-f]+\\.${worker}\\.`);
	return listPids().flatMap((pid) => {
		const stat = tag.test(readEnvironment(pid) ?? "") ? readStat(pid) : null;
		return isAlive(stat) ? [stat] : [];
	});
}
async function killWorker(pid, afterwards = nothing) {
	const tree = treeOf(pid);
	const killedAtMs = Date.now();
	sendSignal(pid, "SIGKILL");
	await afterwards();
	const left = () => [...stillThere(tree), ...taggedBy(pid)];
	try {
		await eventually("what the worker had started to be gone", () => left().length === 0, GONE_WITHIN_MS);
		return {
			goneAfterMs: Date.now() - killedAtMs,
			left: []
		};
	} catch {
		const names = left().map((stat) => `${stat.pid} ${commandOf(stat.pid)}`);
		return {
			goneAfterMs: names.length === 0 ? Date.now() - killedAtMs : null,
			left: names
		};
	}
}
async function nothing() {}
function commandOf(pid) {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").slice(0, 200);
	} catch {
		return "(gone)";
	}
}
function processesOf(folder) {
	return listPids().filter((pid) => {
		if (pid === process.pid || !(readEnvironment(pid) ?? "").includes(folder)) return false;
		return isAlive(readStat(pid));
	});
}
// test/faults/stand.ts
const UP_LIMIT_MS = 9e5;
const READY_LIMIT_MS = 6e4;
var Stand = class Stand {
	folder;
	home;
	client;
	ledger;
	address;
	databaseUrl;
	#write;
	#connection;
	#workers = new Set();
	constructor(options, home, connection, { temporal, postgres }) {
		this.folder = options.folder;
		this.home = home;
		this.#write = options.write;
		this.#connection = connection;
		this.address = temporal?.address ?? "";
		this.databaseUrl = postgres?.url ?? "";
		this.client = new Client({
			connection,
			namespace: "default"
		});
		this.ledger = openLedger({
			url: this.databaseUrl,
			applicationName: "faults",
			maxConnections: 2
		});
	}
	static async start(options) {
		const home = join(options.folder, "home");
		await chmod(options.folder, 457);
		await makeHome(home, options.write);
		const { worker } = options;
		const slots = worker === null ? ["--no-worker"] : slotsOf(worker);
		const place = {
			cwd: options.folder,
			env: cleanEnvironment({ TASKS_HOME: home })
		};
		const up = await tasks(place, [
			"up",
			"--detach",
			...slots
		], UP_LIMIT_MS);
		if (up.code !== 0) {
			await tasks(place, ["down"]);
			throw new Error(`the stack did not start: ${up.stderr}`);
		}
		const stack = readStackFile(home);
		const connection = await Connection.connect({ address: stack.temporal?.address ?? "" });
		return new Stand(options, home, connection, stack);
	}
	get env() {
		return {
			TASKS_HOME: this.home,
			TASKS_ACTOR: "Ada"
		};
	}
	async pidOf(part) {
		const recorded = readStackFile(this.home)[part];
		return recorded !== null && await isAlive$1(recorded) ? recorded.pid : null;
	}
	async namespace() {
		const namespace = `faults-${randomBytes(4).toString("hex")}`;
		const { workflowService, operatorService } = this.#connection;
		await workflowService.registerNamespace({
			namespace,
			workflowExecutionRetentionPeriod: msToTs("1 day")
		});
		const attributes = Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, "Keyword"]));
		await eventually(`the namespace ${namespace}`, async () => {
			await registerSearchAttributes(this.#connection, namespace, attributes);
			const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
			await workflowService.listWorkflowExecutions({
				namespace,
				pageSize: 1
			});
			return Object.keys(attributes).every((name) => name in (customAttributes ?? {}));
		});
		return new Client({
			connection: this.#connection,
			namespace
		});
	}
	async startWorker(options) {
		const home = join(this.folder, options.name);
		await makeHome(home, this.#write, options.host);
		const env = cleanEnvironment({
			HOME: home,
			TASKS_HOME: home,
			TEMPORAL_ADDRESS: options.address ?? this.address,
			TEMPORAL_NAMESPACE: options.namespace,
			DATABASE_URL: this.databaseUrl,
			...options.env
		});
		const worker = await FaultWorker.start(home, env, options);
		this.#workers.add(worker);
		worker.ended.then(() => this.#workers.delete(worker));
		return worker;
	}
	async close() {
		await Promise.all([...this.#workers].map((worker) => worker.stop()));
		await this.ledger.close().catch(() => void 0);
		await this.#connection.close();
		const down = await tasks({
			cwd: this.folder,
			env: cleanEnvironment({ TASKS_HOME: this.home })
		}, ["down"]);
		const wrong = down.code === 0 ? [] : [`tasks down: ${down.stderr}`];
		try {
			await eventually("every process to be gone", () => processesOf(this.folder).length === 0, 5e3);
		} catch {
			wrong.push(`processes are left: ${processesOf(this.folder).join(" ")}`);
		}
		return wrong;
	}
};
var FaultWorker = class FaultWorker {
	home;
	pid;
	ended;
	#child;
	constructor(home, child) {
		this.home = home;
		this.pid = child.pid ?? 0;
		this.#child = child;
		this.ended = once(child, "exit");
	}
	static async start(home, env, options) {
		const program = options.program ?? WORKER;
		const child = spawn(process.execPath, [
			program,
			...slotsOf(options),
			"--grace-ms",
			"2000"
		], {
			cwd: home,
			env,
			stdio: [
				"ignore",
				"ignore",
				"pipe"
			]
		});
		const end = () => void child.kill("SIGKILL");
		process.once("exit", end);
		child.once("exit", () => process.off("exit", end));
		let log = "";
		child.stderr.setEncoding("utf8").on("data", (text) => {
			log = (log + text).slice(-2e4);
			appendFileSync(`${home}.log`, text);
		});
		const worker = new FaultWorker(home, child);
		await eventually("the worker to be ready", () => {
			if (child.exitCode !== null) throw new Error(log);
			return log.includes("worker ready");
		}, READY_LIMIT_MS);
		return worker;
	}
	get alive() {
		return this.#child.exitCode === null && this.#child.signalCode === null;
	}
	async kill(afterwards) {
		if (!this.alive) throw new Error("the worker has ended by itself: see its log beside its home");
		const killed = await killWorker(this.pid, afterwards);
		await this.ended;
		return killed;
	}
	async stop() {
		if (!this.alive) return this.#child.exitCode;
		this.#child.kill("SIGTERM");
		await this.ended;
		return this.#child.exitCode;
	}
};
async function makeHome(home, write, more = []) {
	await mkdir(home, {
		recursive: true,
		mode: 457
	});
	const lines = [`write: ${JSON.stringify(write)}`, ...more];
	const file = join(home, "host.yaml");
	if (!existsSync(file)) await writeFile(file, `${lines.join("\n")}\n`);
}
function slotsOf({ agents, gates }) {
	return [
		"--agents",
		String(agents),
		"--gates",
		String(gates)
	];
}
function readStackFile(home) {
	return JSON.parse(readFileSync(join(home, "stack.json"), "utf8"));
}
// test/faults/submitting.ts
const SUBMIT_LIMIT_MS = 12e4;
async function submit(project, env, wanted, key) {
	const lines = wanted.map(({ title, run }, index) => ({
		title,
		requestId: `${key}-${index}`,
		...run === void 0 ? {} : { run }
	}));
	const args = [
		"submit",
		"--json",
		"--from",
		"-"
	];
	const input = lines.map((line) => JSON.stringify(line)).join("\n");
	if (wanted.length === 0) return [];
	let said = "";
	const ids = await eventually("the tasks to be acknowledged", async () => {
		const { code, stdout, stderr } = await tasks(placeOf(project, env), args, void 0, input);
		said = stderr;
		return code === 0 ? jsonLines(stdout).map(idIn) : null;
	}, SUBMIT_LIMIT_MS).catch((error) => {
		throw new Error(`${String(error)}: ${said}`, { cause: error });
	});
	return wanted.map((one, index) => {
		const id = ids[index];
		if (id === void 0) throw new Error(`${wanted.length} tasks were submitted, and ${ids.length} acknowledged`);
		return {
			...one,
			id
		};
	});
}
function idIn(line) {
	const id = typeof line === "object" && line !== null && "id" in line ? taskIdOfWorkflow(`task/${String(line.id)}`) : null;
	if (id === null) throw new Error(`this acknowledges no task: ${JSON.stringify(line)}`);
	return id;
}
// test/faults/table.ts
function tableOf(head, rows, withSum = true) {
	const sums = head.slice(1).map((_, column) => rows.reduce((sum, [, ...counts]) => sum + (counts[column] ?? 0), 0));
	const lines = [
		head,
		...rows.map((row) => row.map(String)),
		...withSum ? [["all", ...sums.map(String)]] : []
	];
	const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
	return lines.map((line) => line.map((cell, column) => column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)).join("  ")).join("\n");
}
// test/faults/storms.ts
async function runStorms(options, setting) {
	const { folder, only, runs, say } = options;
	const storms = setting.storms.filter(({ name }) => name.includes(only));
	const project = await FaultProject.make("storms", join(folder, "project"), setting.project);
	const stand = await Stand.start({
		folder,
		worker: null,
		write: [project.told]
	});
	const broken = [];
	const rows = [];
	try {
		const scene = new Scene({
			stand,
			project,
			client: await stand.namespace(),
			random: randomOf(options.seed),
			setting
		});
		await scene.worker();
		broken.push(...await scene.landed(await scene.submit("Comes before the storms")));
		for (const storm of storms) {
			let faults = 0;
			let right = 0;
			for (let run = 1; run <= runs; run += 1) {
				const found = await scene.run(storm);
				faults += found.faults;
				if (found.wrong.length === 0) right += 1;
				say(`${storm.name}: ${found.wrong.length === 0 ? "right" : found.wrong.join("; ")}`);
				broken.push(...found.wrong.map((text) => `${storm.name}: ${text}`));
			}
			rows.push([
				storm.name,
				runs,
				faults,
				right
			]);
		}
		await scene.worker();
		broken.push(...setting.excused === void 0 ? await checkLedger(stand, project, scene.env) : await checkLedgerAsItIs(stand.ledger, project, scene.env, setting.excused), ...await setting.check?.(scene) ?? []);
	} finally {
		broken.push(...await stand.close());
	}
	const locks = locksIn([...repositoriesOf(join(folder, "host")), project.origin]);
	broken.push(...locks.map((path) => `a lock is left: ${path}`));
	const isGood = broken.length === 0 && rows.length > 0 && rows.every(([, , faults = 0]) => faults > 0);
	return {
		table: tableOf([
			"storm",
			"runs",
			"faults",
			"right"
		], rows),
		broken,
		isGood
	};
}
var Scene = class {
	stand;
	project;
	client;
	random;
	#setting;
	#landed = new Set();
	#worker = null;
	#submitted = 0;
	constructor({ stand, project, client, random, setting }) {
		this.stand = stand;
		this.project = project;
		this.client = client;
		this.random = random;
		this.#setting = setting;
	}
	get env() {
		const { address, databaseUrl, env } = this.stand;
		const { namespace } = this.client.options;
		const own = {
			TEMPORAL_ADDRESS: address,
			TEMPORAL_NAMESPACE: namespace,
			DATABASE_URL: databaseUrl
		};
		return {
			...env,
			...own,
			...this.#setting.env
		};
	}
	get home() {
		return join(this.stand.folder, "host");
	}
	get isUp() {
		return this.#worker?.alive === true;
	}
	async worker(address) {
		if (this.#worker?.alive !== true) {
			const { slots = {
				agents: 3,
				gates: 1
			}, env = {}, host = [] } = this.#setting;
			const more = {
				...slots,
				env,
				host,
				...address === void 0 ? {} : { address }
			};
			this.#worker = await this.stand.startWorker({
				name: "host",
				namespace: this.client.options.namespace,
				...more
			});
		}
		return this.#worker;
	}
	async submit(title, run) {
		this.#submitted += 1;
		const wanted = {
			title,
			end: "landed",
			person: "none",
			...run === void 0 ? {} : { run }
		};
		const [task] = await submit(this.project, this.env, [wanted], `storm-${this.#submitted}`);
		if (task === void 0) throw new Error("nothing was submitted");
		return task;
	}
	async landed(task) {
		const end = await endOf(this.client, task.id);
		if (end !== "landed") return [`task ${task.id} ended as ${end}`];
		this.#landed.add(task.id);
		return [];
	}
	async run(storm) {
		try {
			await this.worker();
			const found = await storm.run(this);
			return {
				faults: found.faults,
				wrong: [...found.wrong, ...await checkMain(this.project, this.#landed)]
			};
		} catch (error) {
			return {
				faults: 0,
				wrong: [String(error)]
			};
		} finally {
			await this.project.letGo();
			await this.project.reset();
		}
	}
};
// test/faults/versions.ts
const NON_DETERMINISTIC = 24;
const HOSTS = {
	new: "host",
	old: "previous"
};
function runVersions(options, previous) {
	const program = join(previous, "dist/worker/main.js");
	const storms = [
		{
			name: "the old one is killed",
			run: (scene) => handOver(scene, program, "old")
		},
		{
			name: "the new one is killed, and comes back",
			run: (scene) => handOver(scene, program, "new")
		},
		{
			name: "the old one alone, and then the new one alone",
			run: (scene) => replace(scene, program)
		},
		{
			name: "both, killed in turns",
			run: (scene) => takeTurns(scene, program)
		}
	];
	return runStorms(options, {
		...EVERYWHERE,
		storms,
		check: nonDeterminism
	});
}
function startOld(scene, program) {
	const { namespace } = scene.client.options;
	return scene.stand.startWorker({
		name: HOSTS.old,
		namespace,
		program,
		...EVERYWHERE.slots
	});
}
async function handOver(scene, program, victim) {
	let old = await startOld(scene, program);
	try {
		const tasks = await beginEverywhere(scene);
		const killed = await (victim === "old" ? old : await scene.worker()).kill(() => scene.project.letGo());
		const wrong = killed.goneAfterMs === null ? [`left: ${killed.left.join(", ")}`] : [];
		await setTimeout(between(scene.random, 0, 2e4));
		if (victim === "old") old = await startOld(scene, program);
		else await scene.worker();
		return {
			faults: 1,
			wrong: [...wrong, ...await untilLanded(scene, tasks)]
		};
	} finally {
		await old.stop();
	}
}
async function replace(scene, program) {
	await (await scene.worker()).stop();
	const old = await startOld(scene, program);
	try {
		const tasks = await beginEverywhere(scene);
		const killed = await old.kill(() => scene.project.letGo());
		await scene.worker();
		const wrong = await untilLanded(scene, tasks);
		return {
			faults: 1,
			wrong: killed.goneAfterMs === null ? [...wrong, `left: ${killed.left.join(", ")}`] : wrong
		};
	} finally {
		await old.stop();
	}
}
async function takeTurns(scene, program) {
	let old = await startOld(scene, program);
	try {
		const tasks = await beginEverywhere(scene);
		const turns = 6;
		await scene.project.letGo();
		for (let turn = 0; turn < turns; turn += 1) {
			await setTimeout(between(scene.random, 100, 3e3));
			if (pick(scene.random, ["old", "new"]) === "old") {
				await old.kill();
				old = await startOld(scene, program);
			} else {
				await (await scene.worker()).kill();
				await scene.worker();
			}
		}
		return {
			faults: turns,
			wrong: await untilLanded(scene, tasks)
		};
	} finally {
		await old.stop();
	}
}
async function nonDeterminism({ client }) {
	const wrong = [];
	for await (const { workflowId, runId } of client.workflow.list()) {
		const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
		for (const { workflowTaskFailedEventAttributes: failed } of events ?? []) if (Number(failed?.cause) === NON_DETERMINISTIC || /nondetermin|TMPRL1100/i.test(failed?.failure?.message ?? "")) wrong.push(`${workflowId}: by ${failed?.identity}: ${failed?.failure?.message}`);
	}
	return wrong;
}
export { runVersions };
