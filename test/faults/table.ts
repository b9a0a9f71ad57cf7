/** What a part of the fault suite says at its end: a table, what was not right, and whether all was. */

/** What one part has done and found. */
export interface Report {
  readonly table: string;
  /** What was not right, a line each. */
  readonly broken: readonly string[];
  /** Whether there were faults and everything came right. */
  readonly isGood: boolean;
}

export type Row = readonly [name: string, ...counts: number[]];

/** The first column is text, the others are counts; with their sum as the last row. */
export function tableOf(head: readonly string[], rows: readonly Row[], withSum = true): string {
  const sums = head.slice(1).map((_, column) => rows.reduce((sum, [, ...counts]) => sum + (counts[column] ?? 0), 0));
  const lines = [head, ...rows.map((row) => row.map(String)), ...(withSum ? [['all', ...sums.map(String)]] : [])];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
