/** Colours, or none: chosen once from the stream and the environment, and passed to whatever renders. */

import pc from 'picocolors';
import type { Environment } from '../../config/environment.ts';

export type Palette = ReturnType<typeof pc.createColors>;

export const PLAIN: Palette = pc.createColors(false);

/** As the environment says; else colour on a terminal alone. */
export function choosePalette(
  stream: { readonly isTTY?: boolean },
  { color, all }: Pick<Environment, 'color' | 'all'>,
): Palette {
  return pc.createColors(color ?? (stream.isTTY === true && all['TERM'] !== 'dumb'));
}
