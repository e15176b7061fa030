/**
 * Which notices were dismissed for as long as they stand, over windows: each window is a new page. Nothing else is kept
 * in the page's storage.
 */

const KEY = 'dismissed-notices';
/** Enough for every notice there is; the oldest go first. */
const MOST = 20;

/** @returns {ReadonlySet<string>} */
export function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return new Set(Array.isArray(kept) ? kept.filter((key) => typeof key === 'string') : []);
  } catch {
    // No storage, or not ours: the notices show again.
    return new Set();
  }
}

/** @param {ReadonlySet<string>} dismissed */
export function remember(dismissed) {
  try {
    localStorage.setItem(KEY, JSON.stringify([...dismissed].slice(-MOST)));
  } catch {
    // As above.
  }
}
