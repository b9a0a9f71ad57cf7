/** Shows where this machine can send notices to, and tries it. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { didYouMean } from '../../config/explain.ts';
import { HOST_FILE, readHostFile } from '../../config/host-file.ts';
import type { NoticeMessage, NoticeTarget } from '../../core/notice-types.ts';
import { createNotifyRoom, placeOf } from '../../notify/room.ts';
import { EXIT, UsageError } from '../errors.ts';
import { showProgress } from '../progress.ts';
import { table } from '../render/table.ts';
import type { Session } from '../session.ts';

const TIMEOUT_MS = 20_000;

export interface NotifyOptions {
  readonly json?: true;
  readonly test?: true;
}

/** `tasks notify`: exit 1 when a target that is tried does not take it. */
export async function notify(session: Session, options: NotifyOptions, [name]: readonly string[]): Promise<number> {
  const targets = await chooseTargets(session, name);
  return options.test === true ? tryTargets(session, targets) : listTargets(session, targets);
}

type Named = readonly [name: string, target: NoticeTarget];

async function chooseTargets({ environment }: Session, name: string | undefined): Promise<readonly Named[]> {
  const host = await readHostFile(environment.home);
  if (host.kind === 'invalid') throw new UsageError(host.message);
  const targets = Object.entries(host.value.targets);
  const file = join(environment.home, HOST_FILE);
  if (targets.length === 0) {
    throw new UsageError(`${file} has no targets; add one, such as targets: {phone: {ntfy: https://ntfy.sh/my-topic}}`);
  }
  if (name === undefined) return targets;
  const chosen = targets.filter(([each]) => each === name);
  if (chosen.length > 0) return chosen;
  const known = targets.map(([each]) => each);
  throw new UsageError(
    `${JSON.stringify(name)} is no target of ${file}${didYouMean(name, known)} (there are ${known.join(', ')})`,
  );
}

function listTargets(session: Session, targets: readonly Named[]): number {
  const rows = targets.map(([name, target]) => ({ target: name, kind: target.kind, place: placeOf(target) }));
  if (session.json) for (const row of rows) session.printJson(row);
  else {
    const cells = rows.map((row) => [{ text: row.target }, { text: row.kind }, { text: row.place }]);
    session.print(...table(cells, session.screen().columns));
  }
  return EXIT.ok;
}

/** All at once: each has its own time. */
async function tryTargets(session: Session, targets: readonly Named[]): Promise<number> {
  const room = createNotifyRoom({ timeoutMs: TIMEOUT_MS, environment: session.environment.all });
  const message = testMessage();
  const progress = showProgress(session);
  progress.update(`telling ${targets.map(([name]) => name).join(', ')}`);
  const results = await Promise.all(
    targets.map(async ([name, target]) => ({ name, kind: target.kind, told: await room.tell(target, message) })),
  ).finally(() => progress.stop());
  const rows = results.map(({ name, kind, told }) => ({
    target: name,
    kind,
    ok: told.kind === 'told',
    answer: told.kind === 'told' ? told.said : told.message,
  }));
  const { green, red } = session.palette;
  if (session.json) for (const row of rows) session.printJson(row);
  else {
    // What went wrong is not cut: it is what somebody came for.
    const cells = rows.map(({ target, kind, ok, answer }) => [
      ok ? { text: 'told', paint: green } : { text: 'FAILED', paint: red },
      { text: target },
      { text: kind },
      { text: answer },
    ]);
    session.print(...table(cells, null));
  }
  return rows.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
}

function testMessage(): NoticeMessage {
  return {
    id: `notice/test/${randomBytes(6).toString('hex')}`,
    event: 'test',
    project: 'test',
    task: 'test',
    title: 'Test: notices of Tributary arrive here',
    text: 'A real one says what is asked of which task, and the command to reply with.',
    commands: ['tasks inbox'],
    url: null,
    at: new Date().toISOString(),
  };
}
