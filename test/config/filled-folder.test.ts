/** What a set-up's command tells of the folder that it fills. */

import { describe, expect, it } from '@jest/globals';
import { filledFolder } from '../../src/config/filled-folder.ts';

describe('the folder that a set-up fills', () => {
  it.each([
    ['npm ci', 'node_modules'],
    ['npm install --no-package-lock', 'node_modules'],
    ['yarn install --frozen-lockfile', 'node_modules'],
    ['composer install --no-interaction', 'vendor'],
    ['./mvnw -B -DskipTests verify', 'target'],
  ])('of %s is %s', (setup, folder) => {
    expect(filledFolder(setup)).toBe(folder);
  });

  it.each(['yarn install --immutable', 'uv sync --frozen', 'make npm', ''])('is not known of %j', (setup) => {
    expect(filledFolder(setup)).toBeNull();
  });
});
