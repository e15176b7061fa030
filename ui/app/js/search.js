/**
 * What the list is narrowed to: words, a span of time, links. Pure: the present comes in as a parameter.
 */

/** @typedef {import('../../types/backend').Query} Query */
/** @typedef {import('../../types/backend').Tab} Tab */
/** @typedef {import('../../types/state').Search} Search */

/** @type {Search} */
export const NO_SEARCH = { text: '', when: 'any', hasLink: false };

/** @type {readonly { when: Search['when'], label: string }[]} */
export const SPANS = [
  { when: 'any', label: 'Any time' },
  { when: 'today', label: 'Today' },
  { when: 'week', label: 'Last 7 days' },
  { when: 'month', label: 'Last 30 days' },
];

/** @param {Search} search */
export function isNarrowed(search) {
  return search.text.trim() !== '' || isFiltered(search);
}

/** @param {Search} search */
export function isFiltered({ when, hasLink }) {
  return when !== 'any' || hasLink;
}

/** @param {Search} a @param {Search} b */
export function sameSearch(a, b) {
  return a.text.trim() === b.text.trim() && a.when === b.when && a.hasLink === b.hasLink;
}

/**
 * @param {Tab} tab
 * @param {Search} search
 * @param {number} now
 * @returns {Query}
 */
export function queryOf(tab, search, now) {
  const text = search.text.trim();
  const since = sinceOf(search.when, now);
  return {
    tab,
    ...(text === '' ? {} : { text }),
    ...(since === null ? {} : { since: new Date(since).toISOString() }),
    ...(search.hasLink ? { has_link: true } : {}),
  };
}

/**
 * Whole days of the calendar here, today counted.
 * @param {Search['when']} when
 * @param {number} now
 */
function sinceOf(when, now) {
  switch (when) {
    case 'any': return null;
    case 'today': return midnight(now, 0);
    case 'week': return midnight(now, 6);
    case 'month': return midnight(now, 29);
  }
}

/** @param {number} now @param {number} back days */
function midnight(now, back) {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - back);
  return day.getTime();
}

/**
 * What a screen reader is told once they are there. How many there are is known on the last page alone.
 * @param {number} count
 * @param {boolean} more
 */
export function resultsText(count, more) {
  if (count === 0) return 'Nothing found';
  if (more) return `The first ${count} results are shown`;
  return count === 1 ? 'One result' : `${count} results`;
}

/**
 * @param {Search} search
 * @returns {{ title: string, text: string }}
 */
export function nothingFound(search) {
  const text = search.text.trim();
  return {
    title: text === '' ? 'No messages match' : `Nothing found for “${shorten(text)}”`,
    text: isFiltered(search)
      ? 'The filters leave some messages out. Clear them to look through all.'
      : 'Titles and texts were searched for all of these words.',
  };
}

/** @param {string} text */
function shorten(text) {
  const letters = [...text];
  return letters.length > 60 ? `${letters.slice(0, 60).join('')}…` : text;
}
