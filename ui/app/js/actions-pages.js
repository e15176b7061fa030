/**
 * What the pages over the list do: settings that are saved as they are changed, pause, diagnostics. No DOM here.
 */

import { problemOf } from './backend.js';
import { withChanges } from './settings.js';

/** @typedef {import('../../types/backend').Backend} Backend */
/** @typedef {import('../../types/backend').PageName} PageName */
/** @typedef {import('../../types/backend').PauseLength} PauseLength */
/** @typedef {import('../../types/backend').Problem} Problem */
/** @typedef {import('../../types/backend').Settings} Settings */
/** @typedef {import('../../types/state').Field} Field */
/** @typedef {import('../../types/state').Store} Store */

/**
 * @param {Store} store
 * @param {Backend} backend
 * @param {(text: string) => void} say
 * @param {(field: Field) => void} saved what follows from a setting that was taken
 */
export function pageActions(store, backend, say, saved) {
  /** As the core has them. */
  /** @type {Settings | null} */
  let known = null;
  /** Changes that the core has not answered to, oldest first. */
  /** @type {{ field: Field, value: unknown }[]} */
  let waiting = [];
  let saving = false;
  /** What the core was told last; null: nothing it can be trusted to know. */
  /** @type {boolean | null} */
  let seen = null;

  /** @param {Partial<import('../../types/state').SettingsPage>} patch */
  const setSettings = (patch) => store.set({ settings: { ...store.get().settings, ...patch } });
  /** @param {Partial<import('../../types/state').DiagnosticsPage>} patch */
  const setDiagnostics = (patch) => store.set({ diagnostics: { ...store.get().diagnostics, ...patch } });

  /** @param {Field | 'pause'} field @param {Problem | null} problem */
  function refuse(field, problem) {
    const refused = new Map(store.get().settings.refused);
    if (problem) refused.set(field, problem);
    else if (!refused.delete(field)) return;
    setSettings({ refused });
  }

  /** @param {PageName} page */
  function showPage(page) {
    // What was read before may be another account's, and must not be saved over this one's.
    if (!saving) known = null;
    setSettings({ refused: new Map(), problem: null, shown: known && withChanges(known, waiting) });
    setDiagnostics({ file: null, exportProblem: null });
    store.set({ page });
    void (page === 'settings' ? readSettings() : readDiagnostics());
  }

  async function readSettings() {
    if (saving) return;
    try {
      const read = await backend.settings();
      // A change that was made meanwhile is newer than what was read.
      if (!saving) known = read;
    } catch (error) {
      setSettings({ problem: problemOf(error) });
      return;
    }
    showKnown();
  }

  function showKnown() {
    if (known) setSettings({ shown: withChanges(known, waiting), problem: null });
  }

  /**
   * Shown at once; taken back with the reason when the core refuses. One is saved after the other, each upon what was
   * taken before it, so that a refused one spoils no other.
   * @template {Field} F
   * @param {F} field
   * @param {Settings[F]} value
   */
  async function changeSetting(field, value) {
    if (!known) return;
    refuse(field, null);
    waiting.push({ field, value });
    showKnown();
    if (saving) return;
    saving = true;
    for (let next = waiting[0]; next; next = waiting[0]) {
      /** @type {Problem | null} */
      let problem = null;
      try {
        known = await backend.saveSettings(withChanges(known, [next]));
      } catch (error) {
        problem = problemOf(error);
      }
      waiting.shift();
      refuse(next.field, problem);
      showKnown();
      if (problem) say(`Not saved: ${problem.message}`);
      else saved(next.field);
    }
    saving = false;
  }

  /** @param {PauseLength} length */
  const pause = (length) => hold(() => backend.pause(length), 'Notifications are paused', 'Could not pause notifications');
  const resume = () => hold(() => backend.resume(), 'Notifications come again', 'Could not resume notifications');

  /** @param {() => Promise<void>} call @param {string} done @param {string} failed */
  async function hold(call, done, failed) {
    refuse('pause', null);
    try {
      await call();
    } catch (error) {
      const problem = problemOf(error);
      if (store.get().page === 'settings') refuse('pause', problem);
      else store.set({ flash: { title: failed, problem, retry: () => void hold(call, done, failed) } });
      return;
    }
    say(done);
  }

  async function readDiagnostics() {
    if (store.get().diagnostics.loading) return;
    setDiagnostics({ loading: true, problem: null });
    try {
      setDiagnostics({ report: await backend.diagnostics(), loading: false });
    } catch (error) {
      setDiagnostics({ loading: false, problem: problemOf(error) });
    }
  }

  async function exportDiagnostics() {
    if (store.get().diagnostics.exporting) return;
    setDiagnostics({ exporting: true, file: null, exportProblem: null });
    try {
      setDiagnostics({ exporting: false, file: await backend.exportDiagnostics() });
    } catch (error) {
      setDiagnostics({ exporting: false, exportProblem: problemOf(error) });
    }
  }

  /** @param {boolean} shown */
  async function listShown(shown) {
    if (shown === seen) return;
    seen = shown;
    try {
      await backend.listShown(shown);
    } catch {
      // It is told again with the next drawing; until then a notification more may come, which is no harm.
      seen = null;
    }
  }

  /** What sign-out does with the messages unless the person says otherwise; the default where nothing can be read. */
  async function purges() {
    await readSettings();
    return known?.purge_at_sign_out ?? true;
  }

  return { showPage, readSettings, changeSetting, pause, resume, readDiagnostics, exportDiagnostics, listShown, purges };
}
