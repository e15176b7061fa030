/**
 * The settings as data: the choices there are, their words, and changes of quiet hours. Pure.
 * It must never decide whether a setting makes sense: the core does, and says why not.
 */

/** @typedef {import('../../types/backend').Day} Day */
/** @typedef {import('../../types/backend').QuietHours} QuietHours */
/** @typedef {import('../../types/backend').Rule} Rule */
/** @typedef {import('../../types/backend').Settings} Settings */
/** @typedef {import('../../types/backend').PauseLength} PauseLength */
/** @typedef {import('../../types/state').Field} Field */

/** @type {readonly { day: Day, short: string, name: string }[]} */
export const DAYS = [
  { day: 'mon', short: 'Mon', name: 'Monday' },
  { day: 'tue', short: 'Tue', name: 'Tuesday' },
  { day: 'wed', short: 'Wed', name: 'Wednesday' },
  { day: 'thu', short: 'Thu', name: 'Thursday' },
  { day: 'fri', short: 'Fri', name: 'Friday' },
  { day: 'sat', short: 'Sat', name: 'Saturday' },
  { day: 'sun', short: 'Sun', name: 'Sunday' },
];

/** @type {readonly { length: PauseLength, label: string }[]} */
export const PAUSES = [
  { length: 'half_hour', label: '30 minutes' },
  { length: 'hour', label: '1 hour' },
  { length: 'tomorrow', label: 'Until tomorrow' },
];

/** @type {readonly { event: keyof Settings['rules'], label: string }[]} */
export const TYPES = [
  { event: 'message', label: 'Messages' },
  { event: 'shoutout', label: 'Shoutouts' },
  { event: 'inbox', label: 'Inbox' },
];

/** @type {readonly { value: Rule, label: string }[]} */
export const RULES = [
  { value: 'sound', label: 'Sound and notification' },
  { value: 'alert', label: 'Notification' },
  { value: 'list', label: 'List only' },
];

/** @type {readonly { value: Settings['shows'], label: string }[]} */
export const SHOWS = [
  { value: 'full', label: 'Everything' },
  { value: 'title', label: 'The title only' },
  { value: 'nothing', label: 'Only that something came' },
];

/** @type {readonly { value: Settings['images'], label: string }[]} */
export const IMAGES = [
  { value: 'always', label: 'Always' },
  { value: 'ask', label: 'Ask for each' },
  { value: 'never', label: 'Never' },
];

/** How many read messages and days are offered to one who limits them for the first time. */
export const FIRST_LIMIT = { days: 90, messages: 1000 };

/** @returns {QuietHours} */
export function newQuietHours() {
  return { days: DAYS.map(({ day }) => day), from: '22:00', to: '07:00' };
}

/**
 * In the order of the week, however they were chosen.
 * @param {QuietHours} hours
 * @param {Day} day
 * @returns {QuietHours}
 */
export function toggleDay(hours, day) {
  const chosen = new Set(hours.days);
  if (!chosen.delete(day)) chosen.add(day);
  return { ...hours, days: DAYS.map((each) => each.day).filter((each) => chosen.has(each)) };
}

/**
 * @template T
 * @param {readonly T[]} list
 * @param {number} at
 * @param {T | null} value null: taken out
 * @returns {T[]}
 */
export function replaceAt(list, at, value) {
  return list.flatMap((each, index) => (index !== at ? [each] : value === null ? [] : [value]));
}

/** @param {QuietHours} hours */
export function endsNextDay({ from, to }) {
  return to <= from;
}

/** @param {readonly Day[]} days */
export function daysText(days) {
  const chosen = DAYS.filter(({ day }) => days.includes(day));
  const key = chosen.map(({ short }) => short).join(' ');
  switch (key) {
    case '': return 'No day';
    case 'Mon Tue Wed Thu Fri Sat Sun': return 'Every day';
    case 'Mon Tue Wed Thu Fri': return 'Weekdays';
    case 'Sat Sun': return 'Weekend';
    default: return chosen.map(({ short }) => short).join(', ');
  }
}

/**
 * A whole number of one and more; null for anything else that was typed.
 * @param {string} text
 */
export function readCount(text) {
  const number = Number(text.trim());
  return /^\d{1,9}$/.test(text.trim()) && number > 0 ? number : null;
}

/**
 * What is shown: as the core has it, with the changes over it that it has not answered to.
 * @param {Settings} known
 * @param {readonly { field: Field, value: unknown }[]} changes
 * @returns {Settings}
 */
export function withChanges(known, changes) {
  return changes.reduce((settings, { field, value }) => ({ ...settings, [field]: value }), known);
}
