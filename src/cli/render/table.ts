/** Columns of text. Pure. */

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
  readonly paint?: (text: string) => string;
}

/** Lines of columns, two spaces apart; the last column is cut where the lines would pass `columns` (null: never). */
export function table(rows: readonly (readonly Cell[])[], columns: number | null): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell.text));
    });
  }
  return rows.map((row) => {
    const before = widths.slice(0, Math.max(0, row.length - 1)).reduce((sum, width) => sum + width + 2, 0);
    return row
      .map((cell, index) => {
        const paint = cell.paint ?? ((text: string) => text);
        if (index === row.length - 1) {
          return paint(columns === null ? cell.text : cutTo(cell.text, Math.max(20, columns - before)));
        }
        return paint(cell.text) + ' '.repeat((widths[index] ?? 0) - displayWidth(cell.text));
      })
      .join('  ')
      .trimEnd();
  });
}
