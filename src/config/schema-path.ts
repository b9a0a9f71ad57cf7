/** Where editors find the JSON Schema of tasks.yaml, which comes with this package. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const IN_PACKAGE = 'schema/tasks.schema.json';

/**
 * What a repository's tasks.yaml may name as its schema: a path inside the repository where Tributary is one of its
 * packages, so that it holds for everybody; else the path of this installation, which editors elsewhere pass over.
 */
export function schemaReference(root: string): string {
  const inside = `node_modules/tributary/${IN_PACKAGE}`;
  // Both src/config and the built dist/cli lie two folders below the package.
  return existsSync(join(root, inside))
    ? `./${inside}`
    : fileURLToPath(new URL(`../../${IN_PACKAGE}`, import.meta.url));
}
