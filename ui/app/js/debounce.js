/**
 * A call that waits until its caller has been still for a while.
 */

/**
 * @template T
 * @param {(value: T) => void} then
 * @param {number} ms
 */
export function debounce(then, ms) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return {
    /** @param {T} value */
    later(value) {
      clearTimeout(timer);
      timer = setTimeout(then, ms, value);
    },
    cancel: () => clearTimeout(timer),
    /** At once, in place of what waits. @param {T} value */
    now(value) {
      clearTimeout(timer);
      then(value);
    },
  };
}
