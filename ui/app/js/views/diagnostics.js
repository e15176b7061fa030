/**
 * How Traybell does, in figures and words of the core, and a file of it for whoever helps.
 */

import { copyText } from '../clipboard.js';
import { sentence } from '../derive.js';
import { h, newId, setAttribute, setHidden, setText } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('../../../types/backend').Diagnostics} Report */
/** @typedef {import('../../../types/state').State} State */
/** @typedef {import('../../../types/state').Actions} Actions */

/** @param {Actions} actions */
export function createDiagnostics(actions) {
  const refresh = h(
    'button',
    { type: 'button', class: 'button small', 'data-testid': 'diagnostics-refresh', onclick: () => void actions.readDiagnostics() },
    icon('refresh', 16),
    h('span', { text: 'Refresh' }),
  );
  const saveWords = h('span', {});
  const save = h(
    'button',
    { type: 'button', class: 'button small', 'data-testid': 'diagnostics-export', onclick: () => void actions.exportDiagnostics() },
    icon('save', 16),
    saveWords,
  );
  const path = h('span', { class: 'path', dir: 'ltr', 'data-testid': 'diagnostics-path' });
  const copy = h('button', { type: 'button', class: 'button small', 'data-testid': 'diagnostics-copy', onclick: () => void copyPath() });
  const saved = h('div', { class: 'saved', hidden: true, 'data-testid': 'diagnostics-saved' }, icon('check'), h('p', { class: 'saved-words' }, 'Saved as ', path), copy);
  const notSaved = h('p', { class: 'field-error', hidden: true, 'data-testid': 'diagnostics-export-error' });
  const why = h('p', {});
  const failed = h(
    'div',
    { class: 'list-failed', role: 'alert', hidden: true, 'data-testid': 'diagnostics-error' },
    icon('warning'),
    h('p', { class: 'empty-title', text: 'The diagnostics could not be read' }),
    why,
  );
  const report = h('div', { 'data-testid': 'diagnostics-report' });
  /** @type {Report | null} */
  let drawn = null;

  async function copyPath() {
    const copied = await copyText(path.textContent ?? '');
    setText(copy, copied ? 'Copied' : 'Not copied');
    actions.say(copied ? 'Copied' : 'The path could not be copied');
  }

  return {
    element: h(
      'div',
      { class: 'diagnostics', 'data-testid': 'diagnostics' },
      h(
        'div',
        { class: 'setting' },
        h('p', { text: 'How Traybell is connected and what it has counted.' }),
        h('div', { class: 'button-row' }, refresh, save),
        h('p', { class: 'setting-hint', text: 'The file has the log and these figures. No session id and no message text is in it.' }),
        h('div', { class: 'export-status', role: 'status' }, saved, notSaved),
      ),
      failed,
      report,
    ),
    /** @param {State} state */
    draw({ diagnostics: { report: next, loading, problem, exporting, file, exportProblem } }) {
      setAttribute(refresh, 'aria-disabled', loading && 'true');
      setAttribute(report, 'aria-busy', loading && 'true');
      setAttribute(save, 'aria-disabled', exporting && 'true');
      setText(saveWords, exporting ? 'Saving…' : 'Save a file for support…');
      if (file !== null && path.textContent !== file) {
        setText(path, file);
        setText(copy, 'Copy path');
      }
      setHidden(saved, file === null);
      setText(notSaved, exportProblem ? `The file could not be written: ${sentence(exportProblem)}` : '');
      setHidden(notSaved, exportProblem === null);
      setHidden(failed, problem === null);
      if (problem) setText(why, sentence(problem));
      if (next && next !== drawn) report.replaceChildren(...next.sections.map(drawSection));
      drawn = next;
    },
  };
}

/** @param {Report['sections'][number]} of */
function drawSection({ title, entries }) {
  const id = newId('section');
  return h(
    'section',
    { class: 'setting', 'aria-labelledby': id },
    h('h3', { id, text: title }),
    h('dl', { class: 'entries' }, ...entries.map(({ name, value }) => h('div', { class: 'entry' }, h('dt', { text: name }), h('dd', { text: value })))),
  );
}
