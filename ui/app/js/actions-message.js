/**
 * What the person does with one message: open, delete, follow a link, ask for its picture. No DOM here.
 */

import { problemOf } from './backend.js';

/** @typedef {import('../../types/backend').Backend} Backend */
/** @typedef {import('../../types/backend').Button} Button */
/** @typedef {import('../../types/backend').Problem} Problem */
/** @typedef {import('../../types/state').Store} Store */
/** @typedef {import('../../types/state').Ask} Ask */

/**
 * @param {Store} store
 * @param {Backend} backend
 * @param {Ask} ask
 * @param {Pick<ReturnType<typeof import('./actions-list.js').listActions>, 'mark' | 'removed' | 'reload'>} list
 * @param {(text: string) => void} say
 */
export function messageActions(store, backend, ask, list, say) {
  /** @param {string} id */
  async function open(id) {
    store.set({ open: { id, detail: null, problem: null }, page: null });
    let detail;
    try {
      detail = await backend.detail(id);
    } catch (error) {
      if (store.get().open?.id === id) store.set({ open: { id, detail: null, problem: problemOf(error) } });
      return;
    }
    // Another one was opened meanwhile.
    if (store.get().open?.id !== id) return;
    store.set({ open: { id, detail, problem: null } });
    if (!detail.read) await list.mark(id, true);
  }

  /** What is shown stays while it is asked for again. */
  async function fetchRest() {
    const id = store.get().open?.id;
    if (id === undefined) return;
    let detail;
    try {
      detail = await backend.detail(id);
    } catch (error) {
      const { open } = store.get();
      if (open?.id === id && open.detail) store.set({ open: { ...open, detail: { ...open.detail, cut: problemOf(error) } } });
      return;
    }
    if (store.get().open?.id === id) store.set({ open: { id, detail, problem: null } });
  }

  /** What the core says of the open message may be another now: a picture that may be shown. */
  async function reread() {
    const id = store.get().open?.id;
    if (id === undefined) return;
    try {
      const detail = await backend.detail(id);
      if (store.get().open?.id === id) store.set({ open: { id, detail, problem: null } });
    } catch {
      // What is shown stays: it is told when the message is opened again.
    }
  }

  /** @param {string} id @returns {Promise<Problem | null>} */
  async function showImage(id) {
    try {
      await backend.showImage(id);
    } catch (error) {
      return problemOf(error);
    }
    await reread();
    return null;
  }

  /** @param {string} id */
  async function remove(id) {
    const brand = store.get().view?.account?.brand ?? 'the site';
    const sure = await ask({
      title: 'Delete this message?',
      text: `It is removed from this device and does not come back. It stays in your inbox at ${brand}.`,
      confirm: 'Delete',
      danger: true,
    });
    if (!sure) return;
    try {
      await backend.deleteMessage(id);
    } catch (error) {
      store.set({
        flash: { title: 'Could not delete the message', problem: problemOf(error), retry: () => void remove(id) },
      });
      return;
    }
    if (store.get().open?.id === id) store.set({ open: null });
    list.removed(id);
    say('Message deleted');
    void list.reload();
  }

  /**
   * @param {string} id
   * @param {number} index
   * @param {Button} button what was pressed
   * @returns {Promise<Problem | null>} why it was not opened
   */
  async function openLink(id, index, button) {
    let confirmed = false;
    let confirmFirst = button.confirm;
    for (;;) {
      if (confirmFirst && !confirmed) {
        confirmed = (await ask({
          title: 'Open a link that is not encrypted?',
          text: 'Others on the network can see and change what this page shows.',
          quote: button.target,
          confirm: 'Open anyway',
        })) !== null;
        if (!confirmed) return null;
      }
      try {
        await backend.openLink(id, index, confirmed);
        return null;
      } catch (error) {
        const problem = problemOf(error);
        if (problem.code !== 'confirm_link' || confirmed) return problem;
        confirmFirst = true;
      }
    }
  }

  return { open, fetchRest, reread, showImage, remove, openLink };
}
