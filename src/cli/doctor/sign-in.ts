/** Whether an agent has what signs it in: of the person's home by a grant, or a key of its own. */

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { grantsOf, readHostFile, type HostSettings } from '../../config/host-file.ts';
import { KNOWN_GRANTS } from '../../config/known-grants.ts';
import { fine, warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';
import { whyMissing } from './named.ts';

/** @param program the agent's, as tasks.yaml names it */
export async function checkSignIn(session: Session, agent: string, program: string): Promise<readonly Check[]> {
  const host = await readHostFile(session.environment.home);
  // What is wrong with it is told by itself.
  if (host.kind === 'invalid') return [];
  const name = `sign-in of ${agent}`;
  const { grant, secrets, env } = host.value;
  const keys = Object.entries(secrets).flatMap(([key, { from, agents }]) =>
    agents.includes(agent) ? [{ key, from }] : [],
  );
  if (keys.length > 0) return checkKeys(name, keys, session.environment.all);
  if (grant.includes(agent))
    return checkGrant(host.value, { name, agent, program, home: session.environment.userHome });
  // Of others nobody knows whether there is anything to sign in to; of a variable for all, whether it is a key.
  const isKnown = [agent, basename(program)].some((each) => Object.hasOwn(KNOWN_GRANTS, each));
  if (env.length > 0 || !isKnown) return [];
  const key = `secrets: {VARIABLE: {from: file:/path, agents: [${agent}]}}`;
  const fix = `grant: [${agent}] in host.yaml shares your sign-in, ${key} gives it a key; then restart the worker`;
  return [warn(name, 'it has nothing of your home, and no key: it will not be signed in', fix)];
}

/** Nothing where one of them is not here: that is told by itself. */
async function checkKeys(
  name: string,
  references: readonly Reference[],
  source: Readonly<Record<string, string | undefined>>,
): Promise<readonly Check[]> {
  for (const { from } of references) if ((await whyMissing(from, source)) !== null) return [];
  return [fine(name, `${references.map(({ key }) => key).join(', ')}, by host.yaml`)];
}

interface Reference {
  readonly key: string;
  readonly from: string;
}

interface Granted {
  readonly name: string;
  readonly agent: string;
  readonly program: string;
  readonly home: string;
}

function checkGrant(host: HostSettings, { name, agent, program, home }: Granted): readonly Check[] {
  // Without a sandbox it has the person's whole home, and where the system has a keyring, that.
  if (process.platform !== 'linux' || host.sandbox === 'off' || host.containment === 'off') return [];
  const paths = grantsOf(host, agent);
  if (paths.length === 0) {
    const fix = `name the files below your home in host.yaml: granted: {${agent}: [.config/${agent}]}`;
    return [warn(name, `grant: [${agent}] shares nothing, since nothing is known of an agent of this name`, fix)];
  }
  // What is written in place has the tokens; where nothing is, any of them may.
  const tokens = paths.filter(({ how }) => how === 'write');
  const looked = (tokens.length > 0 ? tokens : paths).map(({ path }) => path);
  const there = looked.filter((path) => existsSync(join(home, path)));
  if (there.length > 0) return [fine(name, `${there.map((path) => `~/${path}`).join(', ')}, by grant:`)];
  const missing = looked.map((path) => `~/${path}`).join(', ');
  const fix = `sign in with ${program} on this machine, as the account that workers have, or give it a key by secrets: in host.yaml`;
  return [warn(name, `grant: [${agent}] shares what is not here: ${missing}`, fix)];
}
