//! Services that keep running, or say that they do not; and a stop that leaves no task behind.
//!
//! A service runs until the runtime's token is cancelled. Whatever ends it earlier is a failure: an error, a panic, an
//! abort, and returning `Ok` too. What then happens is its [`Policy`]. Each run has a name, a tracing span and a token
//! that is a child of the runtime's.
//!
//! The first failure of a required service is reported once, and then cancels the runtime: whoever reads the report
//! learns of it before anything stops. Failures after the token was cancelled are the stop's own and reported nowhere.
//!
//! Single tasks ([`Supervisor::task`]) have no policy: whoever starts one awaits its end.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinError, JoinHandle};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{Instrument as _, Span, debug, error_span, warn};

use super::fault::Fault;

/// How long a failed service rests before it is started again.
pub const RESTART_PAUSE: Duration = Duration::from_secs(5);
/// How long [`Supervisor::stop`] is given: what a person accepts between closing a window and its end.
pub const STOP_DEADLINE: Duration = Duration::from_secs(2);
/// How long a task that was aborted gets to reach an await. One that blocks its thread is given up.
const ABORT_GRACE: Duration = Duration::from_millis(50);

/// Any error a service ends with.
pub type ServiceError = Box<dyn Error + Send + Sync>;

/// What follows when a service fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Without it there is no peer: the failure is reported and the runtime cancelled.
    Required,
    /// It is started again after this pause, until the runtime stops.
    Restart(Duration),
    /// It is logged; the peer goes on without.
    BestEffort,
}

/// Why the runtime cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeFailure {
    /// The service that failed.
    pub component: String,
    /// What happened, for people.
    pub error: String,
}

/// Starts services and tasks, and ends them all.
#[derive(Clone, Debug)]
pub struct Supervisor {
    token: CancellationToken,
    tracker: TaskTracker,
    running: Running,
    failure: Arc<Mutex<Option<oneshot::Sender<RuntimeFailure>>>>,
    fault: Option<Fault>,
}

impl Supervisor {
    /// A supervisor that cancels `token` when a required service fails, and where that failure is told. The receiver
    /// errs when the supervisor is gone without a failure.
    pub fn new(token: CancellationToken) -> (Self, oneshot::Receiver<RuntimeFailure>) {
        let (failure, told) = oneshot::channel();
        let supervisor = Self {
            token,
            tracker: TaskTracker::new(),
            running: Running::default(),
            failure: Arc::new(Mutex::new(Some(failure))),
            fault: None,
        };
        (supervisor, told)
    }

    /// For tests: lets one of its services fail.
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
    }

    /// The runtime's token: cancelled when everything is to stop.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Starts a service. `start` makes a new run of it, at first and after each failure that is restarted; the token
    /// says when to return.
    pub fn service<F, Run, E>(&self, name: &'static str, policy: Policy, start: F)
    where
        F: Fn(CancellationToken) -> Run + Send + Sync + 'static,
        Run: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<ServiceError> + 'static,
    {
        let this = self.clone();
        let start = Arc::new(start);
        let keeper = async move {
            while let Some(pause) = this.run_once(name, policy, &start).await {
                tokio::select! {
                    () = this.token.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        };
        // The keeper itself only awaits: it has no run of its own to name, and ends with the token.
        drop(self.tracker.spawn(keeper.instrument(error_span!("service", name))));
    }

    /// Starts a task with a name and a span. It is awaited by [`Supervisor::stop`], also when its handle was dropped.
    pub fn task<T: Send + 'static>(
        &self,
        name: &'static str,
        body: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.spawn_named(name, body.instrument(error_span!("task", name)))
    }

    /// Starts blocking work with a name and a span on the pool of threads. It cannot be aborted: let it look at a
    /// token between bounded steps.
    pub fn blocking<T: Send + 'static>(
        &self,
        name: &'static str,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let span = error_span!("blocking", name);
        let entry = self.running.enter(name);
        self.tracker.spawn_blocking(move || {
            let _entry = entry;
            span.in_scope(body)
        })
    }

    /// Reports that the runtime cannot go on, and cancels it. Only the first report counts.
    pub fn fail(&self, component: &str, error: impl Into<String>) {
        let failure = RuntimeFailure { component: component.to_owned(), error: error.into() };
        let told = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(told) = told
            && let Err(unheard) = told.send(failure)
        {
            warn!("nobody hears that {} failed: {}", unheard.component, unheard.error);
        }
        self.token.cancel();
    }

    /// Cancels the token and awaits all services and tasks, at most this long. Then the rest is aborted; the names of
    /// those that were late come back, most of them once.
    pub async fn stop(&self, deadline: Duration) -> Vec<&'static str> {
        self.token.cancel();
        self.tracker.close();
        if timeout(deadline, self.tracker.wait()).await.is_ok() {
            return Vec::new();
        }
        let late = self.running.abort_all();
        for name in &late {
            warn!("{name} did not stop within {deadline:?} and was given up");
        }
        if timeout(ABORT_GRACE, self.tracker.wait()).await.is_err() {
            debug!("{} tasks block their threads", self.tracker.len());
        }
        late
    }

    /// One run of a service, and what its policy says: the pause before the next run, or none.
    async fn run_once<F, Run, E>(
        &self,
        name: &'static str,
        policy: Policy,
        start: &Arc<F>,
    ) -> Option<Duration>
    where
        F: Fn(CancellationToken) -> Run + Send + Sync + 'static,
        Run: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<ServiceError> + 'static,
    {
        let token = self.token.child_token();
        let start = Arc::clone(start);
        let of_this_run = token.clone();
        // `start` is called inside the task, so that a panic in it is the service's, too.
        let fault = self.fault.clone();
        let run = async move {
            if fault.is_some_and(|fault| fault.strikes(name)) {
                return Ok(());
            }
            start(of_this_run).await.map_err(|error| describe(error.into().as_ref()))
        };
        let run = self.spawn_named(name, run.instrument(Span::current()));
        let end = AbortOnDropHandle::new(run).await;
        // What the run handed its token to ends with it.
        token.cancel();
        if self.token.is_cancelled() {
            return None;
        }
        let error = why(end);
        match policy {
            Policy::Required => {
                self.fail(name, error);
                None
            }
            Policy::Restart(pause) => {
                warn!("{name} failed and is started again in {pause:?}: {error}");
                Some(pause)
            }
            Policy::BestEffort => {
                warn!("{name} failed, the peer goes on without it: {error}");
                None
            }
        }
    }

    fn spawn_named<T: Send + 'static>(
        &self,
        name: &'static str,
        body: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let entry = self.running.enter(name);
        let number = entry.number;
        let handle = self.tracker.spawn(async move {
            let _entry = entry;
            body.await
        });
        self.running.set_abort_handle(number, handle.abort_handle());
        handle
    }
}

/// What runs now, by number: names for the log, handles to abort.
#[derive(Clone, Debug, Default)]
struct Running(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    last_number: u64,
    entries: BTreeMap<u64, (&'static str, Option<AbortHandle>)>,
}

/// Takes its line out of the table when a task ends, however it ends.
#[derive(Debug)]
struct Entry {
    running: Running,
    number: u64,
}

impl Running {
    fn enter(&self, name: &'static str) -> Entry {
        let number = self.with(|table| {
            table.last_number += 1;
            table.entries.insert(table.last_number, (name, None));
            table.last_number
        });
        Entry { running: self.clone(), number }
    }

    /// Does nothing when the task has ended already.
    fn set_abort_handle(&self, number: u64, handle: AbortHandle) {
        self.with(|table| {
            if let Some((_, abort)) = table.entries.get_mut(&number) {
                *abort = Some(handle);
            }
        });
    }

    fn abort_all(&self) -> Vec<&'static str> {
        // Aborted outside the lock: dropping a task takes it.
        let entries: Vec<_> = self.with(|table| table.entries.values().cloned().collect());
        let abort = |(name, handle): (&'static str, Option<AbortHandle>)| {
            if let Some(handle) = handle {
                handle.abort();
            }
            name
        };
        entries.into_iter().map(abort).collect()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Table) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.running.with(|table| table.entries.remove(&self.number));
    }
}

/// Why a run ended, for people.
fn why(end: Result<Result<(), String>, JoinError>) -> String {
    match end {
        Ok(Ok(())) => "it returned although nobody had stopped it".to_owned(),
        Ok(Err(error)) => error,
        Err(end) => describe_join_error(end),
    }
}

/// A task's panic or abort, for people: what a task's caller tells when its result never came.
pub fn describe_join_error(end: JoinError) -> String {
    match end.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            format!("it panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))
        }
        Err(_not_a_panic) => "it was aborted".to_owned(),
    }
}

/// An error with its causes.
fn describe(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    let mut text = String::new();
    for cause in causes.map(ToString::to_string) {
        // thiserror's messages often end with their cause already.
        if !text.ends_with(&cause) {
            let joint = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{joint}{cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{Instant, sleep};

    use super::*;

    type End = Result<(), ServiceError>;

    /// A supervisor whose service ends as `end` says, each time; counted.
    struct Scene {
        supervisor: Supervisor,
        told: oneshot::Receiver<RuntimeFailure>,
        starts: Arc<AtomicUsize>,
    }

    impl Scene {
        fn new(policy: Policy, end: fn() -> End) -> Self {
            let (supervisor, told) = Supervisor::new(CancellationToken::new());
            let starts = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&starts);
            supervisor.service("radio", policy, move |_token| {
                counted.fetch_add(1, Ordering::SeqCst);
                async move { end() }
            });
            Self { supervisor, told, starts }
        }

        fn starts(&self) -> usize {
            self.starts.load(Ordering::SeqCst)
        }
    }

    fn broken() -> End {
        Err("no antenna".into())
    }

    fn panics() -> End {
        panic!("sparks {}", "everywhere")
    }

    #[tokio::test(start_paused = true)]
    async fn a_required_service_that_ends_is_told_once_and_stops_the_runtime() {
        for (end, error) in [
            (broken as fn() -> End, "no antenna"),
            (panics, "it panicked: sparks everywhere"),
            (|| Ok(()), "it returned although nobody had stopped it"),
        ] {
            let mut scene = Scene::new(Policy::Required, end);
            let other = scene.supervisor.clone();
            scene.supervisor.service("other", Policy::Required, move |_| {
                let other = other.clone();
                async move {
                    other.token().cancelled().await;
                    broken()
                }
            });
            let failure = (&mut scene.told).await.unwrap();
            assert_eq!(failure, RuntimeFailure { component: "radio".into(), error: error.into() });
            scene.supervisor.token().cancelled().await;
            assert_eq!(scene.supervisor.stop(STOP_DEADLINE).await, Vec::<&str>::new());
            assert_eq!(scene.starts(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_before_the_first_await_is_a_failure_too() {
        let (supervisor, told) = Supervisor::new(CancellationToken::new());
        supervisor.service("radio", Policy::Required, |_| -> std::future::Ready<End> { panic!("at once") });
        assert_eq!(told.await.unwrap().error, "it panicked: at once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_service_is_restarted_until_the_shutdown() {
        for end in [broken as fn() -> End, panics, || Ok(())] {
            let scene = Scene::new(Policy::Restart(RESTART_PAUSE), end);
            sleep(Duration::from_secs(23)).await;
            assert_eq!(scene.starts(), 5, "at 0, 5, 10, 15 and 20 seconds");
            assert!(!scene.supervisor.token().is_cancelled());
            let before = Instant::now();
            assert_eq!(scene.supervisor.stop(STOP_DEADLINE).await, Vec::<&str>::new());
            assert_eq!(before.elapsed(), Duration::ZERO, "a pause does not hold the stop up");
            sleep(Duration::from_mins(1)).await;
            assert_eq!(scene.starts(), 5);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_best_effort_service_fails_alone() {
        for end in [broken as fn() -> End, panics, || Ok(())] {
            let mut scene = Scene::new(Policy::BestEffort, end);
            sleep(Duration::from_mins(1)).await;
            assert_eq!(scene.starts(), 1);
            assert!(!scene.supervisor.token().is_cancelled());
            assert!(scene.told.try_recv().is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_aborted_run_is_a_failure() {
        let (supervisor, told) = Supervisor::new(CancellationToken::new());
        supervisor.service("radio", Policy::Required, |_| std::future::pending::<End>());
        tokio::task::yield_now().await;
        assert_eq!(supervisor.running.abort_all(), ["radio"]);
        assert_eq!(told.await.unwrap().error, "it was aborted");
        assert_eq!(supervisor.stop(STOP_DEADLINE).await, Vec::<&str>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_run_s_token_ends_what_it_left_behind() {
        let (supervisor, _told) = Supervisor::new(CancellationToken::new());
        let (tokens, mut made) = tokio::sync::mpsc::channel(4);
        supervisor.service("radio", Policy::BestEffort, move |token| {
            let tokens = tokens.clone();
            async move {
                tokens.send(token).await.unwrap();
                broken()
            }
        });
        made.recv().await.unwrap().cancelled().await;
        assert!(!supervisor.token().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_ends_services_and_tasks_and_nothing_is_left() {
        let (supervisor, mut told) = Supervisor::new(CancellationToken::new());
        for policy in [Policy::Required, Policy::Restart(RESTART_PAUSE), Policy::BestEffort] {
            supervisor.service("obedient", policy, |token| async move {
                token.cancelled().await;
                // The end of a stopped service is its own business.
                broken()
            });
        }
        let token = supervisor.token().clone();
        drop(supervisor.task("transfer", async move { token.cancelled().await }));
        let answer = supervisor.blocking("hash", || 6 * 7).await.unwrap();
        assert_eq!(answer, 42);
        assert_eq!(supervisor.stop(STOP_DEADLINE).await, Vec::<&str>::new());
        assert!(supervisor.tracker.is_empty());
        assert!(supervisor.running.with(|table| table.entries.is_empty()));
        assert!(told.try_recv().is_err(), "a stop is no failure");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_is_bounded_and_names_what_was_late() {
        let (supervisor, _told) = Supervisor::new(CancellationToken::new());
        supervisor.service("deaf", Policy::Required, |_| std::future::pending::<End>());
        drop(supervisor.task("slow", sleep(Duration::from_mins(10))));
        let before = Instant::now();
        assert_eq!(supervisor.stop(STOP_DEADLINE).await, ["slow", "deaf"]);
        assert_eq!(before.elapsed(), STOP_DEADLINE);
        assert!(supervisor.tracker.is_empty(), "both could be aborted");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_s_panic_comes_back_to_its_caller() {
        let (supervisor, mut told) = Supervisor::new(CancellationToken::new());
        let end = supervisor.task("transfer", async { panic!("boom") }).await;
        assert_eq!(describe_join_error(end.map(|(): ()| ()).unwrap_err()), "it panicked: boom");
        assert!(supervisor.running.with(|table| table.entries.is_empty()));
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn causes_are_told_once() {
        let io = std::io::Error::other("disk gone");
        assert_eq!(describe(&io), "disk gone");
        let error: ServiceError = anyhow::Error::from(io).context("cannot listen").into();
        assert_eq!(describe(error.as_ref()), "cannot listen: disk gone");
    }
}
