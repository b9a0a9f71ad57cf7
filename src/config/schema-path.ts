/** Where editors find the JSON Schema of tasks.yaml, which comes with this package. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a repository's tasks.yaml may name as its schema: a path inside the repository where Tributary is one of its
 * packages, so that it holds for everybody; null elsewhere, since a path of one machine is no use to the others.
 */
export function schemaReference(root: string): string | null {
  const inside = 'node_modules/tributary/schema/tasks.schema.json';
  return existsSync(join(root, inside)) ? `./${inside}` : null;
}
