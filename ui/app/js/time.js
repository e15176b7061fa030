/**
 * Times as the window shows them: relative under an hour, clock today, weekday this week, date beyond; full on hover.
 * Pure: the present, the zone and the way of writing come in as parameters. It must never read the clock itself.
 */

/** @typedef {import('../../types/state').Format} Format */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * The ways of writing that are used. `day-key` is for comparing and never shown.
 * @type {Readonly<Record<string, Intl.DateTimeFormatOptions>>}
 */
const WAYS = {
  'clock-12': { hour: 'numeric', minute: '2-digit', hour12: true },
  'clock-24': { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  'day-key': { year: 'numeric', month: '2-digit', day: '2-digit' },
  'weekday-short': { weekday: 'short' },
  'weekday-long': { weekday: 'long' },
  'date-short': { day: 'numeric', month: 'short' },
  'date-long': { day: 'numeric', month: 'long' },
  'date-short-year': { day: 'numeric', month: 'short', year: 'numeric' },
  'date-long-year': { day: 'numeric', month: 'long', year: 'numeric' },
  full: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
};

/**
 * Building one costs more than using it a hundred times.
 * @type {WeakMap<Format, Map<string, Intl.DateTimeFormat>>}
 */
const formats = new WeakMap();

/**
 * The words of the page are English, so names of days are too; order and clock follow the system.
 * @param {readonly string[]} languages
 * @returns {Format}
 */
export function formatFor(languages) {
  const known = languages.filter(isLanguage);
  const locale = known.find((language) => /^en\b/i.test(language)) ?? 'en-GB';
  const own = new Intl.DateTimeFormat(known.length > 0 ? known : 'en-GB', { hour: 'numeric' });
  return { locale, hour12: own.resolvedOptions().hour12 ?? false };
}

/**
 * WebKitGTK names the system's locale as it is: `C` is one, and no language to `Intl`, which throws.
 * @param {string} tag
 */
function isLanguage(tag) {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false;
  }
}

/**
 * Milliseconds of an RFC 3339 text; `NaN` for anything else. More than three digits of a second are cut: engines
 * differ about them.
 * @param {string | null | undefined} text
 */
export function parse(text) {
  return text ? Date.parse(text.replace(/(\.\d{3})\d+/, '$1')) : Number.NaN;
}

/**
 * @param {number} ms
 * @param {Format} format
 * @param {string} way
 */
function write(ms, format, way) {
  if (Number.isNaN(ms)) return '';
  let made = formats.get(format);
  if (!made) {
    made = new Map();
    formats.set(format, made);
  }
  let writer = made.get(way);
  if (!writer) {
    const zone = format.timeZone === undefined ? {} : { timeZone: format.timeZone };
    // Swedish writes a date as ISO 8601 does.
    writer = new Intl.DateTimeFormat(way === 'day-key' ? 'sv-SE' : format.locale, { ...WAYS[way], ...zone });
    made.set(way, writer);
  }
  // Some engines put a narrow no-break space before "PM": a plain one reads the same and compares.
  return writer.format(ms).replace(/\u202f/g, ' ');
}

/** @param {number} ms @param {Format} format */
export function clock(ms, format) {
  return write(ms, format, format.hour12 ? 'clock-12' : 'clock-24');
}

/**
 * The calendar day in the zone: `2024-03-01`.
 * @param {number} ms
 * @param {Format} format
 */
export function dayKey(ms, format) {
  return write(ms, format, 'day-key');
}

/**
 * Whole calendar days from `ms` to `now`, negative for the future. Counted on the calendar, for a day in spring has
 * 23 hours.
 * @param {number} ms
 * @param {number} now
 * @param {Format} format
 */
function daysBefore(ms, now, format) {
  return Math.round((Date.parse(dayKey(now, format)) - Date.parse(dayKey(ms, format))) / DAY);
}

/**
 * @param {number} ms
 * @param {number} now
 * @param {Format} format
 * @param {'short' | 'long'} month
 */
function date(ms, now, format, month) {
  const sameYear = dayKey(ms, format).slice(0, 4) === dayKey(now, format).slice(0, 4);
  return write(ms, format, `date-${month}${sameYear ? '' : '-year'}`);
}

/**
 * The time of a row.
 * @param {number} ms
 * @param {number} now
 * @param {Format} format
 */
export function rowTime(ms, now, format) {
  if (Number.isNaN(ms)) return '';
  const age = now - ms;
  // A server's clock may run a little ahead of ours.
  if (age < MINUTE && age > -MINUTE) return 'now';
  if (age > 0 && age < HOUR) return `${Math.floor(age / MINUTE)} min`;
  const days = daysBefore(ms, now, format);
  if (days === 0) return clock(ms, format);
  if (days > 0 && days < 7) return write(ms, format, 'weekday-short');
  return date(ms, now, format, 'short');
}

/**
 * The heading over the rows of one day.
 * @param {number} ms
 * @param {number} now
 * @param {Format} format
 */
export function dayHeading(ms, now, format) {
  const days = daysBefore(ms, now, format);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days > 1 && days < 7) return write(ms, format, 'weekday-long');
  return date(ms, now, format, 'long');
}

/**
 * The whole of it, for the detail and on hover.
 * @param {number} ms
 * @param {Format} format
 */
export function fullDate(ms, format) {
  if (Number.isNaN(ms)) return '';
  const day = write(ms, format, 'full');
  return `${day}, ${clock(ms, format)}`;
}

/**
 * A moment after the word "since": the clock, with the day before it when that was not today.
 * @param {number} ms
 * @param {number} now
 * @param {Format} format
 */
export function moment(ms, now, format) {
  const days = daysBefore(ms, now, format);
  if (days <= 0) return clock(ms, format);
  const day = days < 7 ? write(ms, format, 'weekday-short') : date(ms, now, format, 'short');
  return `${day} ${clock(ms, format)}`;
}

/**
 * How long ago something happened, in a sentence: "just now", "5 min ago", "at 14:05", "on Mon 14:05".
 * @param {number} ms
 * @param {number} now
 * @param {Format} format
 */
export function ago(ms, now, format) {
  const age = now - ms;
  if (age < MINUTE) return 'just now';
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  return `${daysBefore(ms, now, format) <= 0 ? 'at' : 'on'} ${moment(ms, now, format)}`;
}

/**
 * A moment to come, after the word "until": the clock alone within half a day, for there it can mean one moment only.
 * @param {number} ms
 * @param {number} now
 * @param {Format} format
 */
export function until(ms, now, format) {
  if (Number.isNaN(ms)) return '';
  const days = -daysBefore(ms, now, format);
  if (days <= 0 || ms - now < DAY / 2) return clock(ms, format);
  const day = days === 1 ? 'tomorrow' : days < 7 ? write(ms, format, 'weekday-short') : date(ms, now, format, 'short');
  return `${day} ${clock(ms, format)}`;
}

/**
 * A time of any day, `22:00`, as the system writes it.
 * @param {string} time
 * @param {Format} format
 */
export function writeClock(time, format) {
  return clock(Date.parse(`2024-01-01T${time}:00Z`), { ...format, timeZone: 'UTC' });
}

/**
 * The time of day that was typed: `22:00`, `9.30`, `22`, `10 pm`. Null for anything else.
 * @param {string} text
 */
export function readClock(text) {
  const found = /^\s*(\d{1,2})(?:\s*[:.h]\s*(\d{2}))?\s*([ap])?\.?(?:m\.?)?\s*$/i.exec(text);
  if (!found) return null;
  const half = found[3]?.toLowerCase();
  const minute = Number(found[2] ?? 0);
  let hour = Number(found[1]);
  if (half !== undefined && (hour < 1 || hour > 12)) return null;
  if (half !== undefined) hour = (hour % 12) + (half === 'p' ? 12 : 0);
  if (hour > 23 || minute > 59) return null;
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}
