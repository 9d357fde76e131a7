//! What a peer is started with: what was said at the start, what was chosen since, and what only the system knows.

use std::net::IpAddr;

use lanspread_peer::api::PeerConfig;
use lanspread_peer::discovery::adapters::Adapters;

use crate::settings::Settings;

/// Made in a frame; the system is asked when the peer starts.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) config: PeerConfig,
    /// The name of the only adapter that is used.
    adapter: Option<String>,
}

impl Setup {
    pub(super) fn of(mut config: PeerConfig, settings: &Settings) -> Self {
        settings.configure(&mut config);
        Self { config, adapter: settings.adapter.clone() }
    }

    /// Asks the system where the adapter listens, which takes a moment. Addresses that were said count more.
    pub(super) fn look_up(self) -> PeerConfig {
        let mut config = self.config;
        if let Some(name) = self.adapter.filter(|_| config.bind.is_empty()) {
            config.bind = addresses_of(&name);
        }
        config
    }
}

/// Where an adapter can be listened on; nowhere in particular, which means everywhere, while it is not there.
fn addresses_of(adapter: &str) -> Vec<IpAddr> {
    let adapters = Adapters::now().unwrap_or_default();
    // A link-local IPv6 address is none without its scope.
    let can_bind = |address: &IpAddr| match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    };
    let of_name = adapters.as_slice().iter().filter(|known| known.name == adapter);
    of_name.map(|known| known.address).filter(can_bind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_adapter_is_listened_on() {
        let adapters = Adapters::now().unwrap();
        let own = adapters.as_slice().iter().find(|adapter| adapter.address.is_ipv4()).unwrap();
        let settings = |name: &str| Settings { adapter: Some(name.to_owned()), ..Settings::default() };
        let bind = |config: PeerConfig, name: &str| Setup::of(config, &settings(name)).look_up().bind;
        assert!(bind(PeerConfig::new("g"), &own.name).contains(&own.address));
        assert_eq!(bind(PeerConfig::new("g"), "unplugged"), [] as [IpAddr; 0], "everywhere");
        let said: IpAddr = [127, 0, 0, 9].into();
        assert_eq!(bind(PeerConfig { bind: vec![said], ..PeerConfig::new("g") }, &own.name), [said]);
    }
}
