//! The window on a live peer: what is seen in it decides what happens next, as for a person.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, Question};
use lanspread_app::cover::Covers;
use lanspread_app::model::{Source, Told};
use lanspread_app::text::Language;
use lanspread_app::theme;
use lanspread_app::window::{self, WindowState};
use lanspread_engine::Command;
use lanspread_peer::api::{PeerCommand, PeerRuntimeHandle};

/// Longer than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the shell has, and does as it does.
struct Shown {
    peer: PeerRuntimeHandle,
    told: Told,
    state: WindowState,
    covers: Covers,
}

impl Shown {
    fn frame(&mut self, ui: &mut egui::Ui) {
        let snapshot = self.peer.snapshot();
        let source = Source { snapshot: &snapshot, told: &self.told };
        let actions = window::show(ui, source, &mut self.state, &mut self.covers, Instant::now());
        for action in actions {
            if let Action::Ask(Question::Update(game)) = &action {
                self.send(Command::MeasureUpdate { game: game.clone() });
            }
            match self.state.apply(action) {
                Some(Action::Command(command)) => self.send(command),
                Some(Action::Play(game)) => {
                    self.send(Command::Start { game, entry: "play".to_owned(), server: None });
                }
                Some(other) => panic!("{other:?} is no part of this story"),
                None => {}
            }
        }
    }

    fn send(&self, command: Command) {
        let said = format!("{command:?}");
        let reply = self.peer.send(PeerCommand::Engine(command)).unwrap().blocking_recv().unwrap();
        reply.unwrap_or_else(|error| panic!("{said}: {error:?}"));
    }
}

pub(crate) struct Window {
    harness: Harness<'static, Shown>,
    /// The snapshot is another one.
    woken: Receiver<()>,
}

impl Window {
    pub(crate) fn open(peer: PeerRuntimeHandle, woken: Receiver<()>) -> Self {
        let shown =
            Shown { peer, told: Told::default(), state: WindowState::default(), covers: Covers::immediate() };
        let harness = Harness::builder()
            .with_size(vec2(1280.0, 800.0))
            .with_max_steps(64)
            .with_context_setup(|ctx| {
                theme::set_up(ctx);
                Language::English.set(ctx);
            })
            .build_ui_state(|ui, shown: &mut Shown| shown.frame(ui), shown);
        Self { harness, woken }
    }

    pub(crate) fn peer(&self) -> &PeerRuntimeHandle {
        &self.harness.state().peer
    }

    /// Lets what moves come to rest.
    fn settle(&mut self) {
        // Whether it does is no question here: spinners never do.
        drop(self.harness.try_run());
    }

    /// Waits until something of this name is seen, whatever its role.
    pub(crate) fn until_seen(&mut self, name: &str) {
        self.until(name, |window| window.harness.query_all_by_label(name).next().is_some());
    }

    pub(crate) fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.settle();
            if holds(self) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let is_woken = self.woken.recv_timeout(left).is_ok();
            assert!(is_woken, "waited too long for “{what}”; seen: {:#?}", self.seen());
        }
    }

    /// The names of all that is on screen.
    fn seen(&self) -> Vec<String> {
        let all = self.harness.query_all(egui_kittest::kittest::By::new());
        all.filter_map(|node| egui_kittest::kittest::NodeT::accesskit_node(&node).label()).collect()
    }

    pub(crate) fn sees(&self, name: &str) -> bool {
        self.harness.query_all_by_label_contains(name).next().is_some()
    }

    /// Brings the keyboard to what has this name, once it is seen, and presses a key there.
    pub(crate) fn press_on(&mut self, name: &str, key: Key) {
        self.until_seen(name);
        self.harness.get_by_label(name).focus();
        self.settle();
        self.harness.key_press_modifiers(Modifiers::NONE, key);
        self.settle();
    }

    pub(crate) fn click(&mut self, role: Role, name: &str) {
        self.harness.get_by_role_and_label(role, name).click();
        self.settle();
    }

    /// Clicks the first one of this role whose name begins so.
    pub(crate) fn click_first(&mut self, role: Role, begin: &str) {
        let buttons = self.harness.query_all_by_role(role);
        let is_it = |label: Option<String>| label.is_some_and(|label| label.starts_with(begin));
        let mut buttons =
            buttons.filter(|node| is_it(egui_kittest::kittest::NodeT::accesskit_node(node).label()));
        let button = buttons.next().unwrap_or_else(|| panic!("no “{begin}”; seen: {:#?}", self.seen()));
        button.click();
        drop(buttons);
        self.settle();
    }
}
