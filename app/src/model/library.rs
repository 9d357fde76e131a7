//! The library: which games, in which order, with how many of each kind.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use lanspread_engine::{CatalogSource, OfferedCatalogView, View};
use lanspread_protocol::GameId;

use super::Source;
use super::card::{Card, CardState};

/// What the library shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LibraryModel {
    /// Those that pass filter and search, sorted.
    pub cards: Vec<Card>,
    pub counts: Counts,
    pub party: Option<String>,
    pub has_catalog: bool,
    /// The games folder is still being read.
    pub is_loading: bool,
    /// Others are here.
    pub peers: usize,
    /// A catalog of others, as long as no organiser's counts here.
    pub offered: Option<OfferedCatalogView>,
}

/// The library as it was made last: frames in which nothing is new make none.
#[derive(Debug, Default)]
pub struct LibraryCache {
    made_of: Option<MadeOf>,
    model: LibraryModel,
}

/// All that a library is made of.
#[derive(Clone, Debug)]
struct MadeOf {
    /// Held, so that no other view can lie at its place.
    view: Option<Arc<View>>,
    is_connected: bool,
    games_dir: Option<String>,
    played: BTreeMap<GameId, u64>,
    filter: Filter,
    sort: Sort,
    search: String,
}

impl LibraryCache {
    pub fn get(&mut self, source: Source<'_>, filter: Filter, sort: Sort, search: &str) -> &LibraryModel {
        if !self.made_of.as_ref().is_some_and(|made_of| made_of.is(source, filter, sort, search)) {
            self.model = LibraryModel::new(source, filter, sort, search);
            self.made_of = Some(MadeOf {
                view: source.snapshot.view.clone(),
                is_connected: source.is_connected(),
                games_dir: source.snapshot.ready.as_ref().map(|ready| ready.games_dir.clone()),
                played: source.told.played.clone(),
                filter,
                sort,
                search: search.to_owned(),
            });
        }
        &self.model
    }
}

impl MadeOf {
    fn is(&self, source: Source<'_>, filter: Filter, sort: Sort, search: &str) -> bool {
        let games_dir = source.snapshot.ready.as_ref().map(|ready| &ready.games_dir);
        source.is_of(self.view.as_ref())
            && (self.filter, self.sort, self.search.as_str()) == (filter, sort, search)
            && self.is_connected == source.is_connected()
            && self.games_dir.as_ref() == games_dir
            && self.played == source.told.played
    }
}

/// Games of each chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub all: usize,
    pub installed: usize,
    pub ready: usize,
    pub updates: usize,
    pub on_the_lan: usize,
}

/// A chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    #[default]
    All,
    Installed,
    Ready,
    Updates,
    OnTheLan,
}

impl Filter {
    pub const ALL: [Self; 5] = [Self::All, Self::Installed, Self::Ready, Self::Updates, Self::OnTheLan];

    fn takes(self, card: &Card) -> bool {
        match self {
            Self::All => true,
            Self::Installed => card.is_installed,
            Self::Ready => card.state == CardState::Install,
            Self::Updates => matches!(card.state, CardState::Update { .. }),
            Self::OnTheLan => card.sources > 0,
        }
    }
}

impl Counts {
    fn of(cards: &[Card]) -> Self {
        let count = |filter: Filter| cards.iter().filter(|card| filter.takes(card)).count();
        Self {
            all: cards.len(),
            installed: count(Filter::Installed),
            ready: count(Filter::Ready),
            updates: count(Filter::Updates),
            on_the_lan: count(Filter::OnTheLan),
        }
    }

    pub const fn get(&self, filter: Filter) -> usize {
        match filter {
            Filter::All => self.all,
            Filter::Installed => self.installed,
            Filter::Ready => self.ready,
            Filter::Updates => self.updates,
            Filter::OnTheLan => self.on_the_lan,
        }
    }
}

/// The order of the cards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Players right now, then sources.
    #[default]
    Popular,
    Name,
    Recent,
    Sources,
    Size,
}

impl Sort {
    pub const ALL: [Self; 5] = [Self::Popular, Self::Name, Self::Recent, Self::Sources, Self::Size];
}

impl LibraryModel {
    pub fn new(source: Source<'_>, filter: Filter, sort: Sort, search: &str) -> Self {
        let mut cards: Vec<Card> = source.games().iter().map(|game| Card::new(source, game)).collect();
        let counts = Counts::of(&cards);
        let words: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
        cards.retain(|card| filter.takes(card) && matches(card, &words));
        sort_cards(&mut cards, sort);
        let view = source.view();
        Self {
            cards,
            counts,
            party: source.party(),
            has_catalog: view.is_some_and(|view| view.catalog != CatalogSource::Nothing),
            is_loading: source.is_connected()
                && view.is_none_or(|view| !view.is_settled && view.games.is_empty()),
            peers: view.map_or(0, |view| view.peers.len()),
            offered: super::banner::offered(source),
        }
    }
}

/// Each word is somewhere in title, id or genre.
fn matches(card: &Card, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let genre = card.genre.as_deref().unwrap_or_default();
    let text = format!("{} {} {genre}", card.title, card.id).to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn sort_cards(cards: &mut [Card], sort: Sort) {
    cards.sort_by_cached_key(|card| card.title.to_lowercase());
    match sort {
        Sort::Name => {}
        Sort::Popular => cards.sort_by_key(|card| Reverse(card.popularity)),
        Sort::Recent => cards.sort_by_key(|card| Reverse(card.last_played)),
        Sort::Sources => cards.sort_by_key(|card| Reverse(card.sources)),
        Sort::Size => cards.sort_by_key(|card| Reverse(card.size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;
    use crate::sample::{self, GameSample, snapshot};
    use lanspread_peer::api::Snapshot;

    fn titles(filter: Filter, sort: Sort, search: &str) -> Vec<String> {
        let snapshot = snapshot(vec![
            GameSample::new("b", "Beta").installed().playing(2),
            GameSample::new("a", "alpha").sources(3),
            GameSample::new("c", "Gamma Ray").downloaded().sources(5),
            GameSample::new("d", "Delta").installed().outdated().sources(1),
        ]);
        let source = Source { snapshot: &snapshot, told: &Told::default() };
        let model = LibraryModel::new(source, filter, sort, search);
        let expected = Counts { all: 4, installed: 2, ready: 1, updates: 1, on_the_lan: 3 };
        assert_eq!(model.counts, expected, "chips count all games, whatever is shown");
        model.cards.into_iter().map(|card| card.title).collect()
    }

    #[test]
    fn chips_and_search_choose() {
        assert_eq!(titles(Filter::All, Sort::Name, ""), ["alpha", "Beta", "Delta", "Gamma Ray"]);
        assert_eq!(titles(Filter::Installed, Sort::Name, ""), ["Beta", "Delta"]);
        assert_eq!(titles(Filter::Ready, Sort::Name, ""), ["Gamma Ray"]);
        assert_eq!(titles(Filter::Updates, Sort::Name, ""), ["Delta"]);
        assert_eq!(titles(Filter::All, Sort::Name, " ray GAM "), ["Gamma Ray"]);
        assert!(titles(Filter::All, Sort::Name, "tee").is_empty());
    }

    #[test]
    fn what_is_played_comes_first() {
        assert_eq!(titles(Filter::All, Sort::Popular, ""), ["Beta", "Gamma Ray", "alpha", "Delta"]);
        assert_eq!(titles(Filter::All, Sort::Sources, ""), ["Gamma Ray", "alpha", "Delta", "Beta"]);
    }

    #[test]
    fn a_library_is_made_anew_only_for_news() {
        let (mut snapshot, mut told, mut cache) = (sample::party(), Told::default(), LibraryCache::default());
        let mut made = |snapshot: &Snapshot, told: &Told, search: &str| {
            let source = Source { snapshot, told };
            let made_of = cache.made_of.as_ref();
            let is_new = !made_of.is_some_and(|of| of.is(source, Filter::All, Sort::Name, search));
            let cards = cache.get(source, Filter::All, Sort::Name, search).cards.len();
            (is_new, cards)
        };
        assert_eq!(made(&snapshot, &told, ""), (true, 18));
        assert_eq!(made(&snapshot, &told, ""), (false, 18));
        assert_eq!(made(&snapshot, &told, "wes"), (true, 1));
        told.played.insert("wesnoth".parse().unwrap(), 7);
        assert_eq!(made(&snapshot, &told, "wes"), (true, 1));
        snapshot.view =
            snapshot.view.map(|view| Arc::new(View { games: Vec::new(), ..view.as_ref().clone() }));
        assert_eq!(made(&snapshot, &told, ""), (true, 0));
        snapshot.failure = Some(sample::failure());
        assert_eq!(made(&snapshot, &told, ""), (true, 0));
    }
}
