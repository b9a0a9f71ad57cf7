/** The builds of workers that run with worker versioning, and which of them gets the workflows' tasks. */

import { buildName, UNVERSIONED } from '../../core/builds.ts';
import { quote } from '../../core/ids.ts';
import { CHANGE_MS, readBuilds, setCurrentBuild, type Builds } from '../../local/temporal-builds.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import { renderBuilds } from '../render/builds.ts';
import type { Session } from '../session.ts';
import { CALL_MS } from '../temporal.ts';

/** What stands for workers without versioning on the command line: no build id is this. */
const NONE = 'none';
const NO_BUILDS = 'no worker runs with versioning; switch it on with TASKS_VERSIONING=on';

/** `tasks builds`. */
export async function builds(session: Session): Promise<number> {
  const known = await read(session);
  if (known === null) session.note(NO_BUILDS);
  else if (session.json)
    for (const { id, ...build } of known.builds)
      session.printJson({ build: id, current: id === known.current, ...build });
  else session.print(...renderBuilds(known, session.screen()));
  return EXIT.ok;
}

/** `tasks builds use`: asked twice, the second changes nothing. */
export async function useBuild(session: Session, _options: unknown, args: readonly string[]): Promise<number> {
  const [wanted = ''] = args;
  const known = await read(session);
  const id = wanted === NONE ? UNVERSIONED : wanted;
  const ids = known?.builds.map((build) => build.id) ?? [];
  if (known === null) {
    if (wanted !== NONE) throw new UsageError(`${quote(wanted)} is no build that has run; ${NO_BUILDS}`);
    return told(session, id, { before: UNVERSIONED, changed: false });
  }
  // An empty text, as of an unset variable of a script, is the server's own name for those without.
  if (wanted !== NONE && (id === UNVERSIONED || !ids.includes(id))) {
    throw new UsageError(`${quote(wanted)} is no build that has run; give one of ${[...ids, NONE].join(', ')}`);
  }
  if (!known.polling.includes(id)) {
    throw new Failed(`no worker of ${buildName(id)} polls: tasks would wait; start one first`);
  }
  const changed = known.current !== id;
  if (changed) {
    const [temporal, actor] = [await session.temporal(), await session.actor()];
    await temporal.within(CHANGE_MS, () => setCurrentBuild(temporal.client, id, actor, known.token));
  }
  return told(session, id, { before: known.current, changed });
}

function told(session: Session, id: string, by: { readonly before: string; readonly changed: boolean }): number {
  if (session.json) session.printJson({ build: id, ...by });
  else
    session.print(
      `${buildName(id)}  ${by.changed ? 'gets the tasks of all workflows from now on' : 'had them already'}`,
    );
  return EXIT.ok;
}

async function read(session: Session): Promise<Builds | null> {
  const temporal = await session.temporal();
  return temporal.within(CALL_MS, () => readBuilds(temporal.client));
}
