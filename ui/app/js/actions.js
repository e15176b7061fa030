/**
 * Everything the person can do, as calls to the core and changes of the state. No DOM here.
 * It must never keep the session id longer than the call that sends it.
 */

import { listActions } from './actions-list.js';
import { messageActions } from './actions-message.js';
import { pageActions } from './actions-pages.js';
import { problemOf } from './backend.js';
import { noticeKey, screenOf } from './derive.js';
import { discardQuestion, linkQuestion, signOutQuestion } from './questions.js';

/** @typedef {import('../../types/backend').Backend} Backend */
/** @typedef {import('../../types/backend').View} View */
/** @typedef {import('../../types/backend').SignIn} SignIn */
/** @typedef {import('../../types/backend').Problem} Problem */
/** @typedef {import('../../types/state').Store} Store */
/** @typedef {import('../../types/state').Ask} Ask */
/** @typedef {import('../../types/state').Actions} Actions */

/**
 * @param {Store} store
 * @param {Backend} backend
 * @param {Ask} ask
 * @param {{ now: () => number, remember: (dismissed: ReadonlySet<string>) => void }} outside
 * @returns {Actions & { viewArrived(view: View): void, focusOn(id: string | null): void }}
 */
export function createActions(store, backend, ask, outside) {
  const list = listActions(store, backend, { now: outside.now, say });
  const message = messageActions(store, backend, ask, list, say);
  const pages = pageActions(store, backend, say, (field) => {
    if (field === 'images') void message.reread();
  });
  /** A message asked for by a notification before there was a list to show it in. */
  /** @type {string | null} */
  let wanted = null;
  /** The person asked for a check and has not heard of its result; `last` is the check before it. */
  /** @type {{ last: string | null } | null} */
  let checking = null;
  /** Whether a link may fill in the form: one link at a time. */
  let asking = false;

  /** @param {View} view */
  function viewArrived(view) {
    const { view: before, screen: beforeScreen, connectingSince } = store.get();
    const screen = screenOf(view, beforeScreen);
    const connecting = view.session.state === 'online' && view.session.socket === 'connecting';
    const now = outside.now();
    // The clock ticks by itself: moving it with every event would draw every row again.
    store.set({ view, screen, connectingSince: connecting ? (connectingSince ?? now) : null });
    forgetDismissed(view);
    tellChecked(view);
    if (screen === 'sign-in') {
      if (beforeScreen === 'inbox') leave();
      return;
    }
    const other = !sameAccount(before?.account, view.account);
    if (other && before?.account) leave();
    if (other || before?.revision !== view.revision || beforeScreen !== 'inbox') void list.reload();
    if (wanted !== null) {
      const id = wanted;
      wanted = null;
      void message.open(id);
    } else if (isLive(view) && before && !isLive(before) && store.get().open?.detail?.cut) {
      void message.fetchRest();
    }
  }

  /** A notice that is over may come again, and is news then. @param {View} view */
  function forgetDismissed(view) {
    const { dismissed } = store.get();
    const standing = new Set(view.notices.map(noticeKey));
    const stay = new Set([...dismissed].filter((key) => standing.has(key)));
    if (stay.size === dismissed.size) return;
    outside.remember(stay);
    store.set({ dismissed: stay });
  }

  /** @param {View} view */
  function tellChecked(view) {
    if (checking === null) return;
    if (view.session.state !== 'online') {
      // The banner tells of it.
      checking = null;
    } else if (view.last_synced !== checking.last) {
      checking = null;
      say(`Checked for messages: ${view.unread === 0 ? 'none' : view.unread} unread`);
    }
  }

  /** Nothing of one account stays on the screen of the next. */
  function leave() {
    list.leave();
    store.set({ open: null, page: null, marks: new Map(), flash: null, signIn: { busy: false, problem: null } });
  }

  /** @param {string | null} id */
  function focusOn(id) {
    if (id === null) return;
    if (store.get().screen === 'inbox') void message.open(id);
    else wanted = id;
  }

  /** @param {SignIn} input @returns {Promise<boolean>} */
  async function signIn(input) {
    store.set({ signIn: { busy: true, problem: null } });
    try {
      await backend.signIn(input);
    } catch (error) {
      const problem = problemOf(error);
      store.set({ signIn: { busy: false, problem } });
      if (problem.code !== 'insecure_server' || input.insecureConfirmed) return false;
      const confirmed = await ask({
        title: 'This server is not encrypted',
        text: `${problem.message} Anyone on the way to it can read the session id and the messages.`,
        quote: input.environment,
        confirm: 'Use it anyway',
        danger: true,
      });
      return confirmed !== null ? signIn({ ...input, insecureConfirmed: true }) : false;
    }
    store.set({ signIn: { busy: false, problem: null } });
    return true;
  }

  /** Nothing is filled in unasked: anybody can write a link. @param {import('../../types/backend').SignInLink} link */
  async function acceptLink(link) {
    const { screen, view } = store.get();
    if (screen !== 'sign-in') {
      const brand = view?.account?.brand ?? 'a brand';
      const problem = { code: /** @type {const} */ ('bad_input'), message: `You are signed in to ${brand} already.`, hint: 'Sign out first, and open the link again.' };
      store.set({ flash: { title: `The link to sign in to ${link.brand} was not used`, problem, retry: null }, page: null });
      return false;
    }
    if (asking) return false;
    asking = true;
    store.set({ page: null });
    const answer = await ask(linkQuestion(link));
    asking = false;
    return answer !== null && store.get().screen === 'sign-in';
  }

  async function signOut() {
    if (store.get().leaving) return;
    const purge = await pages.purges();
    const { view } = store.get();
    const answer = view && (await ask(signOutQuestion(view, purge)));
    if (answer) await leaveAccount(answer.choice);
  }

  /** The core sends what waits first, which can take a while. @param {boolean} purge */
  async function leaveAccount(purge) {
    store.set({ leaving: true, flash: null });
    try {
      await backend.signOut(false, purge);
    } catch (error) {
      const problem = problemOf(error);
      const { view } = store.get();
      if (problem.code !== 'outbox_not_empty' || !view) tellNotLeft(problem, purge);
      else {
        store.set({ leaving: false });
        if (await ask(discardQuestion(view))) await discardAndLeave(purge);
      }
    }
    store.set({ leaving: false });
  }

  /** @param {boolean} purge */
  async function discardAndLeave(purge) {
    store.set({ leaving: true });
    try {
      await backend.signOut(true, purge);
    } catch (error) {
      tellNotLeft(problemOf(error), purge);
    }
  }

  /** @param {Problem} problem @param {boolean} purge */
  function tellNotLeft(problem, purge) {
    store.set({ flash: { title: 'Could not sign out', problem, retry: () => void leaveAccount(purge) } });
  }

  async function refresh() {
    if (store.get().trying) return;
    store.set({ trying: true, flash: null });
    // The core answers once it has begun; a view tells of the end, which may come first.
    checking = { last: store.get().view?.last_synced ?? null };
    say('Checking for messages…');
    try {
      await backend.refresh();
    } catch (error) {
      checking = null;
      const problem = problemOf(error);
      // The banner tells of an unreachable server already.
      if (store.get().view?.session.state === 'online') {
        store.set({ flash: { title: 'Could not refresh', problem, retry: () => void refresh() } });
      } else say(problem.message);
    }
    store.set({ trying: false, now: outside.now() });
  }

  /** @param {Problem} problem */
  function dismissNotice(problem) {
    const dismissed = new Set([...store.get().dismissed, noticeKey(problem)]);
    outside.remember(dismissed);
    store.set({ dismissed });
  }

  /** @param {string} text */
  function say(text) {
    store.set({ said: { text, turn: store.get().said.turn + 1 } });
  }

  return {
    viewArrived,
    focusOn,
    signIn,
    acceptLink,
    signOut,
    refresh,
    showTab: list.showTab,
    search: list.search,
    showPage: pages.showPage,
    closePage: () => store.set({ page: null }),
    readSettings: pages.readSettings,
    changeSetting: pages.changeSetting,
    pause: pages.pause,
    resume: pages.resume,
    readDiagnostics: pages.readDiagnostics,
    exportDiagnostics: pages.exportDiagnostics,
    listShown: (shown) => void pages.listShown(shown),
    showImage: message.showImage,
    reload: list.reload,
    more: list.more,
    openMessage: message.open,
    closeMessage: () => store.set({ open: null }),
    fetchRest: message.fetchRest,
    mark: list.mark,
    markAllRead: list.markAllRead,
    deleteMessage: message.remove,
    openLink: message.openLink,
    dismissNotice,
    closeFlash: () => store.set({ flash: null }),
    say,
  };
}

/** @param {View} view */
function isLive({ session }) {
  return session.state === 'online' && session.socket === 'live';
}

/**
 * The user's id is not known before the first log-in succeeded: that alone makes no other account.
 * @param {View['account'] | undefined} a
 * @param {View['account']} b
 */
function sameAccount(a, b) {
  if (!a || !b) return !a && !b;
  return a.environment === b.environment && a.brand === b.brand && (a.user === b.user || a.user === '' || b.user === '');
}
