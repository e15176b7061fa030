/**
 * The page's start: joins state, core and views, and draws the screen the state asks for. Nothing else is decided here.
 */

import { createActions } from './actions.js';
import { connect, problemOf } from './backend.js';
import { BANNER_AFTER_MS } from './derive.js';
import { h } from './dom.js';
import { createStore, firstState } from './state.js';
import { formatFor } from './time.js';
import { ask } from './views/dialog.js';
import { createFailureScreen } from './views/failure.js';
import { createFrame } from './views/frame.js';
import { createPages } from './views/pages.js';
import { createSignIn } from './views/sign-in.js';
import { recall, remember } from './dismissed.js';

/** @typedef {import('../../types/backend').Tauri} Tauri */
/** @typedef {import('../../types/state').State} State */
/** @typedef {import('../../types/state').Screen} Screen */

/** Times on the screen are true to the half minute. */
const TICK_MS = 30_000;

/** @param {Tauri} tauri */
function start(tauri) {
  const backend = connect(tauri);
  const store = createStore({ ...firstState(Date.now()), dismissed: recall() });
  const actions = createActions(store, backend, ask, { now: () => Date.now(), remember });
  const format = formatFor(navigator.languages);

  const pages = createPages(store, actions, format);
  const signIn = createSignIn(actions);
  const frame = createFrame(store, actions, backend, format, pages);
  const views = {
    'sign-in': signIn,
    inbox: frame,
    failed: createFailureScreen(() => void load()),
  };
  const root = document.getElementById('app') ?? document.body;
  const spoken = h('div', { class: 'spoken', role: 'status', 'aria-live': 'polite', 'data-testid': 'said' });
  document.body.append(spoken);

  /** @type {Screen} */
  let screen = 'starting';
  let said = 0;
  /** @type {number | null} */
  let connectingSince = null;
  store.subscribe((state) => {
    signIn.remember(state);
    const moved = state.screen === screen ? null : screen;
    if (moved) {
      screen = state.screen;
      root.replaceChildren(...(screen === 'starting' ? [] : [views[screen].element]));
      document.body.dataset['screen'] = screen;
    }
    if (screen !== 'starting') views[screen].draw(state);
    if (screen === 'sign-in') drawOverSignIn(state);
    frame.tellSeen();
    if (moved && screen === 'sign-in') signIn.focus();
    // Whoever just signed in goes on with the keyboard where the list is; a window that opens takes no focus.
    if (moved === 'sign-in' && screen === 'inbox') frame.focus();
    if (state.said.turn !== said) {
      said = state.said.turn;
      spoken.textContent = state.said.text;
    }
    if (state.connectingSince !== connectingSince) {
      connectingSince = state.connectingSince;
      if (connectingSince !== null) setTimeout(tick, BANNER_AFTER_MS + 50);
    }
  });

  /** Whoever cannot sign in needs the diagnostics most. @param {State} state */
  function drawOverSignIn(state) {
    if (pages.element.parentElement !== root) root.append(pages.element);
    signIn.element.hidden = state.page !== null;
    if (pages.draw(state) && state.page === null) signIn.focus();
  }

  function tick() {
    store.set({ now: Date.now() });
  }
  setInterval(tick, TICK_MS);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) tick();
  });

  /** @param {import('../../types/backend').SignInLink} link */
  async function offer(link) {
    if (await actions.acceptLink(link)) signIn.fillIn(link);
  }

  let listening = false;
  async function load() {
    try {
      if (!listening) {
        await backend.onView((view) => actions.viewArrived(view));
        await backend.onFocus((id) => actions.focusOn(id));
        await backend.onShow((place) => {
          if (place.page === 'sign_in') void offer(place);
          else actions.showPage(place.page);
        });
        listening = true;
      }
      actions.viewArrived(await backend.view());
      actions.focusOn((await backend.windowReady()).focus);
    } catch (error) {
      store.set({ screen: 'failed', fatal: problemOf(error) });
      return;
    }
    try {
      store.set({ version: await backend.version() });
    } catch {
      // Only the menu's last line misses it.
    }
  }
  void load();
}

try {
  if (!window.__TAURI__) throw new Error('This page works inside Traybell alone.');
  start(window.__TAURI__);
} catch (error) {
  // A window that stays white tells nobody anything.
  const screen = createFailureScreen(() => window.location.reload());
  document.getElementById('app')?.append(screen.element);
  screen.draw({ ...firstState(0), fatal: problemOf(error) });
}
