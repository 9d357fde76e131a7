//! The world: a clock, a queue of what happens next, and the peers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lanspread_engine::{
    AfterDownload, Candidate, Command, CommandError, Effect, Engine, Event, GameView, Input, LocalState,
    RaceId, ReplyId,
};
use lanspread_protocol::GameId;

use crate::content::Release;
use crate::dice::Dice;
use crate::net::{Link, Packet, Transfer};
use crate::node::{Node, NodeId, Running, Setup, peer_id};

/// What happens at a moment.
#[derive(Debug)]
pub(crate) enum Happening {
    /// To one run of a peer; dropped when that run is over.
    Input(NodeId, u32, Box<Input>),
    /// As [`Self::Input`], of disk work: done when it is told.
    Disk(NodeId, u32, Box<Effect>),
    Tick(NodeId, u32),
    Packet(Packet),
    UplinkFree(NodeId, u32),
    /// A receiver takes more, or a stall is over.
    UplinkWake(NodeId, u32),
    /// A race of one run of a peer is to be looked at.
    RaceLook(NodeId, u32, RaceId),
    /// One more sight by discovery.
    Sighting(NodeId, NodeId),
}

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) dice: Dice,
    start: Instant,
    pub(crate) now: Duration,
    queue: BTreeMap<(Duration, u64), Happening>,
    sequence: u64,
    pub(crate) numbers: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) by_address: BTreeMap<SocketAddr, NodeId>,
    pub(crate) links: Vec<Link>,
    pub(crate) transfers: BTreeMap<u64, Transfer>,
    /// Pairs that cannot reach each other until then.
    pub(crate) partitions: BTreeMap<(NodeId, NodeId), Duration>,
    /// Peers see each other by multicast.
    pub(crate) has_multicast: bool,
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    pub(crate) loss_percent: u64,
    /// A digest of all that was told, to compare runs.
    pub(crate) digest: u64,
    pub(crate) checks: bool,
    /// How often a wait looks whether it is over.
    pub(crate) look_every: Duration,
    pub(crate) engine_time: Duration,
    /// The downloads that make progress; see [`crate::liveness`].
    pub(crate) watched: crate::liveness::Watched,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("seed", &self.seed).field("now", &self.now).finish_non_exhaustive()
    }
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "virtual time counts from some instant")]
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            dice: Dice::new(seed),
            start: Instant::now(),
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            sequence: 0,
            numbers: 0,
            nodes: Vec::new(),
            by_address: BTreeMap::new(),
            links: Vec::new(),
            transfers: BTreeMap::new(),
            partitions: BTreeMap::new(),
            has_multicast: true,
            delay: Duration::from_micros(300),
            jitter: Duration::from_micros(300),
            loss_percent: 0,
            digest: 0xcbf2_9ce4_8422_2325,
            checks: true,
            look_every: Duration::ZERO,
            engine_time: Duration::ZERO,
            watched: crate::liveness::Watched::default(),
        }
    }

    pub(crate) fn without_multicast(seed: u64) -> Self {
        Self { has_multicast: false, ..Self::new(seed) }
    }

    pub(crate) fn add(&mut self, setup: Setup) -> NodeId {
        let id = NodeId(self.nodes.len());
        let typed = setup.typed.iter().map(|node| self.nodes[node.0].addresses[0].0).collect();
        let node = Node::new(id.0, setup, typed);
        for (address, _) in &node.addresses {
            self.by_address.insert(*address, id);
        }
        self.nodes.push(node);
        self.start(id);
        id
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn instant(&self) -> Instant {
        self.start + self.now
    }

    pub(crate) fn at(&mut self, after: Duration, what: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now + after, self.sequence), what);
    }

    /// Some time that the shell takes for a small thing.
    pub(crate) fn moment(&mut self) -> Duration {
        self.dice.between(Duration::from_micros(20), Duration::from_millis(2))
    }

    pub(crate) fn soon(&mut self, node: NodeId, input: Input) {
        let after = self.moment();
        self.later(node, after, input);
    }

    pub(crate) fn later(&mut self, node: NodeId, after: Duration, input: Input) {
        let generation = self.nodes[node.0].generation;
        self.at(after, Happening::Input(node, generation, Box::new(input)));
    }

    // Peers' lives.

    /// Starts the peer's program.
    pub(crate) fn start(&mut self, id: NodeId) {
        let seed = self.dice.next();
        let now = self.instant();
        let node = &mut self.nodes[id.0];
        assert!(node.running.is_none(), "it runs already");
        node.generation += 1;
        let engine = Engine::new(node.config(id.0, seed), now);
        node.running = Some(Box::new(Running::new(engine)));
        self.feed(id, Input::Tick);
        if self.has_multicast {
            for other in 0..self.nodes.len() {
                self.sight(id, NodeId(other));
                self.sight(NodeId(other), id);
            }
        }
    }

    /// Discovery shows `seen` to `by` in a moment.
    pub(crate) fn sight(&mut self, by: NodeId, seen: NodeId) {
        if by != seen {
            let after = self.dice.between(Duration::from_millis(20), Duration::from_millis(400));
            self.at(after, Happening::Sighting(by, seen));
        }
    }

    /// The program ends in order: it says goodbye.
    pub(crate) fn quit(&mut self, id: NodeId) {
        self.stop(id, true, false);
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self, id: NodeId) {
        self.stop(id, false, false);
    }

    /// The power fails: what was not durable may be gone.
    pub(crate) fn crash(&mut self, id: NodeId) {
        self.stop(id, false, true);
    }

    fn stop(&mut self, id: NodeId, goodbye: bool, power_loss: bool) {
        if self.nodes[id.0].running.is_none() {
            return;
        }
        self.drop_links_of(id, goodbye);
        let node = &mut self.nodes[id.0];
        node.running = None;
        node.generation += 1;
        node.uplink = crate::node::Uplink::default();
        node.disk.stop(power_loss, &mut self.dice);
    }

    /// Another peer has this identity: a new one is made, as the shell does.
    pub(crate) fn renew(&mut self, id: NodeId) {
        self.stop(id, true, false);
        let node = &mut self.nodes[id.0];
        node.stats.renewals += 1;
        node.peer = peer_id(id.0 as u64, 1000 + u64::from(node.stats.renewals));
        self.start(id);
    }

    pub(crate) fn is_running(&self, id: NodeId) -> bool {
        self.nodes[id.0].running.is_some()
    }

    // Time.

    /// One happening; `false`: nothing is left.
    pub(crate) fn step(&mut self) -> bool {
        let Some(((at, _), what)) = self.queue.pop_first() else { return false };
        self.now = self.now.max(at);
        self.watch_downloads();
        match what {
            Happening::Input(node, generation, input) => {
                if self.nodes[node.0].generation == generation {
                    self.feed(node, *input);
                }
            }
            Happening::Disk(node, generation, effect) => {
                if self.nodes[node.0].generation == generation {
                    let result = self.disk_work(node, *effect);
                    for input in result {
                        self.feed(node, input);
                    }
                }
            }
            Happening::Tick(node, generation) => {
                let now = self.now;
                let peer = &mut self.nodes[node.0];
                if peer.generation == generation && peer.run().tick == Some(now) {
                    peer.run().tick = None;
                    self.feed(node, Input::Tick);
                }
            }
            Happening::Packet(packet) => self.packet(packet),
            Happening::UplinkFree(node, generation) => {
                if self.nodes[node.0].generation == generation {
                    self.nodes[node.0].uplink.is_busy = false;
                    self.pump(node);
                }
            }
            Happening::UplinkWake(node, generation) => {
                if self.nodes[node.0].generation == generation {
                    self.pump(node);
                }
            }
            Happening::RaceLook(node, generation, race) => {
                if self.nodes[node.0].generation == generation {
                    self.race_look(node, race);
                }
            }
            Happening::Sighting(by, seen) => {
                if self.is_running(by) && self.is_running(seen) {
                    let (peer, addresses) = (self.nodes[seen.0].peer, self.nodes[seen.0].addresses.clone());
                    let candidate = |(address, rank)| Candidate { rank, address };
                    let candidates = addresses.into_iter().map(candidate).collect();
                    self.feed(by, Input::Discovered { peer, candidates });
                }
            }
        }
        true
    }

    /// Gives an engine one input and carries out what follows.
    #[expect(clippy::disallowed_methods, reason = "the engine's own speed is measured")]
    pub(crate) fn feed(&mut self, id: NodeId, input: Input) {
        let now = self.instant();
        if !self.is_running(id) {
            return;
        }
        self.note_end(id, &input);
        let running = self.nodes[id.0].run();
        let before = Instant::now();
        running.engine.handle(input, now);
        self.engine_time += before.elapsed();
        self.nodes[id.0].stats.inputs += 1;
        self.after_step(id);
    }

    fn after_step(&mut self, id: NodeId) {
        let mut count = 0;
        let generation = self.nodes[id.0].generation;
        while let Some(effect) = self.nodes[id.0].running.as_mut().and_then(|run| run.engine.poll_effect()) {
            count += 1;
            self.note(id, &effect);
            self.check_effect(id, &effect);
            self.carry_out(id, effect);
            if self.nodes[id.0].generation != generation {
                return;
            }
        }
        self.check_step(id, count);
        self.plan_tick(id);
    }

    fn plan_tick(&mut self, id: NodeId) {
        let (start, now) = (self.start, self.now);
        let Some(running) = self.nodes[id.0].running.as_mut() else { return };
        let Some(due) = running.engine.poll_timeout() else { return };
        let due = due.saturating_duration_since(start);
        assert!(due > now, "seed {}: the timer of {id:?} spins: due at {due:?}, it is {now:?}", self.seed);
        if running.tick.is_none_or(|planned| due < planned || planned <= now) {
            running.tick = Some(due);
            let generation = self.nodes[id.0].generation;
            self.at(due - now, Happening::Tick(id, generation));
        }
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        while self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= until) {
            self.step();
        }
        self.now = until;
    }

    /// Runs until it holds; fails with the story so far if that takes too long.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, secs: u64, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = self.now + Duration::from_secs(secs);
        let mut looked_at = Duration::ZERO;
        loop {
            if looked_at + self.look_every <= self.now && looked_at != self.now {
                looked_at = self.now;
                if holds(self) {
                    return;
                }
            }
            assert!(
                self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= deadline),
                "seed {}: not within {secs} s: {what}\n{}",
                self.seed,
                self.story()
            );
            self.step();
        }
    }

    // What people do.

    pub(crate) fn command(&mut self, id: NodeId, command: Command) -> Result<(), CommandError> {
        let reply = ReplyId(self.number());
        self.feed(id, Input::Command { reply, command });
        let running = self.nodes[id.0].run();
        running.replies.remove(&reply).expect("a command is answered at once").map(|_| ())
    }

    pub(crate) fn download(&mut self, id: NodeId, release: &Release) {
        let result =
            self.command(id, Command::Download { game: release.game.clone(), then: AfterDownload::Nothing });
        if let Err(error) = result {
            panic!("seed {}: download refused: {error}\n{}", self.seed, self.story());
        }
    }

    // What can be seen.

    pub(crate) fn engine(&self, id: NodeId) -> Option<&Engine> {
        self.nodes[id.0].running.as_ref().map(|running| &running.engine)
    }

    pub(crate) fn sees(&self, id: NodeId, other: NodeId) -> bool {
        let peer = self.nodes[other.0].peer;
        self.engine(id).is_some_and(|engine| engine.connections().any(|(here, _)| here == peer))
    }

    pub(crate) fn game(&self, id: NodeId, game: &GameId) -> Option<GameView> {
        self.engine(id)?.view().games.into_iter().find(|view| view.id == *game)
    }

    pub(crate) fn has(&self, id: NodeId, release: &Release) -> bool {
        let folder = self.nodes[id.0].disk.games.get(&release.game);
        folder.is_some_and(|folder| folder.is_complete(release.manifest.id()))
    }

    /// The game is there, known to be good, and shared.
    pub(crate) fn shares(&self, id: NodeId, release: &Release) -> bool {
        let state = self.game(id, &release.game).and_then(|game| game.local.map(|local| local.state));
        self.has(id, release) && matches!(state, Some(LocalState::Downloaded | LocalState::Installed))
    }

    pub(crate) fn sources(&self, id: NodeId, release: &Release) -> usize {
        self.game(id, &release.game).map_or(0, |game| game.sources)
    }

    pub(crate) fn count(&self, id: NodeId, matches: impl Fn(&Event) -> bool) -> usize {
        self.nodes[id.0].events.iter().filter(|(_, event)| matches(event)).count()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// Everybody who runs is connected to everybody who runs.
    pub(crate) fn all_meet(&self) -> bool {
        let running: Vec<NodeId> = self.all().filter(|id| self.is_running(*id)).collect();
        running.iter().all(|a| running.iter().all(|b| a == b || self.sees(*a, *b)))
    }

    /// Open links between two peers.
    pub(crate) fn links_between(&self, a: NodeId, b: NodeId) -> usize {
        let joins = |link: &&Link| {
            let ends = [link.ends[0].node, link.ends[1].node];
            (ends == [a, b] || ends == [b, a]) && link.ends.iter().any(|end| end.is_open)
        };
        self.links.iter().filter(joins).count()
    }

    /// The last events of every peer, for a failing test.
    pub(crate) fn story(&self) -> String {
        let mut story = format!("at {:?}\n", self.now);
        for (number, node) in self.nodes.iter().enumerate() {
            let operations = node.running.as_ref().map(|run| {
                let view = run.engine.view();
                let games: Vec<_> = view
                    .games
                    .into_iter()
                    .map(|game| (game.id, game.local.map(|local| local.state), game.sources, game.operation))
                    .collect();
                (view.peers.len(), games)
            });
            writeln!(story, "-- {number} {} {operations:?} {:?}", node.peer.short(), node.stats).unwrap();
            let is_noise = |event: &Event| {
                matches!(event, Event::DownloadProgress { .. } | Event::OutboundTransferCountChanged { .. })
            };
            let mut events: Vec<_> = node.events.iter().filter(|(_, event)| !is_noise(event)).collect();
            events.drain(..events.len().saturating_sub(12));
            for (at, event) in events {
                let mut line = format!("{event:?}");
                line.truncate(line.floor_char_boundary(240));
                writeln!(story, "   {at:?} {line}").unwrap();
            }
        }
        story
    }

    pub(crate) fn note(&mut self, id: NodeId, effect: &Effect) {
        if let Effect::Emit(event) = effect {
            if self.checks {
                let line = format!("{:?} {id:?} {event:?}", self.now);
                for byte in line.bytes() {
                    self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
                }
            }
            if self.checks
                || !matches!(
                    event,
                    Event::DownloadProgress { .. }
                        | Event::PeerLibraryChanged { .. }
                        | Event::OutboundTransferCountChanged { .. }
                )
            {
                self.nodes[id.0].events.push((self.now, event.clone()));
            }
        }
    }
}
