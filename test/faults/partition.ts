/**
 * A host that is cut off from Temporal and the ledger by black holes: what is sent arrives nowhere, nothing breaks, and all of it
 * arrives once the way is there again. The origin stays within reach, so that its late pushes come through.
 */

import { eventually } from '../support/eventually.ts';
import { readEnvironment } from '../../src/process/proc.ts';
import { DropProxy } from './drop-proxy.ts';
import { treeOf } from './processes.ts';
import type { Found, Scene } from './storms.ts';

const SLOTS = { agents: 3, gates: 1 };
const SETTLED_LIMIT_MS = 120_000;

/** Its task lands elsewhere meanwhile; what it does then changes nothing, and it is of use once it is back. */
export async function cutOff(scene: Scene): Promise<Found> {
  const { stand, project } = scene;
  await (await scene.worker()).stop();
  const ledger = new URL(stand.databaseUrl);
  const ways = await Promise.all([stand.address, ledger.host].map((address) => DropProxy.start(address)));
  const [toTemporal, toLedger] = ways as [DropProxy, DropProxy];
  ledger.host = toLedger.address;
  const { namespace } = scene.client.options;
  const own = { name: 'cut-off', namespace, address: toTemporal.address, env: { DATABASE_URL: ledger.href }, ...SLOTS };
  const host = await stand.startWorker(own);
  const wrong: string[] = [];
  let faults = 0;
  try {
    for (const place of ['agent-committed', 'agent-reported', 'gate-runs']) {
      await project.stopAt(place);
      const task = await scene.submit('Its host is cut off (commits)');
      await project.untilAt(place, SETTLED_LIMIT_MS);
      for (const way of ways) way.holdUp();
      faults += 1;
      const other = await scene.worker();
      wrong.push(...(await scene.landed(task)));
      const before = await project.refs();
      // What waits goes on while its host still knows of nothing, and the host a moment later.
      await project.letGo();
      for (const way of ways) way.letGo();
      await eventually(
        'the host that was cut off to have given up',
        () => treeOf(host.pid).every(({ pid }) => !(readEnvironment(pid) ?? '').includes(task.id)),
        SETTLED_LIMIT_MS,
      );
      if ((await other.stop()) !== 0) wrong.push('the other host did not end in order');
      for (const [ref, value] of await project.refs())
        if (before.has(ref) && before.get(ref) !== value) wrong.push(`${place}: ${ref} was ${before.get(ref)}`);
      await project.reset();
      wrong.push(...(await scene.landed(await scene.submit('Lands at the host that is back'))));
    }
    if ((await host.stop()) !== 0) wrong.push('the host that was cut off did not end in order');
    return { faults, wrong };
  } finally {
    for (const way of ways) way.letGo();
    await host.stop();
    await Promise.all(ways.map((way) => way.close()));
  }
}
