//! Runs bounded work on a few named threads. The first error ends all of it.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::DiskError;
use super::error::Tried as _;

/// Threads that hash: more would only take the disk and the cores from transfers and games.
pub(crate) const HASHERS: usize = 2;

/// Calls `work` for each item, in order of their start, on up to `threads` threads named `name`.
pub(crate) fn for_each<T: Sync>(
    name: &str,
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<(), DiskError> + Sync,
) -> Result<(), DiskError> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.min(items.len()).min(cores.max(2));
    if threads <= 1 {
        return items.iter().try_for_each(work);
    }
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let run = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = work(item) {
                next.store(items.len(), Ordering::Relaxed);
                lock(&failed).get_or_insert(error);
            }
        }
    };
    thread::scope(|scope| {
        for nth in 1..threads {
            let builder = thread::Builder::new().name(format!("{name}-{nth}"));
            builder.spawn_scoped(scope, run).tried("start a thread for", name.as_ref())?;
        }
        run();
        Ok::<_, DiskError>(())
    })?;
    match lock(&failed).take() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// A lock whose data stays valid when a holder panicked: every change to it is one assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_items_are_worked_on_and_an_error_ends_it() {
        let items: Vec<usize> = (0..100).collect();
        let sum = AtomicUsize::new(0);
        let add = |item: &usize| {
            sum.fetch_add(*item, Ordering::Relaxed);
            Ok(())
        };
        for_each("test", 3, &items, add).unwrap();
        assert_eq!(sum.into_inner(), 4950);
        let fail = |item: &usize| if *item == 50 { Err(DiskError::Cancelled) } else { Ok(()) };
        assert!(matches!(for_each("test", 3, &items, fail), Err(DiskError::Cancelled)));
    }
}
