/** A test of what only Linux has. */

import { it } from '@jest/globals';

export const onLinux = process.platform === 'linux' ? it : it.skip;
