/** Runs an attempt's process, an agent or a shell command, and judges what it left. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { adapterFor, shellCommand } from '../agents/adapters.ts';
import { judgeAttempt, judgeCommand } from '../agents/judge.ts';
import { buildPrompt } from '../agents/prompt.ts';
import type { AgentAdapter, AgentCommand, Judgement, LineReader, PhaseFiles } from '../agents/types.ts';
import { classOf, type FailureClass } from '../core/failure.ts';
import { policyOf } from '../core/phase-policy.ts';
import { portVariables, type PortRange } from '../core/ports.ts';
import type { AgentDefinition } from '../core/project.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import { progressOf, progressOfLine, type Progress } from '../core/progress.ts';
import { redactText } from '../core/secrets.ts';
import type { Documents } from '../core/task-state.ts';
import type { Usage } from '../core/task-types.ts';
import { reopen } from '../files/closed.ts';
import { statusOf } from '../files/read.ts';
import { removeAny } from '../files/remove.ts';
import type { Workspace } from '../git/types.ts';
import type { ExitResult } from '../process/types.ts';
import { filledBy, makeSandbox, type SandboxRequest } from './confine.ts';
import { runLimits, type Dependencies, type GrantedSecrets } from './dependencies.ts';
import { tellProgress } from './heartbeat.ts';
import { appendToLog, letThrough, refusedTo, withRefused, type Refused } from './refused.ts';
import { readReportFile } from './report-file.ts';
import { withLog } from './run-log.ts';
import { resumedSession } from './session.ts';

type AgentDependencies = Pick<Dependencies, 'confinement' | 'environment' | 'limits' | 'process' | 'program' | 'spool'>;

export interface AgentRequest {
  readonly request: PhaseRequest;
  readonly workspace: Workspace;
  /** Null for a shell task. */
  readonly definition: AgentDefinition | null;
  readonly scratch: string;
  /** Null: without one. */
  readonly sandbox: SandboxRequest | null;
  readonly granted: GrantedSecrets;
  readonly ports: PortRange | null;
  /** Told of who reads the agent's output, before there is any. */
  readonly onReader?: (adapter: AgentAdapter, reader: LineReader) => void;
  readonly signal: AbortSignal;
}

export interface AgentRun {
  readonly judgement: Judgement;
  readonly session: string | null;
  readonly usage: Usage | null;
}

/** What earlier phases may have left for later ones. */
const NOTES = ['plan.md', 'result.md', 'understanding.md'];

/** What may come of a refusal; limits, and an end that somebody asked for, do not. */
const MAY_BE_REFUSAL: ReadonlySet<FailureClass> = new Set(['retryable', 'fatal']);

export async function runAgent(deps: AgentDependencies, agent: AgentRequest): Promise<AgentRun> {
  const { request, workspace, definition } = agent;
  const { spec, phase, attempt } = request;
  const files = phaseFilesOf(request, workspace);
  await prepareTaskFolder(files, request, workspace);
  mkdirSync(agent.scratch, { recursive: true });
  const { work } = spec;
  if (work.kind === 'shell' || definition === null) {
    const run = work.kind === 'shell' ? work.run : '';
    const exit = await spawn(deps, agent, shellCommand(run, files), null);
    return { judgement: withWay(judgeCommand(run, exit), exit, agent), session: null, usage: null };
  }
  const adapter = adapterFor(definition);
  const session = await resumedSession(deps, agent, adapter);
  const reader = adapter.reader(session);
  agent.onReader?.(adapter, reader);
  const exit = await spawn(deps, agent, adapter.command(definition, files, session, agent.sandbox !== null), reader);
  const { reading } = reader;
  const { secrets } = agent.granted;
  const left = await readReportFile(files.reportFile);
  const report = left.kind === 'text' ? { ...left, text: redactText(secrets, left.text) } : left;
  const { hasTerminalEvent } = adapter;
  const judged = judgeAttempt({ agent: work.agent, phase, exit, reading, hasTerminalEvent, report });
  const judgement = withWay(judged, exit, agent);
  if (judgement.kind === 'done' && judgement.document !== null) {
    const path = join(files.taskDir, judgement.document.name);
    // The agent may have left a link of that name.
    await removeAny(path);
    await writeFile(path, judgement.document.text);
  }
  await deps.spool.addArtifacts(spec.id, attempt, files.taskDir, (text) => redactText(secrets, text));
  return { judgement, session: reading.session, usage: reading.usage };
}

/** A failure names the setting that lets through what was refused: nobody but the agent knows whether it failed by that. */
function withWay(judgement: Judgement, { refused }: AgentExit, { definition, request }: AgentRequest): Judgement {
  if (judgement.kind !== 'failed') return judgement;
  const { failure } = judgement;
  const { work } = request.spec;
  if (!MAY_BE_REFUSAL.has(classOf(failure.kind))) return judgement;
  const isOwn = work.kind === 'agent' && definition?.network !== undefined;
  const setting = isOwn ? `agents: {${work.agent}: {network: HOSTS}}` : 'network: {agents: HOSTS}';
  const way = letThrough(setting, refused);
  return way === null ? judgement : { kind: 'failed', failure: { ...failure, next: `${failure.next}; or ${way}` } };
}

function phaseFilesOf({ spec, phase, attempt }: PhaseRequest, workspace: Workspace): PhaseFiles {
  const { taskDir, worktree, branch } = workspace;
  return {
    promptFile: join(taskDir, 'prompt.md'),
    taskDir,
    worktree,
    branch,
    taskId: spec.id,
    phase,
    attempt,
    reportFile: join(taskDir, 'report.json'),
  };
}

async function prepareTaskFolder(files: PhaseFiles, request: PhaseRequest, workspace: Workspace): Promise<void> {
  reopen(files.taskDir);
  // Single small operations: done at one go they take a tenth of what they take in the thread pool.
  const outputs = join(files.taskDir, 'outputs');
  // An earlier phase may have left something else of that name.
  if (statusOf(outputs)?.isDirectory() !== true) await removeAny(outputs);
  mkdirSync(outputs, { recursive: true });
  // An earlier attempt's report must not be taken for this one's.
  await removeAny(files.reportFile);
  await writeDocuments(files.taskDir, request.documents);
  const { spec, phase, attempt, edited, exchanges, lastFailure, documents } = request;
  const prompt = buildPrompt({
    spec,
    phase,
    attempt,
    files,
    edited,
    exchanges,
    leftOut: request.leftOut ?? null,
    request: request.request,
    conflict: request.conflict ?? null,
    lastFailure,
    conflicted: workspace.conflicted,
    unfinished: workspace.unfinished?.attempt ?? null,
    notes: NOTES.filter((name) => statusOf(join(files.taskDir, name)) !== null),
    approved: Object.entries(documents).flatMap(([name, text]) => (text === null ? [] : [`${name}.md`])),
  });
  await removeAny(files.promptFile);
  writeFileSync(files.promptFile, prompt);
}

/** What a person has approved with edits is what holds, whatever lies there. */
async function writeDocuments(taskDir: string, documents: Documents): Promise<void> {
  for (const [name, text] of Object.entries(documents)) {
    if (text === null) continue;
    const path = join(taskDir, `${name}.md`);
    await removeAny(path);
    writeFileSync(path, text);
  }
}

type AgentExit = ExitResult & {
  /** What it wanted to reach and was refused, and why; its tail ends with that. */
  readonly refused: Refused;
};

function spawn(
  deps: AgentDependencies,
  agent: AgentRequest,
  command: AgentCommand,
  reader: LineReader | null,
): Promise<AgentExit> {
  const { spec, attempt } = agent.request;
  const log = { taskId: spec.id, attempt, stream: 'agent' };
  return withLog(deps, log, (outputFile) => spawnInto(deps, agent, command, { reader, outputFile }));
}

async function spawnInto(
  deps: AgentDependencies,
  { request, workspace, scratch, signal, sandbox, granted, ports }: AgentRequest,
  command: AgentCommand,
  { reader, outputFile }: { readonly reader: LineReader | null; readonly outputFile: string },
): Promise<AgentExit> {
  const { spec, phase, attempt } = request;
  const policy = policyOf(spec.policy, phase);
  const [program, ...args] = command.argv;
  const agent = spec.work.kind === 'shell' ? null : spec.work.agent;
  const progress = lastLine(reader, granted);
  tellProgress(progress.read);
  const made = sandbox === null ? null : await makeSandbox(deps, sandbox);
  const filled = sandbox === null ? null : { mounts: sandbox.repository, tmp: sandbox.tmp };
  const sinceMs = performance.now();
  const exit = await deps.process.run({
    argv: [deps.program(program), ...args],
    cwd: workspace.worktree,
    env: {
      ...deps.environment({ purpose: 'agent', agent, scratch, confined: sandbox !== null }),
      ...portVariables(ports, 'agent'),
      ...granted.variables,
      ...command.env,
    },
    secrets: granted.secrets,
    sandbox: made,
    tag: `${spec.id}/${attempt}/agent`,
    outputFile,
    maxOutputBytes: deps.limits.maxOutputBytes,
    onLine: progress.onLine,
    limits: runLimits(deps, filledBy([dirname(workspace.worktree), scratch], filled)),
    idleTimeoutMs: policy.idleTimeoutMs,
    totalTimeoutMs: policy.totalTimeoutMs,
    signal,
  });
  reopen(workspace.taskDir);
  reopen(workspace.worktree);
  tellProgress(() => progressOf('the agent has ended; what it left is judged and stored'));
  const refused = refusedTo(deps, made, { sinceMs, secrets: granted.secrets });
  const tail = withRefused(exit.tail, refused);
  await appendToLog(outputFile, tail.slice(exit.tail.length));
  return { ...exit, tail, refused };
}

/** What the last line says, or what the reader has understood. Made anew for each heartbeat, and not for each line. */
function lastLine(reader: LineReader | null, { secrets }: GrantedSecrets) {
  let last = '';
  return {
    onLine: (line: string): void => {
      reader?.read(line);
      if (line.trim() !== '') last = line;
    },
    read: (): Progress | null => {
      const known = reader?.progress ?? null;
      if (known === null) return progressOfLine(last);
      // Lines come without secrets; what a reader has decoded of them may have one again, which a cut would hide from us (N10).
      return progressOf(redactText(secrets, known.text), known.percent);
    },
  };
}
