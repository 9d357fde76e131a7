//! [`RateLimiter`]: a limit on bytes a second, shared by all transfers of one direction.
//!
//! A token bucket with a queue: whoever asks first is served first and asks for little at a time, so that all transfers
//! get the same share. The bucket holds a fiftieth of a second, so that a game's own packets never wait long behind a
//! burst. The limit can change at any time; who waits, then waits by the new one.

use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout_at};

/// Bursts are as long as the limit allows in this time.
const BURST: Duration = Duration::from_millis(20);
/// The least worth waiting for by itself, and the least a burst holds: a full packet.
const MIN_PIECE: usize = 1_500;
/// The most that is taken at once, so that no transfer makes the others wait for long.
const MAX_PIECE: usize = 64 * 1024;

/// A limit in bytes a second; 0 is none.
#[derive(Debug)]
pub struct RateLimiter {
    limit: watch::Sender<u64>,
    /// Held while waiting: tokio's mutex is fair, which makes it the queue.
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// Nanoseconds' worth of the limit. Negative after a piece larger than what was there.
    saved: i64,
    at: Instant,
    /// The limit that `saved` was counted by.
    limit: u64,
}

impl RateLimiter {
    pub fn new(bytes_per_second: u64) -> Self {
        let bucket = Bucket { saved: 0, at: Instant::now(), limit: bytes_per_second };
        Self { limit: watch::Sender::new(bytes_per_second), bucket: Mutex::new(bucket) }
    }

    /// In bytes a second; 0 is none.
    pub fn limit(&self) -> u64 {
        *self.limit.borrow()
    }

    /// Changes the limit, for those that wait, too.
    pub fn set_limit(&self, bytes_per_second: u64) {
        self.limit.send_if_modified(|limit| std::mem::replace(limit, bytes_per_second) != bytes_per_second);
    }

    /// Waits until some of `wanted` bytes may pass, and says how many: at least one unless none are wanted. Dropping
    /// the future leaves the queue.
    pub async fn take(&self, wanted: usize) -> usize {
        if self.limit() == 0 || wanted == 0 {
            return wanted;
        }
        let mut bucket = self.bucket.lock().await;
        let mut changes = self.limit.subscribe();
        loop {
            let limit = *changes.borrow_and_update();
            if limit == 0 {
                return wanted;
            }
            bucket.refill(limit);
            if bucket.saved > 0 {
                let piece = wanted.min(piece(limit));
                bucket.saved -= nanos_of(piece, limit);
                return piece;
            }
            let due = bucket.at + Duration::from_nanos(bucket.saved.unsigned_abs() + 1);
            // Both ends of the wait lead to another look: the time is due, or the limit has changed.
            drop(timeout_at(due, changes.changed()).await);
        }
    }
}

impl Bucket {
    fn refill(&mut self, limit: u64) {
        if std::mem::replace(&mut self.limit, limit) != limit {
            // A debt by a slow limit would last for ages by a fast one.
            self.saved = 0;
        }
        let now = Instant::now();
        let passed = i64::try_from((now - self.at).as_nanos()).unwrap_or(i64::MAX);
        let most = i64::try_from(BURST.as_nanos()).unwrap_or(i64::MAX);
        self.saved = self.saved.saturating_add(passed).min(most);
        self.at = now;
    }
}

/// How much may be taken at once.
fn piece(limit: u64) -> usize {
    let burst = u128::from(limit) * BURST.as_nanos() / 1_000_000_000;
    usize::try_from(burst).unwrap_or(MAX_PIECE).clamp(MIN_PIECE, MAX_PIECE)
}

/// How long `bytes` take at the limit.
fn nanos_of(bytes: usize, limit: u64) -> i64 {
    i64::try_from(bytes as u128 * 1_000_000_000 / u128::from(limit)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    async fn pass(limiter: &RateLimiter, mut bytes: usize) {
        while bytes > 0 {
            bytes -= limiter.take(bytes.min(256 * 1024)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_is_kept_whatever_its_size() {
        for limit in [10_000_u64, 4_000_000, 300_000_000] {
            let limiter = RateLimiter::new(limit);
            let start = Instant::now();
            pass(&limiter, usize::try_from(limit * 10).unwrap()).await;
            let seconds = start.elapsed().as_secs_f64();
            assert!((9.8..=10.05).contains(&seconds), "{limit}: {seconds}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_get_the_same_share() {
        let limiter = Arc::new(RateLimiter::new(1_000_000));
        let share = |_| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                let (start, mut bytes) = (Instant::now(), 0);
                while start.elapsed() < Duration::from_secs(10) {
                    bytes += limiter.take(1_000_000).await;
                }
                bytes
            })
        };
        for task in (0..8).map(share).collect::<Vec<_>>() {
            let bytes = task.await.unwrap();
            assert!((1_200_000..=1_300_000).contains(&bytes), "{bytes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_limit_counts_at_once() {
        let limiter = Arc::new(RateLimiter::new(1));
        let waiting = {
            let limiter = limiter.clone();
            tokio::spawn(async move { pass(&limiter, 1_000_000).await })
        };
        tokio::time::sleep(Duration::from_secs(5)).await;
        let changed = Instant::now();
        limiter.set_limit(10_000_000);
        waiting.await.unwrap();
        assert!(changed.elapsed() < Duration::from_millis(150));
        limiter.set_limit(0);
        assert_eq!(limiter.take(5_000_000).await, 5_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_holds_nobody_up() {
        let limiter = Arc::new(RateLimiter::new(1_000));
        pass(&limiter, 3_000).await;
        let waiting = {
            let limiter = limiter.clone();
            tokio::spawn(async move { pass(&limiter, 1_000_000).await })
        };
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        let start = Instant::now();
        pass(&limiter, 1_500).await;
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
