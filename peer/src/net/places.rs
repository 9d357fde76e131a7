//! [`Places`]: the few pieces that are sent at a time, whoever they go to.
//!
//! Thirty receivers that all get their bytes at once all get them late, and nobody can pass a unit on meanwhile. So a
//! piece waits for one of a few places and is then sent at a good part of the uplink's rate. Places are given in the
//! order in which they were asked for. A piece that keeps its place much longer than pieces usually do goes to a slow
//! receiver: it loses the place to the next in the queue and is sent on without one.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lanspread_protocol::limits::SENDING_PLACES;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// A piece keeps its place for this many times as long as pieces usually take.
const PATIENCE: u32 = 4;
/// A piece keeps its place for this long in any case: the scheduler and a retransmission may hold up each one.
const MIN_PATIENCE: Duration = Duration::from_millis(50);
/// A finished piece moves the average by this part of its difference.
const WEIGHT: u64 = 8;

/// The places of a running peer.
#[derive(Debug)]
pub(crate) struct Places {
    /// tokio's semaphore is fair. A permit ends with what holds it, however that ends, so that no place is lost.
    free: Semaphore,
    /// The usual time of a piece, in nanoseconds.
    usual_nanos: AtomicU64,
}

impl Default for Places {
    fn default() -> Self {
        Self { free: Semaphore::new(SENDING_PLACES), usual_nanos: AtomicU64::new(0) }
    }
}

impl Places {
    /// Sends a piece in its turn. Dropping the future leaves the queue or the place.
    pub(crate) async fn send<T>(&self, piece: impl Future<Output = T>) -> T {
        // Never closed, so that there is always a permit some time.
        let place = self.free.acquire().await;
        let start = Instant::now();
        let patience = self.patience();
        let mut piece = pin!(piece);
        let in_time = timeout(patience, piece.as_mut()).await;
        drop(place);
        let sent = match in_time {
            Ok(sent) => sent,
            Err(_elapsed) => piece.await,
        };
        self.learn(start.elapsed().min(patience));
        sent
    }

    fn patience(&self) -> Duration {
        (self.usual() * PATIENCE).max(MIN_PATIENCE)
    }

    fn usual(&self) -> Duration {
        Duration::from_nanos(self.usual_nanos.load(Ordering::Relaxed))
    }

    /// Takes a piece into the average. A slow one counts as long as its patience: a few slow receivers must not make
    /// all places theirs, but when all receivers are slow, the average follows.
    fn learn(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let usual = self.usual_nanos.load(Ordering::Relaxed);
        // Two at once lose one of their pieces, which an average bears.
        self.usual_nanos.store(usual - usual / WEIGHT + took / WEIGHT, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tokio::task::JoinHandle;
    use tokio::time::sleep;

    const MILLI: Duration = Duration::from_millis(1);

    fn spawn(places: &Arc<Places>, takes: Duration) -> JoinHandle<()> {
        let places = places.clone();
        tokio::spawn(async move { places.send(sleep(takes)).await })
    }

    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_given_in_order_and_never_more_than_there_are() {
        let places = Arc::<Places>::default();
        let (started, running) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let tasks: Vec<_> = (0..40)
            .map(|nth| {
                let (places, started, running) = (places.clone(), started.clone(), running.clone());
                tokio::spawn(async move {
                    let piece = async {
                        started.lock().unwrap().push(nth);
                        *running.lock().unwrap() += 1;
                        assert!(*running.lock().unwrap() <= SENDING_PLACES);
                        sleep(MILLI * (1 + nth % 3)).await;
                        *running.lock().unwrap() -= 1;
                    };
                    places.send(piece).await;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*started.lock().unwrap(), (0..40).collect::<Vec<_>>());
        assert_eq!(places.free.available_permits(), SENDING_PLACES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_receiver_passes_its_place_on_and_goes_on_without() {
        let places = Arc::<Places>::default();
        let slow: Vec<_> = (0..SENDING_PLACES).map(|_| spawn(&places, MILLI * 10_000)).collect();
        settle().await;
        assert_eq!(places.free.available_permits(), 0);
        let start = Instant::now();
        spawn(&places, MILLI).await.unwrap();
        assert!(start.elapsed() <= MIN_PATIENCE + MILLI * 3, "{:?}", start.elapsed());
        assert_eq!(places.free.available_permits(), SENDING_PLACES);
        for task in slow {
            task.await.unwrap();
        }
        assert!(start.elapsed() >= MILLI * 9_999);
        assert_eq!(places.free.available_permits(), SENDING_PLACES);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_drifts_wherever_a_piece_is_cancelled() {
        let places = Arc::<Places>::default();
        let without_place: Vec<_> = (0..SENDING_PLACES).map(|_| spawn(&places, MILLI * 10_000)).collect();
        sleep(MIN_PATIENCE + MILLI * 2).await;
        let with_place: Vec<_> = (0..SENDING_PLACES).map(|_| spawn(&places, MILLI * 10_000)).collect();
        let waiting: Vec<_> = (0..SENDING_PLACES).map(|_| spawn(&places, MILLI * 10_000)).collect();
        settle().await;
        assert_eq!(places.free.available_permits(), 0);
        for task in waiting.iter().chain(&without_place) {
            task.abort();
        }
        settle().await;
        assert_eq!(places.free.available_permits(), 0);
        for task in &with_place {
            task.abort();
        }
        settle().await;
        assert_eq!(places.free.available_permits(), SENDING_PLACES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_gives_the_place_back() {
        let places = Arc::<Places>::default();
        let task = {
            let places = places.clone();
            tokio::spawn(async move { places.send(async { panic!("in a piece") }).await })
        };
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(places.free.available_permits(), SENDING_PLACES);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_follows_what_pieces_take() {
        let places = Arc::<Places>::default();
        for _ in 0..200 {
            places.send(sleep(MILLI * 100)).await;
        }
        assert!((90..=110).contains(&places.usual().as_millis()), "{:?}", places.usual());
        // A slow one moves it by three eighths at most.
        places.send(sleep(MILLI * 100_000)).await;
        assert!(places.usual() < MILLI * 152, "{:?}", places.usual());
    }
}
