/** Readies the namespace of a Temporal that is there already. */

import { registerSearchAttributes } from '../../local/temporal-namespace.ts';
import { messageOf } from '../../core/thrown.ts';
import { EXIT, Failed } from '../errors.ts';
import type { Session } from '../session.ts';
import { KEYWORDS } from '../stack-parts.ts';

const LIMIT_MS = 15_000;

/** `tasks setup`. */
export async function setup(session: Session): Promise<number> {
  const temporal = await session.temporal();
  const { namespace, address } = temporal.settings;
  await temporal.within(LIMIT_MS, () => temporal.connection.workflowService.describeNamespace({ namespace }));
  try {
    await temporal.within(LIMIT_MS, () => registerSearchAttributes(temporal.connection, namespace, KEYWORDS));
  } catch (error) {
    if (error instanceof Failed) throw error;
    throw new Failed(`${address}: ${messageOf(error)}`, { cause: error });
  }
  const searchAttributes = Object.keys(KEYWORDS);
  if (session.json) session.printJson({ address, namespace, searchAttributes });
  else session.print(`${namespace} at ${address} has the search attributes ${searchAttributes.join(', ')}`);
  return EXIT.ok;
}
