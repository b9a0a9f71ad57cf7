/** The repository that the command is run in: its tasks.yaml, its agents' programs, its origin. */

import { readProjectContext, type ProjectContext } from '../../config/project-context.ts';
import { probeOrigin } from '../../git/room.ts';
import { isSameOrigin, otherOriginFix, otherOriginText } from '../../core/moved-origin.ts';
import { passwordFix } from '../../core/origin-url.ts';
import { messageOf } from '../../core/thrown.ts';
import { LedgerUnavailable } from '../../ledger/types.ts';
import { Failed, UsageError } from '../errors.ts';
import { findAgentProgram } from '../agent-program.ts';
import { bad, fine, warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';
import { isFull, MAKE_ROOM } from './full.ts';
import { checkRules } from './notices.ts';
import { checkSignIn } from './sign-in.ts';

type Context = Extract<ProjectContext, { kind: 'ok' }>;

export async function checkProject(session: Session): Promise<readonly Check[]> {
  const context = await readProjectContext(session.io.cwd, session.environment.all);
  if (context.kind === 'invalid') {
    // Where no tasks are for, the machine alone is asked about.
    const elsewhere = 'do that, or run tasks doctor in the repository that tasks are for';
    return [
      context.isNone
        ? warn('tasks.yaml', context.message, elsewhere)
        : bad('tasks.yaml', context.message, 'mend that: until then nothing can be submitted here'),
    ];
  }
  const { project, branch } = context.settings;
  const warnings = context.warnings.map((warning) => warn('tasks.yaml', warning, 'commit and push what is to count'));
  return [
    fine('tasks.yaml', `project ${project}, branch ${branch}, at ${context.configCommit.slice(0, 12)}`),
    ...warnings,
    ...(await checkAgents(session, context)),
    ...(await checkRules(session, context.settings.policy.notify)),
    ...checkPassword(context),
    ...(await checkBinding(session, context)),
    ...(await checkOrigin(session, context)),
  ];
}

async function checkAgents(session: Session, context: Context): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const [name, definition] of Object.entries(context.settings.agents)) {
    const { program, path, fix } = await findAgentProgram(definition, session.environment);
    const isDefault = name === context.settings.agent;
    if (path !== null) checks.push(fine(`agent ${name}`, path), ...(await checkSignIn(session, name, program)));
    else if (isDefault) checks.push(bad(`agent ${name}`, `${program} is not on the PATH`, fix));
    else if (name !== 'claude') checks.push(warn(`agent ${name}`, `${program} is not on the PATH`, fix));
  }
  return checks;
}

function checkPassword({ checkout: { origin, remote } }: Context): readonly Check[] {
  const fix = remote === null ? null : passwordFix(origin, remote);
  const found = `the URL of ${remote} has a password in it: tasks that are submitted with it show it to everybody`;
  return fix === null ? [] : [bad('password', found, fix)];
}

/** Nothing while the ledger is away, or no server is known: that is told by itself. */
async function checkBinding(session: Session, { settings, origin, checkout }: Context): Promise<readonly Check[]> {
  const { project } = settings;
  try {
    const bound = (await (await session.ledger())?.originOf(project)) ?? null;
    if (bound === null || isSameOrigin(bound, origin)) return [];
    const other = { project, bound, here: origin, remote: checkout.remote };
    return [bad('project', otherOriginText(other), otherOriginFix(other))];
  } catch (error) {
    if (error instanceof LedgerUnavailable || error instanceof Failed || error instanceof UsageError) return [];
    throw error;
  }
}

/** Git's own settings are written to the state home before an origin is asked. */
async function checkOrigin(session: Session, context: Context): Promise<readonly Check[]> {
  const { origin, settings } = context;
  const target = { project: settings.project, branch: settings.branch, origin };
  try {
    const probed = await probeOrigin(target, {
      home: session.environment.home,
      processHome: session.environment.userHome,
      personal: { env: session.environment.all },
    });
    return originChecks(context, probed);
  } catch (error) {
    if (!isFull(error)) throw error;
    return [bad('origin', `cannot be asked: ${session.environment.home} has no room (${messageOf(error)})`, MAKE_ROOM)];
  }
}

type Probe = Awaited<ReturnType<typeof probeOrigin>>;

function originChecks(context: Context, probe: Probe): readonly Check[] {
  const { push } = probe;
  return [
    fetchCheck(context, probe),
    push.kind === 'ok'
      ? fine('push', 'a pretended push was taken')
      : bad('push', push.message, push.next ?? fixOf(context, push.why)),
  ];
}

function fetchCheck(context: Context, { fetch, lacks }: Probe): Check {
  const {
    settings: { branch },
    checkout,
  } = context;
  if (fetch.kind === 'failed') return bad('origin', fetch.message, fetch.next ?? fixOf(context, fetch.why));
  if (fetch.tip === null)
    return bad('origin', `has no branch ${branch}`, `push it: git push -u ${checkout.remote ?? 'origin'} ${branch}`);
  return lacks === null
    ? fine('origin', `${branch} is at ${fetch.tip.slice(0, 12)}`)
    : bad('origin', lacks.message, lacks.next);
}

function fixOf({ checkout: { remote } }: Context, why: Extract<Probe['fetch'], { kind: 'failed' }>['why']): string {
  if (remote === null) return 'mend it';
  const name = `git remote set-url ${remote} URL`;
  switch (why) {
    case 'away':
      return `see that this host has a network, and that the server runs: git ls-remote ${remote}; if the address is wrong: ${name}`;
    case 'absent':
      return `see that it is there, and that you may read it; if it is elsewhere by now: ${name}, and docs/operating.md, “When an origin moves”`;
    case 'refused':
    case 'other':
      return 'see that git reaches it without asking in a terminal: git ls-remote, a credential helper or GIT_ASKPASS';
  }
}
