/** How wide the columns of a table are on a terminal that is too narrow for all of them. Pure. */

/** What may be done to a column where there is no room. */
export interface Column {
  /** It is cut before anything else, to no less than `min`: the title. */
  readonly first?: true;
  /** It is left out when that is not enough, the highest number first; without one it stays. */
  readonly drop?: number;
  /** It is cut when that is not enough either, to no less; without it, it is not. */
  readonly min?: number;
}

const GAP = 2;
const LEAST = 20;

/** The layout of tables that name none: the last column is cut. */
export function lastIsCut(columns: number): readonly Column[] {
  return Array.from({ length: columns }, (_, index) => (index === columns - 1 ? { first: true, min: LEAST } : {}));
}

/** The width of each column, null for one that is left out. What cannot be helped stays too wide. */
export function fitColumns(
  natural: readonly number[],
  layout: readonly Column[],
  room: number,
): readonly (number | null)[] {
  let widths: (number | null)[] = [...natural];
  const excess = (): number => {
    const shown = widths.filter((width) => width !== null);
    return shown.reduce((sum, width) => sum + width, 0) + GAP * Math.max(0, shown.length - 1) - room;
  };
  const cut = (index: number, least: number): void => {
    const width = widths[index] ?? 0;
    if (widths[index] !== null && excess() > 0) widths[index] = Math.min(width, Math.max(least, width - excess()));
  };
  const cutFirst = (): void => layout.forEach(({ first, min }, index) => first === true && cut(index, min ?? LEAST));
  cutFirst();
  const droppable = layout
    .map(({ drop }, index) => ({ drop, index }))
    .filter(({ drop }) => drop !== undefined)
    .sort((one, other) => (other.drop ?? 0) - (one.drop ?? 0));
  for (const { index } of droppable) {
    if (excess() <= 0) break;
    const dropped = widths.map((width, at) => (at === index || width === null ? null : (natural[at] ?? 0)));
    widths = dropped;
    cutFirst();
  }
  layout.forEach(({ first, min }, index) => first !== true && min !== undefined && cut(index, min));
  layout.forEach(({ first }, index) => first === true && cut(index, 1));
  return widths;
}
