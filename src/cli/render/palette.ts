/** Colours, or none: chosen once from the stream and the environment, and passed to whatever renders. */

import pc from 'picocolors';

export type Palette = ReturnType<typeof pc.createColors>;

export const PLAIN: Palette = pc.createColors(false);

/** NO_COLOR wins over FORCE_COLOR; else colour on a terminal alone. */
export function choosePalette(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Palette {
  if ((env['NO_COLOR'] ?? '') !== '') return PLAIN;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return pc.createColors(forced !== '0' && forced !== 'false');
  return pc.createColors(stream.isTTY === true && env['TERM'] !== 'dumb');
}
