/** Columns of text. Pure. */

import { fitColumns, lastIsCut, type Column } from './columns.ts';

const COLOUR = /\u001b\[[0-9;]*m/g;

/** How many columns a terminal gives a text: wide characters take two, joiners and colour codes none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text.replace(COLOUR, '')) {
    const code = character.codePointAt(0) ?? 0;
    if (/\p{M}|\u200d|\ufe0f/u.test(character)) continue;
    width += isWide(code) ? 2 : 1;
  }
  return width;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** Cut to so many columns, with a mark that says so. For text without colours. */
export function cutTo(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let cut = '';
  let width = 0;
  for (const character of text) {
    const next = displayWidth(character);
    if (width + next > columns - 1) break;
    cut += character;
    width += next;
  }
  return `${cut}…`;
}

/** A line that may be coloured, within so many columns: one that is too long loses its colours with its end. */
export function fit(line: string, columns: number): string {
  return displayWidth(line) <= columns ? line : cutTo(line.replace(COLOUR, ''), columns);
}

export interface Cell {
  readonly text: string;
  /** How it is cut to so many columns; left out: at its end. */
  readonly cut?: (columns: number) => string;
  readonly paint?: (text: string) => string;
}

/** Lines of columns, two spaces apart, within `columns` (null: as wide as they are), by the layout's rules. */
export function table(
  rows: readonly (readonly Cell[])[],
  columns: number | null,
  layout?: readonly Column[],
): string[] {
  const natural: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      natural[index] = Math.max(natural[index] ?? 0, displayWidth(cell.text));
    });
  }
  const widths = columns === null ? natural : fitColumns(natural, layout ?? lastIsCut(natural.length), columns);
  return rows.map((row) =>
    row
      .flatMap((cell, index) => {
        const width = widths[index];
        return width === null || width === undefined ? [] : [painted(cell, width)];
      })
      .join('  ')
      .trimEnd(),
  );
}

function painted({ text, cut, paint = (plain) => plain }: Cell, width: number): string {
  const isWhole = displayWidth(text) <= width;
  const shown = isWhole ? text : (cut ?? ((columns: number) => cutTo(text, columns)))(width);
  return paint(shown) + ' '.repeat(Math.max(0, width - displayWidth(shown)));
}

/** A title with what is said behind it: where there is no room the title is cut first, to no less than ten columns. */
export function titled(title: string, said: string): Cell {
  const dash = ' — ';
  return {
    text: `${title}${dash}${said}`,
    cut: (columns) => {
      const kept = Math.max(10, columns - displayWidth(said) - dash.length);
      return cutTo(`${cutTo(title, kept)}${dash}${said}`, columns);
    },
  };
}

/** A text as lines of at most so many columns, broken between words where that is possible; null: one line. */
export function wrap(text: string, columns: number | null): string[] {
  if (columns === null || displayWidth(text) <= columns) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
