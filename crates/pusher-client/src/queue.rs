//! A bounded queue to one reader, who is told what was dropped. It must never make the writer wait: the writer is the
//! socket's task.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    Item(T),
    /// So many items were dropped here, the oldest first.
    Missed(u64),
}

pub(crate) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    most_items: usize,
    most_bytes: usize,
}

struct Inner<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    missed: u64,
    closed: bool,
    /// The reader, when it waits.
    waiting: Option<Waker>,
}

impl<T> Queue<T> {
    pub(crate) fn new(most_items: usize, most_bytes: usize) -> Self {
        let inner = Inner { items: VecDeque::new(), bytes: 0, missed: 0, closed: false, waiting: None };
        Self { inner: Mutex::new(inner), most_items: most_items.max(1), most_bytes }
    }

    /// Adds `item`, which takes about `bytes`, and drops the oldest ones over the bounds. The newest always stays.
    pub(crate) fn push(&self, item: T, bytes: usize) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        inner.items.push_back((item, bytes));
        inner.bytes += bytes;
        while inner.items.len() > 1 && (inner.items.len() > self.most_items || inner.bytes > self.most_bytes) {
            if let Some((_, bytes)) = inner.items.pop_front() {
                inner.bytes -= bytes;
                inner.missed += 1;
            }
        }
        wake(inner);
    }

    /// Nothing is delivered from here on, not even what is waiting.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.items.clear();
        inner.bytes = 0;
        wake(inner);
    }

    /// The next item; `None` once closed. For one reader at a time.
    pub(crate) fn poll_next(&self, context: &Context<'_>) -> Poll<Option<Next<T>>> {
        let mut inner = self.lock();
        if inner.closed {
            return Poll::Ready(None);
        }
        if inner.missed > 0 {
            return Poll::Ready(Some(Next::Missed(std::mem::take(&mut inner.missed))));
        }
        if let Some((item, bytes)) = inner.items.pop_front() {
            inner.bytes -= bytes;
            return Poll::Ready(Some(Next::Item(item)));
        }
        match &mut inner.waiting {
            Some(waiting) => waiting.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// The same as a future. Cancel-safe.
    #[cfg(test)]
    pub(crate) async fn next(&self) -> Option<Next<T>> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // No code that can panic runs under the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the reader once the lock is free again.
fn wake<T>(mut inner: MutexGuard<'_, Inner<T>>) {
    let waiting = inner.waiting.take();
    drop(inner);
    if let Some(waiting) = waiting {
        waiting.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_slow_reader_is_told_how_many_of_the_oldest_are_gone() {
        let queue = Queue::new(2, 1_000);
        (1..=5).for_each(|item| queue.push(item, 1));
        assert_eq!(queue.next().await, Some(Next::Missed(3)));
        assert_eq!(queue.next().await, Some(Next::Item(4)));
        assert_eq!(queue.next().await, Some(Next::Item(5)));
    }

    #[tokio::test]
    async fn many_bytes_count_as_many_items() {
        let queue = Queue::new(100, 1_000);
        (1..=3).for_each(|item| queue.push(item, 600));
        assert_eq!(queue.next().await, Some(Next::Missed(2)));
        assert_eq!(queue.next().await, Some(Next::Item(3)));
        queue.push(4, 5_000);
        assert_eq!(queue.next().await, Some(Next::Item(4)), "the newest stays, however large");
    }

    #[tokio::test]
    async fn closing_wakes_the_reader_and_drops_what_waits() {
        let queue = Arc::new(Queue::new(2, 1_000));
        let reader = tokio::spawn({
            let queue = queue.clone();
            async move { queue.next().await }
        });
        tokio::task::yield_now().await;
        queue.close();
        assert_eq!(reader.await.unwrap(), None);
        queue.push(1, 1);
        assert_eq!(queue.next().await, None);
    }
}
