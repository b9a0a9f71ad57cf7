/**
 * The session of an agent, taken along where its task goes on at another host.
 *
 * Kept true: the agent's home is the agent's to write, so nothing is read or written there where a link leads (N10); what
 * travels has no granted secret in it, and stays here when it looks as if it had another.
 */

import { dirname, join } from 'node:path';
import { isSessionId, moveTranscript, packSession, unpackSession, type SessionPlaces } from '../agents/transcript.ts';
import type { AgentAdapter } from '../agents/types.ts';
import { redactText } from '../core/secrets.ts';
import { inFolderBelow } from '../files/held-folder.ts';
import { readRegular, readText, statusOf } from '../files/read.ts';
import { writeAtomic } from '../files/write.ts';
import type { Scan } from '../git/types.ts';
import { clearTheWay } from './confine.ts';
import type { Dependencies } from './dependencies.ts';
import type { AgentRequest } from './run-agent.ts';

/** Larger ones stay where they are: the agent begins a new one elsewhere. */
const MAX_TRANSCRIPT_BYTES = 4 * 1024 * 1024;

export type Packed =
  | { readonly kind: 'packed'; readonly content: Buffer }
  | { readonly kind: 'left-out'; readonly why: string }
  | { readonly kind: 'none' };

/** The session that an agent has so far, fit for travelling. */
export async function packedSession(
  deps: Pick<Dependencies, 'environment'>,
  agent: AgentRequest,
  adapter: AgentAdapter,
  session: string | null,
  scan: Scan,
): Promise<Packed> {
  const path = session === null ? null : pathOf(deps, agent, adapter, session);
  if (session === null || path === null) return { kind: 'none' };
  const read = await inHome(agent, path, async (file) => {
    const size = statusOf(file)?.size ?? 0;
    return size > MAX_TRANSCRIPT_BYTES ? 'too-large' : readRegular(file, MAX_TRANSCRIPT_BYTES);
  });
  if (read === 'too-large')
    return { kind: 'left-out', why: `it has more than ${MAX_TRANSCRIPT_BYTES / 1024 ** 2} MiB` };
  if (read === null) return { kind: 'none' };
  const transcript = redactText(agent.granted.secrets, read.toString('utf8'));
  const content = Buffer.from(packSession({ agent: adapter.kind, session, places: placesOf(agent) }, transcript));
  return scan(content).length === 0
    ? { kind: 'packed', content }
    : { kind: 'left-out', why: 'there is a secret in it' };
}

/** The session to resume, which is put where the agent looks for it; null: a new one. */
export async function resumedSession(
  deps: Pick<Dependencies, 'environment'>,
  agent: AgentRequest,
  adapter: AgentAdapter,
): Promise<string | null> {
  const { request, workspace, scratch } = agent;
  // An empty session is one that this host does not have.
  const asked = request.session === '' ? null : request.session;
  const packed = await readText(workspace.sessionFile, 2 * MAX_TRANSCRIPT_BYTES);
  const stored = packed === null ? null : unpackSession(packed);
  if (stored === null || stored.agent !== adapter.kind) return asked;
  const session = workspace.unfinished === undefined ? asked : stored.session;
  const path = pathOf(deps, agent, adapter, stored.session);
  if (session !== stored.session || path === null) return asked;
  const transcript = moveTranscript(stored.transcript, stored.places, placesOf(agent));
  const here = await inHome(agent, path, async (file) => statusOf(file)?.size ?? 0);
  // What the agent has left here itself is as new, and whole.
  if ((here ?? 0) >= Buffer.byteLength(transcript)) return session;
  await clearTheWay(scratch, path, 'file');
  await writeAtomic(join(scratch, path), transcript);
  return session;
}

/** From the agent's home; null where its sessions do not travel, or its home is a person's. */
function pathOf(
  deps: Pick<Dependencies, 'environment'>,
  agent: AgentRequest,
  adapter: AgentAdapter,
  session: string,
): string | null {
  const { request, workspace, scratch, sandbox } = agent;
  if (adapter.transcript === undefined || !isSessionId(session)) return null;
  const { work } = request.spec;
  const name = work.kind === 'shell' ? null : work.agent;
  const environment = deps.environment({ purpose: 'agent', agent: name, scratch, confined: sandbox !== null });
  return environment['HOME'] === scratch ? adapter.transcript(workspace.worktree, session) : null;
}

function placesOf({ workspace, scratch }: AgentRequest): SessionPlaces {
  return { workspace: dirname(workspace.worktree), home: scratch };
}

async function inHome<T>(
  { scratch }: AgentRequest,
  path: string,
  body: (file: string) => Promise<T>,
): Promise<T | null> {
  const names = path.split('/');
  const name = names.pop() ?? '';
  return inFolderBelow(scratch, names, (held) => body(join(held, name)));
}
