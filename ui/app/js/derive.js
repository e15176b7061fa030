/**
 * What the window says of a state of the core: which screen, pill, banner, steps and words. Pure.
 * It switches on `state` and `code`, never on text.
 */

import { isNarrowed } from './search.js';
import { ago, moment, parse, until } from './time.js';

/** @typedef {import('../../types/backend').View} View */
/** @typedef {import('../../types/backend').Account} Account */
/** @typedef {import('../../types/backend').Problem} Problem */
/** @typedef {import('../../types/backend').Step} Step */
/** @typedef {import('../../types/backend').Tab} Tab */
/** @typedef {import('../../types/state').Screen} Screen */
/** @typedef {import('../../types/state').State} State */
/** @typedef {import('../../types/state').Format} Format */

/** A socket that connects within this is not worth a banner. */
export const BANNER_AFTER_MS = 3000;

/**
 * @param {View} view
 * @param {Screen} before a sign-in shows its steps where it was begun
 * @returns {Screen}
 */
export function screenOf(view, before) {
  switch (view.session.state) {
    case 'signed_out': return 'sign-in';
    case 'signing_in':
      if (before === 'sign-in' || before === 'inbox') return before;
      return view.account?.user ? 'inbox' : 'sign-in';
    case 'online':
    case 'offline': return 'inbox';
    // Without an account there is nothing that a session id alone could renew.
    case 'rejected': return view.account ? 'inbox' : 'sign-in';
  }
}

/**
 * @param {View} view
 * @param {number} now
 * @param {Format} format
 * @returns {{ kind: 'online' | 'connecting' | 'offline' | 'expired', text: string, title: string }}
 */
export function pillOf(view, now, format) {
  const session = view.session;
  switch (session.state) {
    case 'online':
      return session.socket === 'live'
        ? { kind: 'online', text: 'Online', title: 'New messages arrive at once' }
        : { kind: 'connecting', text: 'Connecting…', title: 'Opening the live connection' };
    case 'signing_in':
      return { kind: 'connecting', text: 'Connecting…', title: 'Signing in' };
    case 'offline': {
      const since = moment(parse(session.since), now, format);
      return { kind: 'offline', text: since ? `Offline since ${since}` : 'Offline', title: session.problem.message };
    }
    case 'rejected':
      return { kind: 'expired', text: 'Session expired', title: session.problem.message };
    case 'signed_out':
      return { kind: 'offline', text: 'Signed out', title: '' };
  }
}

/**
 * The banner over the list; none while all is well or the session asks for a new sid, which has a form of its own.
 * @param {View} view
 * @param {number | null} connectingSince
 * @param {number} now
 * @param {Format} format
 * @returns {{ kind: 'offline' | 'connecting', title: string, text: string } | null}
 */
export function bannerOf(view, connectingSince, now, format) {
  const session = view.session;
  switch (session.state) {
    case 'offline': {
      const since = moment(parse(session.since), now, format);
      return {
        kind: 'offline',
        title: since ? `Offline since ${since}` : 'Offline',
        text: sentence(session.problem) || 'What is sent meanwhile arrives once the connection is back.',
      };
    }
    case 'online':
      if (session.socket === 'live' || connectingSince === null || now - connectingSince < BANNER_AFTER_MS) return null;
      return {
        kind: 'connecting',
        title: `Connecting since ${moment(connectingSince, now, format)}`,
        text: 'The list is up to date as of the last check. New messages arrive once the live connection is back.',
      };
    case 'signing_in':
    case 'rejected':
    case 'signed_out': return null;
  }
}

/**
 * Why the list stays and the session id alone is asked for; null while it is not.
 * Without its keyring the core cannot go on by itself: the id can be given for this session only.
 * @param {View} view
 * @returns {{ title: string, reason: string } | null}
 */
export function sidRequestOf({ session }) {
  switch (session.state) {
    case 'rejected': return { title: 'Session expired', reason: sentence(session.problem) };
    case 'offline':
      return session.problem.code === 'no_keyring'
        ? { title: 'Go on without the keyring', reason: 'Paste the session id to use it for this session only.' }
        : null;
    case 'online':
    case 'signing_in':
    case 'signed_out': return null;
  }
}

/**
 * The environment as a badge beside the account; none for production.
 * @param {Account} account
 */
export function badgeOf(account) {
  switch (account.environment) {
    case 'production': return null;
    case 'staging': return 'Staging';
    default:
      try {
        return new URL(account.environment).host || account.environment;
      } catch {
        return account.environment;
      }
  }
}

/** @type {readonly Step[]} */
const STEPS = ['brand', 'session', 'channel'];

/**
 * @param {Step} step
 * @param {string} brand as entered
 * @returns {{ step: Step, text: string, state: 'done' | 'doing' | 'todo' }[]}
 */
export function stepsOf(step, brand) {
  const at = STEPS.indexOf(step);
  const words = {
    brand: `Finding ${brand || 'the brand'}`,
    session: 'Checking the session id',
    channel: 'Opening the channel',
  };
  return STEPS.map((name, index) => ({
    step: name,
    text: words[name],
    state: index < at ? 'done' : index === at ? 'doing' : 'todo',
  }));
}

/**
 * @param {Tab} tab
 * @param {View} view
 * @param {number} now
 * @param {Format} format
 * @returns {{ title: string, text: string }}
 */
export function emptyOf(tab, view, now, format) {
  return { title: emptyTitle(tab), text: checkedText(view, now, format) };
}

/** @param {Tab} tab */
function emptyTitle(tab) {
  switch (tab) {
    case 'all':
    case 'unread': return "You're all caught up";
    case 'messages': return 'No messages here';
    case 'shoutouts': return 'No shoutouts here';
    case 'inbox': return 'Nothing in the inbox';
  }
}

/**
 * @param {View} view
 * @param {number} now
 * @param {Format} format
 */
function checkedText(view, now, format) {
  const checked = parse(view.last_synced);
  if (Number.isNaN(checked)) {
    return view.session.state === 'online' ? 'Checking for messages…' : 'Not checked yet';
  }
  return `Last checked ${ago(checked, now, format)}`;
}

/**
 * @param {View} view
 * @param {number} now
 * @param {Format} format
 */
export function syncedText(view, now, format) {
  const synced = parse(view.last_synced);
  return Number.isNaN(synced) ? 'Not synced yet' : `Last synced ${ago(synced, now, format)}`;
}

/**
 * What went wrong and what to do, as one run of text.
 * @param {Problem} problem
 */
export function sentence(problem) {
  return [problem.message, problem.hint].filter((part) => part !== '').join(' ');
}

/**
 * The words on a row, or over the list, for a mark that failed.
 * @param {{ read: boolean, problem: Problem }} failure
 */
export function failureText({ read, problem }) {
  return `Could not mark as ${read ? 'read' : 'unread'}: ${problem.message || 'no reason was given.'}`;
}

/**
 * What a notice is remembered by once it was dismissed. The text belongs to it: a second damaged store is news.
 * @param {Problem} problem
 */
export function noticeKey(problem) {
  return `${problem.code}\n${problem.message}`;
}

/**
 * @param {readonly Problem[]} notices
 * @param {ReadonlySet<string>} dismissed
 */
export function noticesOf(notices, dismissed) {
  return notices.filter((problem) => !dismissed.has(noticeKey(problem)));
}

/**
 * The last check, for the header: short, and the same for as long as it is true.
 * @param {View} view
 * @param {number} now
 * @param {Format} format
 */
export function checkedAt(view, now, format) {
  const synced = parse(view.last_synced);
  return Number.isNaN(synced) ? 'Not checked yet' : `Checked ${moment(synced, now, format)}`;
}

/**
 * Why no notification comes, and whether the person can end that here; null while they come.
 * @param {View} view
 * @param {number} now
 * @param {Format} format
 * @returns {{ text: string, resumable: boolean } | null}
 */
export function heldOf({ held }, now, format) {
  if (!held) return null;
  const end = until(parse(held.until), now, format);
  const tail = end ? ` until ${end}` : '';
  switch (held.by) {
    case 'pause': return { text: `Paused${tail}`, resumable: true };
    case 'quiet_hours': return { text: `Quiet hours${tail}`, resumable: false };
  }
}

/**
 * The read marks on their way to the server; null while there are none to tell of.
 * @param {View} view
 * @param {boolean} leaving
 * @returns {{ text: string, done: number, total: number | null } | null}
 */
export function sendingOf({ sending, outbox }, leaving) {
  const before = leaving ? ' before signing out' : '';
  if (sending) return { text: `Sending read marks${before}: ${sending.done} of ${sending.total}`, done: sending.done, total: sending.total };
  if (!leaving) return null;
  return { text: outbox > 0 ? `Sending read marks${before}…` : 'Signing out…', done: 0, total: null };
}

/**
 * Whether a message would be seen as it arrives: the list is on the screen, from its first row on, and would show it.
 * @param {State} state
 * @param {{ covered: boolean, atTop: boolean }} list
 */
export function isListSeen({ screen, page, list: { tab }, search }, { covered, atTop }) {
  return screen === 'inbox' && page === null && !covered && atTop && (tab === 'all' || tab === 'unread') && !isNarrowed(search);
}
