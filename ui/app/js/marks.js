/**
 * Optimistic read marks: what the person did shows at once, and is taken back with a reason when it fails.
 * Pure: every function returns a new map. It must never call the core.
 */

/** @typedef {import('../../types/state').Mark} Mark */
/** @typedef {import('../../types/backend').Problem} Problem */
/** @typedef {import('../../types/backend').Row} Row */
/** @typedef {ReadonlyMap<string, Mark>} Marks */

/**
 * The person asked for it: shown from now on.
 * @param {Marks} marks
 * @param {readonly string[]} ids
 * @param {boolean} read
 * @param {number} turn rises with each call, so that a late answer cannot undo a newer click
 * @returns {Marks}
 */
export function begin(marks, ids, read, turn) {
  const next = new Map(marks);
  for (const id of ids) next.set(id, { read, state: 'sending', problem: null, turn });
  return next;
}

/**
 * The core has it: kept until a list read after this shows the same.
 * @param {Marks} marks
 * @param {readonly string[]} ids
 * @param {number} turn
 * @returns {Marks}
 */
export function done(marks, ids, turn) {
  return change(marks, ids, turn, (mark) => ({ ...mark, state: 'done' }));
}

/**
 * It failed: the row shows what it showed before, and why.
 * @param {Marks} marks
 * @param {readonly string[]} ids
 * @param {number} turn
 * @param {Problem} problem
 * @returns {Marks}
 */
export function failed(marks, ids, turn, problem) {
  return change(marks, ids, turn, (mark) => ({ ...mark, state: 'failed', problem }));
}

/**
 * Taken back without a reason on each row, for the reason stands elsewhere.
 * @param {Marks} marks
 * @param {readonly string[]} ids
 * @param {number} turn
 * @returns {Marks}
 */
export function undone(marks, ids, turn) {
  return change(marks, ids, turn, () => null);
}

/**
 * @param {Marks} marks
 * @param {readonly string[]} ids
 * @param {number} turn
 * @param {(mark: Mark) => Mark | null} to
 */
function change(marks, ids, turn, to) {
  const next = new Map(marks);
  for (const id of ids) {
    const mark = next.get(id);
    if (mark?.turn !== turn) continue;
    const changed = to(mark);
    if (changed) next.set(id, changed);
    else next.delete(id);
  }
  return next;
}

/**
 * A list arrived that was asked for when `before` stood: marks that were done then are in it, and a failure is over
 * once the row is as was wanted.
 * @param {Marks} marks
 * @param {Marks} before
 * @param {readonly Row[]} rows
 * @returns {Marks}
 */
export function settle(marks, before, rows) {
  const read = new Map(rows.map((row) => [row.id, row.read]));
  const next = new Map(marks);
  for (const [id, mark] of marks) {
    const known = before.get(id);
    const listed = known?.state === 'done' && known.turn === mark.turn;
    const overtaken = mark.state === 'failed' && read.get(id) === mark.read;
    if (listed || overtaken) next.delete(id);
  }
  return next;
}

/**
 * A row as it is shown: the mark made here over what the core said, and the failure to tell of.
 * @param {{ id: string, read: boolean, problem: Problem | null }} row
 * @param {Marks} marks
 * @returns {{ read: boolean, failure: { read: boolean, problem: Problem } | null }}
 */
export function shown(row, marks) {
  const mark = marks.get(row.id);
  // The core's own reason is about a read mark: the wire knows no other.
  const told = row.problem ? { read: true, problem: row.problem } : null;
  if (!mark) return { read: row.read, failure: told };
  if (mark.state !== 'failed' || !mark.problem) return { read: mark.read, failure: null };
  return { read: row.read, failure: { read: mark.read, problem: mark.problem } };
}
