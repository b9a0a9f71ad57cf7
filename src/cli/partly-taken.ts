/** What a person has to know of tasks that were submitted when not all of them were taken. Pure. */

/** Tasks by their places among the others, from 0 on. */
export interface PartlyTaken {
  /** Of each the line that it stands on. */
  readonly lines: readonly number[];
  readonly taken: ReadonlySet<number>;
  /** Sent, and answered or not: those that are not among the taken may have been. */
  readonly sent: ReadonlySet<number>;
  /** Of what ended it: whether it leaves open what became of the last one. */
  readonly noAnswer: boolean;
}

const ONE_IN_DOUBT =
  'whether the task was taken is not known: tasks list shows it if it was; with --request-id another try makes no second task';

/** What is said after the reason; null when nothing was sent, or one task alone that surely was not taken. */
export function partlyTaken({ lines, taken, sent, noAnswer }: PartlyTaken): string | null {
  if (sent.size === 0) return null;
  if (lines.length === 1) return noAnswer && taken.size === 0 ? ONE_IN_DOUBT : null;
  const places = [...lines.keys()];
  const inDoubt = places.filter((place) => sent.has(place) && !taken.has(place));
  const unsent = places.filter((place) => !sent.has(place));
  return [
    `${taken.size} of ${lines.length} tasks were taken, and are listed above`,
    ...(inDoubt.length === 0 ? [] : [`of ${inWords(lines, inDoubt)} it is not known: tasks list shows what is there`]),
    ...(unsent.length === 0 ? [] : [`${inWords(lines, unsent)} ${unsent.length === 1 ? 'was' : 'were'} not sent`]),
    'submit the rest again; a line with a requestId makes no second task',
  ].join('; ');
}

/** Those that follow one another as a range, such as `lines 1, 4 to 9, 12`. */
function inWords(lines: readonly number[], places: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const place of places) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === place - 1) last[1] = place;
    else ranges.push([place, place]);
  }
  const words = ranges.map(([from, to]) =>
    from === to ? String(lines[from]) : `${String(lines[from])} to ${String(lines[to])}`,
  );
  return `${places.length === 1 ? 'line' : 'lines'} ${words.join(', ')}`;
}
